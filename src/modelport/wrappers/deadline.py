"""A model that must answer in time."""

import time
from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import TypeVar

from modelport.errors import ConfigError, ModelTimeout
from modelport.model import AnswerStream, Model, ReadyEvents
from modelport.types import ChatRequest, Event
from modelport.wrappers.base import Wrapper

__all__ = ("Deadline",)

T = TypeVar("T")


class Deadline(Wrapper):
    """A model whose whole answer may take *seconds* of waiting; the time that a reader takes between events is its own.

    It needs an event loop, since somebody has to look at the clock: blocking code inside runs in a thread of its own,
    which cannot be stopped and is left to itself when time is up.
    """

    def __init__(self, model: Model, seconds: float) -> None:
        super().__init__(model)
        if not seconds > 0:
            raise ConfigError(f"timeout must be above 0 seconds, got {seconds!r}")
        self.suspends = True
        self.seconds = seconds

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer.

        Raises:
            ModelTimeout: it did not come, or did not end, in time.
        """
        return _TimedAnswer(self, request)


class _TimedAnswer:
    """Also the iterator over its events."""

    __slots__ = ("_answer", "_deadline", "_events", "_left")

    def __init__(self, deadline: Deadline, request: ChatRequest) -> None:
        self._deadline = deadline
        self._left = deadline.seconds
        self._answer = deadline.model.stream(request)
        self._events: AsyncIterator[Event] | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        self._events = events = await self._in_time(self._answer.__aenter__())
        return events if type(events) is ReadyEvents else self

    def __aiter__(self) -> "_TimedAnswer":
        return self

    async def __anext__(self) -> Event:
        assert self._events is not None
        return await self._in_time(self._events.__anext__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        return await self._answer.__aexit__(kind, error, trace)

    async def _in_time(self, step: Awaitable[T]) -> T:
        import asyncio

        began = time.monotonic()
        alarm = asyncio.timeout(self._left)
        try:
            async with alarm:
                return await step
        except TimeoutError:
            if not alarm.expired():  # the model's own
                raise
            seconds = self._deadline.seconds
            raise ModelTimeout(
                f"{self._deadline.name} did not answer within {seconds:g} s: "
                "raise the entry's timeout, or ask for less (max_tokens)"
            ) from None
        finally:
            self._left = max(0.0, self._left - (time.monotonic() - began))
