"""What a function's signature says, with its annotations as types. Knows no JSON Schema and no pydantic."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, ForwardRef

__all__ = (
    "function_name",
    "get_default_values",
    "get_missing_annotations",
    "get_param_annotations",
    "get_required_params",
    "get_typed_annotation",
    "get_typed_return_annotation",
    "get_typed_signature",
    "is_async",
    "namespace_of",
)

_EMPTY = inspect.Parameter.empty


def function_name(call: Callable[..., Any]) -> str:
    """What to call *call*: its own name, that of the function below a partial, or its class's."""
    while isinstance(call, functools.partial):
        call = call.func
    name = getattr(call, "__name__", None)
    return name if isinstance(name, str) else type(call).__name__


def is_async(call: object) -> bool:
    """Whether calling *call* gives something to await: ``async def``, a partial of one, or an async ``__call__``."""
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004  (not whether it can be called, but how)
    )


def namespace_of(call: Callable[..., Any]) -> dict[str, Any]:
    """The names that annotations written as text may use: the globals of the function below all wrapping."""
    seen: Any = call
    while True:
        if isinstance(seen, functools.partial):
            seen = seen.func
        elif hasattr(seen, "__wrapped__"):
            seen = seen.__wrapped__
        else:
            break
    if not hasattr(seen, "__globals__"):
        seen = getattr(type(seen), "__call__", seen)  # noqa: B004  (an object that can be called)
    found = getattr(seen, "__globals__", {})
    return found if isinstance(found, dict) else {}


def get_typed_annotation(annotation: Any, globalns: dict[str, Any]) -> Any:
    """*annotation* as a type, if it is text (PEP 563) or has text in it; a ``ForwardRef`` where a name is unknown."""
    if not isinstance(annotation, str) and not getattr(annotation, "__args__", None):
        return annotation

    def holder() -> None:
        """Something with annotations."""

    holder.__annotations__ = {"it": annotation}
    try:
        return typing.get_type_hints(holder, globalns, globalns, include_extras=True)["it"]
    except (NameError, AttributeError, TypeError, SyntaxError):
        return _unresolved(annotation)


def _unresolved(annotation: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return ForwardRef(annotation)
    except SyntaxError as error:
        raise TypeError(f"the annotation {annotation!r} is not Python: {error}") from error


def get_typed_signature(call: Callable[..., Any]) -> inspect.Signature:
    """The parameters of *call* with their annotations as types. It has no return annotation."""
    namespace = namespace_of(call)
    return inspect.Signature(
        [
            parameter.replace(annotation=get_typed_annotation(parameter.annotation, namespace))
            for parameter in inspect.signature(call).parameters.values()
        ]
    )


def get_typed_return_annotation(call: Callable[..., Any]) -> Any:
    """What *call* says it returns; None where it says nothing (or None)."""
    annotation = inspect.signature(call).return_annotation
    return None if annotation is _EMPTY else get_typed_annotation(annotation, namespace_of(call))


def get_param_annotations(typed_signature: inspect.Signature) -> dict[str, Any]:
    """The annotation of each parameter that has one."""
    return {
        name: parameter.annotation
        for name, parameter in typed_signature.parameters.items()
        if parameter.annotation is not _EMPTY
    }


def get_required_params(typed_signature: inspect.Signature) -> list[str]:
    """The parameters without a default, in order."""
    return [name for name, parameter in typed_signature.parameters.items() if parameter.default is _EMPTY]


def get_default_values(typed_signature: inspect.Signature) -> dict[str, Any]:
    """The default of each parameter that has one."""
    return {
        name: parameter.default
        for name, parameter in typed_signature.parameters.items()
        if parameter.default is not _EMPTY
    }


def get_missing_annotations(typed_signature: inspect.Signature, required: list[str]) -> tuple[set[str], set[str]]:
    """The parameters without an annotation: those that must be given, and those with a default."""
    bare = {name for name, parameter in typed_signature.parameters.items() if parameter.annotation is _EMPTY}
    needed = bare & set(required)
    return needed, bare - needed
