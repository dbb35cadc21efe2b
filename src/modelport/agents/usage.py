"""What several agents' models took together. Knows no conversation."""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ("gather_usage_summary",)

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens", "answers", "unknown_cost", "estimated")


def gather_usage_summary(agents: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """The usage of all *agents*, each client once: ``usage_including_cached_inference`` and ``usage_excluding_…``.

    Each of the two is ``{"total_cost": …, MODEL: {"cost": …, "prompt_tokens": …, …}}``. ``total_cost`` is 0 where
    nothing was asked, and None where nobody knows what any of it cost; a cost that is known in part is the known part,
    with the number of answers of ``unknown_cost`` beside it.
    """
    clients: dict[int, Any] = {}
    for agent in agents:
        client = getattr(agent, "client", None)
        if client is not None:
            clients[id(client)] = client
    return {
        "usage_including_cached_inference": _sum(each.total_usage_summary for each in clients.values()),
        "usage_excluding_cached_inference": _sum(each.actual_usage_summary for each in clients.values()),
    }


def _sum(summaries: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    models: dict[str, dict[str, Any]] = {}
    for summary in summaries:
        for model, counts in (summary or {}).items():
            if model == "total_cost":
                continue
            known = models.get(model)
            if known is None:
                models[model] = dict(counts)
                continue
            known["cost"] = _plus(known.get("cost"), counts.get("cost"))
            for name in _COUNTS:
                if name in counts or name in known:
                    known[name] = known.get(name, 0) + counts.get(name, 0)
    costs = [counts.get("cost") for counts in models.values()]
    priced = [cost for cost in costs if cost is not None]
    return {"total_cost": sum(priced) if priced or not costs else None, **models}


def _plus(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
