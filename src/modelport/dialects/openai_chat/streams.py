"""Streamed answers: events to chat-completion chunks as server-sent events, and back.

A chunk of text is a template of the stream, filled: its bytes but for the text are made once.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from modelport import sse
from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.answers import (
    Facts,
    WireUsage,
    facts_to_dict,
    finish_reason,
    usage_from,
    usage_to_dict,
)
from modelport.dialects.openai_chat.failures import error_from_body, error_to_body
from modelport.errors import ConnectionFailed, ModelportError, ProtocolError
from modelport.types import (
    Emulated,
    Event,
    Finish,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    mint_id,
)

__all__ = ("ChatStreamDecoder", "ChatStreamEncoder")

_json = msgspec.json.Encoder().encode
_DONE = b"data: [DONE]\n\n"


class ChatStreamEncoder:
    """Writes one answer as chunks. Expects settled tool calls (see ``modelport.types.Minter``)."""

    keep_alive: bytes = sse.COMMENT

    def __init__(self, asked: Asked, model: str) -> None:
        self._model = model
        self._id: str | None = None
        self._functions = bool(getattr(asked, "functions", False))
        self._include_usage = asked.include_usage
        self._head = b""
        self._templates: dict[int, tuple[bytes, bytes]] = {}  # choice → what stands before and after its text
        self._ended: dict[int, bool] = {}  # choice → whether its finish is out
        self._called: set[int] = set()
        self._usage: Usage | None = None
        self._emulated: tuple[str, ...] = ()
        self._cached = False
        self._told = False  # emulated and cached

    def encode(self, events: Sequence[Event]) -> bytes:
        """The chunks of *events*, in one piece."""
        out: list[bytes] = []
        add = out.append
        templates = self._templates
        for event in events:
            if event.__class__ is TextDelta:
                template = templates.get(event.choice)
                if template is not None:
                    add(template[0])
                    add(_json(event.text))
                    add(template[1])
                    continue
            self._encode_other(event, add)
        return b"".join(out)

    def _encode_other(self, event: Event, add: Any) -> None:
        if isinstance(event, TextDelta):
            add(self._delta(event.choice, {"content": event.text}))
            self._templates[event.choice] = self._template(event.choice)
        elif isinstance(event, ReasoningDelta):
            add(self._delta(event.choice, {"reasoning_content": event.text}))
        elif isinstance(event, ToolCallDelta):
            call = self._call(event)
            if call is not None:
                add(self._delta(event.choice, call))
        elif isinstance(event, Finish):
            add(self._finish(event))
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Emulated):
            self._emulated += tuple(field for field in event.fields if field not in self._emulated)
            self._told = False
        elif isinstance(event, Started):
            self._model = event.model or self._model
            self._id = event.id or self._id
            self._cached = event.cached

    def _call(self, event: ToolCallDelta) -> dict[str, Any] | None:
        self._called.add(event.choice)
        function = (
            {"arguments": event.arguments}
            if event.id is None
            else {
                "name": event.name,
                "arguments": event.arguments,
            }
        )
        if self._functions:
            return {"function_call": function} if not event.index else None  # the older form has one call
        call: dict[str, Any] = {"index": event.index, "function": function}
        if event.id is not None:
            call |= {"id": event.id, "type": "function"}
        return {"tool_calls": [call]}

    def _finish(self, event: Finish) -> bytes:
        reason = event.reason
        if self._functions and reason == "tool_calls":
            reason = "function_call"
        self._ended[event.choice] = True
        return self._delta(event.choice, {}, reason)

    # --- chunks ---

    def _delta(self, choice: int, delta: dict[str, Any], reason: str | None = None) -> bytes:
        if choice not in self._ended:
            self._ended[choice] = False
            # As in a whole answer, no text at all is null; a client that adds deltas up must begin with something.
            delta = {"role": "assistant", "content": None, **delta}
        elif reason is not None:
            self._ended[choice] = True
        return self._chunk([{"index": choice, "delta": delta, "logprobs": None, "finish_reason": reason}])

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        if not self._told and (self._emulated or self._cached):
            self._told = True
            more["modelport"] = facts_to_dict(self._emulated, self._cached, None) | more.get("modelport", {})
        if self._include_usage:
            more.setdefault("usage", None)
        rest = _json({"choices": choices, **more})
        return self._begin() + rest[1:] + b"\n\n"

    def _begin(self) -> bytes:
        """A chunk up to its ``choices``."""
        if not self._head:
            self._id = self._id or mint_id("chatcmpl-")
            common = {
                "id": self._id,
                "object": "chat.completion.chunk",
                "created": int(time.time()),
                "model": self._model,
            }
            self._head = b"data: " + _json(common)[:-1] + b","
        return self._head

    def _template(self, choice: int) -> tuple[bytes, bytes]:
        marker = mint_id("text-")
        chunk = self._chunk([{"index": choice, "delta": {"content": marker}, "logprobs": None, "finish_reason": None}])
        before, _, after = chunk.partition(_json(marker))
        return before, after

    # --- the end ---

    def finish(self) -> bytes:
        """The ends that the model left out, the usage if it was asked for, and the mark that all is said."""
        out: list[bytes] = []
        if not self._ended:
            out.append(self._delta(0, {}))
        for choice, ended in list(self._ended.items()):
            if not ended:
                out.append(self._finish(Finish("tool_calls" if choice in self._called else "stop", choice)))
        usage = usage_to_dict(self._usage)
        if self._include_usage and usage is not None:
            facts = facts_to_dict((), False, self._usage)
            out.append(self._chunk([], usage=usage, **({"modelport": facts} if facts else {})))
        return b"".join((*out, _DONE))

    def fail(self, error: ModelportError) -> bytes:
        """An error in the place of a chunk; clients raise it."""
        return b"data: " + _json(error_to_body(error)) + b"\n\n"


# --- and back ---------------------------------------------------------------------------------------------------------


class _Function(Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct, frozen=True):
    index: int | None = None
    id: str | None = None
    function: _Function = _Function()


class _Delta(Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[_Call, ...] | None = None
    function_call: _Function | None = None


class _Choice(Struct, frozen=True):
    index: int = 0
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Chunk(Struct, frozen=True):
    id: str | None = None
    model: str | None = None
    choices: tuple[_Choice, ...] = ()
    usage: WireUsage | None = None
    modelport: Facts | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode


class ChatStreamDecoder:
    """Reads one answer from chunks, in bytes of any split. Lenient about fields that it does not know."""

    def __init__(self) -> None:
        self._parser = sse.EventParser()
        self._started = False
        self._done = False
        self._finished: set[int] = set()
        self._seen: set[int] = set()
        self._facts = Facts()

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes.

        Raises:
            ModelportError: the error that the stream carries.
            ProtocolError: it is not a stream of chat-completion chunks.
        """
        events: list[Event] = []
        for piece in self._parser.feed(data):
            if piece.data == "[DONE]":
                self._done = True
            elif not self._done:
                self._read(piece.data, events)
        return events

    def _read(self, data: str, events: list[Event]) -> None:
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ProtocolError(f"the stream holds what is not a chat-completion chunk: {error}") from None
        if chunk.error is not None:
            raise error_from_body(chunk.error)
        facts = chunk.modelport
        if not self._started and (chunk.id or chunk.model):
            self._started = True
            cached = facts is not None and facts.cached
            events.append(Started(model=chunk.model or None, id=chunk.id or None, cached=cached))
        if facts is not None:
            self._facts = facts
            if facts.emulated:
                events.append(Emulated(facts.emulated))
        for choice in chunk.choices:
            self._read_choice(choice, events)
        if chunk.usage is not None:
            usage = usage_from(chunk.usage, self._facts)
            if usage is not None:
                events.append(usage)

    def _read_choice(self, choice: _Choice, events: list[Event]) -> None:
        delta, index = choice.delta, choice.index
        self._seen.add(index)
        thought = delta.reasoning if delta.reasoning_content is None else delta.reasoning_content
        if thought:
            events.append(ReasoningDelta(thought, index))
        text = delta.content if delta.refusal is None else (delta.content or "") + delta.refusal
        if text is not None:
            events.append(TextDelta(text, index))
        for call in delta.tool_calls or ():
            function = call.function
            events.append(ToolCallDelta(call.index, call.id, function.name, function.arguments or "", index))
        if delta.function_call is not None:
            function = delta.function_call
            events.append(ToolCallDelta(0, None, function.name, function.arguments or "", index))
        if choice.finish_reason is not None:
            self._finished.add(index)
            events.append(Finish(finish_reason(choice.finish_reason), index))

    def finish(self) -> list[Event]:
        """The bytes have ended.

        Raises:
            ConnectionFailed: the answer had not.
        """
        if not self._done and not (self._seen and self._seen <= self._finished):
            raise ConnectionFailed("the stream broke off before the answer was complete")
        return []
