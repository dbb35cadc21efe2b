"""What each API key may take: requests and tokens a minute, and requests at a time. Knows no HTTP and no model.

Who asks is kept in a context variable from the moment its key was found good until its answer is out, so that every
route is held to the same limits without naming them: ``App.serving`` shows a key its own models and no others, and each
answer's usage is counted where answers are metered. Counts are this process's own.
"""

import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar

from modelport.errors import RateLimited
from modelport.storage.api_keys import KeyLimits
from modelport.types import Usage
from modelport.wrappers.callers import caller as caller_name

__all__ = ("Caller", "charge", "charge_usage", "current_caller", "set_caller")

_MINUTE = 60.0

_caller: ContextVar["Caller | None"] = ContextVar("modelport-caller", default=None)


class _Minute:
    """What was taken in the last sixty seconds, kept by the second: never more than 62 numbers."""

    __slots__ = ("_slots", "total")

    def __init__(self) -> None:
        self.total: int = 0
        self._slots: deque[list[float]] = deque()  # [when it was begun, how much]

    def add(self, amount: int, now: float) -> None:
        self.forget(now)
        if self._slots and now - self._slots[-1][0] < 1.0:
            self._slots[-1][1] += amount
        else:
            self._slots.append([now, amount])
        self.total += amount

    def forget(self, now: float) -> None:
        """Leave out what is older than a minute. A second that was shared is as old as the youngest in it may be."""
        while self._slots and now - self._slots[0][0] >= _MINUTE + 1.0:
            self.total -= int(self._slots.popleft()[1])

    def wait(self, excess: int, now: float) -> float:
        """Seconds until at least *excess* of it has grown old."""
        for begun, amount in self._slots:
            excess -= int(amount)
            if excess <= 0:
                return max(0.0, begun + _MINUTE + 1.0 - now)
        return _MINUTE


class Caller:
    """The holder of one API key: what the key allows, and what was taken on it. Used on one event loop."""

    def __init__(
        self, name: str, limits: KeyLimits | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.limits: KeyLimits = limits or KeyLimits()
        self.busy: int = 0  # requests that are being answered
        self._clock = clock
        self._requests = _Minute()
        self._tokens = _Minute()

    def enter(self) -> None:
        """Begin a request; :meth:`leave` ends it.

        Raises:
            RateLimited: a limit is reached. The message names it, ``retry_after`` is when there is room again.
        """
        limits = self.limits
        now = self._clock()
        if limits.concurrency is not None and self.busy >= limits.concurrency:
            raise self._refused(f"{limits.concurrency} requests at a time", 1.0)
        if limits.requests is not None:
            self._requests.forget(now)
            if self._requests.total >= limits.requests:
                excess = self._requests.total - limits.requests + 1
                raise self._refused(f"{limits.requests} requests a minute", self._requests.wait(excess, now))
        if limits.tokens is not None:
            self._tokens.forget(now)
            if self._tokens.total >= limits.tokens:
                excess = self._tokens.total - limits.tokens + 1
                raise self._refused(f"{limits.tokens} tokens a minute", self._tokens.wait(excess, now))
        if limits.requests is not None:
            self._requests.add(1, now)
        self.busy += 1

    def leave(self) -> None:
        """A request that was begun has ended, however it did."""
        self.busy -= 1

    def charge(self, tokens: int) -> None:
        """Count what an answer took. An answer is given whole, though the limit is passed by it; the next one waits."""
        if self.limits.tokens is not None and tokens > 0:
            self._tokens.add(tokens, self._clock())

    def _refused(self, limit: str, seconds: float) -> RateLimited:
        seconds = max(1, -int(-seconds // 1))
        return RateLimited(
            f"the API key {self.name!r} is limited to {limit}: try again in {seconds} s", retry_after=float(seconds)
        )


def current_caller() -> Caller | None:
    """Whose request is being answered; None where no key was asked for."""
    return _caller.get()


def set_caller(caller: Caller | None) -> None:
    """From here on, in this context, *caller* is who asks."""
    _caller.set(caller)
    caller_name.set(None if caller is None else caller.name)


def charge(tokens: int | None) -> None:
    """Count *tokens* to whoever asks, if that is known."""
    caller = _caller.get()
    if caller is not None and tokens:
        caller.charge(tokens)


def charge_usage(_name: str, usage: Usage, _cached: bool) -> None:
    """Count what an answer took to whoever asked; a :data:`modelport.wrappers.metering.Record`."""
    caller = _caller.get()
    if caller is not None:
        caller.charge(usage.total or 0)
