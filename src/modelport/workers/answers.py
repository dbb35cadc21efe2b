"""One answer of a model that lives in a worker. Knows what its pool told it, and no process."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Protocol

from modelport.errors import ModelError, ModelportError
from modelport.model import ReadyEvents
from modelport.types import ChatRequest, Event
from modelport.workers.frames import encode_ask
from modelport.workers.inbox import Inbox
from modelport.wrappers.callers import caller

__all__ = ("Answer", "Desk")


class Desk(Protocol):
    """Whoever has answers made: takes one on, and is told when nobody wants it any more."""

    name: str
    inbox_size: int

    def submit(self, answer: "Answer", /) -> None: ...

    def cancel(self, answer: "Answer", /) -> None: ...


class Answer:
    """An answer stream that a pool feeds.

    ``pieces`` is what asks for it, ``caller`` the name of whoever did. ``begun`` tells that its worker said that it
    makes it, ``seen_at`` is when it was first found running, and ``left_at`` when it was left unfinished, by the loop's
    clock; None before.
    """

    __slots__ = (
        "_at",
        "_desk",
        "_error",
        "_inbox",
        "_request",
        "_taken",
        "_waiter",
        "begun",
        "caller",
        "done",
        "left_at",
        "number",
        "pieces",
        "seen_at",
        "worker",
    )

    def __init__(self, desk: Desk, request: ChatRequest) -> None:
        self.number: int = 0
        self.caller: str | None = caller.get()
        self.pieces: list[Any] = []
        self.worker: Any = None
        self.begun: bool = False
        self.done: bool = False
        self.seen_at: float | None = None
        self.left_at: float | None = None
        self._desk = desk
        self._request: ChatRequest | None = request
        self._inbox = Inbox(desk.inbox_size)
        self._taken: list[Event] = []
        self._at = 0
        self._error: ModelportError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def encode(self, number: int) -> None:
        """Make ``pieces`` of the request, under *number*.

        Raises:
            InvalidRequest: it cannot reach another process.
        """
        assert self._request is not None
        self.number = number
        self.pieces = encode_ask(number, self._request, self.caller)
        self._request = None

    def move(self, desk: Desk) -> None:
        """Have it made by another desk, where it was not begun yet."""
        self._desk = desk

    # --- the reader's side ---

    async def __aenter__(self) -> AsyncIterator[Event]:
        self._desk.submit(self)
        try:
            await self._news()
        except BaseException:
            self._leave()
            raise
        if self.done and self._error is None:
            return ReadyEvents(self._inbox.take())
        return self

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        at = self._at
        if at >= len(self._taken):
            await self._news()
            self._taken, at = self._inbox.take(), 0
            if not self._taken:
                raise StopAsyncIteration
        self._at = at + 1
        return self._taken[at]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._leave()

    async def _news(self) -> None:
        """Wait for events, or the end; an error is raised when the events before it are taken."""
        inbox = self._inbox
        while not inbox.events:
            if self._error is not None:
                try:
                    raise self._error
                finally:
                    self._error = None  # which holds this frame, and through it the request: such a ring is freed late
            if self.done:
                return
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _leave(self) -> None:
        if not self.done:
            self.done = True
            self._desk.cancel(self)

    # --- the pool's side ---

    def feed(self, events: list[Event], *, last: bool) -> None:
        """More of the answer."""
        if self.done:
            return
        if events and not self._inbox.put(events):
            self.done = True
            self._error = ModelError(
                f"the reader of an answer of {self._desk.name} is too slow: more than {self._desk.inbox_size} bytes "
                "of it waited to be read"
            )
            self._desk.cancel(self)
        elif last:
            self.done = True
        self._wake()

    def fail(self, error: ModelportError) -> None:
        """The answer ends with *error*."""
        if not self.done:
            self.done = True
            self._error = error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
