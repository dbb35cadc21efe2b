"""``generate_batch(requests)`` of a user's class: what it gives for several requests, as one stream of their events.

It may be sync or async, and gives either a list with one answer for each request, in order, or pieces, each with the
number of the request that it belongs to. Knows nothing of queues.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeAlias

from modelport.adapters.contract import CAUGHT, broken, came, failure
from modelport.adapters.function import piece_events, whole_events
from modelport.adapters.loading import Loading
from modelport.adapters.shape import check_one_argument, kind_of, shape_of
from modelport.adapters.streams import AsyncPieces, awaited
from modelport.errors import ModelportError, NotAModel
from modelport.sync import OffloadedIterator, offload
from modelport.sync.cancel import CancelToken
from modelport.sync.offload import inline
from modelport.types import ChatRequest, ChatResponse, Event, Finish, Minter, unfold

__all__ = ("BatchAnswer", "BatchItem", "Batches")

BatchItem: TypeAlias = tuple[int, Event | ModelportError | None]
"""The number of a request, and more of its answer: an event, the error that it ended with, or None at its end."""

_CALL = "generate_batch(self, requests)"
_ASKS = "a list with one answer for each request, or an iterator of (index, piece)"
_PIECE = "(index, piece), a request's number from 0 and text, an event, an exception, or None at its end"


class Batches:
    """The method ``generate_batch`` of *native*, and what the class says of it.

    ``most`` (its ``max_batch_size``) and ``window`` (its ``batch_window``, in seconds) are None where it says nothing.
    """

    def __init__(self, native: Any) -> None:
        name = type(native).__name__
        self.where: str = f"{name}.generate_batch()"
        self.kind: str = kind_of(native.generate_batch)
        self.call: Any = native.generate_batch
        shape = shape_of(native.generate_batch, self.where, _CALL)
        self.takes_cancel: bool = "cancel" in shape.names
        if not self.takes_cancel:
            check_one_argument(native.generate_batch, self.where, _CALL)
        elif shape.required - {"cancel"}:
            raise NotAModel(
                f"{self.where} demands {', '.join(sorted(shape.required - {'cancel'}))}; give them defaults"
            )
        self.loading: Loading | None = None  # before the first batch
        self.most: int | None = _count(native, name)
        self.window: float | None = _seconds(native, name)

    def answer(self, requests: Sequence[ChatRequest]) -> "BatchAnswer":
        """The answers to *requests*, as they come."""
        return BatchAnswer(self, tuple(requests))


def _count(native: Any, name: str) -> int | None:
    value = getattr(native, "max_batch_size", None)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise NotAModel(f"{name}.max_batch_size must be a whole number, 1 or more, got {came(value)}")
    return value


def _seconds(native: Any, name: str) -> float | None:
    value = getattr(native, "batch_window", None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise NotAModel(f"{name}.batch_window must be a number of seconds, 0 or more, got {came(value)}")
    return float(value)


class BatchAnswer:
    """An async context manager of an async iterator of :data:`BatchItem`."""

    __slots__ = ("_batches", "_cancel", "_ended", "_items", "_requests", "_source")

    def __init__(self, batches: Batches, requests: tuple[ChatRequest, ...]) -> None:
        self._batches = batches
        self._requests = requests
        self._cancel = CancelToken()
        self._source: Any = None
        self._items: AsyncGenerator[BatchItem, None] | None = None
        self._ended: Any = None  # an asyncio.Event: the thread of a blocking generator is done with it

    @property
    def is_whole(self) -> bool:
        """Once entered: whether all the answers are there."""
        return self._items is not None and self._source is None

    def leave(self) -> None:
        """Tell code that looks for it that nobody waits any more."""
        self._cancel.cancel()

    async def __aenter__(self) -> AsyncIterator[BatchItem]:
        where = self._batches.where
        try:
            if self._batches.loading is not None:
                await self._batches.loading.ensure()
            given = await self._given()
            if isinstance(given, list | tuple):
                self._items = self._whole(given)
            else:
                self._source = given
                self._items = self._pieces(await given.__aenter__())
        except CAUGHT as error:
            if (ours := failure(where, error)) is error:
                raise
            raise ours from error
        return self._items

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._cancel.cancel()
        if self._items is not None:
            await self._items.aclose()
        if self._source is not None:
            await self._source.__aexit__(kind, error, trace)
            if self._ended is not None:  # until then the model is busy, and may not be asked again
                await self._ended.wait()

    async def _given(self) -> Any:
        """The list that came, or a context manager of an async iterator of pieces."""
        kind = self._batches.kind
        if kind == "generator":
            return self._in_thread(self._call)
        if kind == "async_generator":
            return AsyncPieces(self._call)
        result = await self._call() if kind == "coroutine" else await offload(self._call)
        if hasattr(result, "__await__"):
            result = await awaited(result)
        if isinstance(result, list | tuple):
            return result
        if hasattr(result, "__anext__"):
            return AsyncPieces(lambda: result)
        if hasattr(result, "__next__"):
            return self._in_thread(lambda: result)
        raise broken(
            self._batches.where,
            f"returned {came(result)} for {_plural(len(self._requests), 'request')}",
            asks=_ASKS,
            mend="return [text, …], an exception in the place of what failed",
        )

    def _call(self) -> Any:
        requests = list(self._requests)
        return (
            self._batches.call(requests, cancel=self._cancel)
            if self._batches.takes_cancel
            else self._batches.call(requests)
        )

    def _in_thread(self, make: Any) -> OffloadedIterator[Any]:
        if inline.active:
            return OffloadedIterator(make)
        import asyncio

        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        ended.set()

        def pieces() -> Iterable[Any]:
            iterator: Any = None
            try:
                ended.clear()
                iterator = make()
                yield from iterator
            finally:
                close = getattr(iterator, "close", None)
                if close is not None:
                    close()
                loop.call_soon_threadsafe(ended.set)

        self._ended = ended
        return OffloadedIterator(pieces)

    async def _whole(self, answers: Sequence[Any]) -> AsyncGenerator[BatchItem, None]:
        where, wanted = self._batches.where, len(self._requests)
        if len(answers) != wanted:
            raise broken(
                where,
                f"returned {_plural(len(answers), 'answer')} for {_plural(wanted, 'request')}",
                asks="one answer for each request, in their order",
                mend="put an exception in the place of what failed",
            )
        for number, answer in enumerate(answers):
            try:
                events = _events_of(answer, f"{where}[{number}]")
            except CAUGHT as error:
                yield number, _named(f"{where}[{number}]", error)
                continue
            for event in events:
                yield number, event
            yield number, None

    async def _pieces(self, items: AsyncIterator[Any]) -> AsyncGenerator[BatchItem, None]:
        where = self._batches.where
        states: dict[int, _State] = {number: _State() for number in range(len(self._requests))}
        while True:
            try:
                item = await anext(items)
            except StopAsyncIteration:
                break
            except CAUGHT as error:
                raise _named(where, error) from error
            number, piece = self._numbered(item)
            state = states.get(number)
            if state is None:  # it has ended
                continue
            try:
                events = _events_of_piece(piece, f"{where}[{number}]")
            except CAUGHT as error:
                del states[number]
                yield number, _named(f"{where}[{number}]", error)
                continue
            for event in events:
                yield number, state.settle(event)
            if piece is None or isinstance(piece, ChatResponse):
                del states[number]
                for end in state.ends():
                    yield number, end
                yield number, None
        for number, state in states.items():
            for end in state.ends():
                yield number, end
            yield number, None

    def _numbered(self, item: Any) -> tuple[int, Any]:
        where, wanted = self._batches.where, len(self._requests)
        if not isinstance(item, tuple) or len(item) != 2 or isinstance(item[0], bool) or not isinstance(item[0], int):
            raise broken(where, f"yielded {came(item)}", asks=_PIECE, mend="yield (0, 'text') for the first request")
        if not 0 <= item[0] < wanted:
            raise broken(
                where,
                f"yielded a piece for request {item[0]} of {wanted}",
                asks=_PIECE,
                mend=f"number them from 0 to {wanted - 1}",
            )
        return item


class _State:
    """What is open in one answer that comes in pieces."""

    __slots__ = ("_ended", "_minter")

    def __init__(self) -> None:
        self._minter = Minter()
        self._ended: dict[int, bool] = {}

    def settle(self, event: Event) -> Event:
        choice = getattr(event, "choice", None)
        if choice is not None:
            self._ended[choice] = isinstance(event, Finish) or self._ended.get(choice, False)
        return self._minter.settle(event)

    def ends(self) -> list[Event]:
        return [
            self._minter.settle(Finish(choice=each)) for each, ended in (self._ended or {0: False}).items() if not ended
        ]


def _events_of(answer: Any, where: str) -> Sequence[Event]:
    if isinstance(answer, Exception):
        raise answer
    return whole_events(answer, where, many=False)


def _events_of_piece(piece: Any, where: str) -> Iterable[Event]:
    if piece is None:
        return ()
    if isinstance(piece, Exception):
        raise piece
    if isinstance(piece, ChatResponse):
        return list(unfold(piece))
    if isinstance(piece, Mapping | str) or not isinstance(piece, list | tuple):
        return piece_events(piece, where)
    raise broken(where, f"yielded {came(piece)}", asks=_PIECE, mend="yield one piece at a time")


def _named(where: str, error: BaseException) -> ModelportError:
    ours = failure(where, error)
    if ours is not error:
        ours.__cause__ = error
    return ours


def _plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
