"""What in a user's module is a model, and what it is called. Imports nothing and makes no instance.

A module says so itself with a list, ``models = [reply, Mine]``. Otherwise these count, where the module defines them:
classes and instances of a known shape, and functions with a ``name`` attribute (or, for a file without a name after it,
its one public function).
"""

import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from modelport.errors import LoadError

__all__ = ("Candidate", "candidates", "kind_of", "name_of", "only_candidate")


class Candidate(NamedTuple):
    """``name`` finds it; ``attribute`` is what the module calls it; ``kind`` is for people."""

    name: str
    attribute: str
    kind: str
    value: Any


def candidates(module: ModuleType, file: str) -> list[Candidate]:
    """The models of *module*, in the order in which it defines them.

    Raises:
        LoadError: its ``models`` is not a list of models.
    """
    listed = getattr(module, "models", None)
    if isinstance(listed, list | tuple):
        return list(_listed(listed, module, file))
    return list(_defined(module))


def only_candidate(module: ModuleType, file: str) -> list[Candidate]:
    """As :func:`candidates`; where there are none, the module's public functions."""
    found = candidates(module, file)
    if found:
        return found
    return [
        Candidate(attribute, attribute, "function", value)
        for attribute, value in vars(module).items()
        if isinstance(value, FunctionType) and not attribute.startswith("_") and value.__module__ == module.__name__
    ]


def kind_of(thing: Any) -> str | None:
    """The shape of a class or an instance in a word, or None where it has none that is known."""

    def has(name: str) -> bool:
        return callable(getattr(thing, name, None))

    if has("stream") or has("generate_batch"):
        return "native"
    if has("create") and has("message_retrieval"):
        return "modelclient"
    if has("generate_response"):
        return "agentstudio"
    if isinstance(thing, FunctionType):
        return "function"
    return "native" if has("embed") and not has("create") else None


def name_of(thing: Any, otherwise: str) -> str:
    """What *thing* calls itself by ``name``, be it its own, its class's or a simple property; or *otherwise*."""
    name = inspect.getattr_static(thing, "name", None)
    if isinstance(name, property):
        try:
            # Without its constructor, which may load weights; a name that depends on one is not known by its class.
            name = thing.name if not isinstance(thing, type) else name.fget(object.__new__(thing))  # type: ignore[misc]
        except Exception:
            return otherwise
    elif not isinstance(name, str):
        name = None if isinstance(thing, type) else getattr(thing, "name", None)
    return name if isinstance(name, str) and name else otherwise


def _listed(listed: "list[Any] | tuple[Any, ...]", module: ModuleType, file: str) -> Iterator[Candidate]:
    attributes = {id(value): attribute for attribute, value in reversed(vars(module).items())}
    for index, value in enumerate(listed):
        kind = kind_of(value) or ("function" if callable(value) and not isinstance(value, type) else None)
        if kind is None:
            raise LoadError(
                f"{file}: models[{index}] is {value!r:.80}, which has no shape of a model: "
                "list classes, instances or functions"
            )
        attribute = attributes.get(id(value), f"models[{index}]")
        yield Candidate(name_of(value, getattr(value, "__name__", attribute)), attribute, kind, value)


def _defined(module: ModuleType) -> Iterator[Candidate]:
    for attribute, value in list(vars(module).items()):
        if attribute.startswith("_") or isinstance(value, ModuleType):
            continue
        kind = kind_of(value)
        if kind is None or not _is_own(value, module):
            continue
        if kind == "function" and not isinstance(getattr(value, "name", None), str):
            continue
        yield Candidate(name_of(value, attribute), attribute, kind, value)


def _is_own(value: Any, module: ModuleType) -> bool:
    if not isinstance(value, type | FunctionType):
        return not getattr(type(value), "_is_protocol", False)
    if value.__module__ != module.__name__:
        return False
    return not (inspect.isabstract(value) or getattr(value, "_is_protocol", False))
