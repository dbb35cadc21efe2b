"""Whole answers: a :class:`ChatResponse` to the bytes of a Response, and back."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.answers import Facts, facts_to_dict
from modelport.dialects.openai_chat.failures import error_from_body
from modelport.errors import ProtocolError
from modelport.types import ChatResponse, Choice, FinishReason, FunctionCall, Message, ToolCall, Usage, mint_id

__all__ = (
    "WireResponse",
    "answer_id",
    "call_item",
    "decode_response",
    "encode_response",
    "ending",
    "finish_reason",
    "message_item",
    "reasoning_item",
    "refusal_part",
    "response_to_dict",
    "text_part",
    "usage_from",
    "usage_to_dict",
)

_encode = msgspec.json.Encoder().encode
_PREFIX = "resp_"


def answer_id(given: str | None, asked: Asked) -> str:
    """The answer's id: the model's own where it is one of this wire's, and nobody keeps answers by it."""
    if given is not None and given.startswith(_PREFIX) and not getattr(asked, "store", False):
        return given
    return mint_id(_PREFIX)


def encode_response(asked: Asked, response: ChatResponse, identifier: str | None = None) -> bytes:
    """The body of a whole answer. What OpenAI has no name for is under ``modelport``."""
    identifier = identifier or answer_id(response.id, asked)
    choice = response.choices[0]
    told = ending(choice.finish_reason)
    body = response_to_dict(
        asked,
        identifier,
        response.model,
        response.created,
        **told,
        output=_output(identifier, choice.message, told["status"]),
        usage=usage_to_dict(response.usage),
    )
    facts = facts_to_dict(asked.emulated + response.emulated, response.cached, response.usage)
    if facts:
        body["modelport"] = facts
    return _encode(body)


def ending(reason: FinishReason) -> dict[str, Any]:
    """The status of an answer that ended so, with why it is incomplete if it is."""
    if reason in {"length", "content_filter"}:
        why = "max_output_tokens" if reason == "length" else reason
        return {"status": "incomplete", "incomplete_details": {"reason": why}}
    return {"status": "completed"}


def response_to_dict(asked: Asked, identifier: str, model: str, created: int, **told: Any) -> dict[str, Any]:
    """The object that stands for the answer, whole or on its way, with what is *told* of it in the wire's own words."""
    return {
        "id": identifier,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "completed_at": int(time.time()) if told.get("status") == "completed" else None,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": (),
        "usage": None,
        "store": bool(getattr(asked, "store", False)),
        **getattr(asked, "echo", {}),
        **told,
    }


# --- items of the output ----------------------------------------------------------------------------------------------


def _output(identifier: str, message: Message, status: str) -> list[dict[str, Any]]:
    stem = identifier.removeprefix(_PREFIX)
    items: list[dict[str, Any]] = []
    if message.reasoning:
        items.append(reasoning_item(f"rs_{stem}_0", message.reasoning, "completed"))
    parts = [] if message.content is None else [text_part(message.text)]
    if message.refusal is not None:
        parts.append(refusal_part(message.refusal))
    if parts:
        items.append(message_item(f"msg_{stem}_{len(items)}", parts, status))
    calls = message.tool_calls or ()
    if not calls and message.function_call is not None:
        calls = (ToolCall(mint_id("call_"), message.function_call),)
    items.extend(call_item(f"fc_{stem}_{at}", call, status) for at, call in enumerate(calls, len(items)))
    return items


def text_part(text: str) -> dict[str, Any]:
    """A message's part of text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> dict[str, Any]:
    """A message's part that says no."""
    return {"type": "refusal", "refusal": text}


def message_item(identifier: str, parts: Sequence[Any], status: str) -> dict[str, Any]:
    """What the model said."""
    return {"id": identifier, "type": "message", "role": "assistant", "status": status, "content": parts}


def reasoning_item(identifier: str, text: str | None, status: str) -> dict[str, Any]:
    """What the model thought; None: nothing yet."""
    content = [] if text is None else [{"type": "reasoning_text", "text": text}]
    return {"id": identifier, "type": "reasoning", "status": status, "summary": [], "content": content}


def call_item(identifier: str, call: ToolCall, status: str) -> dict[str, Any]:
    """One call of a function."""
    return {
        "id": identifier,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def usage_to_dict(usage: Usage | None) -> dict[str, Any] | None:
    """The usage object, or None where not all that it must hold is known. It has no word for "not known"."""
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens or 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.total,
    }


# --- and back ---------------------------------------------------------------------------------------------------------


class _Cached(Struct, frozen=True):
    cached_tokens: int | None = None


class _Reasoned(Struct, frozen=True):
    reasoning_tokens: int | None = None


class _Usage(Struct, frozen=True):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: _Cached | None = None
    output_tokens_details: _Reasoned | None = None


class _Part(Struct, frozen=True):
    type: str = ""
    text: str | None = None
    refusal: str | None = None


class _Item(Struct, frozen=True):
    type: str = ""
    content: tuple[_Part, ...] | None = None
    summary: tuple[_Part, ...] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Details(Struct, frozen=True):
    reason: str | None = None


class WireResponse(Struct, frozen=True):
    """The object that stands for an answer, as far as it matters to a client."""

    id: str = ""
    model: str = ""
    created_at: float = 0
    status: str | None = None
    error: Any = None
    incomplete_details: _Details | None = None
    output: tuple[_Item, ...] | None = None
    usage: _Usage | None = None
    modelport: Facts = Facts()


class _Whole(WireResponse, frozen=True):
    object: str | None = None


_decode = msgspec.json.Decoder(_Whole).decode


def decode_response(body: bytes) -> ChatResponse:
    """A whole answer from its body. Lenient about fields and items that it does not know.

    Raises:
        ProtocolError: it is not a Response, or one that is not done.
        ModelportError: the error that it carries.
    """
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"the answer is not a Response: {error}") from None
    if answer.error is not None:
        raise error_from_body(answer.error)
    if answer.output is None:
        raise ProtocolError("the answer is not a Response: it has no output")
    if answer.status not in {None, "completed", "incomplete"}:
        raise ProtocolError(f"the answer is not done: its status is {answer.status!r}")
    message = _message(answer.output)
    return ChatResponse(
        id=answer.id,
        model=answer.model,
        created=int(answer.created_at),
        choices=(Choice(0, message, finish_reason(answer, called=bool(message.tool_calls))),),
        usage=usage_from(answer),
        emulated=answer.modelport.emulated,
        cached=answer.modelport.cached,
    )


def _message(output: Sequence[_Item]) -> Message:
    thoughts: list[str] = []
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[ToolCall] = []
    for item in output:
        if item.type == "message":
            for part in item.content or ():
                if part.refusal is not None:
                    refusals.append(part.refusal)
                elif part.text is not None:
                    texts.append(part.text)
        elif item.type == "reasoning":
            thoughts.append("\n\n".join(part.text or "" for part in item.content or item.summary or ()))
        elif item.type == "function_call":
            calls.append(ToolCall(item.call_id or "", FunctionCall(item.name or "", item.arguments or "")))
    return Message(
        "assistant",
        "".join(texts) if texts else None,
        tool_calls=tuple(calls) or None,
        refusal="".join(refusals) if refusals else None,
        reasoning="".join(thoughts) or None,
    )


def finish_reason(answer: WireResponse, *, called: bool) -> FinishReason:
    """Why the answer ended."""
    if answer.status == "incomplete":
        reason = answer.incomplete_details.reason if answer.incomplete_details is not None else None
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if called else "stop"


def usage_from(answer: WireResponse) -> Usage | None:
    """The usage that an answer tells, with what our servers tell beside it."""
    given, facts = answer.usage, answer.modelport
    if given is None:
        return None if facts.cost is None else Usage(cost=facts.cost, estimated=facts.usage_estimated)
    total = given.total_tokens
    if given.input_tokens is not None and given.output_tokens is not None:
        total = None if total == given.input_tokens + given.output_tokens else total
    came, went = given.input_tokens_details, given.output_tokens_details
    return Usage(
        prompt_tokens=given.input_tokens,
        completion_tokens=given.output_tokens,
        total_tokens=total,
        cached_tokens=None if came is None else came.cached_tokens,
        reasoning_tokens=None if went is None else went.reasoning_tokens,
        cost=facts.cost,
        estimated=facts.usage_estimated,
    )
