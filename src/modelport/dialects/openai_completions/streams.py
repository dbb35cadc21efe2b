"""Streamed answers: events to completion chunks as server-sent events, and back."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from modelport import sse
from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.answers import Facts, facts_to_dict, usage_from, usage_to_dict
from modelport.dialects.openai_chat.failures import error_to_body
from modelport.dialects.openai_completions.answers import WireAnswer, choice_to_dict, read_answer
from modelport.dialects.openai_completions.asking import echo_of
from modelport.errors import ConnectionFailed, ModelportError
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

__all__ = ("CompletionsStreamDecoder", "CompletionsStreamEncoder")

_json = msgspec.json.Encoder().encode
_DONE = b"data: [DONE]\n\n"


class CompletionsStreamEncoder:
    """Writes one answer as chunks. Expects settled tool calls (see ``modelport.types.Minter``)."""

    keep_alive: bytes = sse.COMMENT

    def __init__(self, asked: Asked, model: str) -> None:
        self._model = model
        self._asked = asked
        self._include_usage = asked.include_usage
        self._id: str | None = None
        self._created = int(time.time())
        self._ended: dict[int, bool] = {}  # choice → whether its end is out
        self._usage: Usage | None = None
        self._emulated = asked.emulated
        self._cached = False
        self._told: dict[str, Any] = {}  # of what stands under modelport, what is out

    def encode(self, events: Sequence[Event]) -> bytes:
        """The chunks of *events*, in one piece."""
        return b"".join([self._one(event) for event in events])

    def _one(self, event: Event) -> bytes:
        if isinstance(event, TextDelta):
            return self._piece(event.choice, event.text)
        if isinstance(event, ReasoningDelta):
            return self._piece(event.choice, "", reasoning_content=event.text)
        if isinstance(event, ToolCallDelta):
            call = {"index": event.index or 0, "id": event.id, "name": event.name, "arguments": event.arguments}
            return self._piece(event.choice, "", tool_calls=[call])
        if isinstance(event, Finish):
            return self._piece(event.choice, "", event.reason)
        if isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Emulated):
            self._emulated += tuple(field for field in event.fields if field not in self._emulated)
        else:
            self._model, self._id, self._cached = event.model or self._model, event.id or self._id, event.cached
        return b""

    def _piece(self, choice: int, text: str, reason: str | None = None, **beside: Any) -> bytes:
        if choice not in self._ended:
            text = echo_of(self._asked, choice) + text
        self._ended[choice] = reason is not None
        return self._chunk([choice_to_dict(choice, text, reason, beside)])

    def _chunk(self, choices: list[Any], **more: Any) -> bytes:
        self._id = self._id or mint_id("cmpl-")
        body = {"id": self._id, "object": "text_completion", "created": self._created, "model": self._model}
        facts = facts_to_dict(self._emulated, self._cached, self._usage if "usage" in more else None)
        if facts and facts != self._told:
            self._told = more["modelport"] = facts
        if self._include_usage:
            more.setdefault("usage", None)
        return b"data: %b\n\n" % _json({**body, "choices": choices, **more})

    def finish(self) -> bytes:
        """The ends that the model left out, the usage if it was asked for, and the mark that all is said."""
        out = [self._one(Finish(choice=choice)) for choice, ended in (self._ended or {0: False}).items() if not ended]
        usage = usage_to_dict(self._usage)
        if self._include_usage and usage is not None:
            out.append(self._chunk([], usage=usage))
        return b"".join((*out, _DONE))

    def fail(self, error: ModelportError) -> bytes:
        """An error in the place of a chunk; clients raise it."""
        return b"data: %b\n\n" % _json(error_to_body(error))


class CompletionsStreamDecoder:
    """Reads one answer from chunks, in bytes of any split. Lenient about fields that it does not know."""

    def __init__(self) -> None:
        self._parser = sse.EventParser()
        self._started = False
        self._done = False
        self._seen: dict[int, bool] = {}  # choice → whether it has ended
        self._facts = Facts()

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes.

        Raises:
            ModelportError: the error that the stream carries.
            ProtocolError: it is not a stream of completions.
        """
        events: list[Event] = []
        for piece in self._parser.feed(data):
            if piece.data == "[DONE]":
                self._done = True
            elif not self._done:
                self._take(read_answer(piece.data), events)
        return events

    def _take(self, chunk: WireAnswer, events: list[Event]) -> None:
        self._facts = chunk.modelport or self._facts
        if not self._started:
            self._started = True
            events.append(Started(model=chunk.model, id=chunk.id, cached=self._facts.cached))
        if chunk.modelport is not None and chunk.modelport.emulated:
            events.append(Emulated(chunk.modelport.emulated))
        for choice in chunk.choices or ():
            self._seen[choice.index] = choice.finish_reason is not None
            events += choice.events()
        usage = None if chunk.usage is None else usage_from(chunk.usage, self._facts)
        if usage is not None:
            events.append(usage)

    def finish(self) -> list[Event]:
        """The bytes have ended.

        Raises:
            ConnectionFailed: the answer had not.
        """
        if not self._done and not (self._seen and all(self._seen.values())):
            raise ConnectionFailed("the stream broke off before the answer was complete")
        return []
