"""AutoGen 0.2's ``OpenAIWrapper``, with its semantics; where those were pains, what it promised.

Each registration activates one entry. An entry's fields come before those of ``create()``. Answers are cached, by
default under seed 41; as data, and keyed by the class's code too. The answer is the user's own object. Any error is
followed by the next entry.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder

from modelport.adapters import construct
from modelport.client.autogen_entries import Given, ModelEntry, RegisteredEntry, own_error
from modelport.client.seed_cache import Cache, seed_cache
from modelport.client.snapshots import restore, snapshot
from modelport.client.templating import filled, instantiate
from modelport.client.usage import CountsUsage, UsageTally
from modelport.config.config_list import listed_entries
from modelport.config.entry import entry_from
from modelport.config.opening import open_entry
from modelport.errors import NotRegistered, UnknownModelClient
from modelport.storage.cache import Cache as Store, open_cache
from modelport.storage.keys import Uncacheable, content_key
from modelport.types import Usage
from modelport.wrappers.fallback import all_failed
from modelport.wrappers.metering import Price

__all__ = ("OpenAIWrapper",)

logger: logging.Logger = logging.getLogger(__name__)

_SEED = 41
_NOT_IN_KEYS = frozenset({"api_key", "base_url", "api_type", "api_version"})
# The constructor's arguments of OpenAI's two clients, which AutoGen takes out of an entry before it is asked.
_OF_THE_API = frozenset(
    {
        *("api_key", "organization", "project", "base_url", "timeout", "max_retries", "default_headers"),
        *("default_query", "http_client", "websocket_base_url", "webhook_secret", "azure_endpoint"),
        *("azure_deployment", "azure_ad_token", "azure_ad_token_provider"),
    }
)
_OF_A_CALL = frozenset(
    {
        *("agent", "cache", "cache_seed", "filter_func", "allow_format_str_template", "context"),
        *("api_version", "api_type", "tags", "price"),
    }
)
_encode = Encoder().encode
_decode = Decoder(tuple[Any, Any, Usage]).decode


class OpenAIWrapper(CountsUsage):
    """Calls the entries of *config_list* in order; *base_config* has fields for all of them, or is the only entry."""

    extra_kwargs: ClassVar[frozenset[str]] = _OF_A_CALL
    openai_kwargs: ClassVar[frozenset[str]] = _OF_THE_API

    def __init__(self, *, config_list: Iterable[Mapping[str, Any]] | None = None, **base_config: Any) -> None:
        base = {name: value for name, value in base_config.items() if name not in _OF_THE_API}
        given = [dict(config) for config in listed_entries(config_list or ())] or [base]
        shared = {name: value for name, value in base_config.items() if name in _OF_THE_API}
        self._tally = UsageTally()
        self._rates = [config.pop("api_rate_limit", None) for config in given]
        self._configs = given
        self._asked = [{**base, **{k: v for k, v in config.items() if k not in _OF_THE_API}} for config in given]
        self._entries: list[RegisteredEntry | ModelEntry | None] = []
        for index, config in enumerate(given):
            if config.get("model_client_cls") is not None:
                self._entries.append(None)
                continue
            rate = {} if self._rates[index] is None else {"api_rate_limit": self._rates[index]}
            whole = {**shared, **{k: v for k, v in config.items() if k not in _OF_A_CALL - {"api_type"}}, **rate}
            entry = entry_from(whole, index)
            self._entries.append(ModelEntry(entry, open_entry(entry), self._tally.record))
        self.wrapper_id: int = id(self)

    # --- registering ---

    def register_model_client(self, model_client_cls: type, **kwargs: Any) -> None:
        """Activate the first entry that names *model_client_cls* and is not active; *kwargs* reach its constructor.

        Raises:
            ValueError: no entry names the class. (Once more than there are entries: a warning.)
        """
        name = model_client_cls.__name__
        for index, config in enumerate(self._configs):
            if self._entries[index] is None and config.get("model_client_cls") == name:
                client = construct(model_client_cls, config, kwargs)
                self._entries[index] = RegisteredEntry(client, config, self._rates[index], self._tally.record)
                return
        if any(
            isinstance(each, RegisteredEntry) and isinstance(each.client, model_client_cls) for each in self._entries
        ):
            logger.warning("%s is registered with every entry that names it: add an entry to use it once more", name)
            return
        named = sorted({str(each["model_client_cls"]) for each in self._configs if each.get("model_client_cls")})
        raise UnknownModelClient(
            f'no entry of the config list has "model_client_cls": "{name}" '
            f"(named there: {', '.join(named) or 'none'}): add one, or correct the name"
        )

    def _active(self) -> list[RegisteredEntry | ModelEntry]:
        active = [each for each in self._entries if each is not None]
        if len(active) < len(self._entries):
            missing = [
                str(config["model_client_cls"])
                for config, each in zip(self._configs, self._entries, strict=True)
                if each is None
            ]
            raise NotRegistered(
                f"{len(missing)} of {len(self._entries)} entries are not activated: {', '.join(missing)}; call "
                "register_model_client() once for each of them, or filter them out of the config list"
            )
        return active

    # --- calling ---

    def create(self, **config: Any) -> Any:
        """The response of the first entry that answers and passes ``filter_func``: what its class returned.

        It has ``cost``, ``config_id``, ``pass_filter`` and ``message_retrieval_function``. A response that takes no
        attributes (a dict, text) is given as an object of the same content.

        Raises:
            RuntimeError: an entry's class is not registered.
            ValueError: neither or both of ``messages`` and ``prompt``.
            AllModelsFailed: no entry answered. The only entry's error is raised as it is.
        """
        entries = self._active()
        errors: list[tuple[str, Exception]] = []
        last = len(entries) - 1
        for index, entry in enumerate(entries):
            call = _Call({**config, **self._asked[index]})
            try:
                response, from_cache = self._response(entry, call)
            except Exception as error:
                own = own_error(error)
                if last == 0:
                    raise own from own.__cause__
                errors.append((f"config_list[{index}] ({type(entry.client).__name__})", own))
                logger.debug("entry %d failed, trying the next: %s", index, own)
                continue
            passes = call.filter_func is None or bool(call.filter_func(context=call.context, response=response))
            if passes or index == last:
                if from_cache is not None:
                    self._tally.record(*from_cache, cached=True)
                response.config_id = index
                response.pass_filter = passes
                return response
        raise all_failed(errors) from errors[-1][1]

    def _response(self, entry: RegisteredEntry | ModelEntry, call: "_Call") -> tuple[Any, tuple[str, Usage] | None]:
        """The entry's response and, where it is from the cache, whose it was and what it took then."""
        store = call.store()
        key = None if store is None else _key(entry, call.params)
        if store is None or key is None:
            return _dressed(entry, entry.ask(call.params, call.price)), None
        found = _found(store, key)
        if found is not None:
            data, texts, usage = found
            response = _with_attributes(restore(data), usage.cost, lambda _: restore(texts))
            return response, (_model_of(data, entry), usage)
        given = entry.ask(call.params, call.price)
        response = _dressed(entry, given)
        texts = response.message_retrieval_function(response)
        _store(store, key, (_data(entry, given.response), snapshot(texts), given.usage))
        return response, None

    @classmethod
    def instantiate(
        cls,
        template: str | Callable[[Mapping[str, Any]], str] | None,
        context: Mapping[str, Any] | None = None,
        allow_format_str_template: bool | None = False,
    ) -> Any:
        """*template* filled from *context*, where there is one."""
        return instantiate(template, context, allow_format_str_template)

    @classmethod
    def extract_text_or_completion_object(cls, response: Any) -> Any:
        """A list of the texts in *response*, or of its messages."""
        return response.message_retrieval_function(response)


class _Call:
    """What one entry is asked, and how: the entry's fields before those of the call."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.params = {name: value for name, value in config.items() if name not in _OF_A_CALL}
        self.context: Any = config.get("context")
        self.filter_func: Any = config.get("filter_func")
        self._cache: Any = config.get("cache")
        self._seed: Any = config.get("cache_seed", _SEED)
        self.price = _price(config.get("price"))
        self._fill(bool(config.get("allow_format_str_template")))

    def _fill(self, allow: bool) -> None:
        messages, prompt = self.params.get("messages"), self.params.get("prompt")
        if (messages is None) == (prompt is None):
            raise ValueError("give either messages or prompt, and not both")
        if self.context is None:
            return
        if prompt is not None:
            self.params["prompt"] = instantiate(prompt, self.context, allow)
        elif self.context:
            self.params["messages"] = filled(messages, self.context, allow)

    def store(self) -> Store | None:
        """Where the answer is cached, if it is."""
        if self._cache is not None:
            return self._cache.store if isinstance(self._cache, Cache) else open_cache(self._cache)
        return None if self._seed is None else seed_cache(self._seed)


def _price(value: Any) -> Price | None:
    if value is None:
        return None
    if isinstance(value, int | float):
        logger.warning("price is one number, taken for prompt and completion tokens alike: give [prompt, completion]")
        return float(value), float(value)
    prompt, completion = value
    return float(prompt), float(completion)


def _key(entry: RegisteredEntry | ModelEntry, params: Mapping[str, Any]) -> bytes | None:
    asked = {name: value for name, value in params.items() if name not in _NOT_IN_KEYS}
    try:
        return content_key((entry.identity, asked))
    except (Uncacheable, OSError) as error:
        logger.debug("an answer is not cached: %s", error)
        return None


def _found(store: Store, key: bytes) -> tuple[Any, Any, Usage] | None:
    try:
        stored = store.get(key)
        return None if stored is None else _decode(stored)
    except MsgspecError as error:
        logger.warning("a cached answer cannot be read, and is made anew: %s", error)
    except Exception as error:
        logger.warning("the cache failed, the model is asked: %s", error)
    return None


def _store(store: Store, key: bytes, answer: tuple[Any, Any, Usage]) -> None:
    try:
        store.set(key, _encode(answer))
    except Exception as error:
        logger.warning("an answer could not be cached: %s", error)


def _dressed(entry: RegisteredEntry | ModelEntry, given: Given) -> Any:
    """The user's own object where it takes attributes, else one of the same content."""
    if _takes_attributes(given.response):
        return _with_attributes(given.response, given.usage.cost, entry.retrieve)

    def retrieve(shown: Any) -> Any:
        try:  # what returns a dict is likely to read one
            return entry.retrieve(given.response)
        except (AttributeError, TypeError, KeyError):
            return entry.retrieve(shown)

    return _with_attributes(restore(_data(entry, given.response)), given.usage.cost, retrieve)


def _data(entry: RegisteredEntry | ModelEntry, response: Any) -> Any:
    """What is kept of *response*; a dict and text come back as objects of AutoGen's form."""
    if isinstance(response, str):
        choice = {"index": 0, "message": {"role": "assistant", "content": response, "function_call": None}}
        response = {"model": entry.model.name, "choices": [choice]}
    return snapshot(response, open_dicts=isinstance(response, dict))


def _takes_attributes(response: Any) -> bool:
    if isinstance(response, str | dict):
        return False
    try:
        response.config_id = 0
    except (AttributeError, TypeError, ValueError):  # slots, frozen values, models that forbid what they do not know
        return False
    return True


def _with_attributes(response: Any, cost: float | None, retrieval: Callable[[Any], Any]) -> Any:
    response.cost = cost
    response.message_retrieval_function = retrieval
    return response


def _model_of(data: Any, entry: RegisteredEntry | ModelEntry) -> str:
    """The model's name as the response has it, under which it was counted the first time."""
    model = data[1].get("model") if isinstance(data, list | tuple) and isinstance(data[1], dict) else None
    return model if isinstance(model, str) else entry.model.name
