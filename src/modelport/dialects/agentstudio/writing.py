"""Plain data as a pickle, opcode by opcode, for readers that know no other form. Imports no pickler.

What is written for a caller names no module at all. Only what asks a model does: AgentStudio's ``Message``, and NumPy's
array.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from modelport.dialects.agentstudio.values import AgentMessage
from modelport.media import is_array

__all__ = ("MOST_LEVELS", "is_plain", "write_messages", "write_plain")

MOST_LEVELS = 32

_START, _END = b"\x80\x03", b"."
_MESSAGE = b"cagent_studio.utils.types\nMessage\n)\x81"  # the class, no arguments, a new one
_NEW_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
_KINDS = "biufc"


def write_plain(value: Any) -> bytes:
    """*value*, of text, numbers, truth values, None, bytes, lists, tuples and dicts, as a pickle.

    Raises:
        TypeError: something in it is none of these (see :func:`is_plain`).
    """
    out = [_START]
    _write(value, out)
    return b"".join([*out, _END])


def write_messages(messages: Sequence[AgentMessage]) -> bytes:
    """*messages*, of text or arrays of plain numbers, as a pickle that AgentStudio's server opens."""
    out = [_START, b"]("]
    for message in messages:
        out.append(_MESSAGE + b"}(" + _text("role") + _text(message.role) + _text("content"))
        if is_array(message.content):
            _array(message.content, out)
        else:
            _write(message.content, out)
        out.append(b"ub")
    return b"".join([*out, b"e", _END])


def is_plain(value: Any, levels: int = MOST_LEVELS) -> bool:
    """Whether :func:`write_plain` can write *value*."""
    kind = type(value)
    if kind in _SIMPLE:
        return True
    if kind is int:
        return bool(-(2**1024) < value < 2**1024)
    if levels == 0:
        return False
    if kind is dict:
        return all(type(name) is str and is_plain(inner, levels - 1) for name, inner in value.items())
    return kind in {list, tuple} and all(is_plain(inner, levels - 1) for inner in value)


def _write(value: Any, out: list[bytes]) -> None:
    kind = type(value)
    simple = _SIMPLE.get(kind)
    if simple is not None:
        out.append(simple(value))
    elif kind is int:
        out.append(_int(value))
    elif isinstance(value, Mapping):
        out.append(b"}(")
        for name, inner in value.items():
            out.append(_text(name))
            _write(inner, out)
        out.append(b"u")
    elif kind is list or kind is tuple:
        out.append(b"](" if kind is list else b"(")
        for inner in value:
            _write(inner, out)
        out.append(b"e" if kind is list else b"t")
    else:
        raise TypeError(f"{kind.__name__} is not plain data")


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _bytes(data: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(data)) + data


def _int(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes((len(data),)) + data


_SIMPLE: dict[type, Any] = {
    type(None): lambda _: b"N",
    bool: lambda value: b"\x88" if value else b"\x89",
    float: lambda value: b"G" + struct.pack(">d", value),
    str: _text,
    bytes: _bytes,
}


def _array(array: Any, out: list[bytes]) -> None:
    import numpy as np

    array = np.ascontiguousarray(array) if array.ndim else np.asarray(array)
    if array.dtype.kind not in _KINDS or array.dtype.itemsize > 16:
        raise TypeError(f"an array of {array.dtype} is not plain data")
    code = array.dtype.str
    out += [_NEW_ARRAY, b"("]
    _write(1, out)
    _write(tuple(map(int, array.shape)), out)
    out.append(b"cnumpy\ndtype\n" + _text(code[1:]) + b"\x89\x88\x87R(")
    for part in (3, code[0], None, None, None, -1, -1, 0):
        _write(part, out)
    out.append(b"tb\x89" + _bytes(array.tobytes()) + b"tb")
