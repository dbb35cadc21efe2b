"""Response objects of users' classes as plain data, and back: what can be kept of an object without pickling it.

Objects come back as namespaces with the same attributes. What is no data (a lock, a tensor, a function) is left out.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

__all__ = ("restore", "snapshot")

_DEEPEST = 32


class _NoData(Exception):
    """There is nothing in a value that could be stored."""


def snapshot(value: Any, *, open_dicts: bool = False) -> Any:
    """*value* as data for :func:`restore`; with *open_dicts*, dicts come back as objects too."""
    try:
        return _take(value, _DEEPEST, open_dicts)
    except _NoData:
        return None


def restore(data: Any) -> Any:
    """What :func:`snapshot` saw."""
    if not isinstance(data, list | tuple):
        return data
    kind, content = data
    if kind == "list":
        return [restore(item) for item in content]
    items = {name: restore(item) for name, item in content.items()}
    return items if kind == "dict" else SimpleNamespace(**items)


def _take(value: Any, depth: int, open_dicts: bool) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | bytes | float):  # subclasses (an Enum's member) as what they are underneath
        return str.__str__(value) if isinstance(value, str) else value if isinstance(value, bytes) else float(value)
    if isinstance(value, int):
        if -(2**63) <= value < 2**64:
            return int(value)
        raise _NoData
    if depth == 0:
        raise _NoData
    if isinstance(value, list | tuple | set | frozenset):
        return ["list", _each(enumerate(value), depth, open_dicts, list)]
    if isinstance(value, Mapping):
        items = ((name, item) for name, item in value.items() if isinstance(name, str))
        return ["object" if open_dicts else "dict", _each(items, depth, open_dicts, dict)]
    return ["object", _each(_attributes(value).items(), depth, open_dicts, dict)]


def _each(items: Any, depth: int, open_dicts: bool, kind: type) -> Any:
    taken = {}
    for name, item in items:
        try:
            taken[name] = _take(item, depth - 1, open_dicts)
        except _NoData:
            continue
    return taken if kind is dict else list(taken.values())


def _attributes(value: Any) -> dict[str, Any]:
    """The public attributes of an object of data."""
    if callable(value) or isinstance(value, type):
        raise _NoData
    fields: Any = getattr(type(value), "__struct_fields__", None) or getattr(type(value), "model_fields", ())
    names: list[str] = list(fields)
    extra = getattr(value, "model_extra", None)
    names += [name for name in (*getattr(value, "__dict__", ()), *(extra or ())) if name not in names]
    if not names:
        slots = getattr(type(value), "__slots__", ())
        names = [slots] if isinstance(slots, str) else list(slots)
        if not names:
            raise _NoData
    return {name: getattr(value, name) for name in names if not name.startswith("_") and hasattr(value, name)}
