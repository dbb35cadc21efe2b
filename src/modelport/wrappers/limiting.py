"""Not asking a model too often, or too much at once. Serves callers in threads and on event loops alike."""

import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType

from modelport.errors import ConfigError
from modelport.model import AnswerStream, Model
from modelport.types import ChatRequest, Event
from modelport.wrappers.base import Wrapper
from modelport.wrappers.slots import Slots
from modelport.wrappers.waiting import pause

__all__ = ("ConcurrencyLimiting", "Pace", "RateLimiting")


class Pace:
    """Turns, at most *per_second* a second (which may be a fraction), evenly spaced. Several models may share one."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = pause,
    ) -> None:
        if not per_second > 0:
            raise ConfigError(f"api_rate_limit must be above 0 requests a second, got {per_second!r}")
        self._interval = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = float("-inf")

    async def turn(self) -> Callable[[], None] | None:
        """Wait for the next turn."""
        with self._lock:
            now = self._clock()
            at = max(now, self._next)
            self._next = at + self._interval
        if at > now:
            await self._sleep(at - now)
        return None


class RateLimiting(Wrapper):
    """A model that is asked in turns: so many times a second, or in those of *pace*."""

    def __init__(self, model: Model, pace: float | Pace) -> None:
        super().__init__(model)
        self.pace: Pace = pace if isinstance(pace, Pace) else Pace(pace)

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer, when its turn has come."""
        return _Gated(self, self.pace.turn, request)


class ConcurrencyLimiting(Wrapper):
    """A model with at most *most* answers open at once; the others wait in the order they came."""

    def __init__(self, model: Model, most: int | Slots) -> None:
        super().__init__(model)
        self.slots: Slots = most if isinstance(most, Slots) else Slots(most)

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer, when there is room for it; leaving it makes room."""
        return _Gated(self, self.slots.take, request)


class _Gated:
    """An answer that begins after a gate has opened, and closes it behind itself."""

    __slots__ = ("_answer", "_gate", "_leave", "_request", "_wrapper")

    def __init__(
        self, wrapper: Wrapper, gate: Callable[[], Awaitable[Callable[[], None] | None]], request: ChatRequest
    ) -> None:
        self._wrapper = wrapper
        self._gate = gate
        self._request = request
        self._leave: Callable[[], None] | None = None
        self._answer: AnswerStream | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        self._leave = await self._gate()
        try:
            self._answer = self._wrapper.model.stream(self._request)
            return await self._answer.__aenter__()
        except BaseException:
            self._done()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        try:
            return await self._answer.__aexit__(kind, error, trace) if self._answer is not None else None
        finally:
            self._done()

    def _done(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
