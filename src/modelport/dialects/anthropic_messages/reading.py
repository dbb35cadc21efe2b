"""Streamed answers on their way in: the events of a Message, from bytes of any split, to events of ours."""

import msgspec
from msgspec import Struct

from modelport import sse
from modelport.dialects.anthropic_messages.answers import Facts, WireUsage, finish_reason, usage_from
from modelport.dialects.anthropic_messages.failures import error_from_body
from modelport.errors import ConnectionFailed, ProtocolError
from modelport.types import (
    Emulated,
    Event,
    Finish,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)

__all__ = ("MessagesStreamDecoder",)


class _Message(Struct, frozen=True):
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None
    modelport: Facts = Facts()


class _Block(Struct, frozen=True):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Delta(Struct, frozen=True):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Piece(Struct, frozen=True):
    type: str = ""
    index: int = 0
    message: _Message = _Message()
    content_block: _Block = _Block()
    delta: _Delta = _Delta()
    usage: WireUsage | None = None
    modelport: Facts = Facts()


_decode = msgspec.json.Decoder(_Piece).decode
_decode_any = msgspec.json.Decoder().decode


class MessagesStreamDecoder:
    """Reads one answer from a Message's events, in bytes of any split. Lenient about what it does not know."""

    def __init__(self) -> None:
        self._parser = sse.EventParser()
        self._usage: WireUsage | None = None
        self._facts = Facts()
        self._calls: dict[int, int] = {}  # block → the call's number
        self._bare: dict[int, str] = {}  # blocks of calls that have no arguments so far → what they began with
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes.

        Raises:
            ModelportError: the error that the stream carries.
            ProtocolError: it is not a stream of a Message's events.
        """
        events: list[Event] = []
        for given in self._parser.feed(data):
            if not self._done:
                self._read(given.data, events)
        return events

    def _read(self, data: str, events: list[Event]) -> None:
        try:
            piece = _decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ProtocolError(f"the stream holds what is no event of Anthropic's Messages: {error}") from None
        kind = piece.type
        if kind == "content_block_delta":
            self._read_delta(piece, events)
        elif kind == "content_block_start":
            self._read_block(piece, events)
        elif kind == "content_block_stop":
            self._end_block(piece.index, events)
        elif kind == "message_start":
            self._read_start(piece.message, events)
        elif kind == "message_delta":
            self._read_end(piece, events)
        elif kind == "message_stop":
            self._done = True
        elif kind == "error":
            raise error_from_body(_decode_any(data))

    def _read_start(self, message: _Message, events: list[Event]) -> None:
        self._usage = message.usage
        self._facts = message.modelport
        events.append(Started(model=message.model or None, id=message.id or None, cached=message.modelport.cached))
        if message.modelport.emulated:
            events.append(Emulated(message.modelport.emulated))

    def _read_block(self, piece: _Piece, events: list[Event]) -> None:
        block = piece.content_block
        if block.type == "tool_use":
            number = self._calls[piece.index] = len(self._calls)
            self._bare[piece.index] = bytes(block.input).decode()
            events.append(ToolCallDelta(number, block.id, block.name))
        elif block.text and block.type == "text":
            events.append(TextDelta(block.text))
        elif block.thinking and block.type == "thinking":
            events.append(ReasoningDelta(block.thinking))

    def _read_delta(self, piece: _Piece, events: list[Event]) -> None:
        delta = piece.delta
        if delta.type == "text_delta" and delta.text:
            events.append(TextDelta(delta.text))
        elif delta.type == "thinking_delta" and delta.thinking:
            events.append(ReasoningDelta(delta.thinking))
        elif delta.type == "input_json_delta" and delta.partial_json and piece.index in self._calls:
            self._bare.pop(piece.index, None)
            events.append(ToolCallDelta(self._calls[piece.index], arguments=delta.partial_json))

    def _end_block(self, index: int, events: list[Event]) -> None:
        """A call that came without arguments has those that it began with, most often none."""
        arguments = self._bare.pop(index, None)
        if arguments is not None:
            events.append(ToolCallDelta(self._calls[index], arguments=arguments))

    def _read_end(self, piece: _Piece, events: list[Event]) -> None:
        facts = piece.modelport
        if facts.emulated:
            events.append(Emulated(facts.emulated))
        if piece.delta.stop_reason is not None:
            events.append(Finish(finish_reason(piece.delta.stop_reason), stop_sequence=piece.delta.stop_sequence))
        if piece.usage is not None:
            self._usage = _later(self._usage, piece.usage)
            usage = usage_from(self._usage, facts)
            if usage is not None:
                events.append(usage)

    def finish(self) -> list[Event]:
        """The bytes have ended.

        Raises:
            ConnectionFailed: the answer had not.
        """
        if not self._done:
            raise ConnectionFailed("the stream broke off before the answer was complete")
        return []


def _later(before: WireUsage | None, now: WireUsage) -> WireUsage:
    """Counts are totals so far, and those that are left out stay as they were."""
    if before is None:
        return now
    fields = WireUsage.__struct_fields__
    return WireUsage(*[getattr(before, name) if (new := getattr(now, name)) is None else new for name in fields])
