"""One measured line: ours, what it is held against, and whether the budget is met. Arithmetic and text only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Literal

__all__ = ("Budget", "Limit", "Measured", "missed", "summary", "table", "unmeasured")

Of = Literal["ratio", "ours", "above"]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What is promised: the ratio ours / other, our own figure, or ours above the other (a difference), bounded.

    *figure* is the bound; ``most`` tells whether it is the most (of a time) or the least (of a rate).
    """

    of: Of
    figure: float
    most: bool = True
    text: str = ""  # how the budget is written where it was agreed, if that is not how this would write it

    def __str__(self) -> str:
        if self.text:
            return self.text
        sign = "≤" if self.most else "≥"
        return f"{sign} {_figure(self.figure)}{' × other' if self.of == 'ratio' else ''}"

    def holds(self, figure: float) -> bool:
        """Whether *figure* is within the bound."""
        return figure <= self.figure if self.most else figure >= self.figure


@dataclass(frozen=True)
class Measured:
    """A name, and the figure of each round."""

    name: str
    rounds: Sequence[float]

    @property
    def middle(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median."""
        if len(self.rounds) < 2 or not self.middle:
            return 0.0
        low, _, high = quantiles(self.rounds, n=4, method="inclusive")
        return (high - low) / 2 / abs(self.middle)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A line of the table. Without *limit* it is there for information; without *ours* it could not be measured.

    Figures are in *unit*. *why* says what kept it from being measured, or what should be known about it.
    """

    name: str
    unit: str
    ours: Measured | None = None
    other: Measured | None = None  # the floor or the peer
    limit: Limit | None = None
    why: str = ""
    more: dict[str, Any] = field(default_factory=dict)  # into the JSON, not into the table

    @property
    def ratio(self) -> float | None:
        """Ours, as a multiple of the other: the median over the rounds, where both had their turn in every one.

        A machine that slows down for some rounds slows both down in these.
        """
        pairs = self._pairs()
        return median(ours / other for ours, other in pairs) if pairs and all(other for _, other in pairs) else None

    @property
    def above(self) -> float | None:
        """How far ours is above the other, in the same way."""
        pairs = self._pairs()
        return median(ours - other for ours, other in pairs) if pairs else None

    def _pairs(self) -> list[tuple[float, float]]:
        if self.ours is None or self.other is None:
            return []
        if len(self.ours.rounds) != len(self.other.rounds):
            return [(self.ours.middle, self.other.middle)]
        return list(zip(self.ours.rounds, self.other.rounds, strict=True))

    @property
    def allowed(self) -> str:
        """The budget, in words; empty for a line that has none."""
        return str(self.limit) if self.limit else ""

    @property
    def held(self) -> float | None:
        """The figure that the limit is about; None where it is not there."""
        if self.ours is None or self.limit is None:
            return None
        if self.limit.of == "ours":
            return self.ours.middle
        return self.ratio if self.limit.of == "ratio" else self.above

    @property
    def met(self) -> bool | None:
        """Whether the budget is met; None where there is none, or nothing to hold against it."""
        held = self.held
        return None if held is None or self.limit is None else self.limit.holds(held)

    @property
    def verdict(self) -> str:
        """met, MISSED, "not measured", or a dash for a line without a budget."""
        if self.limit is None:
            return "–" if self.ours else "not measured"
        return {True: "met", False: "MISSED", None: "not measured"}[self.met]

    def as_data(self) -> dict[str, Any]:
        """All that is known of the line, for the JSON file."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": _data(self.ours),
            "other": _data(self.other),
            "ratio": self.ratio,
            "budget": self.allowed or None,
            "held": self.held,
            "met": self.met,
            "why": self.why or None,
            **self.more,
        }


def missed(budgets: Iterable[Budget]) -> list[Budget]:
    """Those that were measured and are not met."""
    return [budget for budget in budgets if budget.met is False]


def unmeasured(budgets: Iterable[Budget]) -> list[Budget]:
    """Those that could not be measured, or not beside what they are held against."""
    return [budget for budget in budgets if budget.verdict == "not measured"]


def summary(budgets: Sequence[Budget]) -> str:
    """How many are met, missed and not measured, in a line."""
    met = sum(budget.met is True for budget in budgets)
    return f"budgets: {met} met, {len(missed(budgets))} missed; lines not measured: {len(unmeasured(budgets))}"


_HEADS = ("case", "ours", "floor or peer", "ratio", "budget", "")


def table(budgets: Sequence[Budget]) -> str:
    """The lines under their heads, in columns; notes below."""
    rows = [_HEADS, *(_cells(budget) for budget in budgets)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (rows[0], tuple("-" * width for width in widths), *rows[1:])
    ]
    notes = [f"  {budget.name}: {budget.why}" for budget in budgets if budget.why]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _cells(budget: Budget) -> tuple[str, ...]:
    ours = _with_spread(budget.ours, budget.unit) if budget.ours else "–"
    other = f"{_with_spread(budget.other, budget.unit)} {budget.other.name}" if budget.other else ""
    ratio = "" if budget.ratio is None else f"{budget.ratio:.3g}"
    if budget.limit is not None and budget.limit.of == "above" and budget.held is not None:
        ratio = f"+{_figure(budget.held)}"
    return (budget.name, ours, other, ratio, budget.allowed, budget.verdict)


def _with_spread(measured: Measured, unit: str) -> str:
    text = f"{_figure(measured.middle)} {unit}"
    return f"{text} ±{measured.spread:.0%}" if len(measured.rounds) > 1 else text


def _figure(value: float) -> str:
    if value and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def _data(measured: Measured | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {
        "name": measured.name,
        "median": measured.middle,
        "spread": round(measured.spread, 4),
        "rounds": list(measured.rounds),
    }
