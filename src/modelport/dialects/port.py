"""modelport's own wire, named ``port``: msgpack, images as bytes, each image across once. Does no I/O.

A request's body is ``mport``, a version byte, the length of an envelope (four bytes, big endian), the envelope, and the
payloads of those media parts that are sent along, in its order. In the messages a part stands as an index into the
envelope's table, which names each by the SHA-256 of its payload; a server that has kept it needs no payload. A server
that has not says :class:`MissingParts`, and is asked again with them. A streamed answer is frames: the length of a
msgpack array (four bytes, big endian) and the array, of events and of what ends an answer. The version stands in every
content type, so that an answer in another is known before it is read.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Raw, Struct, ValidationError
from msgspec.structs import force_setattr, replace

from modelport.dialects._port_errors import MissingParts, decode_error_body, encode_error_body, foreign_error
from modelport.dialects._port_fates import FATES
from modelport.dialects._port_frames import UNDECODABLE, UNENCODABLE, FrameDecoder, FrameEncoder
from modelport.dialects._port_parts import MOST_PART, DecodedPart, EncodedPart, decode_part, encode_part, pil_facts
from modelport.dialects._port_plain import check_node_count, check_plain, explain_unencodable
from modelport.dialects.base import Asked
from modelport.errors import (
    ContractBroken,
    InvalidRequest,
    ModelportError,
    ProtocolError,
    RequestTooLarge,
)
from modelport.media import is_url
from modelport.types import ChatRequest, ChatResponse, ImagePart, Message, Part, translate_validation

__all__ = (
    "DIALECT",
    "FATES",
    "HELLO_PATH",
    "VERSION",
    "DecodedPart",
    "EncodedPart",
    "MissingParts",
    "PartSource",
    "Port",
    "encode_part",
    "foreign_error",
    "images_of",
    "pack",
    "pil_facts",
)

VERSION = 1
HELLO_PATH = "/port/v1/hello"

_MAGIC = b"mport"
_START = len(_MAGIC) + 5
_MOST_ENVELOPE = 16 * 1024 * 1024  # bytes
_MOST_PARTS = 1024  # different ones in a request
_MOST_UNPACKED = 512 * 1024 * 1024  # bytes, of all the parts that come with one request
_INLINE = 512  # bytes or text of an image shorter than this are not worth an address
_REFERENCE = 1  # the msgpack extension that stands for a part: its index, four bytes, big endian


class PartSource(Protocol):
    """Where a server keeps the parts of one caller."""

    def get(self, digest: bytes) -> DecodedPart | None: ...

    def put(self, digest: bytes, part: DecodedPart) -> None: ...


class _Entry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    digest: bytes
    size: int
    sent: bool


class _Envelope(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    request: Raw
    parts: tuple[_Entry, ...] = ()
    stream: bool = False
    timeout: float | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(_Envelope).decode
_decode_response = msgspec.msgpack.Decoder(ChatResponse).decode


# --- requests: out ----------------------------------------------------------------------------------------------------


def images_of(request: ChatRequest) -> list[tuple[str, ImagePart]]:
    """The images of *request* that cross as parts, each with the name of its place."""
    return [
        (f"messages[{number}].content[{at}].image", part)
        for number, message in enumerate(request.messages)
        if message.content is not None and message.content.__class__ is not str
        for at, part in enumerate(message.content)
        if isinstance(part, ImagePart) and not _is_inline(part.image)
    ]


def _is_inline(image: Any) -> bool:
    if type(image) is str:
        return len(image) < _INLINE or not is_url(image)
    return type(image) is bytes and len(image) < _INLINE


def pack(
    request: ChatRequest,
    parts: Sequence[tuple[ImagePart, EncodedPart]],
    *,
    stream: bool,
    timeout: float | None = None,
    leave_out: Collection[bytes] = (),
) -> list[Any]:
    """A request's body, in pieces: *parts* are its images, encoded; payloads whose digests are in *leave_out* stay out.

    Raises:
        InvalidRequest: something in it cannot cross; ``param`` names it.
    """
    check_plain(request)
    table: dict[bytes, int] = {}
    references: dict[int, tuple[int, str | None]] = {}
    entries: list[_Entry] = []
    payloads: list[Any] = []
    for part, encoded in parts:
        index = table.setdefault(encoded.digest, len(table))
        references[id(part)] = (index, encoded.media_type)
        if index == len(entries):
            sent = encoded.digest not in leave_out
            entries.append(_Entry(encoded.digest, encoded.size, sent))
            if sent:
                payloads += (encoded.head, encoded.data)
    messages = tuple(request.messages)  # they may be a caller's own dicts still
    if references:
        messages = tuple(_refer(message, references) for message in messages)
    wired = replace(request, messages=messages)
    try:
        raw = Raw(_encode(wired))
    except UNENCODABLE as error:
        raise explain_unencodable(request, error) from None
    envelope = _encode(_Envelope(raw, tuple(entries), stream, timeout))
    if len(envelope) > _MOST_ENVELOPE:
        raise RequestTooLarge(
            f"the request has {len(envelope)} bytes without its images; at most {_MOST_ENVELOPE} cross"
        )
    return [_MAGIC + bytes((VERSION,)) + len(envelope).to_bytes(4, "big") + envelope, *payloads]


def _refer(message: Message, references: Mapping[int, tuple[int, str | None]]) -> Message:
    content = message.content
    if content is None or isinstance(content, str) or not any(id(part) in references for part in content):
        return message
    parts: list[Part] = []
    for part in content:
        if id(part) in references and isinstance(part, ImagePart):
            index, media_type = references[id(part)]
            reference = msgspec.msgpack.Ext(_REFERENCE, index.to_bytes(4, "big"))
            parts.append(ImagePart(reference, part.media_type or media_type, part.detail))
        else:
            parts.append(part)
    return replace(message, content=tuple(parts))


# --- requests: in -----------------------------------------------------------------------------------------------------


def _open_envelope(body: memoryview) -> tuple[_Envelope, int]:
    if bytes(body[: len(_MAGIC)]) != _MAGIC or len(body) < _START:
        raise InvalidRequest("the body is not in modelport's port format: send it with modelport, or ask /v1 instead")
    version = body[len(_MAGIC)]
    if version != VERSION:
        raise InvalidRequest(
            f"version {version} of modelport's port format is not spoken here (spoken: {VERSION}): "
            "install the same modelport on both sides",
            param="version",
        )
    end = _START + int.from_bytes(body[_START - 4 : _START], "big")
    if end - _START > _MOST_ENVELOPE:
        raise RequestTooLarge(f"the request has more than {_MOST_ENVELOPE} bytes without its images")
    if end > len(body):
        raise InvalidRequest("the body is cut short: it ends within its envelope")
    try:
        check_node_count(body[_START:end])
        return _decode_envelope(body[_START:end]), end
    except UNDECODABLE as error:
        raise InvalidRequest(f"the request's envelope is broken: {error}") from None


def _read_parts(envelope: _Envelope, body: memoryview, at: int, kept: PartSource | None) -> list[DecodedPart]:
    if len(envelope.parts) > _MOST_PARTS:
        raise RequestTooLarge(
            f"the request has {len(envelope.parts)} different images; at most {_MOST_PARTS} are taken"
        )
    found: dict[int, DecodedPart] = {}
    missing = []
    left = _MOST_UNPACKED
    for index, entry in enumerate(envelope.parts):
        if len(entry.digest) != 32 or entry.size < 0:
            raise InvalidRequest(f"parts[{index}] is not named by a SHA-256 and a size")
        part = None
        if entry.sent:
            payload = body[at : at + entry.size]
            at += entry.size
            if len(payload) != entry.size:
                raise InvalidRequest(f"the body is cut short: it ends within parts[{index}]")
            if hashlib.sha256(payload).digest() != entry.digest:
                raise InvalidRequest(f"parts[{index}] is not what its SHA-256 says: it was damaged on the way")
            part = decode_part(payload, most=min(left, MOST_PART))
            left -= part.cost
            if kept is not None:
                kept.put(entry.digest, part)
        elif kept is not None:
            part = kept.get(entry.digest)
        if part is None:
            missing.append(entry.digest)
        else:
            found[index] = part
    if at != len(body):
        raise InvalidRequest("the body goes on after its last part")
    if missing:
        raise MissingParts("some of the request's images are not kept here: send them along", missing=missing)
    return [found[index] for index in range(len(envelope.parts))]


def _read_request(raw: Raw, parts: Sequence[DecodedPart]) -> ChatRequest:
    values: dict[int, Any] = {}

    def resolve(code: int, data: memoryview) -> Any:
        index = int.from_bytes(data, "big")
        if code != _REFERENCE or len(data) != 4 or index >= len(parts):
            raise ValueError("an extension that stands for no part")
        if index not in values:
            values[index] = parts[index].value
        return values[index]

    try:
        request = msgspec.msgpack.decode(raw, type=ChatRequest, ext_hook=resolve)
    except ValidationError as error:
        raise translate_validation(error) from None
    except (*UNDECODABLE, ValueError) as error:
        raise InvalidRequest(f"the request cannot be read: {error}") from None
    if not request.messages:
        raise InvalidRequest("messages is empty: give at least one message", param="messages")
    allowed = {id(value) for value in values.values()}
    for number, message in enumerate(request.messages):
        if message.content is None or isinstance(message.content, str):
            continue
        for at, part in enumerate(message.content):
            if isinstance(part, ImagePart) and type(part.image) not in {str, bytes} and id(part.image) not in allowed:
                where = f"messages[{number}].content[{at}].image"
                what = type(part.image).__name__
                raise InvalidRequest(f"{where} must be an image, bytes or a URL, got {what}", param=where)
    check_plain(request)
    return request


# --- the dialect -----------------------------------------------------------------------------------------------------


class Port:
    """The dialect. *parts* is where a server keeps one caller's parts; without it, every part must come along."""

    name = "port"
    path = "/port/v1/generate"
    request_type: str = f"application/vnd.modelport.v{VERSION}"
    response_type: str = f"application/vnd.modelport.v{VERSION}"  # of a whole answer, and of an error
    stream_type: str = f"application/vnd.modelport.v{VERSION}+stream"

    def __init__(self, parts: PartSource | None = None) -> None:
        self._parts = parts

    def decode_request(self, body: "bytes | memoryview") -> Asked:
        """What *body* asks.

        Raises:
            MissingParts: it leaves out parts that are not kept here.
            InvalidRequest: anything else is wrong with it.
        """
        view = memoryview(body)
        envelope, at = _open_envelope(view)
        request = _read_request(envelope.request, _read_parts(envelope, view, at, self._parts))
        return Asked(request=request, stream=envelope.stream, include_usage=True, timeout=envelope.timeout)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """A whole body, with every part."""
        parts = [(part, encode_part(part.image)) for _, part in images_of(request)]
        return b"".join(pack(request, parts, stream=stream))

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:  # noqa: ARG002  (the same for all)
        """A whole answer, without ``raw``."""
        try:
            return _encode(replace(response, raw=None))
        except UNENCODABLE as error:
            raise ContractBroken(f"the model's answer holds what is no plain data: {error}") from None

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer.

        Raises:
            ProtocolError: it is not one.
        """
        try:
            check_node_count(memoryview(body))
            response = _decode_response(body)
        except (*UNDECODABLE, InvalidRequest) as error:
            raise ProtocolError(f"the answer is broken: {error}") from None
        if not response.choices:
            raise ProtocolError("the answer is broken: it has no choices")
        force_setattr(response, "raw", None)
        return response

    def stream_encoder(self, asked: Asked, model: str) -> FrameEncoder:  # noqa: ARG002  (the same for all)
        """For one streamed answer."""
        return FrameEncoder()

    def stream_decoder(self) -> FrameDecoder:
        """For one streamed answer."""
        return FrameDecoder()

    def encode_error(self, error: ModelportError) -> bytes:
        """An error as the whole answer."""
        return _encode(encode_error_body(error))

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer other than 200 tells; one that is not ours is told by its status."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == self.response_type:
            try:
                return decode_error_body(msgspec.msgpack.decode(body, type=dict[str, Any]))
            except (*UNDECODABLE, ProtocolError):
                return ProtocolError(f"the far side answered {status} with an error that cannot be read")
        return foreign_error(status, body, headers, "the far side")


DIALECT = Port()
