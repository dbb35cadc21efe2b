"""Keyword arguments as callers write them to requests, and back. No wire format, no I/O."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from msgspec import ValidationError, convert
from msgspec.structs import asdict, force_setattr

from modelport.errors import InvalidRequest
from modelport.types.complaints import half_character, translate_validation
from modelport.types.messages import messages_from
from modelport.types.request import ChatRequest, NamedTool, ResponseFormat, Tool

__all__ = ("params_from_request", "request_from_params", "response_format_from", "tool_from")

_FIELDS = frozenset(ChatRequest.__struct_fields__) - {"messages", "extra"}
_ALIASES = {"max_completion_tokens": "max_tokens"}


def request_from_params(params: Mapping[str, Any]) -> ChatRequest:
    """A request from keyword arguments as given to ``create()``; unknown names go to ``extra``.

    Messages are looked into when the model first reads them; a model that takes dicts is given the caller's own.

    Raises:
        InvalidRequest: a field is wrong; ``param`` names it.
    """
    if "messages" not in params:
        raise InvalidRequest("messages is missing: give a list of {'role': …, 'content': …}", param="messages")
    messages = messages_from(params["messages"], later=True)
    if len(params) == 1:
        return ChatRequest(messages=messages)
    known: dict[str, Any] = {"messages": ()}
    extra: dict[str, Any] | None = None
    for key, value in params.items():
        if key == "messages" or value is None:
            continue
        name = _ALIASES.get(key, key)
        if name in _FIELDS:
            prepare = _PREPARE.get(name)
            known[name] = value if prepare is None else prepare(value)
        elif extra is None:
            extra = {key: value}
        else:
            extra[key] = value
    if extra is not None:
        known["extra"] = extra
    try:
        request = convert(known, ChatRequest)
    except ValidationError as error:
        raise translate_validation(error, given=known) from None
    except UnicodeEncodeError:
        raise half_character(known) from None
    force_setattr(request, "messages", messages)
    return request


# --- the fields whose callers' shapes are not the values' own -------------------------------------------------------


def _stop_from(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def tool_from(value: Any, where: str = "tools") -> Any:
    """A tool from OpenAI's nested form, or from one that is already flat."""
    if isinstance(value, Mapping) and value.get("type") == "function":
        if "function" not in value:
            raise InvalidRequest(f"{where}.function is missing", param=f"{where}.function")
        try:
            return convert(value["function"], Tool)
        except ValidationError as error:
            raise translate_validation(error, f"{where}.function", value["function"]) from None
    return value


def _tools_from(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return tuple(tool_from(tool, f"tools[{number}]") for number, tool in enumerate(value))


def _tool_choice_from(value: Any) -> Any:
    if isinstance(value, str) and value not in {"none", "auto", "required"}:
        raise InvalidRequest(
            f"tool_choice must be none, auto, required or one function, got {value!r}", param="tool_choice"
        )
    if isinstance(value, Mapping) and isinstance(value.get("function"), Mapping):
        return NamedTool(str(value["function"].get("name", "")))
    return value


def response_format_from(value: Any) -> Any:
    """A response format from OpenAI's nested form, or from a pydantic model class."""
    if isinstance(value, type) and hasattr(value, "model_json_schema"):
        return ResponseFormat("json_schema", value.__name__, value.model_json_schema(), strict=True)
    if not isinstance(value, Mapping) or not isinstance(value.get("json_schema"), Mapping):
        return value
    inner = value["json_schema"]
    if "schema" not in inner:
        return value
    return {"type": value.get("type"), "name": inner.get("name"), "json_schema": inner["schema"]} | (
        {"strict": inner["strict"]} if inner.get("strict") is not None else {}
    )


_PREPARE = {
    "stop": _stop_from,
    "tools": _tools_from,
    "tool_choice": _tool_choice_from,
    "response_format": response_format_from,
}


# --- and back ---------------------------------------------------------------------------------------------------------


def params_from_request(request: ChatRequest) -> dict[str, Any]:
    """The request's fields that are set, ``messages`` aside, as keyword arguments in OpenAI's shapes."""
    values = _get_values(request)
    params: dict[str, Any] = {} if request.model is None else {"model": request.model}
    if values == _UNSET:
        return params
    for name, value in zip(_VALUES, values, strict=True):
        if value is not None:
            shape = _SHAPES.get(name)
            params[name] = value if shape is None else shape(value)
    extra = params.pop("extra", None)
    return {**params, **extra} if extra else params


def _tool_to_dict(tool: Tool) -> dict[str, Any]:
    function = {name: value for name, value in asdict(tool).items() if value is not None}
    return {"type": "function", "function": function}


def _tool_choice_to(choice: str | NamedTool) -> Any:
    return {"type": "function", "function": {"name": choice.name}} if isinstance(choice, NamedTool) else choice


def _response_format_to(form: ResponseFormat) -> dict[str, Any]:
    if form.type != "json_schema":
        return {"type": form.type}
    inner = {"name": form.name or "answer", "schema": form.json_schema}
    return {"type": form.type, "json_schema": inner if form.strict is None else {**inner, "strict": form.strict}}


_VALUES = tuple(name for name in ChatRequest.__struct_fields__ if name not in {"messages", "model"})
_UNSET = (None,) * len(_VALUES)
_get_values = attrgetter(*_VALUES)

_SHAPES: dict[str, Any] = {
    "stop": list,
    "tools": lambda tools: [_tool_to_dict(tool) for tool in tools],
    "tool_choice": _tool_choice_to,
    "response_format": _response_format_to,
}
