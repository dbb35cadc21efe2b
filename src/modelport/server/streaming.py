"""Answers on their way out: whole, or streamed with everything that is ready in one write. Knows no route, no dialect.

Nothing here runs in a task of its own while an answer flows: the model's iterator is stepped by hand in the task of its
exchange, so that "it has nothing ready" is seen at once, and what has come is written before waiting for more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from modelport.model import Model, ReadyEvents, WholeAnswer
from modelport.server.http import ClientGone, Exchange, Headers, resume
from modelport.types import ChatRequest, ChatResponse, Event, Minter, ResponseBuilder, TextDelta, ToolCallDelta

__all__ = ("StreamWriter", "folded", "pump", "whole_answer")

_AT_ONCE = 256  # events in one write; after so many without a wait, the others get their turn
_LONG = 64 * 1024  # characters, likewise: a reader that does not read is not to hold 256 events of any length
_LOOK = 8  # events, after which their length is looked at for the first time

Flush = Callable[[list[Event]], Awaitable[None]]


async def whole_answer(model: Model, request: ChatRequest) -> Sequence[Event]:
    """All of *model*'s events."""
    answer = model.stream(request)
    if isinstance(answer, WholeAnswer):
        return await answer.events()
    async with answer as events:
        if type(events) is ReadyEvents:
            return events.rest()
        return [event async for event in events]


def folded(name: str, events: Sequence[Event]) -> ChatResponse:
    """The events of one answer as a whole; what the model left open of its tool calls is settled."""
    for event in events:
        if event.__class__ is ToolCallDelta:
            events = list(map(Minter().settle, events))
            break
    builder = ResponseBuilder(name)
    builder.add_all(events)
    return builder.response()


async def pump(events: AsyncIterator[Event], flush: Flush) -> None:
    """All of *events* into *flush*, in lists of those that were ready together; in order, none empty."""
    settle = Minter().settle
    take = events.__anext__
    batch: list[Event] = []
    enough = _LOOK
    while True:
        step: Any = take()
        if not hasattr(step, "send"):
            step = step.__await__()
        try:
            waiting = step.send(None)
        except StopIteration as ready:
            batch.append(settle(ready.value))
            if len(batch) >= enough:
                if enough < _AT_ONCE and _length(batch) < _LONG:
                    enough = min(4 * enough, _AT_ONCE)
                    continue
                await flush(batch)
                batch, enough = [], _LOOK
                await asyncio.sleep(0)
            continue
        except StopAsyncIteration:
            break
        if batch:
            await _flush_while_waiting(step, flush, batch)
        try:
            event = await resume(step, waiting)
        except StopAsyncIteration:
            batch = []
            break
        batch, enough = [settle(event)], _LOOK
    if batch:
        await flush(batch)


def _length(events: list[Event]) -> int:
    """Characters of what *events* say."""
    long = 0
    for event in events:
        if event.__class__ is TextDelta:
            long += len(event.text)
        else:
            long += len(getattr(event, "arguments", "") or getattr(event, "text", ""))
    return long


async def _flush_while_waiting(step: Any, flush: Flush, batch: list[Event]) -> None:
    """The model's step is left standing meanwhile; what interrupts the write must interrupt the step, too."""
    try:
        await flush(batch)
    except BaseException as error:
        try:
            waiting = step.throw(error)
            await resume(step, waiting)
        except (StopIteration, StopAsyncIteration):
            pass
        except BaseException as other:
            if other is not error:
                raise other from error
        raise


class StreamWriter:
    """The pieces of one streamed answer, with its head before the first and comments when it is quiet.

    With *backlog* = 0, writing waits while the reader is slow (and so the model waits). Otherwise up to *backlog* bytes
    are kept for a slow reader and writing goes on; past that, the answer is given up.
    """

    def __init__(
        self,
        exchange: Exchange,
        content_type: bytes,
        *,
        comment: Callable[[], bytes] = bytes,
        backlog: int = 0,
    ) -> None:
        self.headers: list[tuple[bytes, bytes]] = []  # may be added to until the first piece
        self._exchange = exchange
        self._type = content_type
        self._comment = comment
        self._most = backlog
        self._kept: list[bytes] = []
        self._size = 0
        self._blocked: asyncio.Task[None] | None = None
        self._writing = False
        self._last = 0.0  # when something was written, by the loop's clock
        self._quiet: asyncio.TimerHandle | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def write(self, data: bytes) -> None:
        """One piece, at once.

        Raises:
            ClientGone: the reader is too slow to keep more for it.
        """
        if self._ticking is not None and not self._most:
            await self._ticking
        self._writing = True
        try:
            if self._most:
                self._keep(data)
            else:
                await self._put(data)
        finally:
            self._writing = False
        if self._quiet is not None:
            self._last = self._quiet_clock()

    async def _put(self, data: bytes) -> None:
        exchange = self._exchange
        if not exchange.begun:
            await exchange.begin(200, self._type, [*_STREAM_HEADERS, *self.headers])
        if data:
            await exchange.write(data)

    def _keep(self, data: bytes) -> None:
        if self._blocked is not None and not self._blocked.done():
            self._size += len(data)
            if self._size > self._most:
                raise ClientGone(f"the reader is too slow: {self._size} bytes of its answer wait for it")
            self._kept.append(data)
            return
        step = self._put(data) if self._ticking is None else self._put_behind(self._ticking, data)
        try:
            waiting = step.send(None)
        except StopIteration:
            return
        self._blocked = asyncio.get_running_loop().create_task(self._put_rest(step, waiting))

    async def _put_behind(self, comment: asyncio.Task[None], data: bytes) -> None:
        await comment
        await self._put(data)

    async def _put_rest(self, step: Any, waiting: Any) -> None:
        await resume(step, waiting)
        while self._kept:
            data, self._kept, self._size = b"".join(self._kept), [], 0
            await self._exchange.write(data)

    async def end(self, data: bytes = b"") -> None:
        """*data* is the last piece; returns when everything is out."""
        self.hush()
        if self._ticking is not None:
            await self._ticking
        if self._blocked is not None:
            await self._blocked
        if not self._exchange.begun:
            await self._put(b"")
        await self._exchange.end(data)

    def close(self) -> None:
        """Frees what the writer holds, wherever it stands."""
        self.hush()
        for task in (self._ticking, self._blocked):
            if task is not None:
                task.cancel()
        self._kept = []

    # --- while nothing comes ---

    def listen(self, first: float, every: float) -> None:
        """From now on: the head after *first* seconds of silence, and a comment after every *every* seconds of it."""
        loop = asyncio.get_running_loop()
        self._quiet_clock = loop.time
        self._last = loop.time()
        self._every = every
        self._quiet = loop.call_later(every if self._exchange.begun else first, self._tick)

    def hush(self) -> None:
        """No more comments."""
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._last
        rest = self._every
        blocked = self._blocked is not None and not self._blocked.done()
        if self._ticking is not None:
            rest = self._every
        elif not self._exchange.begun or (silent >= self._every and not self._writing and not blocked):
            # What is said is asked for at once: it must suit what is written already, not what is written meanwhile.
            self._ticking = loop.create_task(self._say(self._comment()))
        elif silent < self._every:
            rest = self._every - silent
        self._quiet = loop.call_later(rest, self._tick)

    async def _say(self, comment: bytes) -> None:
        try:
            await self._put(comment)
            self._last = self._quiet_clock()
        finally:
            self._ticking = None


_STREAM_HEADERS: Headers = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
