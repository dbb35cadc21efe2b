"""What a pickle of AgentStudio's may hold, and how the few objects in it are made. Imports nothing that a pickle names.

A name in a pickle is looked up in ``NAMES``, a table of our own, and becomes a mark; what may be done with each mark is
written here, by hand. No module is imported, no attribute read and no callable called on a pickle's word.
"""

import re
from collections.abc import Callable, Iterable
from math import prod
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from msgspec import Struct

from modelport.errors import LoadError

__all__ = ("AgentMessage", "Name", "PickleRefused", "build", "call", "finished", "key", "made", "named")

MOST_DEPTH = 64  # containers within containers
MOST_DIMENSIONS = 8
MOST_ARRAYS = 256 * 1024 * 1024  # bytes of all arrays; one payload may be named by many
MOST_PATH = 4096  # characters


class PickleRefused(ValueError):
    """The bytes are no pickle, or one that holds more than plain data."""


class AgentMessage(Struct, frozen=True):
    """AgentStudio's message: text, a NumPy array or a path, and who says it."""

    role: Any
    content: Any


class Name(Struct, frozen=True, eq=False):
    """Something that a pickle named, and that is known: a mark, never the thing itself."""

    kind: str
    written: str


class _Message(Struct, eq=False):
    fields: dict[str, Any] | None = None


class _DType(Struct, eq=False):
    code: str
    order: str | None = None


class _Array(Struct, eq=False):
    state: tuple[Any, ...] | None = None  # shape, dtype, whether columns come first, bytes


_KINDS: dict[str, tuple[str, ...]] = {
    "message": ("agent_studio.utils.types Message",),
    "posix": tuple(
        f"{module} {name}" for module in ("pathlib", "pathlib._local") for name in ("PosixPath", "PurePosixPath")
    ),
    "windows": tuple(
        f"{module} {name}" for module in ("pathlib", "pathlib._local") for name in ("WindowsPath", "PureWindowsPath")
    ),
    "array": ("numpy ndarray",),
    "dtype": ("numpy dtype",),
    "new array": ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"),
    "array of bytes": ("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer"),
    # How the older protocols write what has opcodes of its own in the newer ones.
    "encode": ("_codecs encode",),
    "bytes": ("builtins bytes", "__builtin__ bytes"),
    "set": ("builtins set", "__builtin__ set"),
    "frozenset": ("builtins frozenset", "__builtin__ frozenset"),
    "object": ("builtins object", "__builtin__ object"),
    "new object": ("copyreg _reconstructor", "copy_reg _reconstructor"),
}
NAMES: dict[str, Name] = {written: Name(kind, written) for kind, all_ in _KINDS.items() for written in all_}


def named(module: Any, name: Any) -> Name:
    """The mark of what a pickle calls *module* and *name*."""
    if type(module) is not str or type(name) is not str:
        raise PickleRefused("it names something by what is not text")
    found = NAMES.get(f"{module} {name}") if " " not in module and " " not in name else None
    if found is None:
        raise PickleRefused(f"it names {_shown(module)}.{_shown(name)}, which is not on the list of what it may hold")
    return found


def _shown(text: str) -> str:
    return re.sub(r"[^\w.]", "?", text[:80], flags=re.ASCII)


# --- what may be done with a mark -------------------------------------------------------------------------------------


def call(function: Any, arguments: Any) -> Any:
    """What REDUCE makes of *function* and *arguments*."""
    make = _MAKERS.get(function.kind) if type(function) is Name else None
    if make is None or type(arguments) is not tuple:
        raise PickleRefused(f"it calls {_what(function)}, which is not allowed")
    return make(function, arguments)


def made(kind: Any, arguments: Any) -> Any:
    """What NEWOBJ makes: a message, with nothing in it yet."""
    if type(kind) is not Name or kind.kind != "message" or arguments != ():
        raise PickleRefused(f"it makes an object of {_what(kind)}, which is not allowed")
    return _Message()


def build(target: Any, state: Any) -> None:
    """What BUILD does: give *target* its state, once."""
    if type(target) is _Message and target.fields is None:
        target.fields = _message_state(state)
    elif type(target) is _DType and target.order is None:
        target.order = _dtype_state(state)
    elif type(target) is _Array and target.state is None:
        target.state = _array_state(state)
    else:
        raise PickleRefused(f"it gives a state to {_what(target)}, which is not allowed")


def key(value: Any) -> Any:
    """*value*, if it may be a dict's key or a set's member: what no caller can make many of with the same hash."""
    kind = type(value)
    if kind in _KEYS or (kind is int and -(2**63) <= value < 2**64):
        return value
    raise PickleRefused(f"it has {_what(value)} as a key or in a set: text, bytes and numbers of 64 bits may be there")


_KEYS = frozenset({str, bytes, bool, float, type(None)})


def _what(value: Any) -> str:
    return value.written.replace(" ", ".") if type(value) is Name else f"a {type(value).__name__.strip('_')}"


def _path(function: Name, parts: tuple[Any, ...]) -> PurePath:
    if not all(type(part) is str for part in parts) or sum(map(len, parts)) > MOST_PATH or len(parts) > MOST_PATH:
        raise PickleRefused("it holds a path of other than a few pieces of text")
    return PurePosixPath(*parts) if function.kind == "posix" else PureWindowsPath(*parts)


def _dtype(_: Name, given: tuple[Any, ...]) -> _DType:
    code = given[0] if given else None
    if len(given) != 3 or type(code) is not str or code not in _DTYPES or given[1:] != (False, True):
        raise PickleRefused("it holds an array of other than plain numbers")
    return _DType(code)


_DTYPES = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"])


def _dtype_state(state: Any) -> str:
    if type(state) is not tuple or len(state) != 8 or state[2:] != (None, None, None, -1, -1, 0) or state[0] != 3:
        raise PickleRefused("it holds an array of other than plain numbers")
    order: Any = state[1]
    if type(order) is not str or order not in {"<", ">", "|"}:
        raise PickleRefused("it holds an array in an order of bytes that is not known")
    return order


def _new_array(_: Name, given: tuple[Any, ...]) -> _Array:
    if len(given) != 3 or not _is(given[0], "array") or given[1:] != ((0,), b"b"):
        raise PickleRefused("it holds an array of other than plain numbers")
    return _Array()


def _array_state(state: Any) -> tuple[Any, ...]:
    if type(state) is not tuple or len(state) != 5 or type(state[0]) is not int or state[0] != 1:
        raise PickleRefused("it holds an array in a form that is not known")
    return _checked(*state[1:])


def _array_of_bytes(_: Name, given: tuple[Any, ...]) -> _Array:
    if len(given) != 4 or type(given[3]) is not str or given[3] not in {"C", "F"}:
        raise PickleRefused("it holds an array in a form that is not known")
    data, dtype, shape, order = given
    return _Array(_checked(shape, dtype, order == "F", data))


def _checked(shape: Any, dtype: Any, columns_first: Any, data: Any) -> tuple[Any, ...]:
    if type(shape) is not tuple or len(shape) > MOST_DIMENSIONS:
        raise PickleRefused(f"it holds an array whose shape is not a tuple of at most {MOST_DIMENSIONS} numbers")
    if not all(type(size) is int and 0 <= size < 2**31 for size in shape):
        raise PickleRefused("it holds an array whose shape has other than sizes in it")
    if type(dtype) is not _DType or type(data) is not bytes or type(columns_first) is not bool:
        raise PickleRefused("it holds an array of other than plain numbers")
    if prod(shape) * int(dtype.code[1:]) != len(data):
        raise PickleRefused(f"it holds an array whose shape and kind do not fit its {len(data)} bytes")
    return shape, dtype, columns_first, data


def _encoded(_: Name, given: tuple[Any, ...]) -> bytes:
    if len(given) != 2 or type(given[0]) is not str or given[1] != "latin1":
        raise PickleRefused("it encodes text in another way than the one that bytes are written in")
    try:
        return given[0].encode("latin-1")
    except UnicodeEncodeError:
        raise PickleRefused("it holds bytes that are none") from None


def _empty_bytes(_: Name, given: tuple[Any, ...]) -> bytes:
    if given:
        raise PickleRefused("it holds bytes in a form that is not known")
    return b""


def _set(function: Name, given: tuple[Any, ...]) -> set[Any] | frozenset[Any]:
    if len(given) != 1 or type(given[0]) is not list:
        raise PickleRefused("it holds a set in a form that is not known")
    members: Iterable[Any] = map(key, given[0])
    return set(members) if function.kind == "set" else frozenset(members)


def _new_object(_: Name, given: tuple[Any, ...]) -> _Message:
    if len(given) != 3 or not _is(given[0], "message") or not _is(given[1], "object") or given[2] is not None:
        raise PickleRefused("it makes an object that is no message")
    return _Message()


def _message_state(state: Any) -> dict[str, Any]:
    if type(state) is not dict or set(state) != {"role", "content"}:
        raise PickleRefused("it holds a Message of other than role and content")
    return state


def _is(value: Any, kind: str) -> bool:
    return type(value) is Name and value.kind == kind


_MAKERS: dict[str, Callable[[Name, tuple[Any, ...]], Any]] = {
    "posix": _path,
    "windows": _path,
    "dtype": _dtype,
    "new array": _new_array,
    "array of bytes": _array_of_bytes,
    "encode": _encoded,
    "bytes": _empty_bytes,
    "set": _set,
    "frozenset": _set,
    "new object": _new_object,
}


# --- the end ----------------------------------------------------------------------------------------------------------

_PLAIN = frozenset({str, bytes, bool, int, float, type(None), set, frozenset, PurePosixPath, PureWindowsPath})


def finished(root: Any) -> Any:
    """*root* with every object in it made, what was shared still shared.

    Raises:
        PickleRefused: something in it is no value, holds itself, or is nested too deeply.
    """
    return _Finisher().finish(root)


class _Finisher:
    """Walks without recursion: a container is looked at again once all that it holds is done."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, int]] = {}  # id → the value, and how deep it goes
        self._open: set[int] = set()
        self._arrays = 0

    def finish(self, root: Any) -> Any:
        waiting = [root]
        while waiting:
            value = waiting[-1]
            if type(value) in _PLAIN or id(value) in self._done:
                waiting.pop()
                continue
            inner = _inner(value)
            if id(value) not in self._open:
                self._open.add(id(value))
                new = [one for one in inner if type(one) not in _PLAIN and id(one) not in self._done]
                if any(id(one) in self._open for one in new):
                    raise PickleRefused("it holds something that holds itself")
                if new:
                    waiting += new
                    continue
            waiting.pop()
            self._open.discard(id(value))
            self._close(value, inner)
        return self._of(root)

    def _of(self, value: Any) -> Any:
        return value if type(value) in _PLAIN else self._done[id(value)][0]

    def _close(self, value: Any, inner: list[Any]) -> None:
        depth = 1 + max((self._done[id(one)][1] for one in inner if type(one) not in _PLAIN), default=0)
        if depth > MOST_DEPTH:
            raise PickleRefused(f"it is nested deeper than {MOST_DEPTH} levels")
        result: Any
        if type(value) is list:
            result = [self._of(one) for one in value]
        elif type(value) is tuple:
            result = tuple([self._of(one) for one in value])
        elif type(value) is dict:
            result = {name: self._of(one) for name, one in value.items()}
        elif type(value) is _Message:
            result = AgentMessage(*[self._of(one) for one in inner])
        else:
            result = self._array(value)
        self._done[id(value)] = (result, depth)

    def _array(self, value: _Array) -> Any:
        assert value.state is not None
        shape, dtype, columns_first, data = value.state
        if dtype.order is None:
            raise PickleRefused("it holds an array in an order of bytes that is not known")
        self._arrays += len(data)
        if self._arrays > MOST_ARRAYS:
            raise PickleRefused(f"its arrays have more than {MOST_ARRAYS} bytes")
        try:
            import numpy as np
        except ImportError:
            raise LoadError("arrays are read with NumPy, which is not installed here: pip install numpy") from None
        flat = np.frombuffer(bytearray(data), np.dtype(dtype.order.replace("|", "=") + dtype.code))
        if dtype.code == "b1" and flat.view(np.uint8).max(initial=0) > 1:
            raise PickleRefused("it holds an array of truth values that are neither")
        return flat.reshape(shape, order="F" if columns_first else "C")


def _inner(value: Any) -> list[Any]:
    kind = type(value)
    if kind is list:
        return value  # type: ignore[no-any-return]
    if kind is tuple:
        return list(value)
    if kind is dict:
        return list(value.values())
    if kind is _Message and value.fields is not None:
        return [value.fields["role"], value.fields["content"]]
    if kind is _Array and value.state is not None:
        return []
    raise PickleRefused(f"it holds {_what(value)}, which is no value")
