"""The client: calls the models of a config list, in order of preference, and counts what that takes."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self, overload

from modelport.client.given import given_entries
from modelport.client.responses import Answer, AsyncStream, Stream, answer_from, folded, texts_or_messages
from modelport.client.slots import Slot
from modelport.client.templating import filled
from modelport.client.usage import CountsUsage, UsageTally
from modelport.config.entry import entries
from modelport.errors import ConfigError, NotRegistered, UnknownModelClient
from modelport.model import AnswerStream, ImmediateAnswer, Model, ReadyEvents, suspends
from modelport.storage.cache import open_cache
from modelport.sync import iterate, run
from modelport.types import ChatRequest, ChatResponse, Message, ResponseBuilder, request_from_params
from modelport.types.complaints import shown
from modelport.wrappers.base import close
from modelport.wrappers.fallback import Fallback, FallbackAnswer
from modelport.wrappers.filtering import AnswerRejected, Filtering

__all__ = ("Client", "FilterFunction")

FilterFunction = Callable[..., object]
"""Called as ``filter_func(context=…, response=…)``; what it gives is taken for true or false."""


class Client(CountsUsage):
    """Calls the models of *config_list*, the first that answers; or *model* alone (a spec, a function, an object);
    or, where neither is given, what ``modelport.toml`` and ``MODELPORT_*`` name.

    *config_list* is a list of dicts, or JSON, a path or a variable's name, as :func:`read_config_list` takes. *fields*
    are fields of every entry that does not have them. *cache* is None, ``"memory"``, a file's path, or a
    :class:`modelport.storage.cache.Cache`; an entry's ``cache`` comes first. *fallback_on* is the class, or the
    classes, of errors after which the next entry is tried; *filter_func* is for calls that give none.

    One client may be used from any number of threads and event loops.

    Raises:
        ConfigError, LoadError, ModelNotFound, NotAModel: an entry is wrong; the message names it.
    """

    def __init__(
        self,
        config_list: Any = None,
        *,
        model: Any = None,
        cache: Any = None,
        fallback_on: type[Exception] | tuple[type[Exception], ...] = Exception,
        filter_func: FilterFunction | None = None,
        **fields: Any,
    ) -> None:
        self._tally = UsageTally()
        self._cache = open_cache(cache)
        self._fallback_on = _error_classes(fallback_on)
        self._filter = filter_func
        self._slots = [
            Slot(entry, self._cache, self._tally.record) for entry in entries(given_entries(config_list, model, fields))
        ]
        if not self._slots:
            raise ConfigError("the config list is empty: give at least one entry, or model=…", param="config_list")
        self._templates = any(slot.allow_format_str_template for slot in self._slots)
        self._filters = filter_func is not None or any(slot.filter_func is not None for slot in self._slots)
        self._chain: Fallback | None = None
        self._only: Model | None = None
        self._settle()

    # --- registering ---

    def register_model_client(self, model_client_cls: type, **kwargs: Any) -> None:
        """Make the models of all entries that name *model_client_cls*; *kwargs* reach its constructor, by reference.

        Registering a class again makes its models anew.

        Raises:
            UnknownModelClient: no entry names the class; also a ValueError.
        """
        name = getattr(model_client_cls, "__name__", type(model_client_cls).__name__)
        named = [slot for slot in self._slots if slot.entry.model_client_cls == name]
        if not named:
            known = sorted({slot.entry.model_client_cls for slot in self._slots if slot.entry.model_client_cls})
            what = f"the classes named there are: {', '.join(known)}" if known else "no entry names a class"
            raise UnknownModelClient(
                f'no entry of the config list has "model_client_cls": "{name}" ({what}): add one, or correct the name'
            )
        for slot in named:
            slot.register(model_client_cls, kwargs)
        self._settle()

    def _settle(self) -> None:
        models = [(slot.label, slot.model) for slot in self._slots if slot.model is not None]
        if len(models) == len(self._slots):
            self._chain = Fallback(models, on=self._fallback_on)
            self._only = models[0][1] if len(models) == 1 else None

    def _ready(self) -> Fallback:
        if self._chain is None:
            missing = list(dict.fromkeys(slot.waiting_for for slot in self._slots if slot.waiting_for))
            there = [slot.label for slot in self._slots if not slot.waiting_for]
            raise NotRegistered(
                f"not registered yet: {', '.join(map(str, missing))} (ready: {', '.join(there) or 'none'}); call "
                f"register_model_client({missing[0]}), or filter the entry out of the config list"
            )
        return self._chain

    # --- calling ---

    @overload
    def create(self, *, stream: Literal[True], **params: Any) -> Stream: ...

    @overload
    def create(self, *, stream: Literal[False] | None = None, **params: Any) -> Answer: ...

    def create(self, **params: Any) -> Answer | Stream:
        """An :class:`Answer`; with ``stream=True`` a :class:`Stream` of chunks, each with the ``text`` said next.

        *params* are those of OpenAI's chat completions (``messages``, ``temperature``, ``tools``, …) and
        ``filter_func``, ``context``, ``allow_format_str_template``, ``cache`` for this call. What is not set is taken
        from the entry that is asked.

        Raises:
            InvalidRequest: a field is wrong; ``param`` names it. (A field that no model keeps: UnsupportedField.)
            NotRegistered: a class that the config list names has not been registered; also a RuntimeError.
            AllModelsFailed: no entry answered; ``errors`` has each one's. The only entry's error is raised as it is.
        """
        if "stream" in params and params.pop("stream"):
            chain, request = self._prepare(params)
            answer = chain.stream(request)
            return Stream(iterate(answer, suspends=chain.suspends), self._place_of(chain, answer))
        chain, request = self._prepare(params)
        if chain is self._chain and self._only is not None:
            only = self._only.stream(request)
            if isinstance(only, ImmediateAnswer):  # nothing to wait for, to try next or to leave: the quick way
                return folded(only.now(), chain.name, self._slots[0].label, 0)
            return run(self._answer(chain, only), suspends=chain.suspends)
        return run(self._answer(chain, chain.stream(request)), suspends=chain.suspends)

    @overload
    async def acreate(self, *, stream: Literal[True], **params: Any) -> AsyncStream: ...

    @overload
    async def acreate(self, *, stream: Literal[False] | None = None, **params: Any) -> Answer: ...

    async def acreate(self, **params: Any) -> Answer | AsyncStream:
        """As :meth:`create`, awaited; with ``stream=True`` an :class:`AsyncStream`, its first chunk on the way."""
        streams = params.pop("stream", False)
        chain, request = self._prepare(params)
        if not streams:
            return await self._answer(chain, chain.stream(request))
        answer = chain.stream(request)
        events = await answer.__aenter__()
        return AsyncStream(answer, events, self._place_of(chain, answer))

    async def _answer(self, chain: Fallback, answer: AnswerStream) -> Answer:
        chosen = 0
        try:
            async with answer as events:
                chosen = answer.chosen if isinstance(answer, FallbackAnswer) else 0
                builder = ResponseBuilder(chain.models[chosen][1].name)
                if type(events) is ReadyEvents:
                    builder.add_all(events.rest())
                else:
                    async for event in events:
                        builder.add(event)
        except Exception as error:
            return self._rejected(error)
        return answer_from(builder.response(), self._slots[chosen].label, chosen)

    def _rejected(self, error: Exception) -> Answer:
        """The last entry's answer, where all that was wrong with it is that it did not please."""
        last = error.__cause__ if isinstance(error.__cause__, AnswerRejected) else error
        if not isinstance(last, AnswerRejected) or last.response is None:
            raise error
        return answer_from(last.response, self._slots[-1].label, len(self._slots) - 1, pass_filter=False)

    def _prepare(self, params: dict[str, Any]) -> tuple[Fallback, ChatRequest]:
        chain = self._chain or self._ready()
        if not self._filters and _OURS.isdisjoint(params):
            return chain, request_from_params(params)
        context = params.pop("context", None)
        allow = params.pop("allow_format_str_template", self._templates)
        filter_func = params.pop("filter_func", None)
        cache = params.pop("cache", None)
        params.pop("agent", None)
        if context and "messages" in params:
            params["messages"] = filled(params["messages"], context, allow)
        if cache is not None or filter_func is not None or self._filters:
            chain = self._chain_for(cache, filter_func, context or {})
        return chain, request_from_params(params)

    def _chain_for(self, cache: Any, filter_func: FilterFunction | None, context: Mapping[str, Any]) -> Fallback:
        """The models with what one call asks for around them."""
        opened = open_cache(cache)
        models: list[tuple[str, Model]] = []
        for slot in self._slots:
            assert slot.model is not None
            model = slot.model if opened is None else slot.cached_in(opened)
            wanted = filter_func or slot.filter_func or self._filter
            models.append((slot.label, model if wanted is None else Filtering(model, _passes(wanted, context))))
        return Fallback(models, on=self._fallback_on)

    def _place_of(self, chain: Fallback, answer: Any) -> Callable[[], tuple[str, str, int]]:
        return lambda: (
            chain.models[answer.chosen][1].name,
            self._slots[answer.chosen].label,
            answer.chosen,
        )

    def extract_text_or_completion_object(self, response: ChatResponse) -> list[str | Message]:
        """For each choice its text, or its message where it calls tools."""
        return texts_or_messages(response)

    # --- leaving ---

    async def aclose(self) -> None:
        """Free what the models hold between answers."""
        for slot in self._slots:
            if slot.bare is not None:
                await close(slot.bare)

    def close(self) -> None:
        """Free what the models hold between answers."""
        run(self.aclose(), suspends=any(suspends(slot.bare) for slot in self._slots if slot.bare is not None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


_OURS = frozenset({"context", "allow_format_str_template", "filter_func", "cache", "agent"})


def _error_classes(given: Any) -> type[Exception] | tuple[type[Exception], ...]:
    classes = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(each, type) and issubclass(each, BaseException) for each in classes):
        raise ConfigError(f"fallback_on must be a class of errors, or several, got {shown(given)}", param="fallback_on")
    return given  # type: ignore[no-any-return]


def _passes(filter_func: FilterFunction, context: Mapping[str, Any]) -> Callable[[ChatResponse], object]:
    if not callable(filter_func):
        raise ConfigError(
            f"filter_func must be callable as filter_func(context=…, response=…), got {shown(filter_func)}",
            param="filter_func",
        )
    return lambda response: filter_func(context=context, response=response)
