"""Whole answers: a :class:`ChatResponse` to the bytes of a chat completion, and back."""

from collections.abc import Sequence
from time import time
from typing import Any

import msgspec
from msgspec import Struct

from modelport.dialects.base import Asked
from modelport.errors import ProtocolError
from modelport.types import (
    ChatResponse,
    Choice,
    Event,
    Finish,
    FinishReason,
    FunctionCall,
    Message,
    TextDelta,
    ToolCall,
    Usage,
    mint_id,
)

__all__ = (
    "Facts",
    "WireUsage",
    "decode_response",
    "encode_events",
    "encode_response",
    "facts_to_dict",
    "finish_reason",
    "usage_from",
    "usage_to_dict",
)

_encode = msgspec.json.Encoder().encode


def encode_response(asked: Asked, response: ChatResponse) -> bytes:
    """The body of a whole answer. What OpenAI has no name for is under ``modelport``."""
    functions = bool(getattr(asked, "functions", False))
    choices = response.choices
    if len(choices) == 1 and choices[0].message.__class__ is Message and _is_plain(choices[0].message):
        return _plain(response, choices[0])
    body: dict[str, Any] = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created,
        "model": response.model,
        "choices": [_choice_to_dict(choice, functions) for choice in response.choices],
        "usage": usage_to_dict(response.usage),
    }
    facts = facts_to_dict(response.emulated, response.cached, response.usage)
    if facts:
        body["modelport"] = facts
    return _encode(body)


def _is_plain(message: Message) -> bool:
    """Nothing but text."""
    return (
        message.content.__class__ is str
        and message.tool_calls is None
        and message.reasoning is None
        and message.refusal is None
        and message.function_call is None
    )


def _plain(response: ChatResponse, choice: Choice) -> bytes:
    """The same bytes in half the time, for what most answers are."""
    usage = response.usage
    facts = facts_to_dict(response.emulated, response.cached, usage)
    assert choice.message.content is not None
    return _WHOLE % (
        _encode(response.id),
        response.created,
        _encode(response.model),
        choice.index,
        _encode(choice.message.text),
        choice.finish_reason.encode(),
        _plain_usage(usage),
        b',"modelport":%b' % _encode(facts) if facts else b"",
    )


_WHOLE = (
    b'{"id":%b,"object":"chat.completion","created":%d,"model":%b,"choices":[{"index":%d,"message":{"role":"assistant",'
    b'"content":%b,"refusal":null},"logprobs":null,"finish_reason":"%b"}],"usage":%b%b}'
)


def encode_events(model: str, events: Sequence[Event]) -> bytes | None:
    """What :func:`encode_response` makes of these events folded, where they are one text, its end and its usage.

    None where they are anything else.
    """
    if len(events) != 3:
        return None
    text, end, usage = events
    if text.__class__ is not TextDelta or end.__class__ is not Finish or usage.__class__ is not Usage:
        return None
    if text.choice or end.choice or usage.cost is not None:
        return None
    return _WHOLE % (
        _encode(mint_id("chatcmpl-")),
        time(),
        _encode(model),
        0,
        _encode(text.text),
        end.reason.encode(),
        _plain_usage(usage),
        b',"modelport":{"usage_estimated":true}' if usage.estimated else b"",
    )


def _plain_usage(usage: Usage | None) -> bytes:
    if (
        usage is None
        or usage.prompt_tokens is None
        or usage.completion_tokens is None
        or usage.total_tokens is not None
        or usage.cached_tokens is not None
        or usage.reasoning_tokens is not None
    ):
        return _encode(usage_to_dict(usage))
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    counts = (prompt, completion, prompt + completion)
    return b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}' % counts


def _choice_to_dict(choice: Choice, functions: bool) -> dict[str, Any]:
    given = choice.message
    content = given.content if given.content is None else given.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": given.refusal}
    if given.reasoning is not None:
        message["reasoning_content"] = given.reasoning
    reason = choice.finish_reason
    if given.tool_calls:
        if functions:
            message["function_call"] = given.tool_calls[0].function
            reason = "function_call" if reason == "tool_calls" else reason
        else:
            message["tool_calls"] = given.tool_calls
    elif given.function_call is not None:
        message["function_call"] = given.function_call
    return {"index": choice.index, "message": message, "logprobs": None, "finish_reason": reason}


def usage_to_dict(usage: Usage | None) -> dict[str, Any] | None:
    """The usage object, or None where not all that it must hold is known."""
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    result: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total,
    }
    if usage.cached_tokens is not None:
        result["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        result["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return result


def facts_to_dict(emulated: tuple[str, ...], cached: bool, usage: Usage | None) -> dict[str, Any]:
    """What is known of the answer beyond OpenAI's form; empty where there is nothing."""
    facts: dict[str, Any] = {}
    if emulated:
        facts["emulated"] = emulated
    if cached:
        facts["cached"] = True
    if usage is not None:
        if usage.estimated:
            facts["usage_estimated"] = True
        if usage.cost is not None:
            facts["cost"] = usage.cost
    return facts


# --- and back ---------------------------------------------------------------------------------------------------------


class _Details(Struct, frozen=True):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class WireUsage(Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class Facts(Struct, frozen=True):
    """The ``modelport`` object."""

    emulated: tuple[str, ...] = ()
    cached: bool = False
    usage_estimated: bool = False
    cost: float | None = None


class _Function(Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct, frozen=True):
    function: _Function
    id: str | None = None


class _Message(Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[_Call, ...] | None = None
    function_call: _Function | None = None


class _Choice(Struct, frozen=True):
    message: _Message
    index: int = 0
    finish_reason: str | None = None


class _Answer(Struct, frozen=True):
    choices: tuple[_Choice, ...]
    id: str = ""
    model: str = ""
    created: int = 0
    usage: WireUsage | None = None
    modelport: Facts = Facts()


_decode = msgspec.json.Decoder(_Answer).decode


def decode_response(body: bytes) -> ChatResponse:
    """A whole answer from its body. Lenient about fields that it does not know.

    Raises:
        ProtocolError: it is not a chat completion.
    """
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"the answer is not a chat completion: {error}") from None
    if not answer.choices:
        raise ProtocolError("the answer is not a chat completion: it has no choices")
    return ChatResponse(
        id=answer.id,
        model=answer.model,
        created=answer.created,
        choices=tuple(_choice_from(choice) for choice in answer.choices),
        usage=usage_from(answer.usage, answer.modelport),
        emulated=answer.modelport.emulated,
        cached=answer.modelport.cached,
    )


def _choice_from(choice: _Choice) -> Choice:
    given = choice.message
    calls = tuple(ToolCall(call.id or "", _function_from(call.function)) for call in given.tool_calls or ())
    message = Message(
        "assistant",
        given.content,
        tool_calls=calls or None,
        function_call=None if given.function_call is None else _function_from(given.function_call),
        refusal=given.refusal,
        reasoning=given.reasoning if given.reasoning_content is None else given.reasoning_content,
    )
    return Choice(choice.index, message, finish_reason(choice.finish_reason))


def _function_from(function: _Function) -> FunctionCall:
    return FunctionCall(function.name or "", function.arguments or "")


_REASONS: dict[str | None, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "function_call",
}


def finish_reason(given: str | None) -> FinishReason:
    """One of OpenAI's reasons; whatever else a server says is an ordinary end."""
    return _REASONS.get(given, "stop")


def usage_from(given: WireUsage | None, facts: Facts) -> Usage | None:
    """The usage that an answer tells, with what our servers tell beside it."""
    if given is None:
        return None if facts.cost is None else Usage(cost=facts.cost, estimated=facts.usage_estimated)
    total = given.total_tokens
    if given.prompt_tokens is not None and given.completion_tokens is not None:
        total = None if total == given.prompt_tokens + given.completion_tokens else total
    prompt, completion = given.prompt_tokens_details, given.completion_tokens_details
    return Usage(
        prompt_tokens=given.prompt_tokens,
        completion_tokens=given.completion_tokens,
        total_tokens=total,
        cached_tokens=None if prompt is None else prompt.cached_tokens,
        reasoning_tokens=None if completion is None else completion.reasoning_tokens,
        cost=facts.cost,
        estimated=facts.usage_estimated,
    )
