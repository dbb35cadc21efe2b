"""Saying something to a model beside what its caller said, and asking it again, in messages that keep any role rules.

No message is added between others, and none that would stand beside one of its own role.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from modelport.types import Message, TextPart, Usage
from modelport.wrappers.choices import add_usage

__all__ = ("asked_again", "sum_of", "with_first", "with_last")

_GAP = "\n\n"


def with_last(messages: Sequence[Message], text: str) -> tuple[Message, ...]:
    """*messages* with *text* at the end: of the last one, where a user said that."""
    if messages and messages[-1].role == "user":
        return (*messages[:-1], _extended(messages[-1], text))
    return (*messages, Message("user", text))


def with_first(messages: Sequence[Message], text: str) -> tuple[Message, ...]:
    """*messages* with *text* as early as may be: in the system's message, else before what a user says first."""
    for number, message in enumerate(messages):
        if message.role in {"system", "developer"} and number == 0:
            return (_extended(message, text), *messages[1:])
        if message.role == "user":
            return (*messages[:number], _preceded(message, text), *messages[number + 1 :])
    return (Message("user", text), *messages)


def asked_again(messages: Sequence[Message], answer: str, complaint: str) -> tuple[Message, ...]:
    """*messages*, the *answer* to them, and what is wrong with it."""
    return (*messages, Message("assistant", answer or "(nothing)"), Message("user", complaint))


def sum_of(usages: Sequence[Usage | None]) -> Usage | None:
    """What several answers took together; None where one of them does not know."""
    total: Usage | None = None
    for number, usage in enumerate(usages):
        if usage is None:
            return None
        total = usage if number == 0 or total is None else add_usage(total, usage)
    return total


def _extended(message: Message, text: str) -> Message:
    content = message.content
    if isinstance(content, tuple):
        return replace(message, content=(*content, TextPart(_GAP + text)))
    return replace(message, content=f"{content}{_GAP}{text}" if content else text)


def _preceded(message: Message, text: str) -> Message:
    content = message.content
    if isinstance(content, tuple):
        return replace(message, content=(TextPart(text + _GAP), *content))
    return replace(message, content=f"{text}{_GAP}{content}" if content else text)
