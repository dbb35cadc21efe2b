"""JSON schemas of tools, as OpenAI's chat completions take them, from annotated signatures.

Knows no agents and calls no tool. pydantic, which makes the schema of each type, is imported when a schema is first
asked for.
"""

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, ForwardRef

from msgspec import Struct

from modelport.agents.tools.signatures import (
    function_name,
    get_default_values,
    get_missing_annotations,
    get_param_annotations,
    get_required_params,
    get_typed_return_annotation,
    get_typed_signature,
)

__all__ = (
    "Function",
    "Parameters",
    "ToolFunction",
    "get_function_schema",
    "get_parameter_json_schema",
    "get_parameters",
)

logger: logging.Logger = logging.getLogger(__name__)


class Parameters(Struct, kw_only=True):
    """The parameters of a function: the JSON schema of each, and the names of those that must be given."""

    properties: dict[str, dict[str, Any]]
    required: list[str]
    type: str = "object"
    definitions: dict[str, Any] = {}

    def model_dump(self) -> dict[str, Any]:
        """As a JSON schema."""
        schema = {"type": self.type, "properties": self.properties, "required": self.required}
        return {**schema, "$defs": self.definitions} if self.definitions else schema


class Function(Struct, kw_only=True):
    """A function that a model may call."""

    description: str
    name: str
    parameters: Parameters

    def model_dump(self) -> dict[str, Any]:
        """As OpenAI's ``functions`` have it."""
        return {"description": self.description, "name": self.name, "parameters": self.parameters.model_dump()}


class ToolFunction(Struct, kw_only=True):
    """A function as one of OpenAI's ``tools``."""

    function: Function
    type: str = "function"

    def model_dump(self) -> dict[str, Any]:
        """As OpenAI's ``tools`` have it."""
        return {"type": self.type, "function": self.function.model_dump()}


def get_function_schema(f: Callable[..., Any], *, name: str | None = None, description: str) -> dict[str, Any]:
    """*f* as one of OpenAI's ``tools``: ``{"type": "function", "function": {description, name, parameters}}``.

    Every parameter without a default needs an annotation; ``Annotated[int, "what it means"]`` describes it to the
    model. What a ``functools.partial`` has already given by name is not the model's to choose and is left out.

    Raises:
        TypeError: an annotation is missing, or is a type that JSON has no form for; names the function and parameter.
        NameError: an annotation is text with an unknown name in it.
        ValueError: an ``Annotated`` without a description.
    """
    signature = get_typed_signature(f)
    bound = f.keywords if isinstance(f, functools.partial) else {}
    required = get_required_params(signature)
    _check(f, *get_missing_annotations(signature, required))
    parameters = _get_parameters(
        required,
        {key: kind for key, kind in get_param_annotations(signature).items() if key not in bound},
        get_default_values(signature),
        f" of the function '{function_name(f)}'",
    )
    function = Function(description=description, name=name or function_name(f), parameters=parameters)
    return ToolFunction(function=function).model_dump()


def _check(f: Callable[..., Any], missing: set[str], unannotated: set[str]) -> None:
    if missing:
        raise TypeError(
            f"All parameters of the function '{function_name(f)}' without default values must be annotated. "
            f"The annotations are missing for the following parameters: {_listed(missing)}"
        )
    if unannotated:
        logger.warning(
            "The following parameters of the function '%s' with default values are not annotated: %s.",
            function_name(f),
            _listed(unannotated),
        )
    if get_typed_return_annotation(f) is None:
        logger.info("the function '%s' does not say what it returns", function_name(f))


def _listed(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def get_parameters(
    required: list[str], param_annotations: Mapping[str, Any], default_values: Mapping[str, Any]
) -> Parameters:
    """The parameters of a function.

    The definitions that nested types need stand at the root, which is where a ``$ref`` looks for them.
    """
    return _get_parameters(required, param_annotations, default_values, "")


def _get_parameters(
    required: list[str], param_annotations: Mapping[str, Any], default_values: Mapping[str, Any], where: str
) -> Parameters:
    properties: dict[str, dict[str, Any]] = {}
    definitions: dict[str, Any] = {}
    for name, kind in param_annotations.items():
        schema = _parameter_schema(name, kind, default_values, where)
        properties[name] = _hoisted(schema, definitions)
    return Parameters(properties=properties, required=required, definitions=definitions)


def _hoisted(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """*schema* without its own ``$defs``, which join *definitions*; under another name where two types share one."""
    own = schema.pop("$defs", {})
    names = {name: _free_name(name, own[name], definitions) for name in own}
    moved = {f"#/$defs/{old}": f"#/$defs/{new}" for old, new in names.items() if old != new}
    for old, new in names.items():
        definitions[new] = _with_refs(own[old], moved)
    result: dict[str, Any] = _with_refs(schema, moved)
    return result


def _free_name(name: str, definition: Any, definitions: Mapping[str, Any]) -> str:
    candidate, number = name, 1
    while candidate in definitions and definitions[candidate] != definition:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _with_refs(schema: Any, moved: Mapping[str, str]) -> Any:
    if not moved:
        return schema
    if isinstance(schema, dict):
        return {
            key: moved.get(value, value) if key == "$ref" and isinstance(value, str) else _with_refs(value, moved)
            for key, value in schema.items()
        }
    return [_with_refs(item, moved) for item in schema] if isinstance(schema, list) else schema


def get_parameter_json_schema(k: str, v: Any, default_values: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of the parameter *k* of type *v*, with its description and its default.

    A default that JSON has no form for is left out.
    """
    return _parameter_schema(k, v, default_values, "")


def _parameter_schema(name: str, kind: Any, default_values: Mapping[str, Any], where: str) -> dict[str, Any]:
    schema = _type_schema(name, kind, where)
    if name in default_values:
        _add_default(schema, default_values[name])
    metadata = getattr(kind, "__metadata__", None)
    if metadata is None:
        schema["description"] = name
        return schema
    texts = [item for item in metadata if isinstance(item, str)]
    if texts:
        schema["description"] = texts[0]
    elif not any(getattr(item, "description", None) for item in metadata):  # pydantic.Field has one
        raise ValueError(f"Invalid description {metadata[0]} for parameter {name}{where}, should be a string.")
    return schema


_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _type_schema(name: str, kind: Any, where: str) -> dict[str, Any]:
    metadata = getattr(kind, "__metadata__", ())
    plain = kind.__origin__ if metadata and all(isinstance(item, str) for item in metadata) else kind
    if isinstance(plain, type) and plain in _PLAIN:  # most parameters, and no reason to import pydantic
        return {"type": _PLAIN[plain]}
    if isinstance(kind, ForwardRef):
        raise NameError(
            f"the annotation '{kind.__forward_arg__}' of the parameter '{name}'{where} has a name that its module "
            "does not know: import or define it there, not only for type checkers"
        )
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(kind).json_schema()
    except PydanticUserError as error:
        reason = error.message.splitlines()[0]
        raise TypeError(
            f"the parameter '{name}'{where} has the type {kind!r}, which has no JSON schema ({reason}): "
            "use plain types, a dataclass, a TypedDict or a pydantic model"
        ) from error
    except NameError as error:
        raise NameError(f"the annotation {kind!r} of the parameter '{name}'{where}: {error}") from error


def _add_default(schema: dict[str, Any], default: Any) -> None:
    if default is None or isinstance(default, str | int | float):
        plain = default
    else:
        from pydantic_core import to_jsonable_python

        try:
            plain = to_jsonable_python(default)
        except Exception:
            return
    schema["default"] = plain
