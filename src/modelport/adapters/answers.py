"""Answers in OpenAI's shape, as objects or as dicts, to events. Knows no contract and calls nobody's code."""

from collections.abc import Iterable, Mapping
from math import isfinite
from numbers import Number
from operator import index
from typing import Any, get_args

from msgspec import ValidationError, json

from modelport.adapters.contract import broken, came
from modelport.types import (
    Event,
    Finish,
    FinishReason,
    Minter,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
)

__all__ = (
    "FINISHED",
    "completion_events",
    "cost_from",
    "delta_events",
    "field",
    "finish_reason",
    "message_events",
    "text_from",
    "usage_from",
)

FINISHED = Finish()
_REASONS = frozenset(get_args(FinishReason))
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
_UNUSUAL = frozenset({"cached_tokens", "reasoning_tokens", "estimated"})
_MOST_DOLLARS = 1e12  # quick to tell from infinity
_TEXT = "text, or a message with content, tool_calls or function_call"


def field(thing: Any, name: str) -> Any:
    """``thing.name`` or ``thing["name"]``; None where there is neither."""
    if type(thing) is dict:
        return thing.get(name)
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def finish_reason(choice: Any) -> FinishReason:
    """The reason that *choice* gives, if it is one that is known here; else stop."""
    reason = field(choice, "finish_reason")
    return reason if isinstance(reason, str) and reason in _REASONS else "stop"  # type: ignore[return-value]


def text_from(content: Any, where: str) -> str | None:
    """A message's content: text, None, or the text parts of a list of parts, joined."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        pieces = [part if isinstance(part, str) else field(part, "text") for part in content]
        if all(isinstance(piece, str) for piece in pieces):
            return "".join(pieces)
    raise broken(where, f"gave {came(content)} for content", asks="text or None", mend="make it text with str()")


def message_events(message: Any, number: int, where: str, *, reason: FinishReason = "stop") -> list[Event]:
    """The events of one whole message: reasoning, text, tool calls, and its end."""
    events: list[Event] = []
    reasoning = _reasoning(message)
    if reasoning:
        events.append(ReasoningDelta(reasoning, number))
    text = text_from(field(message, "content"), where)
    if text is not None:
        events.append(TextDelta(text, number))
    refusal = field(message, "refusal")
    if text is None and isinstance(refusal, str):
        events.append(TextDelta(refusal, number))
    calls = _calls(message, number, where)
    if not calls and not events and not _is_message(message):
        raise broken(where, f"gave {came(message)} for a message", asks=_TEXT, mend="give the text itself")
    if not calls:
        return [*events, Finish(reason, number)]
    minter = Minter()
    return [*events, *[minter.settle(call) for call in calls], minter.settle(Finish(reason, number))]


def _is_message(message: Any) -> bool:
    return "content" in message if isinstance(message, Mapping) else hasattr(message, "content")


def _reasoning(message: Any) -> str | None:
    for name in ("reasoning", "reasoning_content"):
        value = field(message, name)
        if isinstance(value, str) and value:
            return value
    return None


def _calls(message: Any, number: int, where: str) -> list[ToolCallDelta]:
    calls = field(message, "tool_calls")
    if isinstance(calls, list | tuple):
        return [_call(call, at, number, where) for at, call in enumerate(calls)]
    if calls is not None:
        raise broken(where, f"gave {came(calls)} for tool_calls", asks="a list of tool calls", mend="give a list")
    function = field(message, "function_call")
    return [] if function is None else [_call({"function": function}, 0, number, where)]


def _call(call: Any, at: int, number: int, where: str) -> ToolCallDelta:
    function = field(call, "function")
    name = field(function, "name")
    if not isinstance(name, str) or not name:
        raise broken(
            where,
            f"gave a tool call without a function's name (got {came(name)})",
            asks="{'id': …, 'function': {'name': …, 'arguments': JSON text}}",
            mend="name the function",
        )
    return ToolCallDelta(
        index=at,
        id=_text_or_none(field(call, "id")),
        name=name,
        arguments=_arguments(field(function, "arguments"), where),
        choice=number,
    )


def _arguments(arguments: Any, where: str) -> str:
    if isinstance(arguments, str):
        return arguments
    if arguments is None:
        return "{}"
    if isinstance(arguments, Mapping):
        try:
            return json.encode(arguments).decode()
        except (TypeError, ValidationError):
            pass
    raise broken(
        where, f"gave {came(arguments)} for a tool call's arguments", asks="JSON text", mend="use json.dumps()"
    )


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def completion_events(completion: Any, where: str) -> list[Event]:
    """The events of a whole completion (what OpenAI's chat completions give), as object or dict."""
    choices = field(completion, "choices")
    if not isinstance(choices, list | tuple) or not choices:
        raise broken(
            where,
            f"gave a response whose choices are {came(choices)}",
            asks="choices, a list of at least one choice with a message",
            mend="put one choice in response.choices for each answer",
        )
    events: list[Event] = [
        Started(_text_or_none(field(completion, "model")), _text_or_none(field(completion, "id")), raw=completion)
    ]
    for number, choice in enumerate(choices):
        message = field(choice, "message")
        events += message_events(message, number, where, reason=finish_reason(choice))
    usage = field(completion, "usage")
    if usage is not None:
        events.append(usage_from(usage, where))
    return events


def delta_events(item: Any, where: str) -> Iterable[Event]:
    """The events of one streamed piece in OpenAI's shape: a delta, or a whole chunk with choices or usage."""
    choices = field(item, "choices")
    usage = field(item, "usage")
    if not isinstance(choices, list | tuple):
        if usage is not None:
            return [usage_from(usage, where)]
        return _delta(item, 0, where)
    events: list[Event] = []
    for at, choice in enumerate(choices):
        number = field(choice, "index")
        number = number if isinstance(number, int) else at
        delta = field(choice, "delta")
        if delta is not None:
            events += _delta(delta, number, where, may_be_empty=True)
        if isinstance(field(choice, "finish_reason"), str):
            events.append(Finish(finish_reason(choice), number))
    if usage is not None:
        events.append(usage_from(usage, where))
    return events


def _delta(delta: Any, number: int, where: str, *, may_be_empty: bool = False) -> list[Event]:
    events: list[Event] = []
    reasoning = _reasoning(delta)
    if reasoning:
        events.append(ReasoningDelta(reasoning, number))
    text = text_from(field(delta, "content"), where)
    if text:
        events.append(TextDelta(text, number))
    for call in field(delta, "tool_calls") or ():
        function = field(call, "function")
        at = field(call, "index")
        events.append(
            ToolCallDelta(
                index=at if isinstance(at, int) else None,
                id=_text_or_none(field(call, "id")),
                name=_text_or_none(field(function, "name")),
                arguments=field(function, "arguments") or "",
                choice=number,
            )
        )
    if not events and not may_be_empty and not _is_message(delta) and field(delta, "role") is None:
        raise broken(where, f"yielded {came(delta)}", asks="text, events or deltas", mend="yield the text itself")
    return events


def usage_from(usage: Any, where: str, *, cost: float | None = None) -> Usage:
    """Tokens and cost from a dict or object with OpenAI's names. What is not there or None is unknown."""
    if type(usage) is dict and _UNUSUAL.isdisjoint(usage):
        get: Any = usage.get
        prompt, completion, total = get("prompt_tokens"), get("completion_tokens"), get("total_tokens")
        plain = type(prompt) is type(completion) is type(total) is int and prompt >= 0 <= completion
        if plain and total == prompt + completion:  # what nearly every class gives
            return Usage(prompt, completion, cost=cost_from(get("cost"), where) if cost is None else cost)
    counts: dict[str, int | None] = {}
    for name in _TOKENS:
        value = field(usage, name)
        counts[name] = None if value is None else _count(value, name, where)
    prompt, completion = counts["prompt_tokens"], counts["completion_tokens"]
    if prompt is not None and completion is not None and counts["total_tokens"] == prompt + completion:
        counts["total_tokens"] = None  # the sum is understood
    if cost is None:
        cost = cost_from(field(usage, "cost"), where)
    return Usage(**counts, cost=cost, estimated=field(usage, "estimated") is True)


def _count(value: Any, name: str, where: str) -> int:
    mend = f"give a whole number, or None where {name} was not counted"
    try:
        count = index(value) if not isinstance(value, float) or not value.is_integer() else int(value)
        if count < 0 or isinstance(value, bool):
            raise TypeError
    except TypeError:
        raise broken(where, f"gave {came(value)} for {name}", asks="a number of tokens from 0 up", mend=mend) from None
    return count


def cost_from(value: Any, where: str) -> float | None:
    """A cost in US dollars: a finite number from 0 up, or None where it is not known."""
    if value is None:
        return None
    kind = type(value)
    if (kind is float or kind is int) and 0 <= value < _MOST_DOLLARS:
        return float(value)
    mend = "return the cost in US dollars, 0 where it is free, or None where it is not known"
    asks = "a finite number from 0 up"
    if isinstance(value, bool) or not (isinstance(value, Number) or hasattr(value, "__float__")):
        raise broken(where, f"gave {came(value)} for the cost", asks=asks, mend=mend)
    try:
        cost = float(value)
    except (TypeError, ValueError):
        raise broken(where, f"gave {came(value)} for the cost", asks=asks, mend=mend) from None
    if not isfinite(cost) or cost < 0:
        raise broken(where, f"gave {came(value)} for the cost", asks=asks, mend=mend)
    return cost
