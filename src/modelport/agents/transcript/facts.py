"""Tokens, money and time of turns, in words. What is not known is called unknown, never 0."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from modelport.agents.turns import Turn
from modelport.types import Usage

__all__ = ("clock", "facts", "models_in_words", "money", "seconds_in_words", "totals")


def facts(turn: Turn) -> list[str]:
    """What making *turn* took: seconds, model, tokens, cost; only what applies."""
    said: list[str] = []
    if turn.seconds is not None:
        said.append(seconds_in_words(turn.seconds))
    if turn.model is not None:
        said.append(" ".join(turn.model.split()))
    if turn.usage is not None:
        said.append(_tokens(turn.usage))
        said.append(f"cost {money(turn.usage.cost)}")
    if turn.cached:
        said.append("from the cache")
    return said


def clock(time: float) -> str:
    """The local time of day, as ``18:04:05``; the bare number where no clock shows that."""
    from datetime import datetime

    try:
        return datetime.fromtimestamp(time).astimezone().strftime("%H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return f"{time:g}"


def seconds_in_words(seconds: float) -> str:
    """As ``0.012 s``, ``4.2 s``, ``3 min 20 s``."""
    if 0 < seconds < 0.0005:
        return "under 1 ms"
    if seconds < 0.1:
        return f"{seconds:.3f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def money(dollars: float | None) -> str:
    """As ``$0.0012`` or ``$1.50``; ``unknown`` for None, which is not the same as free."""
    if dollars is None:
        return "unknown"
    if 0 < dollars < 1e-6:
        return "less than $0.000001"
    if dollars == 0 or dollars >= 1:
        return f"${dollars:,.2f}"
    cents, finer = f"{dollars:.6f}"[:4], f"{dollars:.6f}"[4:].rstrip("0")
    return f"${cents}{finer}"


def _tokens(usage: Usage) -> str:
    given, made = usage.prompt_tokens, usage.completion_tokens
    if given is None and made is None:
        total = usage.total
        words = "tokens unknown" if total is None else f"{total:,} tokens"
    else:
        words = f"{_number(given)} tokens in, {_number(made)} out"
    return f"{words} (estimated)" if usage.estimated else words


def _number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


class _Sum(Struct):
    known: float = 0
    told: int = 0  # how many turns said
    unknown: int = 0  # how many did not

    def add(self, value: float | None) -> None:
        if value is None:
            self.unknown += 1
        else:
            self.told += 1
            self.known += value


def totals(turns: Iterable[Turn]) -> list[tuple[str, str]]:
    """Labels and values for *turns* together: how many, time, tokens, cost. Relayed turns are counted nowhere."""
    own = [turn for turn in turns if not turn.relayed]
    asked = [turn.usage for turn in own if turn.usage is not None]
    rows = [("turns", f"{len(own):,}")]
    if own:
        last = max(turn.time for turn in own)
        first = min(turn.time - (turn.seconds or 0) for turn in own)
        rows.append(("time", seconds_in_words(last - first)))
    if asked:
        rows.append(("tokens", _all_tokens(asked)))
        rows.append(("cost", _all_costs(own)))
    return rows


def _all_tokens(asked: Iterable[Usage]) -> str:
    total, given, made, estimated = _Sum(), _Sum(), _Sum(), 0
    for usage in asked:
        total.add(usage.total)
        given.add(usage.prompt_tokens)
        made.add(usage.completion_tokens)
        estimated += usage.estimated and usage.total is not None
    if not total.told:
        return "unknown"
    words = f"{total.known:,.0f}"
    if not given.unknown and not made.unknown:
        words += f" ({given.known:,.0f} in, {made.known:,.0f} out)"
    if estimated:
        words += f", {_turns(estimated)} estimated"
    return words + (f", and unknown in {_turns(total.unknown)}" if total.unknown else "")


def _all_costs(turns: Iterable[Turn]) -> str:
    every, fresh, cached = _Sum(), _Sum(), 0
    for turn in turns:
        if turn.usage is None:
            continue
        every.add(turn.usage.cost)
        if turn.cached:
            cached += 1
        else:
            fresh.add(turn.usage.cost)
    words = _sum_of_money(every)
    if cached and every.told:
        words += f"; not from the cache: {_sum_of_money(fresh)}"
    return words


def _sum_of_money(cost: _Sum) -> str:
    if not cost.unknown:
        return money(cost.known)
    if not cost.told:
        return "unknown"
    return f"{money(cost.known)}, and unknown in {_turns(cost.unknown)}"


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count:,} turns"


def models_in_words(cost: Mapping[str, Mapping[str, Any]] | None) -> list[tuple[str, str]]:
    """Each model of a ``ChatResult.cost`` and what it took, whether or not that is in a turn (a summary, a choice)."""
    summary = (cost or {}).get("usage_including_cached_inference") or {}
    rows: list[tuple[str, str]] = []
    for model, counts in summary.items():
        if not isinstance(counts, Mapping):
            continue
        usage = Usage(
            prompt_tokens=counts.get("prompt_tokens"),
            completion_tokens=counts.get("completion_tokens"),
            estimated=bool(counts.get("estimated")),
        )
        rows.append((" ".join(str(model).split()), f"{_tokens(usage)}, cost {money(counts.get('cost'))}"))
    return rows
