"""A class that streams events itself, or answers batches: checked, settled, and named where it fails."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from modelport.adapters.batches import BatchAnswer, Batches, BatchItem
from modelport.adapters.contract import broken, came, own_name
from modelport.adapters.counting import counter_of
from modelport.adapters.embedding import Embedder
from modelport.adapters.function import EVENTS
from modelport.adapters.identity import identity_of
from modelport.adapters.loading import Loading, loading_of
from modelport.adapters.params import accepts_of
from modelport.adapters.shape import check_one_argument, kind_of
from modelport.adapters.streams import AsyncPieces, Settled
from modelport.errors import ModelportError, NotAModel, UnsupportedField
from modelport.model import AnswerStream
from modelport.sync import OffloadedIterator, offload
from modelport.types import ChatRequest, Event, TextDelta
from modelport.types.counting import asks_count
from modelport.types.embeddings import EMBED, embed_in

__all__ = ("NativeModel",)

_ASKS = "an async context manager of an async iterator of events, or a generator that yields events or text"
_MEND = "yield TextDelta('…') or plain text"


class NativeModel:
    """A model around *native*, whose ``stream(request)`` is a generator, sync or async, or an async context manager.

    What it says of itself (``suspends``, ``accepts``, ``identity``, ``aclose``) holds; ``accepts = None`` says that it
    judges whole requests itself. With ``generate_batch(requests)`` it answers several at once, which ``batches`` knows
    how to ask for (None where it has none); ``streams`` tells that it has ``stream``, without which a request that
    comes alone is a batch of one. With ``embed(texts)`` it gives vectors, which ``embeds`` tells, with
    ``count_tokens(request)`` it counts a prompt, which ``counts`` tells. Its ``load()`` is
    called before the first answer, or by :meth:`start`.
    """

    def __init__(self, native: Any, *, name: str | None = None, config: Mapping[str, Any] | None = None) -> None:
        self.target: Any = native
        self.native: Any = native
        self.config = config
        self.name: str = name or own_name(native)
        self.batches: Batches | None = Batches(native) if callable(getattr(native, "generate_batch", None)) else None
        self.batching: Any = None  # the one queue before it, once somebody has made it (see ``wrappers.batching``)
        self.streams: bool = callable(getattr(native, "stream", None))
        self._embedder = Embedder(native) if callable(getattr(native, "embed", None)) else None
        self.embeds: bool = self._embedder is not None
        self._counter = counter_of(native)
        self.counts: bool = self._counter is not None
        self._where = f"{type(native).__name__}.stream()"
        self._kind = self._checked()
        self._loading = loading_of(native)
        if self.batches is not None:
            self.batches.loading = self._loading
        says = getattr(native, "suspends", None)
        self.suspends: bool = bool(says) if says is not None else _suspends(self._kind, self.batches, self._embedder)
        if says is None and self._loading is not None and self._loading.waits:
            self.suspends = True
        answers = self.streams or self.batches is not None
        self.accepts: frozenset[str] | None = _accepted(native) if answers else frozenset({EMBED})
        self._identity: str | None = None

    def _checked(self) -> str | None:
        """How ``stream`` answers; None where there is none."""
        native = self.native
        if not self.streams:
            return None
        kind = kind_of(native.stream)
        if kind == "coroutine":
            raise NotAModel(
                f"{self._where} is `async def` without a yield; the contract asks for {_ASKS}: "
                "yield the events, or decorate it with contextlib.asynccontextmanager"
            )
        check_one_argument(native.stream, self._where, "stream(self, request)")
        return kind

    @property
    def identity(self) -> str:
        if self._identity is None:
            self._identity = identity_of(self.native, self.config, self.name)
        return self._identity

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The events that the class gives, every one of them checked."""
        if self._loading is not None and not self._loading.done:
            return _Loaded(self._loading, lambda: self._answer(request))
        return self._answer(request)

    def _answer(self, request: ChatRequest) -> AnswerStream:
        if self._counter is not None and asks_count(request):
            return self._counter.answer(request)
        if request.extra is not None and self._embedder is not None:
            embed = embed_in(request)
            if embed is not None:
                return self._embedder.answer(embed)
        if self._kind is None and self.batches is not None:
            return _Alone(self.batches.answer([request]))
        if self._kind is None:
            raise UnsupportedField(
                f"messages: {self.name!r} embeds texts and answers no messages; give its class stream(self, request)",
                param="messages",
            )
        return Settled(_Source(self, request), _events, self._where)

    async def start(self) -> None:
        """Loads it, where the class has ``load()`` and nobody did yet.

        Raises:
            LoadError: ``load()`` raised something.
        """
        if self._loading is not None:
            await self._loading.ensure()

    async def aclose(self) -> None:
        """Frees what the class frees in its own ``aclose()`` or ``close()``, if it has one."""
        close = getattr(self.native, "aclose", None)
        if close is not None:
            await close()
            return
        close = getattr(self.native, "close", None)
        if callable(close):
            result = await offload(close)
            if hasattr(result, "__await__"):
                await result


def _suspends(kind: str | None, batches: Batches | None, embedder: Embedder | None) -> bool:
    """Whether answers may wait on an event loop, where the class does not say."""
    if kind is None:
        only = batches or embedder
        return only is None or only.kind in {"coroutine", "async_generator"}
    return kind != "generator"


def _accepted(native: Any) -> frozenset[str] | None:
    """What a class says that it keeps; silent, it is trusted with what most models keep, and no more."""
    fields = getattr(native, "accepts", accepts_of((), takes_all=True))
    return None if fields is None else frozenset(fields)


class _Loaded:
    """An answer that is asked for when its model is loaded."""

    __slots__ = ("_answer", "_ask", "_loading")

    def __init__(self, loading: Loading, ask: Callable[[], AnswerStream]) -> None:
        self._loading = loading
        self._ask = ask
        self._answer: AnswerStream | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        await self._loading.ensure()
        self._answer = self._ask()
        return await self._answer.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        return None if self._answer is None else await self._answer.__aexit__(kind, error, trace)


class _Alone:
    """The answer to the one request of a batch."""

    __slots__ = ("_batch", "_events")

    def __init__(self, batch: BatchAnswer) -> None:
        self._batch = batch
        self._events: AsyncGenerator[Event, None] | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        self._events = _events_alone(await self._batch.__aenter__())
        return self._events

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._events is not None:
            await self._events.aclose()
        await self._batch.__aexit__(kind, error, trace)


async def _events_alone(items: AsyncIterator[BatchItem]) -> AsyncGenerator[Event, None]:
    async for _, item in items:
        if isinstance(item, ModelportError):
            raise item
        if item is None:
            return
        yield item


class _Source:
    """Whatever ``stream()`` gives, as an async context manager of an async iterator."""

    __slots__ = ("_answer", "_model", "_request")

    def __init__(self, model: NativeModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request
        self._answer: Any = None

    async def __aenter__(self) -> AsyncIterator[Any]:
        model, request = self._model, self._request
        if model._kind == "generator":
            self._answer = OffloadedIterator(lambda: model.native.stream(request))
        elif model._kind == "async_generator":
            self._answer = AsyncPieces(lambda: model.native.stream(request))
        else:
            self._answer = self._wrapped(model.native.stream(request))
        items: AsyncIterator[Any] = await self._answer.__aenter__()
        if not hasattr(items, "__anext__"):
            raise broken(
                model._where,
                f"gave an async context manager of {came(items)}",
                asks="an async iterator of events there",
                mend="yield an async generator from it",
            )
        return items

    def _wrapped(self, answer: Any) -> Any:
        if hasattr(answer, "__aenter__"):
            return answer
        if hasattr(answer, "__aiter__"):
            return AsyncPieces(lambda: answer)
        if isinstance(answer, Iterable) and not isinstance(answer, str | bytes | Mapping):
            return OffloadedIterator(lambda: answer)
        problem = f"returned {came(answer)}"
        if hasattr(answer, "__await__"):
            answer.close()
        raise broken(self._model._where, problem, asks=_ASKS, mend=_MEND)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        answer = self._answer
        result: bool | None = await answer.__aexit__(kind, error, trace)
        return result


def _events(item: Any, where: str) -> Iterable[Event]:
    if isinstance(item, EVENTS):
        return (item,)
    if isinstance(item, str):
        return (TextDelta(str(item)),) if item else ()
    raise broken(where, f"yielded {came(item)}", asks="events, or text", mend=_MEND)
