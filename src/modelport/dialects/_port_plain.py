"""Plain data for the ``port`` wire: what may cross in a request's free fields, and how much msgpack is too much."""

from collections.abc import Mapping
from typing import Any

import msgspec

from modelport.errors import InvalidRequest, RequestTooLarge
from modelport.types import ChatRequest

__all__ = ("MOST_NODES", "check_node_count", "check_plain", "explain_unencodable")

MOST_NODES = 1_000_000  # values in one msgpack message
_DEEPEST = 64
_SCALARS = (str, int, float, bool, bytes, type(None))


def check_plain(request: ChatRequest) -> None:
    """Refuse what is no plain data in ``extra``, the request's and its messages'.

    Plain data is text, numbers, True, False, None, bytes, and lists and dicts of it; a tuple arrives as a list.

    Raises:
        InvalidRequest: ``param`` names the place.
    """
    if request.extra:
        _check(request.extra, "extra", 0)
    for number, message in enumerate(request.messages):
        if message.extra:
            _check(message.extra, f"messages[{number}].extra", 0)


def _check(value: Any, where: str, depth: int) -> None:
    kind = type(value)
    if kind in _SCALARS:
        if kind is int and not -(1 << 63) <= value < 1 << 64:
            raise InvalidRequest(f"{where} is a number beyond 64 bits, which cannot be sent", param=where)
        return
    if depth >= _DEEPEST:
        raise InvalidRequest(f"{where} is nested deeper than {_DEEPEST} levels", param=where)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if type(key) is not str:
                raise InvalidRequest(f"{where} has the key {key!r:.60}, which is not text", param=where)
            _check(inner, f"{where}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check(inner, f"{where}[{index}]", depth + 1)
    elif not isinstance(value, str | int | float | bytes) or hasattr(value, "__array_interface__"):
        raise InvalidRequest(
            f"{where} is of type {kind.__qualname__}, which cannot be sent: "
            "give text, numbers, booleans, None, bytes, lists or dicts",
            param=where,
        )


def explain_unencodable(request: ChatRequest, error: Exception) -> InvalidRequest:
    """Which field of *request* made the encoder raise *error*."""
    for number, message in enumerate(request.messages):
        for name in message.__struct_fields__:
            if name != "content" and not _encodes(getattr(message, name)):
                return _cannot_be_sent(f"messages[{number}].{name}", error)
        content = message.content
        for at, part in enumerate(content if isinstance(content, tuple) else ()):
            if any(not _encodes(getattr(part, name)) for name in part.__struct_fields__ if name != "image"):
                return _cannot_be_sent(f"messages[{number}].content[{at}]", error)
        if not isinstance(content, tuple) and not _encodes(content):
            return _cannot_be_sent(f"messages[{number}].content", error)
    for name in request.__struct_fields__:
        if name != "messages" and not _encodes(getattr(request, name)):
            return _cannot_be_sent(name, error)
    return _cannot_be_sent("messages", error)


def _encodes(value: Any) -> bool:
    try:
        msgspec.msgpack.encode(value)
    except Exception:  # whatever it is, this is the field
        return False
    return True


def _cannot_be_sent(where: str, error: Exception) -> InvalidRequest:
    return InvalidRequest(f"{where} holds what cannot be sent: {error}", param=where)


# --- counting --------------------------------------------------------------------------------------------------------

# For each first byte of a msgpack value: bytes of its head after the first, and what stands in them.
_FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8} | {
    0xD4 + power: 1 + (1 << power) for power in range(5)
}
_LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}


def check_node_count(data: memoryview, most: int = MOST_NODES) -> None:
    """Refuse msgpack of more than *most* values before it is decoded: one byte of it can become a hundred in memory.

    A message of fewer bytes cannot have so many, and is not looked at.

    Raises:
        RequestTooLarge: there are more.
    """
    if len(data) <= most:
        return
    at, count, size = 0, 0, len(data)
    while at < size:
        count += 1
        if count > most:
            raise RequestTooLarge(f"the message has more than {most} values; no more are taken")
        first = data[at]
        at += 1
        if 0xA0 <= first <= 0xBF:
            at += first & 0x1F
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _LENGTHS:
            width = _LENGTHS[first]
            at += width + int.from_bytes(data[at : at + width], "big")
        elif first in _EXTENSIONS:
            width = _EXTENSIONS[first]
            at += width + 1 + int.from_bytes(data[at : at + width], "big")
        elif first in {0xDC, 0xDE}:
            at += 2
        elif first in {0xDD, 0xDF}:
            at += 4
