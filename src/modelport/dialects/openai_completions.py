"""OpenAI's legacy completions, both directions. Source: https://platform.openai.com/docs/api-reference/completions

A prompt is one turn of a user's, and the answer's text its completion. ``echo`` is kept here, by writing the prompt
before the text. Thoughts and calls of tools, which this wire is older than, stand beside a choice's text.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

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
from modelport.dialects.openai_chat.failures import decode_error, encode_error, error_from_body, error_to_body
from modelport.errors import ConnectionFailed, InvalidRequest, ModelportError, ProtocolError, UnsupportedField
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Emulated,
    Event,
    Finish,
    Message,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    fold,
    mint_id,
    translate_validation,
)

__all__ = (
    "DIALECT",
    "FATES",
    "CompletionsAsked",
    "CompletionsStreamDecoder",
    "CompletionsStreamEncoder",
    "OpenAICompletions",
)

FATES: dict[str, str] = {
    "prompt": "honoured",
    "model": "honoured",
    "stream": "honoured",
    "stream_options": "honoured",
    "n": "honoured",
    "best_of": "rejected: answers are not ranked here; as many as n pass",
    "echo": "emulated: the prompt is written before the text",
    "temperature": "honoured",
    "top_p": "honoured",
    "max_tokens": "honoured",
    "stop": "honoured",
    "seed": "honoured",
    "presence_penalty": "honoured",
    "frequency_penalty": "honoured",
    "logit_bias": "honoured",
    "logprobs": "rejected: answers carry no log probabilities here",
    "suffix": "rejected: models continue a text here, they do not fill one in",
    "user": "honoured",
    "timeout": "honoured",
}
"""What becomes of each field of the published request, and of our own."""

_json = msgspec.json.Encoder().encode
_DONE = b"data: [DONE]\n\n"
Penalty = Annotated[float, Meta(ge=-2, le=2)]


class _StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class _Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    prompt: str | list[Any] | None = None
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    best_of: Annotated[int, Meta(ge=1)] | None = None
    echo: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    stop: str | tuple[str, ...] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    logprobs: int | None = None
    suffix: str | None = None
    user: str | None = None
    timeout: Annotated[float, Meta(gt=0)] | None = None  # seconds; ours, not OpenAI's


_SAME = (
    "model",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
)
_decode = msgspec.json.Decoder(_Request).decode


class CompletionsAsked(Asked, frozen=True, kw_only=True):
    """``echo`` is what each choice's text begins with: the prompt, where that was asked for."""

    echo: str = ""


def _decode_request(body: bytes) -> CompletionsAsked:
    try:
        given = _decode(body)
    except msgspec.ValidationError as error:
        raise translate_validation(error) from None
    except UnicodeDecodeError:
        raise InvalidRequest("the body is not UTF-8: send JSON, encoded as UTF-8") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None
    _check_refused(given)
    prompt = _prompt(given.prompt)
    stop = (given.stop,) if isinstance(given.stop, str) else given.stop or None
    same = {name: getattr(given, name) for name in _SAME}
    options = given.stream_options
    return CompletionsAsked(
        request=ChatRequest(messages=(Message("user", prompt),), stop=stop, **same),
        stream=bool(given.stream),
        include_usage=options is not None and bool(options.include_usage),
        timeout=given.timeout,
        echo=prompt if given.echo else "",
    )


def _check_refused(given: _Request) -> None:
    if given.best_of not in {None, given.n or 1}:
        raise _refusal("best_of")
    for name in ("logprobs", "suffix"):
        if getattr(given, name) is not None:
            raise _refusal(name)
    options = given.stream_options
    if options is not None and not given.stream:
        raise InvalidRequest("stream_options may be set only with stream: true", param="stream_options")
    if options is not None and options.include_obfuscation:
        name = "stream_options.include_obfuscation"
        raise UnsupportedField(f"{name}: streams are not padded here; leave it out", param=name)


def _refusal(name: str) -> UnsupportedField:
    return UnsupportedField(f"{name}: {FATES[name].partition(': ')[2]}; leave it out", param=name)


def _prompt(given: str | list[Any] | None) -> str:
    if given is None:
        raise InvalidRequest("prompt is missing: give the text to continue", param="prompt")
    if isinstance(given, str):
        return given
    if not given:
        raise InvalidRequest("prompt is an empty list: give the text to continue", param="prompt")
    if not all(isinstance(one, str) for one in given):
        raise UnsupportedField("prompt: tokens are not taken here; send text", param="prompt")
    if len(given) > 1:
        raise UnsupportedField(
            f"prompt has {len(given)} texts; one is taken here: send a request for each", param="prompt"
        )
    return str(given[0])


# --- answers ----------------------------------------------------------------------------------------------------------


def _emulated(asked: Asked) -> tuple[str, ...]:
    return ("echo",) if getattr(asked, "echo", "") else ()


def _choice(number: int, text: str, reason: str | None, beside: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": number, "text": text, "logprobs": None, "finish_reason": reason, **beside}


def _encode_response(asked: Asked, response: ChatResponse) -> bytes:
    echo = getattr(asked, "echo", "")
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
        text = echo + message.text + (message.refusal or "")
        choices.append(_choice(choice.index, text, choice.finish_reason, beside))
    body: dict[str, Any] = {
        "id": response.id,
        "object": "text_completion",
        "created": response.created,
        "model": response.model,
        "choices": choices,
        "usage": usage_to_dict(response.usage),
    }
    facts = facts_to_dict((*_emulated(asked), *response.emulated), response.cached, response.usage)
    return _json({**body, "modelport": facts} if facts else body)


class CompletionsStreamEncoder:
    """Writes one answer as chunks. Expects settled tool calls (see ``modelport.types.Minter``)."""

    keep_alive: bytes = sse.COMMENT

    def __init__(self, asked: Asked, model: str) -> None:
        self._model = model
        self._echo: str = getattr(asked, "echo", "")
        self._include_usage = asked.include_usage
        self._id: str | None = None
        self._created = int(time.time())
        self._ended: dict[int, bool] = {}  # choice → whether its end is out
        self._usage: Usage | None = None
        self._emulated = _emulated(asked)
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
            text = self._echo + text
        self._ended[choice] = reason is not None
        return self._chunk([_choice(choice, text, reason, beside)])

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


class _Answer(Struct, frozen=True):
    choices: tuple[_Choice, ...] | None = None
    id: str | None = None
    model: str | None = None
    created: int = 0
    usage: WireUsage | None = None
    modelport: Facts | None = None
    error: Any = None


_decode_answer = msgspec.json.Decoder(_Answer).decode


def _read(data: bytes | str) -> _Answer:
    try:
        answer = _decode_answer(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"the answer is not a completion: {error}") from None
    if answer.error is not None:
        raise error_from_body(answer.error)
    return answer


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
                self._take(_read(piece.data), events)
        return events

    def _take(self, chunk: _Answer, events: list[Event]) -> None:
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


def _decode_response(body: bytes) -> ChatResponse:
    answer = _read(body)
    if not answer.choices:
        raise ProtocolError("the answer is not a completion: it has no choices")
    facts = answer.modelport or Facts()
    events: list[Event] = [Started(model=answer.model, id=answer.id, cached=facts.cached)]
    events += [Emulated(facts.emulated)] if facts.emulated else []
    for choice in answer.choices:
        events += choice.events()
    usage = usage_from(answer.usage, facts)
    return msgspec.structs.replace(fold([*events, *([usage] if usage else [])]), created=answer.created)


_PLACES = frozenset({*_SAME, "messages", "stop"})


def _encode_request(request: ChatRequest, *, stream: bool) -> bytes:
    for name in request.__struct_fields__:
        if name not in _PLACES and name != "extra" and getattr(request, name):
            raise UnsupportedField(f"{name}: OpenAI's completions have no place for it; leave it out", param=name)
    messages = tuple(request.messages)
    if len(messages) != 1 or messages[0].role != "user" or not isinstance(messages[0].content, str):
        raise UnsupportedField("messages: a completion has one prompt, the text of one user's turn", param="messages")
    body: dict[str, Any] = {"prompt": messages[0].content}
    body.update({name: value for name in (*_SAME, "stop") if (value := getattr(request, name)) is not None})
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return _json(body | dict(request.extra or {}))


class OpenAICompletions:
    """The dialect as an object."""

    name: str = "openai_completions"
    path: str = "/v1/completions"
    request_type: str = "application/json"
    response_type: str = "application/json"
    stream_type: str = "text/event-stream; charset=utf-8"

    def decode_request(self, body: bytes) -> CompletionsAsked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        return _decode_request(body)

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body of a whole answer."""
        return _encode_response(asked, response)

    def stream_encoder(self, asked: Asked, model: str) -> CompletionsStreamEncoder:
        """For one streamed answer of *model*."""
        return CompletionsStreamEncoder(asked, model)

    def encode_error(self, error: ModelportError) -> bytes:
        """The body of an answer that is an error."""
        return encode_error(error)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*, which must be one user's text."""
        return _encode_request(request, stream=stream)

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        return _decode_response(body)

    def stream_decoder(self) -> CompletionsStreamDecoder:
        """For one streamed answer."""
        return CompletionsStreamDecoder()

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer of *status* carries."""
        return decode_error(status, body, headers)


DIALECT: OpenAICompletions = OpenAICompletions()
