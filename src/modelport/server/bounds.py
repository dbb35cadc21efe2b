"""Bounds on what a request may hold, for every dialect alike. Knows values, no wire format."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from modelport.errors import InvalidRequest, RequestTooLarge
from modelport.server.limits import Limits
from modelport.types import ChatRequest, Messages

__all__ = ("check_nodes", "check_request")


def check_request(request: ChatRequest, limits: Limits, *, texts: bool = False) -> None:
    """Refuse a request that holds too much of anything. With *texts*, no message has parts.

    Raises:
        RequestTooLarge: ``param`` names what there is too much of.
        InvalidRequest: a stop sequence is empty or too long.
    """
    _check_messages(request.messages, limits, texts=texts)
    if request.tools is not None:
        if len(request.tools) > limits.tools:
            raise _too_many("tools", len(request.tools), limits.tools)
        for number, tool in enumerate(request.tools):
            _check_free_form(tool.parameters, f"tools[{number}].function.parameters", limits)
    if request.response_format is not None:
        _check_free_form(request.response_format.json_schema, "response_format.json_schema.schema", limits)
    if request.extra:
        for name, value in request.extra.items():
            _check_free_form(value, name, limits)
    if request.stop is not None:
        _check_stop(request.stop, limits)


def _check_messages(messages: Sequence[Any], limits: Limits, *, texts: bool) -> None:
    count = messages.length if isinstance(messages, Messages) else len(messages)
    if count > limits.messages:
        raise _too_many("messages", count, limits.messages)
    if texts or getattr(messages, "turns", None) is not None:
        return
    if isinstance(messages, Messages):
        messages = messages.given  # dicts, most often, which nobody may ever need as values
    for number, message in enumerate(messages):
        content = message.get("content") if message.__class__ is dict else message.content
        if content.__class__ is not str and content is not None and len(content) > limits.parts:
            raise _too_many(f"messages[{number}].content", len(content), limits.parts)


def _check_stop(stop: tuple[str, ...], limits: Limits) -> None:
    if len(stop) > limits.stops:
        raise _too_many("stop", len(stop), limits.stops)
    for number, text in enumerate(stop):
        if not text or len(text) > limits.stop_length:
            raise InvalidRequest(
                f"stop[{number}] must have 1 to {limits.stop_length} characters, got {len(text)}",
                param=f"stop[{number}]",
            )


def _too_many(name: str, count: int, most: int) -> RequestTooLarge:
    return RequestTooLarge(f"{name} has {count} items; this server takes at most {most}", param=name)


def _check_free_form(value: Any, name: str, limits: Limits) -> None:
    if value is None:
        return
    level: Iterable[Any] = (value,)
    depth = 0
    while level := [inner for outer in level for inner in _containers(outer)]:
        depth += 1
        if depth >= limits.depth:
            raise RequestTooLarge(f"{name} is nested deeper than {limits.depth} levels", param=name)
    size = len(msgspec.json.encode(value))
    if size > limits.schema:
        raise RequestTooLarge(f"{name} is {size} bytes long; this server takes at most {limits.schema}", param=name)


def _containers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    if isinstance(value, list):
        return [inner for inner in value if isinstance(inner, dict | list)]
    return []


def check_nodes(body: bytes, most: int) -> None:
    """Refuse JSON of more than *most* values before it is decoded: a few bytes of it can become a hundred in memory.

    Every value (in an object, with its key) comes after a comma or after the bracket that opens its container.
    """
    if len(body) <= most:
        return
    count = body.count(b",") + body.count(b"[") + body.count(b"{")
    if count > most and _more_outside_strings(body, most):
        raise RequestTooLarge(f"the request has more than {most} JSON values; this server takes no more")


_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'",[{'))


def _more_outside_strings(body: bytes, most: int) -> bool:
    """Linear in the body's length, whatever it holds: every second piece between unescaped quotes is a string."""
    marks = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _ALL_BUT_MARKS)
    if marks.count(b'"') > 4 * most:  # a value and its key have four quotes between them
        return True
    return sum(map(len, marks.split(b'"')[::2])) > most
