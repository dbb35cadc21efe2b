"""The client: calls the models of a config list, in order of preference, and counts what that takes."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, overload

from modelport.client.embedding import embedding_asked, embedding_chain, lists_from
from modelport.client.given import given_entries
from modelport.client.hearing import Hearer, OnChunk, ahear, hear
from modelport.client.logged import alogged, logged
from modelport.client.responses import Answer, AsyncStream, Chunk, Stream, answer_from, folded, texts_or_messages
from modelport.client.slots import Slot
from modelport.client.templating import filled
from modelport.client.usage import CountsUsage, UsageTally
from modelport.config.entry import entries
from modelport.errors import ConfigError, InvalidRequest, NotRegistered, UnknownModelClient
from modelport.model import AnswerStream, ImmediateAnswer, Model, ReadyEvents, generate, suspends
from modelport.secret import Secret
from modelport.storage.cache import Cache, open_cache
from modelport.storage.runtime_log import logging_enabled
from modelport.sync import iterate, limit_threads, run, use_threads
from modelport.types import ChatRequest, ChatResponse, Message, ResponseBuilder, request_from_params, unfold
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
        self._named_caches: dict[str, Cache] = {}
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
    def create(
        self, *, stream: Literal[False] | None = None, on_chunk: OnChunk | None = None, **params: Any
    ) -> Answer: ...

    def create(self, **params: Any) -> Answer | Stream:
        """An :class:`Answer`; with ``stream=True`` a :class:`Stream` of chunks, each with the ``text`` said next.

        *params* are those of OpenAI's chat completions (``messages``, ``temperature``, ``tools``, …) and
        ``filter_func``, ``context``, ``allow_format_str_template``, ``cache``, ``timeout`` (seconds that each entry's
        answer may take) for this call. What is not set is taken from the entry that is asked.

        ``on_chunk`` is called with each chunk as it comes, in this thread, and the whole answer is given all the same.
        When it fails, the call fails with its error, and the model is left.

        Raises:
            InvalidRequest: a field is wrong; ``param`` names it. (A field that no model keeps: UnsupportedField.)
            NotRegistered: a class that the config list names has not been registered; also a RuntimeError.
            AllModelsFailed: no entry answered; ``errors`` has each one's. The only entry's error is raised as it is.
        """
        return logged(self, params, self._create) if logging_enabled() else self._create(params)

    def _create(self, params: dict[str, Any]) -> Answer | Stream:
        if not _STREAMS.isdisjoint(params):
            streams, hearer = _streaming(params)
            if streams or hearer is not None:
                chain, request = self._prepare(params)
                answer = chain.stream(request)
                stream = Stream(iterate(answer, suspends=chain.suspends), self._place_of(chain, answer))
                return stream if hearer is None else self._heard(stream, hearer)
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
    async def acreate(
        self, *, stream: Literal[False] | None = None, on_chunk: OnChunk | None = None, **params: Any
    ) -> Answer: ...

    async def acreate(self, **params: Any) -> Answer | AsyncStream:
        """As :meth:`create`, awaited; with ``stream=True`` an :class:`AsyncStream`, its first chunk on the way.

        ``on_chunk`` may be ``async``. Blocking models share a bounded number of threads, but for streams.
        """
        return await (alogged(self, params, self._acreate) if logging_enabled() else self._acreate(params))

    async def _acreate(self, params: dict[str, Any]) -> Answer | AsyncStream:
        streams, hearer = _streaming(params)
        chain, request = self._prepare(params)
        answer = chain.stream(request)
        if hearer is not None:
            return await self._aheard(chain, answer, hearer)
        if streams:
            return AsyncStream(answer, await answer.__aenter__(), self._place_of(chain, answer))
        before = limit_threads()
        try:
            return await self._answer(chain, answer)
        finally:
            use_threads(before)

    def _heard(self, stream: Stream, hearer: Hearer) -> Answer:
        try:
            return hear(stream, hearer)
        except Exception as error:
            if hearer.begun:
                raise
            answer = self._rejected(error)
        for event in unfold(answer):
            hearer.tell(Chunk(event))
        return answer

    async def _aheard(self, chain: Fallback, answer: FallbackAnswer, hearer: Hearer) -> Answer:
        try:
            events = await answer.__aenter__()
            return await ahear(AsyncStream(answer, events, self._place_of(chain, answer)), hearer)
        except Exception as error:
            if hearer.begun:
                raise
            rejected = self._rejected(error)
        for event in unfold(rejected):
            await hearer.told(Chunk(event))
        return rejected

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
        cache = self._opened(params.pop("cache", None))
        timeout = _seconds(params.pop("timeout", None))
        params.pop("agent", None)
        if context and "messages" in params:
            params["messages"] = filled(params["messages"], context, allow)
        if cache is not None or timeout is not None or filter_func is not None or self._filters:
            chain = self._chain_for(cache, timeout, filter_func, context or {})
        return chain, request_from_params(params)

    def _opened(self, cache: Any) -> Cache | None:
        """The cache of one call; opened once for all calls where it is named."""
        if not isinstance(cache, str | os.PathLike):
            return open_cache(cache)
        name = os.fspath(cache)
        if name not in self._named_caches:
            opened = open_cache(cache)
            assert opened is not None
            self._named_caches[name] = opened
        return self._named_caches[name]

    def _chain_for(
        self,
        cache: Cache | None,
        timeout: float | None,
        filter_func: FilterFunction | None,
        context: Mapping[str, Any],
    ) -> Fallback:
        """The models with what one call asks for around them."""
        models: list[tuple[str, Model]] = []
        for slot in self._slots:
            model = slot.model_for(cache, timeout)
            wanted = filter_func or slot.filter_func or self._filter
            models.append((slot.label, model if wanted is None else Filtering(model, _passes(wanted, context))))
        return Fallback(models, on=self._fallback_on)

    def _place_of(self, chain: Fallback, answer: Any) -> Callable[[], tuple[str, str, int]]:
        return lambda: (
            chain.models[answer.chosen][1].name,
            self._slots[answer.chosen].label,
            answer.chosen,
        )

    # --- vectors ---

    def embed(self, texts: str | Sequence[str], *, dimensions: int | None = None) -> list[list[float]]:
        """A vector for each of *texts*, in their order, of so many *dimensions* (None: as many as the model gives).

        The first entry whose model embeds answers; its usage is counted. Nothing is cached.

        Raises:
            InvalidRequest: a text is none, or empty; ``param`` names it.
            UnsupportedField: no entry's model gives vectors.
            NotRegistered, AllModelsFailed: as :meth:`create`.
        """
        chain, request = self._vectors(texts, dimensions)
        return lists_from(run(generate(chain, request), suspends=chain.suspends), request)

    async def aembed(self, texts: str | Sequence[str], *, dimensions: int | None = None) -> list[list[float]]:
        """As :meth:`embed`, awaited."""
        chain, request = self._vectors(texts, dimensions)
        return lists_from(await generate(chain, request), request)

    def _vectors(self, texts: str | Sequence[str], dimensions: int | None) -> tuple[Fallback, ChatRequest]:
        self._ready()
        return embedding_chain(self._slots, self._tally.record, self._fallback_on), embedding_asked(texts, dimensions)

    def extract_text_or_completion_object(self, response: ChatResponse) -> list[str | Message]:
        """For each choice its text, or its message where it calls tools."""
        return texts_or_messages(response)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The keys of its entries, for those who keep texts that may quote one."""
        return tuple(slot.entry.api_key for slot in self._slots if slot.entry.api_key is not None)

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


_OURS = frozenset({"context", "allow_format_str_template", "filter_func", "cache", "agent", "timeout"})
_STREAMS = frozenset({"stream", "on_chunk"})


def _streaming(params: dict[str, Any]) -> tuple[bool, Hearer | None]:
    """Whether a call asks for a stream, and who hears it, taken out of *params*."""
    streams, on_chunk = bool(params.pop("stream", False)), params.pop("on_chunk", None)
    if streams and on_chunk is not None:
        raise InvalidRequest(
            "give stream=True for a stream of chunks, or on_chunk for the whole answer; not both", param="on_chunk"
        )
    return streams, None if on_chunk is None else Hearer(on_chunk)


def _seconds(timeout: Any) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < float("inf"):
        raise InvalidRequest(f"timeout must be a number of seconds above 0, got {shown(timeout)}", param="timeout")
    return float(timeout)


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
