"""AgentStudio's own wire, both directions: JSON in which the messages, and the answers to them, are pickles in base64.

Source: what its ``RemoteProvider`` sends to ``/generate``, and expects back. Nothing here unpickles: what comes is read
opcode by opcode into plain data, and what goes out names no module. The wire knows a model's name and messages; it has
no settings, no tools and no streams.
"""

from binascii import Error as NotBase64, a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, NoReturn, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from modelport.dialects._fates import decoded
from modelport.dialects.agentstudio.reading import read_pickle
from modelport.dialects.agentstudio.values import AgentMessage, PickleRefused
from modelport.dialects.agentstudio.writing import is_plain, write_messages, write_plain
from modelport.dialects.base import Asked, StreamDecoder, StreamEncoder
from modelport.dialects.openai_chat.failures import decode_error, encode_error
from modelport.errors import InvalidRequest, ModelportError, ProtocolError, UnsupportedField
from modelport.media import is_array
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    ImagePart,
    Message,
    Part,
    Role,
    TextPart,
    Usage,
)

__all__ = ("DIALECT", "FATES", "AgentStudio")

FATES: dict[str, str] = {
    "model": "honoured: which of the served models, or an alias",
    "messages": "honoured: text and arrays; neighbours of one role become the parts of one message; a path is refused: "
    "no file is opened for a caller",
}
"""What becomes of each field of a request. Any other is rejected by name."""

_ROLES = frozenset(get_args(Role))


class _Request(Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    messages: str


class _Answer(Struct, frozen=True):
    message: str
    info: str


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


class AgentStudio:
    """The dialect as an object."""

    name: str = "agentstudio"
    path: str = "/generate"
    request_type: str = "application/json"
    response_type: str = "application/json"
    stream_type: str = "application/json"

    def decode_request(self, body: bytes) -> Asked:
        """What *body* asks. Neighbouring messages of one role become the parts of one.

        Raises:
            InvalidRequest: it is not in this form, or holds more than text, arrays and ``Message``.
        """
        given = decoded(_decode_request, body, FATES)
        try:
            messages = _unpacked(given.messages)
        except PickleRefused as error:
            raise InvalidRequest(
                f"messages cannot be read as a pickle of messages: {error}", param="messages"
            ) from None
        return Asked(request=ChatRequest(messages=_turns(messages), model=given.model))

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The answer's text, and an info dict that always has the three counts of tokens as numbers."""
        text = write_plain(response.text)
        info = write_plain(_info(response, asked.request.model))
        return msgspec.json.encode({"message": _packed(text), "info": _packed(info)})

    def encode_error(self, error: ModelportError) -> bytes:
        """The body of an answer that is an error: AgentStudio logs it as it is."""
        return encode_error(error)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*; images must be arrays.

        Raises:
            UnsupportedField: something is set that the wire has no place for.
        """
        if stream:
            raise UnsupportedField("AgentStudio's wire has no streams: ask for whole answers", param="stream")
        fields = asdict(request)
        for name, value in fields.items():
            if value is not None and name not in FATES:
                raise UnsupportedField(f"{name}: AgentStudio's wire has no place for it; leave it out", param=name)
        pieces = [piece for number, message in enumerate(request.messages) for piece in _pieces(message, number)]
        try:
            messages = write_messages(pieces)
        except TypeError as error:
            raise InvalidRequest(f"messages: {error}", param="messages") from None
        return msgspec.json.encode({"model": request.model or "default", "messages": _packed(messages)})

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        try:
            answer = _decode_answer(body)
            text, info = _unpacked(answer.message), _unpacked(answer.info)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, PickleRefused) as error:
            raise ProtocolError(f"the answer is not one of AgentStudio's: {error}") from None
        if type(text) is not str or type(info) is not dict:
            raise ProtocolError("the answer is not one of AgentStudio's: it must have text, and a dict as its info")
        model, emulated = info.get("model"), info.get("emulated")
        return ChatResponse(
            id="",
            model=model if isinstance(model, str) else "",
            created=0,
            choices=(Choice(0, Message("assistant", text), "stop"),),
            usage=_usage(info),
            emulated=tuple([name for name in emulated if type(name) is str]) if type(emulated) is list else (),
        )

    def stream_encoder(self, asked: Asked, model: str) -> StreamEncoder:  # noqa: ARG002
        """There are no streams on this wire."""
        self._no_streams()

    def stream_decoder(self) -> StreamDecoder:
        """There are no streams on this wire."""
        self._no_streams()

    def _no_streams(self) -> NoReturn:
        raise UnsupportedField("AgentStudio's wire has no streams: ask for whole answers", param="stream")

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer of *status* carries."""
        return decode_error(status, body, headers)


DIALECT: AgentStudio = AgentStudio()


# --- pickles in base64 ------------------------------------------------------------------------------------------------


def _packed(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _unpacked(text: str) -> Any:
    try:
        data = a2b_base64(text, strict_mode=True)
    except (NotBase64, ValueError):
        raise PickleRefused("it is not base64") from None
    return read_pickle(data)


# --- messages ---------------------------------------------------------------------------------------------------------


def _turns(given: Any) -> tuple[Message, ...]:
    if type(given) not in {list, tuple} or not given:
        what = "an empty list" if type(given) in {list, tuple} else f"a {type(given).__name__}"
        raise InvalidRequest(f"messages must be a list of at least one message, got {what}", param="messages")
    turns: list[tuple[Any, list[Part]]] = []
    for number, one in enumerate(given):
        role, part = _message(one, f"messages[{number}]")
        if turns and turns[-1][0] == role:
            turns[-1][1].append(part)
        else:
            turns.append((role, [part]))
    return tuple([Message(role, _content(parts)) for role, parts in turns])


def _content(parts: Sequence[Part]) -> str | tuple[Part, ...]:
    first = parts[0]
    return first.text if len(parts) == 1 and isinstance(first, TextPart) else tuple(parts)


def _message(given: Any, where: str) -> tuple[Any, Part]:
    if type(given) is dict:
        if set(given) != {"role", "content"}:
            raise InvalidRequest(f"{where} must have role and content, and no other key", param=where)
        given = AgentMessage(given["role"], given["content"])
    if type(given) is not AgentMessage:
        raise InvalidRequest(f"{where} must be a Message, got a {type(given).__name__}", param=where)
    role, content = given.role, given.content
    if type(role) is not str or role not in _ROLES:
        raise InvalidRequest(f"{where}.role must be one of {', '.join(sorted(_ROLES))}", param=f"{where}.role")
    if type(content) is str:
        return role, TextPart(content)
    if is_array(content):
        return role, ImagePart(content)
    if isinstance(content, PurePath):
        raise UnsupportedField(
            f"{where}.content is a path: a server opens no file for a caller; send the picture as an array",
            param=f"{where}.content",
        )
    raise InvalidRequest(
        f"{where}.content must be text or an array, got a {type(content).__name__}", param=f"{where}.content"
    )


def _pieces(message: Message, number: int) -> list[AgentMessage]:
    where = f"messages[{number}]"
    for name, value in asdict(message).items():
        if value is not None and name not in {"role", "content"}:
            raise UnsupportedField(f"{where}.{name}: AgentStudio's wire has no place for it", param=f"{where}.{name}")
    content = message.content
    if content is None or isinstance(content, str):
        return [AgentMessage(message.role, content or "")]
    pieces = []
    for at, part in enumerate(content):
        if isinstance(part, TextPart):
            pieces.append(AgentMessage(message.role, part.text))
        elif isinstance(part, ImagePart) and is_array(part.image):
            pieces.append(AgentMessage(message.role, part.image))
        else:
            param = f"{where}.content[{at}]"
            raise UnsupportedField(f"{param}: text and arrays cross AgentStudio's wire, nothing else", param=param)
    return pieces


# --- info -------------------------------------------------------------------------------------------------------------


def _info(response: ChatResponse, asked: str | None) -> dict[str, Any]:
    """As AgentStudio's models give it; what a model's own info has beside it goes along where it is plain data."""
    usage = response.usage or Usage(0, 0, estimated=True)
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    own = response.raw[1] if type(response.raw) is tuple and len(response.raw) == 2 else None
    info = {name: value for name, value in own.items() if type(name) is str} if type(own) is dict else {}
    info = {name: value for name, value in info.items() if value is not None and is_plain(value)}
    info |= {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion if usage.total is None else usage.total,
        "estimated": usage.estimated,
        "model": asked or response.model,
    }
    if response.emulated:
        info["emulated"] = list(response.emulated)
    return info if usage.cost is None else {**info, "cost": usage.cost}


def _usage(info: Mapping[Any, Any]) -> Usage | None:
    counts = {name: info.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    known = {name: value for name, value in counts.items() if type(value) is int and value >= 0}
    cost = info.get("cost")
    if not known and type(cost) not in {int, float}:
        return None
    total = known.get("total_tokens")
    if total == known.get("prompt_tokens", 0) + known.get("completion_tokens", 0) and len(known) == 3:
        known.pop("total_tokens")
    return Usage(
        **known,
        cost=float(cost) if type(cost) in {int, float} else None,  # type: ignore[arg-type]
        estimated=info.get("estimated") is True,
    )
