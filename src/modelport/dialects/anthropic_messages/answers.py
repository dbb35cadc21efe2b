"""Whole answers: a :class:`ChatResponse` to the bytes of a Message, and back."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from modelport.dialects.base import Asked
from modelport.errors import ContractBroken, ProtocolError
from modelport.types import (
    ChatResponse,
    Choice,
    FinishReason,
    FunctionCall,
    Message,
    ToolCall,
    Usage,
    mint_id,
)

__all__ = (
    "Facts",
    "WireUsage",
    "broken_arguments",
    "decode_response",
    "encode_response",
    "facts_to_dict",
    "finish_reason",
    "message_id",
    "stop_reason",
    "usage_from",
    "usage_to_dict",
    "whole_arguments",
)

_encode = msgspec.json.Encoder().encode
_any_object = msgspec.json.Decoder(dict[str, Any]).decode

_STOPS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def stop_reason(reason: FinishReason, sequence: str | None) -> dict[str, str | None]:
    """Why an answer ended, in Anthropic's words."""
    if reason == "stop" and sequence is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": sequence}
    return {"stop_reason": _STOPS[reason], "stop_sequence": None}


def message_id(given: str | None) -> str:
    """An identifier in Anthropic's form, of one that was minted here in OpenAI's."""
    if not given:
        return mint_id("msg_")
    return f"msg_{given.removeprefix('chatcmpl-')}" if given.startswith("chatcmpl-") else given


def encode_response(asked: Asked, response: ChatResponse) -> bytes:
    """The body of a whole answer. What Anthropic has no name for is under ``modelport``.

    Raises:
        ContractBroken: a tool is called with arguments that are no JSON object, which this wire cannot carry.
    """
    choice = response.choices[0]  # no caller can ask this wire for more than one
    content, partial = _content(choice, thoughts=getattr(asked, "thoughts", True))
    body: dict[str, Any] = {
        "id": message_id(response.id),
        "type": "message",
        "role": "assistant",
        "model": response.model,
        "content": content,
        **stop_reason(choice.finish_reason, choice.stop_sequence),
        "usage": usage_to_dict(response.usage),
    }
    facts = facts_to_dict(response.emulated, response.cached, response.usage)
    if partial:
        facts["partial_inputs"] = partial
    if facts:
        body["modelport"] = facts
    return _encode(body)


def _content(choice: Choice, *, thoughts: bool) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The blocks, and what came of arguments that the answer's length cut off, by their calls' ids."""
    given = choice.message
    blocks: list[dict[str, Any]] = []
    partial: dict[str, str] = {}
    if given.reasoning and thoughts:
        blocks.append({"type": "thinking", "thinking": given.reasoning, "signature": ""})
    text = given.text + (given.refusal or "")
    if text:
        blocks.append({"type": "text", "text": text})
    for call in _calls(given):
        arguments = whole_arguments(call.arguments)
        if arguments is None:
            if choice.finish_reason != "length":
                raise broken_arguments(call.name)
            partial[call.id] = call.arguments
            arguments = "{}"
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": Raw(arguments.encode())})
    return blocks, partial


def _calls(given: Message) -> tuple[ToolCall, ...]:
    if given.tool_calls is None and given.function_call is not None:
        return (ToolCall(mint_id("toolu_"), given.function_call),)
    return given.tool_calls or ()


def whole_arguments(text: str) -> str | None:
    """*text* if it is a JSON object, an empty one for no text, else None."""
    text = text.strip() or "{}"
    try:
        _any_object(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return text


def broken_arguments(name: str) -> ContractBroken:
    """The error for a call that this wire cannot carry."""
    return ContractBroken(
        f"the model called {name[:100]!r} with arguments that are not a JSON object, "
        "and Anthropic's Messages carry no other"
    )


def usage_to_dict(usage: Usage | None) -> dict[str, Any]:
    """The usage object. The wire demands numbers; where one is not known, the ``modelport`` object says so."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    cached = usage.cached_tokens
    result: dict[str, Any] = {
        "input_tokens": max(0, (usage.prompt_tokens or 0) - (cached or 0)),  # Anthropic counts the cached ones apart
        "output_tokens": usage.completion_tokens or 0,
    }
    if cached is not None:
        result["cache_read_input_tokens"] = cached
    if usage.reasoning_tokens is not None:
        result["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return result


def facts_to_dict(emulated: tuple[str, ...], cached: bool, usage: Usage | None) -> dict[str, Any]:
    """What is known of the answer beyond Anthropic's form; empty where there is nothing."""
    facts: dict[str, Any] = {}
    if emulated:
        facts["emulated"] = emulated
    if cached:
        facts["cached"] = True
    unknown = _unknown(usage)
    if unknown:
        facts["usage_unknown"] = unknown
    if usage is not None:
        if usage.estimated:
            facts["usage_estimated"] = True
        if usage.total_tokens is not None:
            facts["total_tokens"] = usage.total_tokens
        if usage.cost is not None:
            facts["cost"] = usage.cost
    return facts


def _unknown(usage: Usage | None) -> tuple[str, ...]:
    """The numbers that are 0 because the wire demands one, not because anybody counted none."""
    if usage is None:
        return ("input_tokens", "output_tokens")
    names = ("input_tokens", usage.prompt_tokens), ("output_tokens", usage.completion_tokens)
    return tuple(name for name, value in names if value is None)


# --- and back ---------------------------------------------------------------------------------------------------------


class _Details(Struct, frozen=True):
    thinking_tokens: int | None = None


class WireUsage(Struct, frozen=True):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: _Details | None = None


class Facts(Struct, frozen=True):
    """The ``modelport`` object."""

    emulated: tuple[str, ...] = ()
    cached: bool = False
    usage_estimated: bool = False
    usage_unknown: tuple[str, ...] = ()
    total_tokens: int | None = None
    cost: float | None = None
    partial_inputs: dict[str, str] = {}


class _Block(Struct, frozen=True):
    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw(b"{}")


class _Answer(Struct, frozen=True):
    content: tuple[_Block, ...]
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: WireUsage | None = None
    modelport: Facts = Facts()


_decode = msgspec.json.Decoder(_Answer).decode


def decode_response(body: bytes, created: int) -> ChatResponse:
    """A whole answer from its body. Lenient about what it does not know. *created* is the time, which is not in it.

    Raises:
        ProtocolError: it is not a Message.
    """
    try:
        answer = _decode(body)
        message = _message(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"the answer is not one of Anthropic's Messages: {error}") from None
    return ChatResponse(
        id=answer.id,
        model=answer.model,
        created=created,
        choices=(Choice(0, message, finish_reason(answer.stop_reason), answer.stop_sequence),),
        usage=usage_from(answer.usage, answer.modelport),
        emulated=answer.modelport.emulated,
        cached=answer.modelport.cached,
    )


def _message(answer: _Answer) -> Message:
    partial = answer.modelport.partial_inputs
    blocks = answer.content
    texts = [block.text for block in blocks if block.type == "text" and block.text]
    thoughts = [block.thinking for block in blocks if block.type == "thinking" and block.thinking]
    calls = [block for block in blocks if block.type == "tool_use"]
    return Message(
        "assistant",
        "".join(texts) if texts else None,
        tool_calls=tuple([_call(block, partial) for block in calls]) or None,
        reasoning="".join(thoughts) or None,
    )


def _call(block: _Block, partial: dict[str, str]) -> ToolCall:
    number = block.id or ""
    arguments = partial.get(number)
    return ToolCall(
        number, FunctionCall(block.name or "", bytes(block.input).decode() if arguments is None else arguments)
    )


_REASONS: dict[str | None, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def finish_reason(given: str | None) -> FinishReason:
    """Why an answer ended; whatever else a server says is an ordinary end."""
    return _REASONS.get(given, "stop")


def usage_from(given: WireUsage | None, facts: Facts) -> Usage | None:
    """The usage that an answer tells, with what our servers tell beside it."""
    unknown = facts.usage_unknown
    if given is None:
        given = WireUsage()
    read, written = given.cache_read_input_tokens, given.cache_creation_input_tokens
    prompt = None if given.input_tokens is None else given.input_tokens + (read or 0) + (written or 0)
    details = given.output_tokens_details
    usage = Usage(
        prompt_tokens=None if "input_tokens" in unknown else prompt,
        completion_tokens=None if "output_tokens" in unknown else given.output_tokens,
        total_tokens=facts.total_tokens,
        cached_tokens=read,
        reasoning_tokens=None if details is None else details.thinking_tokens,
        cost=facts.cost,
        estimated=facts.usage_estimated,
    )
    return None if usage == Usage() else usage
