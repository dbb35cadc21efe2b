"""Streamed answers, on their way in: the Responses wire's events, in bytes of any split, to ours."""

from typing import Any

import msgspec
from msgspec import Struct

from modelport import sse
from modelport.dialects.openai_chat.failures import error_from_body
from modelport.dialects.openai_responses.answers import WireResponse, finish_reason, usage_from
from modelport.errors import ConnectionFailed, ProtocolError
from modelport.types import Emulated, Event, Finish, ReasoningDelta, Started, TextDelta, ToolCallDelta

__all__ = ("ResponsesStreamDecoder",)


class _Item(Struct, frozen=True):
    type: str = ""
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Told(Struct, frozen=True):
    type: str | None = None
    response: WireResponse | None = None
    item: _Item | None = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    error: Any = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


_decode = msgspec.json.Decoder(_Told).decode
_MOST = 128 * 1024 * 1024  # bytes of one event; the last has all of the answer, its instructions and its tools
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


class ResponsesStreamDecoder:
    """Reads one answer. Lenient about events and fields that it does not know, and about deltas that are left out."""

    def __init__(self) -> None:
        self._parser = sse.EventParser(most=_MOST)
        self._started = False
        self._done = False
        self._emulated: tuple[str, ...] = ()
        self._calls: dict[int, int] = {}  # place in the output → number of the call
        self._seen: set[tuple[str, int, int]] = set()  # what has had a delta
        self._read = {
            "response.output_item.added": self._added,
            "response.output_item.done": self._added,
            "response.output_text.delta": self._text,
            "response.output_text.done": self._text,
            "response.refusal.delta": self._text,
            "response.refusal.done": self._text,
            "response.reasoning_text.delta": self._thought,
            "response.reasoning_text.done": self._thought,
            "response.reasoning_summary_text.delta": self._summary,
            "response.reasoning_summary_text.done": self._summary,
            "response.function_call_arguments.delta": self._arguments,
            "response.function_call_arguments.done": self._arguments,
        }

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes.

        Raises:
            ModelportError: the error that the stream carries.
            ProtocolError: it is not a stream of the Responses wire.
        """
        events: list[Event] = []
        for piece in self._parser.feed(data):
            if self._done or piece.data == "[DONE]":
                continue
            try:
                told = _decode(piece.data)
            except (msgspec.DecodeError, RecursionError) as error:
                raise ProtocolError(f"the stream holds what is not an event of a Response: {error}") from None
            self._take(told.type or piece.event, told, events)
        return events

    def _take(self, kind: str, told: _Told, events: list[Event]) -> None:
        if kind == "error":
            given = {"message": told.message, "code": told.code, "param": told.param}
            raise error_from_body(given if told.error is None else told.error)
        if told.response is not None:
            self._response(kind, told.response, events)
        reader = self._read.get(kind)
        if reader is not None:
            reader(told, events)

    def _response(self, kind: str, response: WireResponse, events: list[Event]) -> None:
        if kind == "response.failed" or response.error is not None:
            raise error_from_body(response.error)
        facts = response.modelport
        if not self._started:
            self._started = True
            events.append(Started(model=response.model or None, id=response.id or None, cached=facts.cached))
        fields = tuple(field for field in facts.emulated if field not in self._emulated)
        if fields:
            self._emulated += fields
            events.append(Emulated(fields))
        if kind in _ENDS:
            self._done = True
            events.append(Finish(finish_reason(response, called=bool(self._calls))))
            usage = usage_from(response)
            if usage is not None:
                events.append(usage)

    def _added(self, told: _Told, events: list[Event]) -> None:
        item = told.item
        if item is not None and item.type == "function_call" and told.output_index not in self._calls:
            number = self._calls[told.output_index] = len(self._calls)
            arguments = item.arguments or ""
            if arguments:
                self._seen.add(("arguments", told.output_index, 0))
            events.append(ToolCallDelta(number, item.call_id, item.name, arguments))

    def _arguments(self, told: _Told, events: list[Event]) -> None:
        new = self._new("arguments", told, 0, told.arguments)
        if new is None:
            return
        if told.output_index not in self._calls:
            raise ProtocolError("the stream has arguments of a call that has not begun")
        events.append(ToolCallDelta(self._calls[told.output_index], arguments=new))

    def _text(self, told: _Told, events: list[Event]) -> None:
        new = self._new("text", told, told.content_index, told.refusal if told.text is None else told.text)
        if new is not None:
            events.append(TextDelta(new))

    def _thought(self, told: _Told, events: list[Event]) -> None:
        new = self._new("thought", told, told.content_index, told.text)
        if new is not None:
            events.append(ReasoningDelta(new))

    def _summary(self, told: _Told, events: list[Event]) -> None:
        if ("thought", told.output_index, 0) in self._seen:
            return  # a summary of what was told in full already
        first = ("summary", told.output_index, told.summary_index) not in self._seen
        new = self._new("summary", told, told.summary_index, told.text)
        if new is not None:
            events.append(ReasoningDelta(f"\n\n{new}" if first and told.summary_index else new))

    def _new(self, what: str, told: _Told, part: int, whole: str | None) -> str | None:
        """What an event adds: its delta, or, where no delta came, the whole that it tells."""
        key = (what, told.output_index, part)
        if told.delta is not None:
            self._seen.add(key)
            return told.delta
        if whole is None or key in self._seen:
            return None
        self._seen.add(key)
        return whole

    def finish(self) -> list[Event]:
        """The bytes have ended.

        Raises:
            ConnectionFailed: the answer had not.
        """
        if not self._done:
            raise ConnectionFailed("the stream broke off before the answer was complete")
        return []
