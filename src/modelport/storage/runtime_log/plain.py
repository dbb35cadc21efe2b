"""Agents, responses and arguments as plain data without secrets, for a log. Knows no kind of logger."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from modelport.secret import MASK, Secret, redact, sounds_secret

__all__ = ("Plain", "get_current_ts", "name_of", "to_dict")

# Fields of a constructor that never reach a log: as in AutoGen, whose queries do not expect them.
_LEFT_OUT = frozenset(
    {
        *("self", "__class__", "api_key", "organization", "base_url", "azure_endpoint"),
        *("azure_ad_token", "azure_ad_token_provider"),
    }
)
_DEEPEST = 32
_MOST_NODES = 20_000
_SHORTEST_KEY = 8  # a shorter value of the environment is no key, and masking it could leave nothing readable


def get_current_ts() -> str:
    """Now, UTC, as ``2026-01-31 12:00:00.000000``."""
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def name_of(source: Any) -> str:
    """What a source is called: its own text, or the agent's name."""
    return source if isinstance(source, str) else str(getattr(source, "name", None) or type(source).__name__)


def to_dict(obj: Any, exclude: Iterable[str] = (), no_recursive: tuple[type, ...] = ()) -> Any:
    """*obj* as what JSON can hold: objects by their attributes, functions by their source, *exclude*'d fields gone.

    Objects of the types *no_recursive* are their ``str()``. What is deeper than 32 levels, or refers to itself, is
    named by its type.
    """
    return _Walk(frozenset(exclude), no_recursive, objects=True, mask=False).of(obj)


class Plain:
    """Makes JSON of what is to be logged, with secrets masked and functions by their names.

    Secret is: what fields with such names hold (``api_key``, ``password``, …), wherever it shows up from then on, and
    the values of the environment's variables with such names.
    """

    def __init__(self) -> None:
        self._secrets: set[str] = {
            value for name, value in os.environ.items() if sounds_secret(name.lower()) and len(value) >= _SHORTEST_KEY
        }

    def constructed(self, init_args: Mapping[str, Any]) -> str:
        """A constructor's arguments, without those that say where a model is and how one gets in.

        Objects are named by their types: a loaded model is nothing to write down.
        """
        return self._json(dict(init_args), exclude=_LEFT_OUT, objects=False)

    def whole(self, value: Any, indent: int | None = None) -> str:
        """A request, a response, or the arguments and the result of a tool."""
        return self._json(value, exclude=frozenset(), objects=True, indent=indent)

    def event(self, value: Any) -> str:
        """What belongs to an event; objects are named by their types."""
        return self._json(value, exclude=frozenset(), objects=False)

    def text(self, value: str) -> str:
        """*value* with every known secret masked."""
        return redact(value, self._secrets)

    def _json(self, value: Any, *, exclude: frozenset[str], objects: bool, indent: int | None = None) -> str:
        from json import dumps

        walk = _Walk(exclude, (), objects=objects, mask=True)
        plain = walk.of(value)
        self._secrets |= walk.secrets
        return redact(dumps(plain, indent=indent), self._secrets)


class _Walk:
    """One value made plain: bounded in depth and size, and in what refers to itself."""

    def __init__(self, exclude: frozenset[str], no_recursive: tuple[type, ...], *, objects: bool, mask: bool) -> None:
        self._exclude = exclude
        self._no_recursive = no_recursive
        self._objects = objects
        self._mask = mask
        self._nodes = 0
        self._above: list[int] = []
        self.secrets: set[str] = set()

    def of(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, self._no_recursive):
            return str(value)
        self._nodes += 1
        if len(self._above) >= _DEEPEST or self._nodes > _MOST_NODES or id(value) in self._above:
            return _named(value)
        self._above.append(id(value))
        try:
            return self._container(value)
        finally:
            self._above.pop()

    def _container(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self._fields(value)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.of(each) for each in value]
        if isinstance(value, Secret):
            self.secrets.add(value.reveal())
            return MASK
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if callable(value):
            return _named(value) if self._mask else _source(value)  # a log needs no files read, least of all on a loop
        fields = _attributes(value) if self._objects else _values_of(value)
        return _named(value) if fields is None else self._fields(fields)

    def _fields(self, fields: Mapping[Any, Any]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, value in fields.items():
            name = str(key)
            # A tool may well have an argument that is called key; a key of an API never is called so in a config.
            secret = self._mask and name != "key" and sounds_secret(name)
            if secret and isinstance(value, str) and value:
                self.secrets.add(value)
            if name in self._exclude:
                continue
            plain[name] = MASK if secret and value else self.of(value)
        return plain


def _attributes(value: Any) -> Mapping[str, Any] | None:
    fields = _values_of(value)
    return getattr(value, "__dict__", None) if fields is None else fields


def _values_of(value: Any) -> Mapping[str, Any] | None:
    """The fields of an object that is data: pydantic's, msgspec's and dataclasses' say so themselves."""
    kind = type(value)
    names = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", None)
    names = names or getattr(kind, "__struct_fields__", None)
    return {name: getattr(value, name, None) for name in names} if names else None


def _source(value: Any) -> str:
    import inspect

    try:
        return inspect.getsource(value).strip()
    except (OSError, TypeError):  # built in, made at run time, or an object that can be called
        return _named(value)


def _named(value: Any) -> str:
    name = getattr(value, "__qualname__", None)
    return str(name) if name else f"<<non-serializable: {type(value).__qualname__}>>"
