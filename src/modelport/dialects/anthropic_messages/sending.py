"""Requests on their way out: a :class:`ChatRequest` to the bytes of a Messages body."""

from collections.abc import Sequence
from typing import Any

import msgspec

from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import ChatRequest, ImagePart, Message, NamedTool, Part, ReasoningPart, Tool

__all__ = ("encode_request",)

_encode = msgspec.json.Encoder().encode
_any_object = msgspec.json.Decoder(dict[str, Any]).decode

_NO_PLACE: tuple[tuple[str, Any], ...] = (
    ("n", 1),
    ("seed", None),
    ("presence_penalty", 0),
    ("frequency_penalty", 0),
    ("logit_bias", {}),
    ("logprobs", False),
    ("top_logprobs", None),
    ("metadata", {}),
)
"""Fields that this wire has no name for, each with the value that asks for nothing."""

_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})


def encode_request(request: ChatRequest, *, stream: bool, max_tokens: int) -> bytes:
    """The body that asks *request*; *max_tokens* where it does not say, because the wire demands it.

    Names in ``extra`` stand beside the others.

    Raises:
        UnsupportedField: a field is set that this wire has no place for.
        InvalidRequest: an image is not a URL: the caller turns images into data URLs first.
    """
    for name, nothing in _NO_PLACE:
        value = getattr(request, name)
        if value is not None and value != nothing:
            raise _no_place(name)
    system, messages = _conversation(request.messages)
    body: dict[str, Any] = {"max_tokens": request.max_tokens or max_tokens, "messages": messages}
    if request.model is not None:
        body["model"] = request.model
    if system is not None:
        body["system"] = system
    if stream:
        body["stream"] = True
    body.update(_settings(request))
    return _encode({**body, **(request.extra or {})})


def _no_place(name: str) -> UnsupportedField:
    return UnsupportedField(f"{name}: Anthropic's Messages have no place for it; leave it out", param=name)


def _settings(request: ChatRequest) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if request.temperature is not None:
        if request.temperature > 1:
            raise UnsupportedField("temperature: Anthropic's Messages take 0 to 1", param="temperature")
        settings["temperature"] = request.temperature
    if request.top_p is not None:
        settings["top_p"] = request.top_p
    if request.stop:
        settings["stop_sequences"] = request.stop
    if request.tools:
        settings["tools"] = [_tool(tool) for tool in request.tools]
    choice = _tool_choice(request)
    if choice is not None:
        settings["tool_choice"] = choice
    if request.user is not None:
        settings["metadata"] = {"user_id": request.user}
    output = _output_config(request)
    if output:
        settings["output_config"] = output
    return settings


def _tool(tool: Tool) -> dict[str, Any]:
    result: dict[str, Any] = {"name": tool.name, "input_schema": tool.parameters or {"type": "object"}}
    if tool.description is not None:
        result["description"] = tool.description
    if tool.strict is not None:
        result["strict"] = tool.strict
    return result


def _tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice, alone = request.tool_choice, request.parallel_tool_calls is False
    if choice is None and not (alone and request.tools):
        return None
    if choice == "none":
        return {"type": "none"}
    said: dict[str, Any] = {"type": "any" if choice == "required" else "auto"}
    if isinstance(choice, NamedTool):
        said = {"type": "tool", "name": choice.name}
    return {**said, "disable_parallel_tool_use": True} if alone else said


def _output_config(request: ChatRequest) -> dict[str, Any]:
    output: dict[str, Any] = {}
    effort, form = request.reasoning_effort, request.response_format
    if effort is not None:
        if effort not in _EFFORTS:
            raise UnsupportedField(
                f"reasoning_effort: Anthropic's Messages take {', '.join(sorted(_EFFORTS))}, got {effort[:40]!r}",
                param="reasoning_effort",
            )
        output["effort"] = effort
    if form is not None and form.type != "text":
        if form.type != "json_schema":
            raise _no_place("response_format")
        output["format"] = {"type": "json_schema", "schema": form.json_schema or {}}
    return output


# --- messages -------------------------------------------------------------------------------------------------------


def _conversation(given: Sequence[Message]) -> tuple[Any, list[dict[str, Any]]]:
    """What stands under ``system``, and the turns; a tool's results go into one turn of the user's."""
    system: Any = None
    turns: list[dict[str, Any]] = []
    results: list[Any] | None = None
    for number, message in enumerate(given):
        where = f"messages[{number}]"
        _check(message, where)
        role = "system" if message.role == "developer" else message.role
        if role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "content": results})
            results.append(_result(message, where))
            continue
        results = None
        if role == "system" and number == 0:
            system = _content(message, where)
        elif role == "assistant":
            turns.append({"role": role, "content": _said(message, where)})
        else:
            turns.append({"role": role, "content": _content(message, where)})
    return system, turns


def _check(message: Message, where: str) -> None:
    if message.name is not None:
        raise _no_place(f"{where}.name")
    if message.role == "function" or message.function_call is not None:
        name = f"{where}.{'role' if message.role == 'function' else 'function_call'}"
        raise UnsupportedField(f"{name}: Anthropic's Messages know tools, not functions; use tool_calls", param=name)
    if message.role == "tool" and not message.tool_call_id:
        name = f"{where}.tool_call_id"
        raise InvalidRequest(f"{name} is missing: which call is this the result of?", param=name)


def _result(message: Message, where: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": "tool_result",
        "tool_use_id": message.tool_call_id,
        "content": _content(message, where),
    }
    if message.extra and message.extra.get("is_error"):
        result["is_error"] = True
    return result


def _content(message: Message, where: str) -> str | list[dict[str, Any]]:
    if message.content is None:
        raise InvalidRequest(f"{where}.content is missing", param=f"{where}.content")
    if isinstance(message.content, str):
        return message.content
    return [_block(part, f"{where}.content") for part in message.content]


def _said(message: Message, where: str) -> str | list[dict[str, Any]]:
    """What an assistant thought, said and called; in that order, as Anthropic does."""
    if isinstance(message.content, str) and not message.tool_calls and not message.reasoning and not message.refusal:
        return message.content
    blocks: list[dict[str, Any]] = []
    signed = (message.extra or {}).get("thinking_blocks")
    if signed:
        blocks.extend(signed)
    elif message.reasoning:
        blocks.append({"type": "thinking", "thinking": message.reasoning, "signature": ""})
    if isinstance(message.content, str):
        if message.content:
            blocks.append({"type": "text", "text": message.content})
    else:
        blocks.extend(_block(part, f"{where}.content") for part in message.content or ())
    if message.refusal:
        blocks.append({"type": "text", "text": message.refusal})
    for at, call in enumerate(message.tool_calls or ()):
        arguments = _object(call.arguments, f"{where}.tool_calls[{at}].function.arguments")
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
    return blocks


def _object(text: str, where: str) -> msgspec.Raw:
    text = text.strip() or "{}"
    try:
        _any_object(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise InvalidRequest(
            f"{where} must be a JSON object: Anthropic's Messages take no other", param=where
        ) from None
    return msgspec.Raw(text.encode())


def _block(part: Part, where: str) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        return {"type": "image", "source": _source(part.image, where)}
    if isinstance(part, ReasoningPart):
        return {"type": "thinking", "thinking": part.text, "signature": ""}
    return {"type": "text", "text": part.text}


def _source(image: Any, where: str) -> dict[str, Any]:
    if not isinstance(image, str):
        what = type(image).__name__
        raise InvalidRequest(f"{where} holds an image as {what}: this wire carries images as URLs", param=where)
    if not image.startswith("data:"):
        return {"type": "url", "url": image}
    head, comma, data = image.partition(",")
    if not comma or not head.endswith(";base64"):
        raise InvalidRequest(f"{where} must look like data:image/png;base64,…, got {head[:60]!r}", param=where)
    return {"type": "base64", "media_type": head.removeprefix("data:").removesuffix(";base64"), "data": data}
