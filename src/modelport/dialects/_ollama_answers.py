"""Ollama's answers: lines of JSON, of which a whole answer is the only one. Private to its two wires."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.failures import decode_error as decode_openai_error, error_from_body
from modelport.errors import ConnectionFailed, ContractBroken, ModelportError, ProtocolError
from modelport.types import (
    ChatResponse,
    Emulated,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    fold,
    unfold,
)

__all__ = ("LineDecoder", "LineEncoder", "Lines", "decode_error", "decode_response", "encode_error", "encode_response")

_json = msgspec.json.Encoder().encode
_MOST_LINE = 64 * 1024 * 1024  # bytes


class LineEncoder:
    """Writes one answer as lines, the last of them with ``done``. Expects settled tool calls."""

    def __init__(self, asked: Asked, model: str, *, chat: bool) -> None:
        self._asked = asked
        self._model = model
        self._chat = chat
        self._thoughts = bool(getattr(asked, "thoughts", True))
        self._head = b""
        self._calls: dict[int, list[str]] = {}  # index → id, name, and its arguments as they come
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._emulated: tuple[str, ...] = ()
        self._cached = False

    @property
    def keep_alive(self) -> bytes:
        """What is said while nothing comes: a line without text, since clients take every line for JSON."""
        return self._line(self._piece(content=""))

    def encode(self, events: Sequence[Event]) -> bytes:
        """The lines of *events*. Calls of tools are told when they are complete, as Ollama has it."""
        out: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta):
                if event.choice == 0 and event.text:
                    out.append(self._line(self._piece(content=event.text)))
            elif isinstance(event, ReasoningDelta):
                if event.choice == 0 and event.text and self._thoughts:
                    out.append(self._line(self._piece(thinking=event.text)))
            else:
                self._note(event)
        return b"".join(out)

    def _note(self, event: Event) -> None:
        if isinstance(event, ToolCallDelta):
            if event.choice == 0:
                call = self._calls.setdefault(event.index or 0, [event.id or "", event.name or ""])
                call.append(event.arguments)
        elif isinstance(event, Finish):
            self._reason = event.reason if event.choice == 0 else self._reason
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Emulated):
            self._emulated += tuple(field for field in event.fields if field not in self._emulated)
        elif isinstance(event, Started):
            self._model = event.model or self._model
            self._cached = event.cached
            self._head = b""

    def finish(self) -> bytes:
        """The calls of tools, and the line that ends the answer."""
        calls = self._line(self._piece(content="", tool_calls=self._tool_calls())) if self._calls else b""
        return calls + self._line({**self._piece(content=""), **self.ending()})

    def whole(self, response: ChatResponse) -> bytes:
        """All of *response* in the one line."""
        self.encode([event for event in unfold(response) if not isinstance(event, TextDelta | ReasoningDelta)])
        message = response.message
        more: dict[str, Any] = {"tool_calls": self._tool_calls()} if self._calls else {}
        if message.reasoning and self._thoughts:
            more["thinking"] = message.reasoning
        return self._line({**self._piece(content=message.text, **more), **self.ending()}).rstrip(b"\n")

    def fail(self, error: ModelportError) -> bytes:
        """An error in the place of a line; clients raise it."""
        return encode_error(error) + b"\n"

    # --- lines ---

    def _piece(self, **message: Any) -> dict[str, Any]:
        if self._chat:
            return {"message": {"role": "assistant", "content": "", **message}, "done": False}
        return {"response": message.pop("content", ""), **message, "done": False}

    def _line(self, fields: dict[str, Any]) -> bytes:
        if not self._head:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self._head = _json({"model": self._model, "created_at": stamp})[:-1] + b","
        return self._head + _json(fields)[1:] + b"\n"

    def _tool_calls(self) -> list[dict[str, Any]]:
        return [
            {"id": name_id, "function": {"index": index, "name": name, "arguments": _arguments(name, "".join(pieces))}}
            for index, (name_id, name, *pieces) in sorted(self._calls.items())
        ]

    def ending(self) -> dict[str, Any]:
        """What the last line has beside its text."""
        reason = {"length": "length", "content_filter": "content_filter"}.get(self._reason or "stop", "stop")
        fields: dict[str, Any] = {"done": True, "done_reason": reason}
        began = getattr(self._asked, "began", 0)
        if began:
            fields["total_duration"] = time.perf_counter_ns() - began
        usage = self._usage
        if usage is not None and usage.prompt_tokens is not None:
            fields["prompt_eval_count"] = usage.prompt_tokens
        if usage is not None and usage.completion_tokens is not None:
            fields["eval_count"] = usage.completion_tokens
        facts = self._facts()
        return {**fields, "modelport": facts} if facts else fields

    def _facts(self) -> dict[str, Any]:
        """What is known of the answer beyond Ollama's form."""
        usage = self._usage or Usage()
        facts = {
            "emulated": self._emulated or None,
            "cached": self._cached or None,
            "usage_estimated": usage.estimated or None,
            "cost": usage.cost,
            "total_tokens": usage.total_tokens,
        }
        return {name: value for name, value in facts.items() if value is not None}


def _arguments(name: str, text: str) -> dict[str, Any]:
    try:
        arguments = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise ContractBroken(
            f"the model called {name!r} with arguments that are no JSON object, and Ollama's form takes no others"
        )
    return arguments


def encode_response(asked: Asked, response: ChatResponse, *, chat: bool) -> bytes:
    """The body of a whole answer."""
    return LineEncoder(asked, response.model, chat=chat).whole(response)


def encode_error(error: ModelportError) -> bytes:
    """``{"error": message}``, and what is known beyond Ollama's form."""
    return _json({"error": error.message, "modelport": {"code": error.code, "param": error.param}})


# --- and back ---------------------------------------------------------------------------------------------------------


class _Function(Struct, frozen=True):
    name: str = ""
    arguments: Any = None


class _Call(Struct, frozen=True):
    function: _Function
    id: str | None = None


class _Message(Struct, frozen=True):
    content: str = ""
    thinking: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class _Facts(Struct, frozen=True):
    emulated: tuple[str, ...] = ()
    cached: bool = False
    usage_estimated: bool = False
    cost: float | None = None
    total_tokens: int | None = None
    code: str | None = None
    param: str | None = None


class _Line(Struct, frozen=True):
    model: str = ""
    message: _Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: tuple[_Call, ...] | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: str | None = None
    modelport: _Facts = _Facts()


_decode = msgspec.json.Decoder(_Line).decode


class LineDecoder:
    """Reads one answer from lines, in bytes of any split. Lenient about fields that it does not know."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._started = False
        self._done = False
        self._calls = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes.

        Raises:
            ModelportError: the error that the stream carries.
            ProtocolError: it is no stream of Ollama's lines.
        """
        *lines, rest = data.split(b"\n")
        events: list[Event] = []
        for line in lines:
            whole = bytes(self._rest) + line if self._rest else line
            self._rest.clear()
            if whole.strip() and not self._done:
                self._read(whole, events)
        self._rest += rest
        if len(self._rest) > _MOST_LINE:
            raise ProtocolError(f"the stream has a line of more than {_MOST_LINE} bytes")
        return events

    def finish(self) -> list[Event]:
        """The bytes have ended; a last line without its end is read, too.

        Raises:
            ConnectionFailed: the answer had not.
        """
        events: list[Event] = []
        if not self._done and self._rest.strip():
            try:
                self._read(bytes(self._rest), events)
            except ProtocolError:
                raise ConnectionFailed("the stream broke off within a line") from None
        if not self._done:
            raise ConnectionFailed("the stream broke off before the answer was complete")
        return events

    def _read(self, data: bytes, events: list[Event]) -> None:
        try:
            line = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"the answer holds what is no line of Ollama's: {error}") from None
        facts = line.modelport
        if line.error is not None:
            raise error_from_body({"message": line.error, "code": facts.code, "param": facts.param})
        if not self._started and line.model:
            self._started = True
            events.append(Started(model=line.model))
        self._read_message(line, events)
        if line.done:
            self._done = True
            self._read_end(line, events)

    def _read_message(self, line: _Line, events: list[Event]) -> None:
        message = line.message or _Message(line.response or "", line.thinking, line.tool_calls)
        if message.thinking:
            events.append(ReasoningDelta(message.thinking))
        if message.content:
            events.append(TextDelta(message.content))
        for call in message.tool_calls or ():
            arguments = call.function.arguments
            text = arguments if isinstance(arguments, str) else _json({} if arguments is None else arguments).decode()
            events.append(ToolCallDelta(self._calls, call.id or None, call.function.name, text))
            self._calls += 1

    def _read_end(self, line: _Line, events: list[Event]) -> None:
        facts = line.modelport
        if facts.cached:
            events.append(Started(model=line.model or None, cached=True))
        if facts.emulated:
            events.append(Emulated(facts.emulated))
        reasons: dict[str | None, FinishReason] = {"length": "length", "content_filter": "content_filter"}
        events.append(Finish(reasons.get(line.done_reason, "tool_calls" if self._calls else "stop")))
        counts = (line.prompt_eval_count, line.eval_count, facts.total_tokens, facts.cost)
        if any(count is not None for count in counts):
            events.append(
                Usage(
                    line.prompt_eval_count,
                    line.eval_count,
                    facts.total_tokens,
                    cost=facts.cost,
                    estimated=facts.usage_estimated,
                )
            )


def decode_response(body: bytes) -> ChatResponse:
    """A whole answer from its body.

    Raises:
        ProtocolError: it is none.
    """
    decoder = LineDecoder()
    try:
        events = decoder.feed(body.strip() + b"\n")
        return fold([*events, *decoder.finish()])
    except ConnectionFailed:
        raise ProtocolError("the answer is none of Ollama's: it is not done") from None


def decode_error(status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
    """The error that an answer of *status* carries."""
    try:
        line = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        line = _Line()
    if line.error is not None:
        facts = line.modelport
        body = _json({"error": {"message": line.error, "code": facts.code, "param": facts.param}})
    return decode_openai_error(status, body, headers)


class Lines:
    """The half of a dialect object that its two wires have in common; ``chat`` tells which of them it is."""

    request_type: str = "application/json"
    response_type: str = "application/json; charset=utf-8"
    stream_type: str = "application/x-ndjson"
    chat: bool

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body of a whole answer."""
        return encode_response(asked, response, chat=self.chat)

    def stream_encoder(self, asked: Asked, model: str) -> LineEncoder:
        """For one streamed answer of *model*."""
        return LineEncoder(asked, model, chat=self.chat)

    def encode_error(self, error: ModelportError) -> bytes:
        """The body of an answer that is an error."""
        return encode_error(error)

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        return decode_response(body)

    def stream_decoder(self) -> LineDecoder:
        """For one streamed answer."""
        return LineDecoder()

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer of *status* carries."""
        return decode_error(status, body, headers)
