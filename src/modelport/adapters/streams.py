"""Answers as users' code gives them (pieces from an iterable) as streams of events. Knows no contract."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Any

from modelport.adapters.contract import CAUGHT, failure
from modelport.errors import ModelportError
from modelport.model import AnswerStream
from modelport.sync import run
from modelport.sync.cancel import CancelToken
from modelport.sync.offload import inline
from modelport.types import Event, Finish, Minter

__all__ = ("AsyncPieces", "Cancelling", "Settled", "awaited")

_SAID = {"TextDelta", "ReasoningDelta", "ToolCallDelta"}


async def awaited(answer: Any) -> Any:
    """The result of something that is awaitable, of which that was not known beforehand.

    Under the blocking driver nothing may wait here, so it runs on the background loop, and this thread waits for it.
    """
    return run(_await(answer), suspends=True) if inline.active else await answer


async def _await(answer: Any) -> Any:
    return await answer


class AsyncPieces:
    """An async iterable of a user's as an async context manager that closes it."""

    def __init__(self, make: Callable[[], Any], *, unforeseen: bool = False) -> None:
        self._make = make
        self._unforeseen = unforeseen
        self._iterator: Any = None

    async def __aenter__(self) -> AsyncIterator[Any]:
        self._iterator = aiter(self._make())
        return self

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        return await self._run(anext(self._iterator))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await self._run(close())

    async def _run(self, step: Any) -> Any:
        return await awaited(step) if self._unforeseen else await step


class Cancelling:
    """*source*, an async context manager, whose *token* is told when it is left."""

    __slots__ = ("_source", "_token")

    def __init__(self, source: Any, token: CancelToken) -> None:
        self._source = source
        self._token = token

    async def __aenter__(self) -> AsyncIterator[Any]:
        items: AsyncIterator[Any] = await self._source.__aenter__()
        return items

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        self._token.cancel()
        result: bool | None = await self._source.__aexit__(kind, error, trace)
        return result


class Settled:
    """A stream of events from *source*, a context manager of an async iterator of whatever *read* makes events of.

    Tool calls get ids and indexes, each choice an end, each failure the name of *where* it happened.
    """

    __slots__ = ("_events", "_finishes", "_read", "_source", "_where")

    def __init__(
        self,
        source: AnswerStream | Any,
        read: Callable[[Any, str], Iterable[Event]],
        where: str,
        *,
        finishes: bool = True,
    ) -> None:
        self._source = source
        self._read = read
        self._where = where
        self._finishes = finishes
        self._events: AsyncGenerator[Event, None] | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        try:
            items = await self._source.__aenter__()
        except CAUGHT as error:
            raise _named(self._where, error) from _cause(error)
        self._events = self._settle(items)
        return self._events

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        try:
            if self._events is not None:
                await self._events.aclose()
        finally:
            try:
                result: bool | None = await self._source.__aexit__(kind, error, trace)
            except CAUGHT as new:
                if new is error:
                    raise
                raise _named(self._where, new) from _cause(new)
        return result

    async def _settle(self, items: AsyncIterator[Any]) -> AsyncGenerator[Event, None]:
        minter = Minter()
        ended: dict[int, bool] = {}
        while True:
            try:
                item = await anext(items)
                events = self._read(item, self._where)
            except StopAsyncIteration:
                break
            except CAUGHT as error:
                raise _named(self._where, error) from _cause(error)
            for event in events:
                kind = type(event).__name__
                if kind in _SAID:
                    ended.setdefault(event.choice, False)  # type: ignore[union-attr]
                elif kind == "Finish":
                    ended[event.choice] = True  # type: ignore[union-attr]
                yield minter.settle(event)
        if self._finishes:
            for choice, has_ended in (ended or {0: False}).items():
                if not has_ended:
                    yield minter.settle(Finish(choice=choice))


def _named(where: str, error: BaseException) -> ModelportError:
    return failure(where, error)


def _cause(error: BaseException) -> BaseException | None:
    """An error of ours goes on as it is, with the cause that it has."""
    return error.__cause__ if isinstance(error, ModelportError) else error
