"""Requests: bytes of a Messages body to a :class:`ChatRequest`. The way back is in ``sending``."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.json import Decoder

from modelport.dialects._fates import decoded
from modelport.dialects.anthropic_messages import wire
from modelport.dialects.anthropic_messages.fates import FATES, WITHIN
from modelport.dialects.base import Asked, image_at
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import (
    ChatRequest,
    FunctionCall,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)

__all__ = ("MessagesAsked", "decode_count", "decode_request")

_decode = Decoder(wire.WireRequest).decode
_decode_count = Decoder(wire.CountRequest).decode
_any_object = Decoder(dict[str, Any]).decode


class MessagesAsked(Asked, frozen=True, kw_only=True):
    """``thoughts``: whether the caller wants to read what the model thinks.

    ``prompt_tokens`` is what a stream begins with, before the model has counted: an estimate, or None. ``request_id``
    stands in errors within a stream.
    """

    thoughts: bool = True
    prompt_tokens: int | None = None
    request_id: str | None = None


def decode_request(body: bytes) -> MessagesAsked:
    """What a request's body asks.

    Raises:
        InvalidRequest: it is not JSON, or a field is unknown, wrong or refused; ``param`` names the field.
    """
    given = _decoded(body, _decode)
    request = ChatRequest(
        messages=_messages(given),
        model=given.model,
        temperature=given.temperature,
        top_p=given.top_p,
        max_tokens=given.max_tokens,
        stop=tuple(given.stop_sequences) if given.stop_sequences else None,
        tools=_tools(given),
        tool_choice=_tool_choice(given),
        parallel_tool_calls=_parallel(given),
        response_format=_response_format(given),
        reasoning_effort=None if given.output_config is None else given.output_config.effort,
        user=None if given.metadata is None else given.metadata.user_id,
        extra=_extra(given),
    )
    thinking = given.thinking
    hidden = isinstance(thinking, wire.Enabled | wire.Adaptive) and thinking.display == "omitted"
    return MessagesAsked(request=request, stream=given.stream is True, include_usage=True, thoughts=not hidden)


def decode_count(body: bytes) -> ChatRequest:
    """The part of a request whose tokens are to be counted.

    Raises:
        InvalidRequest: as for :func:`decode_request`.
    """
    given = _decoded(body, _decode_count)
    return ChatRequest(messages=_messages(given), model=given.model, tools=_tools(given))


def _decoded(body: bytes, decode: Any) -> Any:
    try:
        given = decoded(decode, body, FATES, WITHIN)
    except InvalidRequest as error:
        raise (_explain_tool(body) if (error.param or "").startswith("tools") else None) or error from None
    if not given.messages:
        raise InvalidRequest("messages is empty: give at least one message", param="messages")
    if given.speed == "fast":
        raise UnsupportedField("speed: models run as fast as they do here; leave it out", param="speed")
    return given


def _explain_tool(body: bytes) -> InvalidRequest | None:
    """The complaint about a tool that runs at Anthropic, if there is one."""
    try:
        tools = _any_object(body).get("tools")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # it is wrong in another place, too
        return None
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind != "custom":
            where = f"tools[{number}].type"
            return UnsupportedField(
                f"{where}: {kind[:100]!r} runs at Anthropic, not here: give a tool of your own, with an input_schema",
                param=where,
            )
    return None


# --- messages -------------------------------------------------------------------------------------------------------


def _messages(given: wire.CountRequest) -> tuple[Message, ...]:
    messages: list[Message] = []
    if given.system:
        system = given.system if isinstance(given.system, str) else _parts(given.system, "system")
        messages.append(Message("system", system))
    for number, turn in enumerate(given.messages):
        where = f"messages[{number}].content"
        if isinstance(turn.content, str):
            messages.append(Message(turn.role, turn.content))
        elif not turn.content:
            raise InvalidRequest(f"{where} is an empty list: give at least one block, or text", param=where)
        elif turn.role == "assistant":
            messages.append(_assistant(turn.content, where))
        else:
            _take_turn(turn, where, messages)
    return tuple(messages)


def _take_turn(turn: wire.Turn, where: str, messages: list[Message]) -> None:
    """A user's or the system's turn: results of tools become messages of their own, before the rest."""
    rest: list[wire.Text | wire.Image] = []
    assert isinstance(turn.content, list)
    for at, block in enumerate(turn.content):
        here = f"{where}[{at}]"
        if isinstance(block, wire.ToolResult):
            if turn.role != "user":
                raise InvalidRequest(f"{here}: results of tools stand in a user's message", param=here)
            if rest:
                raise InvalidRequest(f"{here}: results of tools stand before everything else in a message", param=here)
            messages.append(_result(block, here))
        elif isinstance(block, wire.ToolUse | wire.Thinking):
            what = "calls tools" if isinstance(block, wire.ToolUse) else "thinks"
            raise InvalidRequest(f"{here}: only an assistant {what}, and this is the {turn.role}'s message", param=here)
        elif isinstance(block, wire.Image) and turn.role != "user":
            raise InvalidRequest(f"{here}: images stand in a user's message", param=here)
        else:
            rest.append(block)
    if rest:
        messages.append(Message(turn.role, _parts(rest, where, len(turn.content) - len(rest))))


def _result(block: wire.ToolResult, where: str) -> Message:
    content = block.content
    said = content if isinstance(content, str) else _parts(content, f"{where}.content") if content else ""
    extra = {"is_error": True} if block.is_error else None
    return Message("tool", said, tool_call_id=block.tool_use_id, extra=extra)


def _assistant(blocks: Sequence[Any], where: str) -> Message:
    texts: list[wire.Text | wire.Image] = []
    thoughts: list[wire.Thinking] = []
    calls: list[ToolCall] = []
    for at, block in enumerate(blocks):
        here = f"{where}[{at}]"
        if isinstance(block, wire.Text):
            texts.append(block)
        elif isinstance(block, wire.Thinking):
            thoughts.append(block)
        elif isinstance(block, wire.ToolUse):
            calls.append(ToolCall(block.id, FunctionCall(block.name, _arguments(block, f"{here}.input"))))
        else:
            what = "an image" if isinstance(block, wire.Image) else "a tool's result"
            raise InvalidRequest(f"{here}: {what} stands in a user's message, and this is the assistant's", param=here)
    return Message(
        "assistant",
        _parts(texts, where) if texts else None,
        tool_calls=tuple(calls) or None,
        reasoning="".join([one.thinking for one in thoughts]) or None,
        extra=_signed(thoughts),
    )


def _signed(thoughts: Sequence[wire.Thinking]) -> dict[str, Any] | None:
    """Thoughts that somebody signed, as they came: a model that asks Anthropic in its turn must send them so."""
    if not any(one.signature for one in thoughts):
        return None
    blocks = [{"type": "thinking", "thinking": one.thinking, "signature": one.signature} for one in thoughts]
    return {"thinking_blocks": blocks}


def _arguments(block: wire.ToolUse, where: str) -> str:
    raw = bytes(block.input)
    try:
        _any_object(raw)
        return raw.decode()
    except msgspec.ValidationError:
        raise InvalidRequest(f"{where} must be an object", param=where) from None
    except UnicodeDecodeError:
        raise InvalidRequest("the body is not UTF-8: send JSON, encoded as UTF-8") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{where} is not JSON: {error}", param=where) from None
    except RecursionError:
        raise InvalidRequest(f"{where} is nested too deeply", param=where) from None


def _parts(blocks: Sequence[wire.Text | wire.Image], where: str, skipped: int = 0) -> str | tuple[Part, ...]:
    """One text is text; anything else is parts. *skipped* blocks stand before these."""
    if len(blocks) == 1 and isinstance(blocks[0], wire.Text):
        return blocks[0].text
    return tuple(
        [
            TextPart(block.text) if isinstance(block, wire.Text) else _image(block, f"{where}[{at}].source")
            for at, block in enumerate(blocks, skipped)
        ]
    )


def _image(block: wire.Image, where: str) -> ImagePart:
    source = block.source
    if isinstance(source, wire.Url):
        return image_at(source.url, where, instead="base64")
    if isinstance(source, wire.File):
        raise UnsupportedField(f"{where}: no files are kept here; send the image as base64", param=where)
    return ImagePart(f"data:{source.media_type};base64,{source.data}")


# --- tools and settings -----------------------------------------------------------------------------------------------


def _tools(given: wire.CountRequest) -> tuple[Tool, ...] | None:
    tools: list[Tool] = []
    seen: set[str] = set()
    for number, tool in enumerate(given.tools or ()):
        where = f"tools[{number}]"
        if tool.name in seen:
            raise InvalidRequest(f"{where}.name: there are two tools named {tool.name!r}", param=f"{where}.name")
        seen.add(tool.name)
        for name, value, why in (
            ("defer_loading", tool.defer_loading, "tools are not searched here"),
            ("allowed_callers", set(tool.allowed_callers or ()) - {"direct"}, "no code runs here that could call it"),
            ("input_examples", tool.input_examples, "write the examples into the description"),
        ):
            if value:
                raise UnsupportedField(f"{where}.{name}: {why}; leave it out", param=f"{where}.{name}")
        tools.append(Tool(tool.name, tool.description, tool.input_schema, tool.strict))
    return tuple(tools) or None


def _tool_choice(given: wire.WireRequest) -> ToolChoice | None:
    choice = given.tool_choice
    known = [tool.name for tool in given.tools or ()]
    if isinstance(choice, wire.Named):
        if choice.name not in known:
            listed = ", ".join(known[:20]) or "none"
            raise InvalidRequest(
                f"tool_choice names {choice.name!r}, which is not among the tools ({listed})", param="tool_choice"
            )
        return NamedTool(choice.name)
    if isinstance(choice, wire.Any_):
        if not known:
            raise InvalidRequest("tool_choice asks for a call, but there are no tools", param="tool_choice")
        return "required"
    if choice is None:
        return None
    return "auto" if isinstance(choice, wire.Auto) else "none"


def _parallel(given: wire.WireRequest) -> bool | None:
    """False where it is not wanted; wanting it is to leave it as it is."""
    return False if getattr(given.tool_choice, "disable_parallel_tool_use", None) else None


def _response_format(given: wire.WireRequest) -> ResponseFormat | None:
    form = None if given.output_config is None else given.output_config.format
    return None if form is None else ResponseFormat("json_schema", json_schema=form.schema)


def _extra(given: wire.WireRequest) -> dict[str, Any] | None:
    extra: dict[str, Any] = {}
    if given.top_k is not None:
        extra["top_k"] = given.top_k
    if isinstance(given.thinking, wire.Enabled):
        extra["thinking"] = {"type": "enabled", "budget_tokens": given.thinking.budget_tokens}
    return extra or None
