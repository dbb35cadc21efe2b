"""Whole answers: a :class:`ChatResponse` to the bytes of a completion, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.answers import (
    Facts,
    WireUsage,
    facts_to_dict,
    finish_reason,
    usage_from,
    usage_to_dict,
)
from modelport.dialects.openai_chat.failures import error_from_body
from modelport.dialects.openai_completions.asking import echo_of
from modelport.errors import ProtocolError
from modelport.types import (
    ChatResponse,
    Emulated,
    Event,
    Finish,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    fold,
)

__all__ = ("WireAnswer", "choice_to_dict", "decode_response", "encode_response", "read_answer")

_json = msgspec.json.Encoder().encode


def choice_to_dict(number: int, text: str, reason: str | None, beside: Mapping[str, Any]) -> dict[str, Any]:
    """A choice, or the piece of one, with what this wire has no place for *beside* its text."""
    return {"index": number, "text": text, "logprobs": None, "finish_reason": reason, **beside}


def encode_response(asked: Asked, response: ChatResponse) -> bytes:
    """The body of a whole answer. What OpenAI has no name for is under ``modelport``."""
    choices = []
    for choice in response.choices:
        message = choice.message
        beside: dict[str, Any] = {}
        if message.reasoning:
            beside["reasoning_content"] = message.reasoning
        if message.tool_calls:
            beside["tool_calls"] = [
                {"index": index, "id": call.id, "name": call.name, "arguments": call.arguments}
                for index, call in enumerate(message.tool_calls)
            ]
        text = echo_of(asked, choice.index) + message.text + (message.refusal or "")
        choices.append(choice_to_dict(choice.index, text, choice.finish_reason, beside))
    body: dict[str, Any] = {
        "id": response.id,
        "object": "text_completion",
        "created": response.created,
        "model": response.model,
        "choices": choices,
        "usage": usage_to_dict(response.usage),
    }
    facts = facts_to_dict(asked.emulated + response.emulated, response.cached, response.usage)
    return _json({**body, "modelport": facts} if facts else body)


# --- and back ---------------------------------------------------------------------------------------------------------


class _Call(Struct, frozen=True):
    index: int = 0
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class _Choice(Struct, frozen=True):
    text: str = ""
    index: int = 0
    finish_reason: str | None = None
    reasoning_content: str | None = None
    tool_calls: tuple[_Call, ...] = ()

    def events(self) -> list[Event]:
        """What the choice, or the piece of one, says."""
        events: list[Event] = []
        if self.reasoning_content:
            events.append(ReasoningDelta(self.reasoning_content, self.index))
        if self.text:
            events.append(TextDelta(self.text, self.index))
        events += [
            ToolCallDelta(call.index, call.id, call.name, call.arguments, self.index) for call in self.tool_calls
        ]
        if self.finish_reason is not None:
            events.append(Finish(finish_reason(self.finish_reason), self.index))
        return events


class WireAnswer(Struct, frozen=True):
    """The object that stands for a whole answer, or for a chunk of one."""

    choices: tuple[_Choice, ...] | None = None
    id: str | None = None
    model: str | None = None
    created: int = 0
    usage: WireUsage | None = None
    modelport: Facts | None = None
    error: Any = None


_decode_answer = msgspec.json.Decoder(WireAnswer).decode


def read_answer(data: bytes | str) -> WireAnswer:
    """A whole answer, or a chunk of one. Raises the error that it carries, ``ProtocolError`` where it is none."""
    try:
        answer = _decode_answer(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"the answer is not a completion: {error}") from None
    if answer.error is not None:
        raise error_from_body(answer.error)
    return answer


def decode_response(body: bytes) -> ChatResponse:
    """A whole answer from its body. Lenient about fields that it does not know.

    Raises:
        ProtocolError: it is not a completion.
        ModelportError: the error that it carries.
    """
    answer = read_answer(body)
    if not answer.choices:
        raise ProtocolError("the answer is not a completion: it has no choices")
    facts = answer.modelport or Facts()
    events: list[Event] = [Started(model=answer.model, id=answer.id, cached=facts.cached)]
    events += [Emulated(facts.emulated)] if facts.emulated else []
    for choice in answer.choices:
        events += choice.events()
    usage = usage_from(answer.usage, facts)
    return msgspec.structs.replace(fold([*events, *([usage] if usage else [])]), created=answer.created)
