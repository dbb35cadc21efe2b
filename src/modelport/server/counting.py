"""Plain numbers about requests and answers, counted as they happen. Knows no HTTP, no model, and not who reads them.

All of it belongs to one event loop, so that counting is a few additions and no lock. What is counted by is bounded:
routes, names of served models, statuses and codes of our own, and never what somebody sent.
"""

from bisect import bisect_left
from collections.abc import Sequence
from time import perf_counter

from modelport.errors import ModelportError
from modelport.types import Event, ReasoningDelta, TextDelta, ToolCallDelta, Usage

__all__ = ("Answered", "Counters", "Histogram", "ModelNumbers", "StreamTimes", "code_of")

MANY = 256  # requests that are counted together
GONE = 499  # stands for the status of a request whose caller left before it had one, as in nginx's logs

_SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
_DURATIONS = (*_SHORT, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_FIRST = _DURATIONS[1:17]
_BETWEEN = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_LOOKS = frozenset({"/health", "/ready", "/metrics"})
_SPOKEN = frozenset({TextDelta, ReasoningDelta, ToolCallDelta})


class Histogram:
    """How many values were at most each of *bounds* (``counts``, the last beyond them all), and their ``total``."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds: Sequence[float] = bounds
        self.counts: list[int] = [0] * (len(bounds) + 1)
        self.total: float = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """One value, or several that are the same."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


class Answered:
    """The requests of one route for one model: how many got which status, and how long they took, in seconds."""

    __slots__ = ("seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.seconds: Histogram = Histogram(_DURATIONS)


class Counters:
    """What a server counts of its requests: ``errors`` by code, :attr:`answered` by route and model.

    A request that has ended is put among ``ended`` (its route, model, status and seconds) and counted together with
    others, which takes less time than one here and one there.
    """

    __slots__ = ("_answered", "ended", "errors")

    def __init__(self) -> None:
        self.ended: list[tuple[str, str, int, float]] = []
        self.errors: dict[str, int] = {}
        self._answered: dict[tuple[str, str], Answered] = {}

    def settle(self) -> None:
        """Count the requests that have ended; to be called when there are :data:`MANY`."""
        for route, model, status, seconds in self.ended:
            answered = self._answered.get((route, model))
            if answered is None:
                answered = self._answered[route, model] = Answered()
            statuses, histogram = answered.statuses, answered.seconds
            statuses[status] = statuses.get(status, 0) + 1
            histogram.counts[bisect_left(_DURATIONS, seconds)] += 1
            histogram.total += seconds
        self.ended.clear()

    @property
    def answered(self) -> dict[tuple[str, str], Answered]:
        """All that have ended, by route and model."""
        self.settle()
        return self._answered

    def error(self, code: str) -> None:
        """One request has failed."""
        self.errors[code] = self.errors.get(code, 0) + 1

    @property
    def requests(self) -> int:
        """All that have ended, but for those that only look after the server."""
        return sum(sum(each.statuses.values()) for (path, _), each in self.answered.items() if path not in _LOOKS)


class ModelNumbers:
    """What is counted of one model: the seconds to the ``first`` token and ``between`` two, of answers that are
    streamed; and ``tokens``."""

    __slots__ = ("_completion", "_completion_estimated", "_prompt", "_prompt_estimated", "between", "first")

    def __init__(self) -> None:
        self.first: Histogram = Histogram(_FIRST)
        self.between: Histogram = Histogram(_BETWEEN)
        self._prompt = self._completion = 0
        self._prompt_estimated = self._completion_estimated = 0

    @property
    def tokens(self) -> dict[tuple[str, str], int]:
        """By whether they are of a prompt or a completion, and counted by the model or estimated."""
        counts = {
            ("prompt", "model"): self._prompt,
            ("prompt", "estimated"): self._prompt_estimated,
            ("completion", "model"): self._completion,
            ("completion", "estimated"): self._completion_estimated,
        }
        return {key: count for key, count in counts.items() if count}

    def charge(self, usage: Usage) -> None:
        """One answer has ended, or was left."""
        if usage.estimated:
            self._prompt_estimated += usage.prompt_tokens or 0
            self._completion_estimated += usage.completion_tokens or 0
        else:
            self._prompt += usage.prompt_tokens or 0
            self._completion += usage.completion_tokens or 0


class StreamTimes:
    """When the tokens of one streamed answer came: the clock is read once for all that leave together.

    ``first`` is how many seconds after *began* the first of them did; below 0: none has yet.
    """

    __slots__ = ("_began", "_last", "_numbers", "first")

    def __init__(self, numbers: ModelNumbers, began: float) -> None:
        self.first: float = -1.0
        self._numbers = numbers
        self._began = began
        self._last = 0.0

    def note(self, events: Sequence[Event]) -> None:
        """*events* are about to leave. Tokens that leave together came, on the average, evenly."""
        begin, end = 0, len(events)
        while end and events[end - 1].__class__ not in _SPOKEN:
            end -= 1
        while begin < end and events[begin].__class__ not in _SPOKEN:
            begin += 1
        count = end - begin
        if not count:
            return
        now = perf_counter()
        if self.first >= 0.0:
            self._numbers.between.add((now - self._last) / count, count)
        else:
            self.first = now - self._began
            self._numbers.first.add(self.first)
            if count > 1:
                self._numbers.between.add(0.0, count - 1)
        self._last = now


def code_of(error: ModelportError) -> str:
    """The code of *error*, or, of a kind that somebody else made, that of ours which it is one of."""
    kinds = (kind for kind in type(error).__mro__ if kind.__module__.startswith("modelport."))
    code: str = getattr(next(kinds, ModelportError), "code", ModelportError.code)
    return code
