"""Requests of a client: a :class:`ChatRequest` to the bytes of a Responses body."""

from typing import Any

import msgspec

from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import ChatRequest, ImagePart, Message, NamedTool, Part, ReasoningPart, ResponseFormat, TextPart

__all__ = ("encode_request",)

_encode = msgspec.json.Encoder().encode
_NOWHERE = ("stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs")
_SAME = (
    ("model", "model"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("max_tokens", "max_output_tokens"),
    ("parallel_tool_calls", "parallel_tool_calls"),
    ("user", "user"),
    ("metadata", "metadata"),
)


def encode_request(request: ChatRequest, *, stream: bool) -> bytes:
    """The body that asks *request*, to be kept nowhere. Names in ``extra`` stand beside the others.

    Raises:
        UnsupportedField: the request holds what this wire has no place for.
        InvalidRequest: an image is not a URL: the caller turns images into data URLs first.
    """
    for name in _NOWHERE:
        if getattr(request, name):
            raise _no_place(name)
    if request.n not in {None, 1}:
        raise _no_place("n")
    items: list[Any] = []
    for number, message in enumerate(request.messages):
        items.extend(_items(message, number))
    body: dict[str, Any] = {"input": items, "store": False}
    body.update({theirs: value for ours, theirs in _SAME if (value := getattr(request, ours)) is not None})
    if request.tools is not None:
        body["tools"] = [_tool(tool) for tool in request.tools]
    choice = request.tool_choice
    if choice is not None:
        body["tool_choice"] = {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice
    if request.reasoning_effort is not None:
        body["reasoning"] = {"effort": request.reasoning_effort}
    extra = dict(request.extra or {})
    text = {} if request.response_format is None else {"format": _format(request.response_format)}
    if "verbosity" in extra:
        text["verbosity"] = extra.pop("verbosity")
    if text:
        body["text"] = text
    if stream:
        body["stream"] = True
    return _encode(body | extra)


def _no_place(name: str) -> UnsupportedField:
    return UnsupportedField(f"{name}: OpenAI's Responses have no place for it; leave it out", param=name)


def _tool(tool: Any) -> dict[str, Any]:
    given = {name: value for name, value in msgspec.structs.asdict(tool).items() if value is not None}
    return {"type": "function", "parameters": None, "strict": None, **given}


def _format(form: ResponseFormat) -> dict[str, Any]:
    if form.type != "json_schema":
        return {"type": form.type}
    inner = {"type": form.type, "name": form.name or "answer", "schema": form.json_schema}
    return inner if form.strict is None else {**inner, "strict": form.strict}


def _items(message: Message, number: int) -> list[dict[str, Any]]:
    where = f"messages[{number}]"
    if message.name is not None:
        raise _no_place(f"{where}.name")
    if message.function_call is not None or message.role == "function":
        raise _no_place(f"{where}.function_call")
    if message.role == "tool":
        output = _content(message, where, "input_text")
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": output}]
    if message.role != "assistant":
        return [{"type": "message", "role": message.role, "content": _content(message, where, "input_text")}]
    return _assistants(message, where, number)


def _assistants(message: Message, where: str, number: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if message.reasoning:
        thought = {"type": "reasoning_text", "text": message.reasoning}
        items.append({"type": "reasoning", "id": f"rs_{number}", "summary": [], "content": [thought]})
    if message.refusal is not None:
        content = _content(message, where, "output_text")
        parts = [{"type": "output_text", "text": content}] if isinstance(content, str) else content or []
        content = [*parts, {"type": "refusal", "refusal": message.refusal}]
        items.append({"type": "message", "role": "assistant", "content": content})
    elif message.content is not None:
        content = _content(message, where, "output_text")
        items.append({"type": "message", "role": "assistant", "content": content})
    items.extend(
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls or ()
    )
    return items


def _content(message: Message, where: str, kind: str) -> Any:
    content = message.content
    if content is None or isinstance(content, str):
        return content
    return [_part(part, f"{where}.content", kind) for part in content]


def _part(part: Part, where: str, kind: str) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": kind, "text": part.text}
    if isinstance(part, ReasoningPart):
        raise _no_place(where)
    assert isinstance(part, ImagePart)
    if not isinstance(part.image, str):
        what = type(part.image).__name__
        raise InvalidRequest(f"{where} holds an image as {what}: this wire carries images as URLs", param=where)
    detail = {} if part.detail is None else {"detail": part.detail}
    return {"type": "input_image", "image_url": part.image, **detail}
