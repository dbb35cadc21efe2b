"""A summary of usage as AutoGen 0.2 prints it, line for line. Knows nothing of how it is counted."""

from collections.abc import Sequence
from typing import Any

__all__ = ("autogen_summary_text",)

_LINE = "-" * 100
_SAME = "All completions are non-cached: the total cost with cached completions is the same as actual cost."


def autogen_summary_text(
    actual: dict[str, Any] | None, total: dict[str, Any] | None, mode: str | Sequence[str] = ("actual", "total")
) -> str:
    """What ``print_usage_summary(mode)`` prints there, without its last line end.

    Costs that nobody knows are called unknown, where AutoGen would have failed or said 0, and estimates are marked.

    Raises:
        ValueError: *mode* is not "actual", "total", "both" or a list of the first two.
    """
    if total is None:
        return 'No usage summary. Please call "create" first.'
    modes = {"actual", "total"} if mode == "both" else {mode} if isinstance(mode, str) else set(mode)
    too_many = not isinstance(mode, str) and len(mode) > 2
    if too_many or not modes or not modes <= {"actual", "total"}:
        raise ValueError(f'Invalid mode: {mode}, choose from "actual", "total", ["actual", "total"]')
    blocks = []
    if "actual" in modes:
        blocks.append(_block("excluding", actual))
    if "total" in modes:
        blocks.append(_SAME if blocks and actual == total else _block("including", total))
    return "\n".join([_LINE, "\n\n".join(blocks), _LINE])


def _block(which: str, summary: dict[str, Any] | None) -> str:
    if summary is None:
        return "No actual cost incurred (all completions are using cache)."
    lines = [f"Usage summary {which} cached usage: ", f"Total cost: {_cost(summary['total_cost'])}"]
    for model, counts in summary.items():
        if model != "total_cost":
            sums = ", ".join(
                f"{name}: {counts[name]}" for name in ("prompt_tokens", "completion_tokens", "total_tokens")
            )
            estimated = " (estimated)" if counts.get("estimated") else ""
            lines.append(f"* Model '{model}': cost: {_cost(counts['cost'])}, {sums}{estimated}")
    return "\n".join(lines)


def _cost(cost: float | None) -> float | str:
    return "unknown" if cost is None else round(cost, 5)
