"""AutoGen 0.2's ``OpenAIWrapper``, with its semantics; where those were pains, what it promised.

Each registration activates one entry. An entry's fields come before those of ``create()``. Answers are cached, by
default under seed 41; as data, and keyed by the class's code too. The answer is the user's own object. Any error is
followed by the next entry.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from modelport.adapters import construct
from modelport.client.autogen_call import OF_A_CALL, OF_THE_API, Call, given_rules, judged
from modelport.client.autogen_entries import AbsentEntry, AnyEntry, ModelEntry, RegisteredEntry, own_error
from modelport.client.autogen_responses import dressed, events_of, remembered
from modelport.client.autogen_usage import autogen_summary_text
from modelport.client.hearing import Hearer, OnChunk, tell
from modelport.client.logged import invocation
from modelport.client.templating import instantiate
from modelport.client.usage import CountsUsage, UsageTally
from modelport.config.config_list import listed_entries
from modelport.config.entry import entry_from
from modelport.config.opening import MissingProvider, open_entry
from modelport.errors import ModelNotFound, NotRegistered, UnknownModelClient
from modelport.storage.runtime_log import log_new_client, log_new_wrapper, logging_enabled
from modelport.sync import limit_threads, use_threads
from modelport.wrappers.fallback import all_failed

__all__ = ("OpenAIWrapper",)

logger: logging.Logger = logging.getLogger(__name__)


class OpenAIWrapper(CountsUsage):
    """Calls the entries of *config_list* in order; *base_config* has fields for all of them, or is the only entry."""

    extra_kwargs: ClassVar[frozenset[str]] = OF_A_CALL
    openai_kwargs: ClassVar[frozenset[str]] = OF_THE_API
    aopenai_kwargs: ClassVar[frozenset[str]] = OF_THE_API | {"api_version"}

    def __init__(self, *, config_list: Iterable[Mapping[str, Any]] | None = None, **base_config: Any) -> None:
        base = {name: value for name, value in base_config.items() if name not in OF_THE_API}
        given = [dict(config) for config in listed_entries(config_list or ())] or [base]
        shared = {name: value for name, value in base_config.items() if name in OF_THE_API}
        self._tally = UsageTally()
        self._rates = [config.pop("api_rate_limit", None) for config in given]
        self._configs = given
        self._asked = [{**base, **{k: v for k, v in config.items() if k not in OF_THE_API}} for config in given]
        self._rules = [given_rules(asked.pop("role_rules", None), index) for index, asked in enumerate(self._asked)]
        self._entries: list[AnyEntry | None] = []
        self._active_entries: list[AnyEntry] | None = None  # all of them, once no class is missing
        for index, config in enumerate(given):
            if config.get("model_client_cls") is not None:
                self._entries.append(None)
                continue
            rate = {} if self._rates[index] is None else {"api_rate_limit": self._rates[index]}
            whole = {**shared, **{k: v for k, v in config.items() if k not in OF_A_CALL - {"api_type"}}, **rate}
            entry = entry_from({**whole, "role_rules": ()}, index)  # they are kept before the cache is looked into
            try:
                self._entries.append(ModelEntry(entry, open_entry(entry), self._tally.record))
            except (MissingProvider, ModelNotFound) as error:  # AutoGen's programs hold entries that they never ask
                self._entries.append(AbsentEntry(error))
        self.wrapper_id: int = id(self)
        if logging_enabled():
            log_new_wrapper(self, {"config_list": given, "base_config": base})

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
                if logging_enabled():
                    log_new_client(client, self, config)
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

    def _active(self) -> list[AnyEntry]:
        if self._active_entries is None:
            missing = [
                str(config["model_client_cls"])
                for config, each in zip(self._configs, self._entries, strict=True)
                if each is None
            ]
            if missing:
                raise NotRegistered(
                    f"{len(missing)} of {len(self._entries)} entries are not activated: {', '.join(missing)}; call "
                    "register_model_client() once for each of them, or filter them out of the config list"
                )
            self._active_entries = [each for each in self._entries if each is not None]
        return self._active_entries

    def usage_text(self, mode: str | list[str] | tuple[str, ...] = ("actual", "total")) -> str:
        """What :meth:`print_usage_summary` prints: AutoGen's own lines."""
        return autogen_summary_text(self.actual_usage_summary, self.total_usage_summary, mode)

    # --- calling ---

    def create(self, *, on_chunk: OnChunk | None = None, **config: Any) -> Any:
        """The response of the first entry that answers and passes ``filter_func``: what its class returned.

        It has ``cost``, ``config_id``, ``pass_filter`` and ``message_retrieval_function``. A response that takes no
        attributes (a dict, text) is given as an object of the same content. Where role rules changed the messages,
        ``emulated`` says which, and ``sent`` has what the model got.

        *on_chunk* is called with each :class:`Chunk` while the answer comes; with one for the whole text where the
        answer comes at once: from a registered class, from the cache, through a ``filter_func``. What was said cannot
        be unsaid: once it was told of something, no other entry is tried. When it fails, the call does.

        Raises:
            RuntimeError: an entry's class is not registered.
            ValueError: neither or both of ``messages`` and ``prompt``.
            AllModelsFailed: no entry answered. The only entry's error is raised as it is.
        """
        steps = self._answer(config, on_chunk, waits=False)
        try:
            steps.send(None)  # nothing in it really waits, and users' code runs in it: no driver of ours is needed
        except StopIteration as done:
            return done.value
        raise AssertionError("a blocking call waited on an event loop")

    async def acreate(self, *, on_chunk: OnChunk | None = None, **config: Any) -> Any:
        """As :meth:`create`, awaited. Async classes and models run on this event loop, and so does ``filter_func``;
        what is blocking (``create`` of most classes, the cache) in a bounded number of threads.

        ``on_chunk`` and ``filter_func`` may be ``async``.
        """
        if on_chunk is not None:
            return await self._answer(config, on_chunk, waits=True)
        before = limit_threads()
        try:
            return await self._answer(config, None, waits=True)
        finally:
            use_threads(before)

    async def _answer(self, config: Mapping[str, Any], on_chunk: OnChunk | None, *, waits: bool) -> Any:
        """The response. Unless it *waits*, all is done in this thread, at once."""
        entries = self._active()
        log = invocation(self.wrapper_id)
        hearer = None if on_chunk is None else Hearer(on_chunk)
        errors: list[tuple[str, Exception]] = []
        last = len(entries) - 1
        for index, entry in enumerate(entries):
            rules = self._rules[index]
            call = Call({**config, **self._asked[index]}, entry.role_rules if rules is None else rules, hearer)
            from_cache = None
            try:
                if call.caches:
                    response, from_cache = await remembered(entry, call, waits=waits)
                else:
                    response = dressed(entry, await entry.aask(call) if waits else entry.ask(call))
            except Exception as error:
                own = own_error(error)
                if log is not None:
                    log.failed(entry.client, call.agent, call.params, own)
                if last == 0 or (hearer is not None and hearer.begun):
                    raise own from own.__cause__
                errors.append((f"config_list[{index}] ({type(entry.client).__name__})", own))
                logger.debug("entry %d failed, trying the next: %s", index, own)
                continue
            if log is not None:
                log.answered(entry.client, call.agent, call.params, response, cached=from_cache is not None)
            passes = call.filter_func is None or await judged(call, response, waits=waits)
            if passes or index == last:
                if from_cache is not None:
                    self._tally.record(*from_cache, cached=True)
                response.config_id = index
                response.pass_filter = passes
                if call.emulated:
                    response.emulated, response.sent = call.emulated, call.params["messages"]
                if hearer is not None and not hearer.begun:
                    await tell(hearer, events_of(response), waits=waits)
                return response
        raise all_failed(errors) from errors[-1][1]

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
