"""Plain Python values (the dicts that callers write) to requests and messages, and back. No wire format, no I/O.

The common shapes are converted by msgspec in one pass; what it refuses is looked at again, shape by shape, so that
the rarer ones (image URLs, arrays in a list of content, unknown keys) pass and the wrong ones get an error by name.
"""

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import PurePath
from typing import Any, cast

from msgspec import ValidationError, convert
from msgspec.structs import asdict, force_setattr

from modelport.errors import InvalidRequest
from modelport.types.content import ImagePart, Message, Part, ReasoningPart, TextPart
from modelport.types.request import ChatRequest, NamedTool, ResponseFormat, Tool

__all__ = (
    "Messages",
    "message_to_dict",
    "messages_from",
    "messages_to_dicts",
    "params_from_request",
    "request_from_params",
    "response_format_from",
    "tool_from",
    "translate_validation",
)

_MESSAGES = tuple[Message, ...]
_FIELDS = frozenset(ChatRequest.__struct_fields__) - {"messages", "extra"}
_MESSAGE_FIELDS = frozenset(Message.__struct_fields__) - {"extra"}
_DICT = {dict}
_ALIASES = {"max_completion_tokens": "max_tokens"}


class Messages(tuple[Message, ...]):  # noqa: SLOT001  (a tuple cannot have slots of its own, and `given` needs a place)
    """A request's messages, with what the caller gave (``given``) beside them, by reference.

    A model that wants dicts gets the caller's own, with keys that modelport has no name for; a request whose
    messages were replaced on the way has new ones, and so no stale ``given``.
    """

    given: Sequence[Mapping[str, Any]]


def request_from_params(params: Mapping[str, Any]) -> ChatRequest:
    """A request from keyword arguments as given to ``create()``; unknown names go to ``extra``.

    Raises:
        InvalidRequest: a field is wrong; ``param`` names it.
    """
    if "messages" not in params:
        raise InvalidRequest("messages is missing: give a list of {'role': …, 'content': …}", param="messages")
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
        raise translate_validation(error) from None
    force_setattr(request, "messages", messages_from(params["messages"]))
    return request


def messages_from(given: Any) -> Messages:
    """Messages from a list of dicts or :class:`Message` (or one piece of text, which is a user's turn).

    Raises:
        InvalidRequest: it is empty, or a message is wrong; ``param`` says which and where.
    """
    if isinstance(given, Messages):
        return given
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    try:
        messages = Messages(convert(given, _MESSAGES))
    except ValidationError:
        messages = _messages_slowly(given)
    if not messages:
        raise InvalidRequest("messages is empty: give at least one message", param="messages")
    messages.given = given
    return messages


def _messages_slowly(given: Any) -> Messages:
    if isinstance(given, Mapping) or not hasattr(given, "__iter__"):
        what = type(given).__name__
        raise InvalidRequest(f"messages must be a list of messages, got {what}", param="messages")
    return Messages(_message(item, f"messages[{number}]") for number, item in enumerate(given))


def _message(item: Any, where: str) -> Message:
    if isinstance(item, Message):
        return item
    if not isinstance(item, Mapping):
        if not hasattr(item, "role"):
            what = type(item).__name__
            raise InvalidRequest(f"{where} must be a dict with role and content, got {what}", param=where)
        item = {name: value for name in _MESSAGE_FIELDS if (value := getattr(item, name, None)) is not None}
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in item.items():
        if key == "content":
            known[key] = _content(value, f"{where}.content")
        elif key == "reasoning_content":
            known["reasoning"] = value
        elif value is not None and key != "extra":
            (known if key in _MESSAGE_FIELDS else extra)[key] = value
    try:
        return convert({**known, "extra": extra or item.get("extra")}, Message)
    except ValidationError as error:
        raise translate_validation(error, where) from None


def _content(value: Any, where: str) -> str | tuple[Part, ...] | None:
    if value is None or isinstance(value, str):
        return value
    if _is_image(value):
        return (ImagePart(value),)
    if isinstance(value, list | tuple):
        return tuple(_part(part, f"{where}[{number}]") for number, part in enumerate(value))
    what = type(value).__name__
    raise InvalidRequest(f"{where} must be text, an image or a list of parts, got {what}", param=where)


def _part(part: Any, where: str) -> Part:
    if isinstance(part, str):
        return TextPart(part)
    if isinstance(part, TextPart | ImagePart | ReasoningPart):
        return part
    if _is_image(part):
        return ImagePart(part)
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "image_url":
        return _image_url(part, where)
    if kind == "image" and not ({"image", "type", "media_type", "detail"} >= set(part)):
        raise InvalidRequest(f"{where} has unknown keys: an image part has image, media_type, detail", param=where)
    try:
        return cast("Part", convert(part, Part))
    except ValidationError as error:
        if kind in {"text", "image", "reasoning"}:
            raise translate_validation(error, where) from None
        came = f"type {kind!r}" if isinstance(part, Mapping) else type(part).__name__
        hint = "text, image_url, image, reasoning, or a Path, NumPy array or PIL image"
        raise InvalidRequest(f"{where} is not a content part: expected {hint}; got {came}", param=where) from None


def _image_url(part: Mapping[str, Any], where: str) -> ImagePart:
    value = part.get("image_url")
    url = value.get("url") if isinstance(value, Mapping) else value
    if not isinstance(url, str):
        raise InvalidRequest(f"{where}.image_url.url must be text, got {type(url).__name__}", param=where)
    return ImagePart(url, detail=value.get("detail") if isinstance(value, Mapping) else None)


def _is_image(value: Any) -> bool:
    """By shape, so that neither NumPy nor PIL is imported to look at a message that has no image."""
    return (
        isinstance(value, PurePath | bytes)
        or hasattr(value, "__array_interface__")
        or (hasattr(value, "tobytes") and hasattr(value, "getbands"))
    )


# --- the fields whose callers' shapes are not the values' own -------------------------------------------------------


def _stop_from(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def tool_from(value: Any, where: str = "tools") -> Any:
    """A tool from OpenAI's nested form, or from one that is already flat."""
    if isinstance(value, Mapping) and value.get("type") == "function":
        if "function" not in value:
            raise InvalidRequest(f"{where}.function: is missing", param=f"{where}.function")
        try:
            return convert(value["function"], Tool)
        except ValidationError as error:
            raise translate_validation(error, f"{where}.function") from None
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


def translate_validation(error: ValidationError, where: str = "") -> InvalidRequest:
    """msgspec's complaint as ours: the field first, then what was expected and what came."""
    complaint, _, path = str(error).partition(" - at `")
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    unknown = re.search(r"unknown field `(.+?)`", complaint)
    if unknown:
        path = f"{path}.{unknown[1]}".lstrip(".")
        complaint = "is not a field that is known here"
    missing = re.search(r"missing required field `(.+?)`", complaint)
    if missing:
        path = f"{path}.{missing[1]}".lstrip(".")
        complaint = "is missing"
    field = where + (path if path.startswith("[") or not where or not path else f".{path}")
    return InvalidRequest(f"{field or 'the request'}: {complaint}", param=field or None)


# --- and back ---------------------------------------------------------------------------------------------------------


def messages_to_dicts(messages: tuple[Message, ...]) -> list[Any]:
    """The messages as OpenAI-shaped dicts: the caller's own where there are any, in a list of their own."""
    given = getattr(messages, "given", None)
    if given is not None and {*map(type, given)} == _DICT:
        return list(given)
    return [message_to_dict(message) for message in messages]


def message_to_dict(message: Message) -> dict[str, Any]:
    """One message in OpenAI's shape. An image that is not a URL stays what it is: ``{"type": "image", "image": …}``."""
    result: dict[str, Any] = {"role": message.role, "content": message.content}
    if not isinstance(message.content, str | None):
        result["content"] = [_part_to_dict(part) for part in message.content]
    if message.tool_calls:
        result["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.function_call is not None:
        result["function_call"] = asdict(message.function_call)
    for name in ("name", "tool_call_id", "refusal", "reasoning"):
        value = getattr(message, name)
        if value is not None:
            result[name] = value
    return {**result, **message.extra} if message.extra else result


def _part_to_dict(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ReasoningPart):
        return {"type": "reasoning", "text": part.text}
    detail = {} if part.detail is None else {"detail": part.detail}
    if isinstance(part.image, str):
        return {"type": "image_url", "image_url": {"url": part.image, **detail}}
    media_type = {} if part.media_type is None else {"media_type": part.media_type}
    return {"type": "image", "image": part.image, **media_type, **detail}


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
