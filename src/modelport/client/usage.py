"""What clients' answers took: by model, with and without those from the cache. Knows neither models nor prices.

A client keeps sums of its own answers; :func:`observe` tells of each answer of all clients, as it ends.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from modelport.types import Usage

__all__ = ("CountsUsage", "Observer", "UsageTally", "observe", "summary_text", "usage_modes")

logger: logging.Logger = logging.getLogger(__name__)

Observer = Callable[[str, Usage, bool], object]
"""Called as ``observer(model_name, usage, cached)``, in the thread in which the answer ended."""

_MANY = 1024

_observers: ContextVar[tuple[Observer, ...]] = ContextVar("modelport-usage-observers", default=())


@contextmanager
def observe(callback: Observer) -> Iterator[None]:
    """Within it, each answer of any client that ends calls *callback* with the model's name, what the answer took, and
    whether it came from a cache.

    "Within it" follows the context, as ``contextvars`` do: tasks and blocking calls that are begun here are heard here,
    and nobody else's, in whichever thread they run. A stream is heard when it ends or is left. Observers may be nested;
    each hears everything. An answer does not fail because its observer does: that is logged.
    """
    token = _observers.set((*_observers.get(), callback))
    try:
        yield
    finally:
        _observers.reset(token)


def _tell(observers: tuple[Observer, ...], model: str, usage: Usage, cached: bool) -> None:
    for observer in observers:
        try:
            observer(model, usage, cached)
        except Exception:
            logger.exception("an observer of usage failed: %r", observer)


class _Sum:
    __slots__ = ("answers", "completion", "cost", "estimated", "priced", "prompt", "total", "uncounted")

    def __init__(self) -> None:
        self.answers = self.priced = self.estimated = self.uncounted = 0
        self.prompt = self.completion = self.total = 0
        self.cost = 0.0

    def add(self, usage: Usage) -> None:
        self.answers += 1
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        if prompt is not None:
            self.prompt += prompt
        if completion is not None:
            self.completion += completion
        total = usage.total_tokens
        if total is not None:
            self.total += total
        elif prompt is not None and completion is not None:
            self.total += prompt + completion
        else:
            self.uncounted += 1
        if usage.cost is not None:
            self.cost += usage.cost
            self.priced += 1
        if usage.estimated:
            self.estimated += 1

    def plus(self, other: "_Sum | None") -> "_Sum":
        result = _Sum()
        for name in _Sum.__slots__:
            setattr(result, name, getattr(self, name) + (0 if other is None else getattr(other, name)))
        return result

    def to_dict(self) -> dict[str, Any]:
        return {
            "cost": self.cost if self.priced else None,
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.total,
            "answers": self.answers,
            "unknown_cost": self.answers - self.priced,
            "estimated": self.estimated,
        }


class CountsUsage:
    """What a client says of the usage that its ``_tally`` has summed up."""

    _tally: "UsageTally"

    @property
    def actual_usage_summary(self) -> dict[str, Any] | None:
        """What was computed, by model; None where nothing was. Its shape: :class:`UsageTally`."""
        return self._tally.actual()

    @property
    def total_usage_summary(self) -> dict[str, Any] | None:
        """The same with answers from the cache, which cost what they did when they were made."""
        return self._tally.total()

    def print_usage_summary(self, mode: str | list[str] | tuple[str, ...] = ("actual", "total")) -> None:
        """Print the summaries: ``"actual"``, ``"total"``, or both."""
        print(self.usage_text(mode), flush=True)  # noqa: T201

    def usage_text(self, mode: str | list[str] | tuple[str, ...] = ("actual", "total")) -> str:
        """What :meth:`print_usage_summary` prints, for whoever prints elsewhere."""
        return summary_text(self.actual_usage_summary, self.total_usage_summary, usage_modes(mode))

    def clear_usage_summary(self) -> None:
        """Count from nothing again."""
        self._tally.clear()


class UsageTally:
    """Sums of usage, from any thread.

    A summary has AutoGen's shape: ``{"total_cost": …, MODEL: {"cost": …, "prompt_tokens": …, "completion_tokens": …,
    "total_tokens": …}}``, and beside it for each model the number of ``answers``, how many of them have an
    ``unknown_cost`` and are in no sum of money, and how many have ``estimated`` tokens. A cost that nobody knows is
    None, which is not 0.
    """

    def __init__(self) -> None:
        # An answer is noted by one append, which needs no lock, and added up when somebody asks, or there are many.
        self._noted: deque[tuple[str, Usage, bool]] = deque()
        self._lock = threading.Lock()
        self._actual: dict[str, _Sum] = {}
        self._cached: dict[str, _Sum] = {}

    def record(self, model: str, usage: Usage, cached: bool) -> None:
        """One more answer; what came from a cache took nothing, and counts in the total only."""
        noted = self._noted
        noted.append((model, usage, cached))
        if len(noted) >= _MANY:
            with self._lock:
                self._add_up()
        if observers := _observers.get():
            _tell(observers, model, usage, cached)

    def _add_up(self) -> None:
        noted = self._noted
        while noted:
            model, usage, cached = noted.popleft()
            sums = self._cached if cached else self._actual
            found = sums.get(model)
            if found is None:
                found = sums[model] = _Sum()
            found.add(usage)

    def actual(self) -> dict[str, Any] | None:
        """Without cached answers; None where there was no other."""
        return self._summary(with_cached=False)

    def total(self) -> dict[str, Any] | None:
        """With cached answers; None where there was none at all."""
        return self._summary(with_cached=True)

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self._noted.clear()
            self._actual = {}
            self._cached = {}

    def _summary(self, *, with_cached: bool) -> dict[str, Any] | None:
        with self._lock:
            self._add_up()
            sums = dict(self._actual)
            if with_cached:
                for name, cached in self._cached.items():
                    sums[name] = cached.plus(sums.get(name))
            if not sums:
                return None
            models: dict[str, Any] = {name: each.to_dict() for name, each in sums.items()}
        known = [each["cost"] for each in models.values() if each["cost"] is not None]
        return {"total_cost": sum(known) if known else None, **models}


def usage_modes(mode: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """*mode* as AutoGen takes it: ``"actual"``, ``"total"``, ``"both"`` or a list of the first two.

    Raises:
        ValueError: it is something else.
    """
    modes = (mode,) if isinstance(mode, str) else tuple(mode)
    if modes == ("both",):
        modes = ("actual", "total")
    if not modes or len(modes) > 2 or not set(modes) <= {"actual", "total"}:
        raise ValueError(f'mode must be "actual", "total" or a list of them, got {mode!r}')
    return tuple(each for each in ("actual", "total") if each in modes)


def summary_text(actual: dict[str, Any] | None, total: dict[str, Any] | None, modes: tuple[str, ...]) -> str:
    """The summaries asked for, for people."""
    if total is None:
        return 'No usage yet: call "create" first.'
    line = "-" * 80
    blocks = []
    for mode in modes:
        if mode == "total" and actual == total and len(modes) == 2:
            blocks.append("No answer came from the cache: the total is the same.")
            continue
        heading = "Usage without cached answers" if mode == "actual" else "Usage with cached answers"
        blocks.append(_block(heading, actual if mode == "actual" else total))
    return "\n".join([line, "\n\n".join(blocks), line])


def _block(heading: str, summary: dict[str, Any] | None) -> str:
    if summary is None:
        return f"{heading}: none, every answer came from the cache."
    lines = [f"{heading}:", f"Total cost: {_dollars(summary['total_cost'])}"]
    for name, counts in summary.items():
        if name == "total_cost":
            continue
        cost = _dollars(counts["cost"])
        if counts["cost"] is not None and counts["unknown_cost"]:
            cost += f" and {counts['unknown_cost']} answers of unknown cost"
        lines.append(
            f"* {name}: cost {cost}, {counts['prompt_tokens']} prompt tokens, "
            f"{counts['completion_tokens']} completion tokens, {counts['total_tokens']} in total"
            f"{' (estimated)' if counts['estimated'] else ''}"
        )
    return "\n".join(lines)


def _dollars(cost: float | None) -> str:
    return "unknown" if cost is None else f"${cost:.5f}"
