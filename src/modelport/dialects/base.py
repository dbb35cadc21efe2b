"""What a dialect is: a wire format, both directions, bytes to values and back. No I/O, no state between calls."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Protocol

from msgspec import Struct

from modelport.errors import InvalidRequest, ModelportError, UnsupportedField
from modelport.types import ChatRequest, ChatResponse, Event, ImagePart, Tool

__all__ = (
    "Asked",
    "Dialect",
    "StreamDecoder",
    "StreamEncoder",
    "VectorsComeWhole",
    "image_at",
    "image_from",
    "retry_after_in",
    "tools_named_apart",
    "urls_are_fetched",
)

urls_are_fetched: ContextVar[bool] = ContextVar("modelport-urls-are-fetched", default=False)
"""Set by who decodes requests and fetches the images afterwards whose addresses are in them. No dialect fetches."""

_LONGEST_URL = 2048  # characters


class Asked(Struct, frozen=True, kw_only=True):
    """A decoded request body: what the model is asked, and how the caller wants the answer on the wire.

    ``emulated`` names the fields that the dialect itself keeps in the model's stead.
    """

    request: ChatRequest
    stream: bool = False
    include_usage: bool = False
    timeout: float | None = None  # seconds, if the wire carries a deadline
    emulated: tuple[str, ...] = ()


class StreamEncoder(Protocol):
    """Writes one streamed answer."""

    def encode(self, events: Sequence[Event]) -> bytes:
        """The wire form of *events*, in one piece, to be written at once. May be empty."""
        ...

    def finish(self) -> bytes:
        """What closes a complete stream."""
        ...

    def fail(self, error: ModelportError) -> bytes:
        """What tells, within a stream that has begun, that it failed."""
        ...


class StreamDecoder(Protocol):
    """Reads one streamed answer, from bytes in pieces of any size."""

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes. Raises the far side's error where the stream carries one."""
        ...

    def finish(self) -> list[Event]:
        """The bytes have ended. Raises ``ConnectionFailed`` where the answer had not."""
        ...


class Dialect(Protocol):
    """A wire format. ``decode_request`` and the encoders are the server's half, the rest is the client's."""

    name: str
    path: str  # of the HTTP POST that asks, for example /v1/chat/completions
    request_type: str  # Content-Type of a request's body
    response_type: str  # … of a whole answer's
    stream_type: str  # … of a streamed answer's

    def decode_request(self, body: bytes) -> Asked: ...

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes: ...

    def stream_encoder(self, asked: Asked, model: str) -> StreamEncoder: ...

    def encode_error(self, error: ModelportError) -> bytes: ...

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes: ...

    def decode_response(self, body: bytes) -> ChatResponse: ...

    def stream_decoder(self) -> StreamDecoder: ...

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError: ...


class VectorsComeWhole:
    """The half of a dialect object that gives vectors: no streams."""

    def stream_encoder(self, asked: Asked, model: str) -> StreamEncoder:  # noqa: ARG002
        """There are no streams on this wire."""
        raise UnsupportedField("vectors come whole: there are no streams of them", param="stream")

    def stream_decoder(self) -> StreamDecoder:
        """There are no streams on this wire."""
        raise UnsupportedField("vectors come whole: there are no streams of them", param="stream")


def image_at(url: str, where: str, *, instead: str, detail: str | None = None) -> ImagePart:
    """The image at *url*, as its address; *instead* says what to send where addresses are not taken.

    Raises:
        UnsupportedField: they are not.
        InvalidRequest: it is none.
    """
    if not urls_are_fetched.get():
        raise UnsupportedField(f"{where}: no URL is fetched here; send the image as {instead}", param=where)
    if not url[:8].lower().startswith(("https://", "http://")) or len(url) > _LONGEST_URL:
        raise InvalidRequest(
            f"{where} must be an address like https://host/image.png of at most {_LONGEST_URL} characters, or the "
            f"image itself as {instead}; got {url[:60]!r}",
            param=where,
        )
    return ImagePart(url, detail=detail)


def image_from(url: str, where: str, detail: str | None) -> ImagePart:
    """The image that *url* holds, or, where addresses are taken, the one at it; as OpenAI's wires have images.

    Raises:
        InvalidRequest: it is neither; ``UnsupportedField`` for an address where none is taken.
    """
    head, comma, _ = url[:200].partition(",")
    if not head.startswith("data:"):
        return image_at(url, where, instead="data:image/…;base64,…", detail=detail)
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise InvalidRequest(f"{where} must look like data:image/png;base64,…, got {head[:60]!r}", param=where)
    return ImagePart(url, detail=detail)


def tools_named_apart(tools: Sequence[Tool], field: str, name: str) -> tuple[Tool, ...] | None:
    """*tools*, each with a name of its own; None for none. In an error, its place is *field*``[…].``*name*.

    Raises:
        InvalidRequest: a name is too short or too long, or two are the same.
    """
    seen: set[str] = set()
    for at, tool in enumerate(tools):
        where = f"{field}[{at}].{name}"
        if not 1 <= len(tool.name) <= 256:
            raise InvalidRequest(f"{where} must have 1 to 256 characters, got {len(tool.name)}", param=where)
        if tool.name in seen:
            raise InvalidRequest(f"{where}: there are two tools named {tool.name!r}", param=where)
        seen.add(tool.name)
    return tuple(tools) or None


def retry_after_in(headers: Mapping[str, str]) -> float | None:
    """The seconds that a ``Retry-After`` header asks for; None without one, and for a date, which says nothing to a
    clock that may be wrong."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                seconds = float(value)
            except ValueError:
                return None
            return seconds if 0 <= seconds < 1e9 else None
    return None
