"""A conversation in which tools were called, for a model that knows text only."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from modelport.toolcalls.base import ToolCallParser
from modelport.types import Message, Messages, Part, TextPart, messages_from

__all__ = ("has_calls", "in_words")

_RESULTS = frozenset({"tool", "function"})


def has_calls(messages: Sequence[Any]) -> bool:
    """Whether a tool was called in *messages*, or answered."""
    items = messages.given if isinstance(messages, Messages) else messages
    return any(_is_part_of_a_call(item) for item in items)


def _is_part_of_a_call(item: Any) -> bool:
    if isinstance(item, Mapping):
        return item.get("role") in _RESULTS or bool(item.get("tool_calls") or item.get("function_call"))
    return item.role in _RESULTS or bool(item.tool_calls or item.function_call)


def in_words(messages: Sequence[Any], parser: type[ToolCallParser]) -> tuple[Message, ...]:
    """*messages* with calls and their results as text. Results, and what a user says after them, are one message."""
    names: dict[str, str] = {}
    told: list[Message] = []
    after_result = False
    for message in messages_from(messages):
        is_result = message.role in _RESULTS
        said = _result(message, names, parser) if is_result else _called(message, names, parser)
        if after_result and said.role == "user":
            told[-1] = _joined(told[-1], said)
        else:
            told.append(said)
        after_result = is_result or (after_result and said.role == "user")
    return tuple(told)


def _called(message: Message, names: dict[str, str], parser: type[ToolCallParser]) -> Message:
    calls = [(call.name, call.arguments) for call in message.tool_calls or ()]
    names.update((call.id, call.name) for call in message.tool_calls or ())
    if message.function_call is not None:
        calls.append((message.function_call.name, message.function_call.arguments))
    if not calls:
        return message
    written = "\n".join(parser.call_text(name, arguments) for name, arguments in calls)
    text = f"{message.text}\n{written}" if message.text else written
    return replace(message, content=text, tool_calls=None, function_call=None)


def _result(message: Message, names: dict[str, str], parser: type[ToolCallParser]) -> Message:
    name = names.get(message.tool_call_id or "") or message.name
    text = parser.result_text(name, message.text)
    if not isinstance(message.content, tuple):
        return Message("user", text)
    others: list[Part] = [part for part in message.content if not isinstance(part, TextPart)]
    return Message("user", (TextPart(text), *others) if others else text)


def _joined(one: Message, other: Message) -> Message:
    if isinstance(one.content, str) and isinstance(other.content, str):
        return replace(one, content=f"{one.content}\n{other.content}")
    return replace(one, content=(*_parts(one), TextPart("\n"), *_parts(other)))


def _parts(message: Message) -> tuple[Part, ...]:
    content = message.content
    if isinstance(content, tuple):
        return content
    return (TextPart(content),) if content else ()
