"""Streamed answers: events to the events of a Message. The way back is in ``reading``.

The order is Anthropic's: the message starts; each block of content starts, grows and stops before the next one starts;
the message's last facts; the message stops. So a tool call that begins while another is still being written waits until
that one's arguments are complete.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from modelport import sse
from modelport.dialects.anthropic_messages.answers import (
    broken_arguments,
    facts_to_dict,
    message_id,
    stop_reason,
    usage_to_dict,
    whole_arguments,
)
from modelport.dialects.anthropic_messages.failures import error_to_body
from modelport.dialects.base import Asked
from modelport.errors import ContractBroken, ModelportError
from modelport.types import (
    Emulated,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
)

__all__ = ("MessagesStreamEncoder",)

_json = msgspec.json.Encoder().encode


def _event(kind: str, value: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _json({"type": kind, **value}))


class _Call:
    """A tool call, as far as it has come; the first ``out`` pieces of its arguments are written."""

    __slots__ = ("_known", "closed", "id", "name", "out", "pieces")

    def __init__(self, delta: ToolCallDelta) -> None:
        self.id = delta.id or ""
        self.name = delta.name or ""
        self.pieces: list[str] = []
        self.out = 0
        self.closed = False
        self._known: bool | None = False

    def add(self, arguments: str) -> None:
        if self.closed and arguments.strip():
            raise ContractBroken(f"the model went on with the arguments of {self.name!r} after they were complete")
        if arguments:
            self.pieces.append(arguments)
            self._known = None

    def take(self) -> str:
        """What is not written yet."""
        waiting = "".join(self.pieces[self.out :])
        self.out = len(self.pieces)
        return waiting

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def complete(self) -> bool:
        """Whether its arguments can have no more to come. Where there are none, they may still."""
        if self._known is None:
            ended = self.pieces[-1].rstrip()[-1:] in {"}", ""}  # most pieces are not worth reading all of them again
            self._known = ended and whole_arguments(self.arguments) is not None and bool(self.arguments.strip())
        return self.closed or self._known


class MessagesStreamEncoder:
    """Writes one answer as the events of a Message. Expects settled tool calls (see ``modelport.types.Minter``)."""

    def __init__(self, asked: Asked, model: str) -> None:
        self._model = model
        self._thoughts: bool = getattr(asked, "thoughts", True)
        self._prompt_tokens: int | None = getattr(asked, "prompt_tokens", None)
        self._request_id: str | None = getattr(asked, "request_id", None)
        self._started = Started()
        self._begun = False
        self._emulated: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()  # of the emulated, those that message_start told
        self._index = -1  # of the block that was begun last
        self._open: str | int | None = None  # the open block: text, thinking or a call's index
        self._calls: dict[int, _Call] = {}
        self._held: list[TextDelta | ReasoningDelta] = []  # what waits for calls to be complete
        self._reason: FinishReason | None = None
        self._sequence: str | None = None
        self._usage: Usage | None = None
        self._text = b""  # what stands before the text of a delta of the open block

    @property
    def keep_alive(self) -> bytes:
        """What may be written while there is nothing to say; a ping has no place before the message has started."""
        return _PING if self._begun else sse.COMMENT

    def encode(self, events: Sequence[Event]) -> bytes:
        """The wire's events for *events*, in one piece.

        Raises:
            ContractBroken: a tool call goes on after its arguments were complete.
        """
        out: list[bytes] = []
        for event in events:
            if event.__class__ is TextDelta or event.__class__ is ReasoningDelta:
                if event.text and not event.choice:
                    self._add_words(event, out)
            elif event.__class__ is ToolCallDelta:
                if not event.choice:
                    self._add_call(event, out)
            else:
                self._note(event)
        return b"".join(out)

    def _add_words(self, event: TextDelta | ReasoningDelta, out: list[bytes]) -> None:
        if self._calls:
            self._held.append(event)
            if not all(call.complete for call in self._calls.values()):
                return  # its block would end the call's
            self._write_held(out)
        elif event.__class__ is TextDelta:
            self._add_text(event.text, out)
        elif self._thoughts:
            self._add_thought(event.text, out)

    def _write_held(self, out: list[bytes]) -> None:
        for event in self._held:
            if event.__class__ is TextDelta:
                self._add_text(event.text, out)
            elif self._thoughts:
                self._add_thought(event.text, out)
        self._held = []

    def _add_text(self, text: str, out: list[bytes]) -> None:
        if self._open != "text":
            self._begin_block("text", {"type": "text", "text": ""}, out)
            self._text = _event("content_block_delta", {"index": self._index, "delta": _TEXT}).partition(b'""')[0]
        out += (self._text, _json(text), b"}}\n\n")

    def _add_thought(self, text: str, out: list[bytes]) -> None:
        if self._open != "thinking":
            self._begin_block("thinking", {"type": "thinking", "thinking": "", "signature": ""}, out)
        self._delta({"type": "thinking_delta", "thinking": text}, out)

    def _note(self, event: Event) -> None:
        if isinstance(event, Finish):
            if not event.choice:
                self._reason, self._sequence = event.reason, event.stop_sequence
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Emulated):
            self._emulated += tuple(field for field in event.fields if field not in self._emulated)
        elif isinstance(event, Started):
            self._started = event

    # --- tool calls ---

    def _add_call(self, delta: ToolCallDelta, out: list[bytes]) -> None:
        index = delta.index or 0
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = _Call(delta)
        call.add(delta.arguments)
        if self._open == index and len(self._calls) == 1:
            self._write_arguments(call, out)  # nobody waits for its end
        else:
            self._advance(out)

    def _advance(self, out: list[bytes]) -> None:
        """Write what may be written of the calls, in their order."""
        for index, call in sorted(self._calls.items()):
            if call.closed:
                continue
            if self._open == index:
                self._write_arguments(call, out)
            else:
                self._begin_call(index, out)
            if not call.complete:
                return

    def _begin_call(self, index: int, out: list[bytes]) -> None:
        call = self._calls[index]
        self._begin_block(index, {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, out)
        self._write_arguments(call, out)

    def _write_arguments(self, call: _Call, out: list[bytes]) -> None:
        arguments = call.take()
        if arguments:
            self._delta({"type": "input_json_delta", "partial_json": arguments}, out)

    # --- blocks ---

    def _begin_block(self, which: str | int, block: dict[str, Any], out: list[bytes]) -> None:
        self._begin(out)
        self._end_block(out)
        self._index += 1
        self._open = which
        out.append(_event("content_block_start", {"index": self._index, "content_block": block}))

    def _end_block(self, out: list[bytes]) -> None:
        which = self._open
        if which is None:
            return
        self._open = None
        if isinstance(which, int):
            self._calls[which].closed = True
        out.append(_event("content_block_stop", {"index": self._index}))

    def _delta(self, delta: dict[str, Any], out: list[bytes]) -> None:
        out.append(_event("content_block_delta", {"index": self._index, "delta": delta}))

    def _begin(self, out: list[bytes]) -> None:
        if self._begun:
            return
        self._begun = True
        self._told = self._emulated
        tokens = self._prompt_tokens
        before = None if tokens is None else Usage(tokens, 0, estimated=True)
        message: dict[str, Any] = {
            "id": message_id(self._started.id),
            "type": "message",
            "role": "assistant",
            "model": self._started.model or self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_to_dict(before),
            "modelport": facts_to_dict(self._emulated, self._started.cached, before),
        }
        out.append(_event("message_start", {"message": message}))

    # --- the end ---

    def finish(self) -> bytes:
        """What was held back, the last facts, and the mark that all is said.

        Raises:
            ContractBroken: a tool is called with arguments that are no JSON object.
        """
        out: list[bytes] = []
        self._begin(out)
        self._end_calls(out)
        self._end_block(out)
        reason = self._reason or ("tool_calls" if self._calls else "stop")
        if self._calls and reason == "stop":
            reason = "tool_calls"
        last: dict[str, Any] = {
            "delta": stop_reason(reason, self._sequence),
            "usage": usage_to_dict(self._usage),
        }
        late = tuple(field for field in self._emulated if field not in self._told)
        facts = facts_to_dict(late, False, self._usage)
        if facts:
            last["modelport"] = facts
        out.append(_event("message_delta", last))
        out.append(_event("message_stop", {}))
        return b"".join(out)

    def _end_calls(self, out: list[bytes]) -> None:
        calls = sorted(self._calls.items())
        for index, call in calls:
            if self._reason != "length" and whole_arguments(call.arguments) is None:
                raise broken_arguments(call.name)
            if not call.closed and self._open != index:
                self._begin_call(index, out)
        self._write_held(out)

    def fail(self, error: ModelportError) -> bytes:
        """An error in the place of an event; clients raise it."""
        return b"event: error\ndata: %b\n\n" % _json(error_to_body(error, self._request_id))


_PING = _event("ping", {})
_TEXT = {"type": "text_delta", "text": ""}
