"""What each API key may take: requests and tokens a minute, and requests at a time. Knows no HTTP and no model.

Who asks is kept in a context variable from the moment its key was found good until its answer is out, so that every
route is held to the same limits without naming them: ``App.serving`` shows a key its own models and no others, and each
answer's usage is counted where answers are metered. Counts are this process's own, but for budgets: what was spent is
kept in the key file, which all processes that use it write to and read.
"""

import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar

from modelport.errors import BudgetSpent, Forbidden, RateLimited
from modelport.storage.api_keys import KeyLimits, dollars, next_period, period_of
from modelport.types import Usage
from modelport.wrappers.callers import caller as caller_name
from modelport.wrappers.metering import Price

__all__ = ("Caller", "charge_usage", "check_affordable", "current_caller", "set_caller")

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
        self,
        name: str,
        limits: KeyLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.limits: KeyLimits = limits or KeyLimits()
        self.busy: int = 0  # requests that are being answered
        self.on_spent: Callable[[], None] | None = None  # called when there is something to be kept
        self._kept = 0.0  # US dollars of its budget that the key file says were spent, in …
        self._period = ""
        self._unkept = 0.0  # what was spent since
        self._today = today
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
        if limits.budget is not None:
            self.check_budget()
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

    # --- the budget ---

    def check_budget(self) -> None:
        """Whether there is anything left to spend.

        Raises:
            BudgetSpent: there is not; ``retry_after`` is when the next day or month begins.
        """
        limits = self.limits
        if limits.budget is None:
            return
        now = self._today()
        if period_of(limits.per, now) != self._period:
            self.keep(0.0)
        if self._kept + self._unkept < limits.budget:
            return
        per = "" if limits.per == "ever" else f" a {limits.per}"
        again = next_period(limits.per, now)
        hint = "ask whoever runs this server" if again is None else f"the next {limits.per} begins at 00:00 UTC"
        raise BudgetSpent(
            f"the API key {self.name!r} has spent its budget of {dollars(limits.budget)} US dollars{per}: {hint}",
            retry_after=None if again is None else again - now,
        )

    def spend(self, dollars: float) -> None:
        """Take *dollars* from its budget. An answer is given whole, though the budget is passed by it."""
        if self.limits.budget is not None and dollars > 0:
            self._unkept += dollars
            if self.on_spent is not None:
                self.on_spent()

    @property
    def unkept(self) -> tuple[str, float]:
        """What is to be added in the key file: in which period, and how much."""
        return period_of(self.limits.per, self._today()), self._unkept

    def keep(self, kept: float, added: float = 0.0) -> None:
        """The key file says that *kept* was spent in this period, *added* of it by what was :attr:`unkept`."""
        self._kept = kept
        self._unkept = max(0.0, self._unkept - added)
        self._period = period_of(self.limits.per, self._today())

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


def charge_usage(_name: str, usage: Usage, _cached: bool) -> None:
    """Count what an answer took to whoever asked; a :data:`modelport.wrappers.metering.Record`."""
    caller = _caller.get()
    if caller is not None:
        caller.charge(usage.total or 0)
        if usage.cost:
            caller.spend(usage.cost)


def check_affordable(name: str, price: Price | None) -> None:
    """Whether whoever asks may spend something on the model *name*.

    Raises:
        BudgetSpent: nothing is left.
        Forbidden: there is a budget, and nobody knows what this model costs: unknown is not nothing.
    """
    caller = _caller.get()
    if caller is None or caller.limits.budget is None:
        return
    if price is None:
        raise Forbidden(
            f"the API key {caller.name!r} has a budget, and what {name!r} costs is not known here: whoever runs this "
            f"server can say so with --price {name}=DOLLARS, for 1,000 tokens",
            param="model",
        )
    caller.check_budget()
