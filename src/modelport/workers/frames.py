"""What a server and its workers say to each other: msgpack with a tag, its length in front. Does no I/O.

A frame is the length of its body (four bytes, big endian) and the body. Arrays and images of a request do not stand in
it: they go before it, in a frame that tells their forms and sizes, and then their bytes as they lie in memory. Nothing
is pickled, nothing names a class or a method; what cannot be told in plain data is refused.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr, replace

from modelport.errors import InvalidRequest, ProtocolError
from modelport.types import ChatRequest, Emulated, Event, Message, Messages, Started
from modelport.workers.payloads import Payload, set_aside

__all__ = (
    "Ask",
    "Begun",
    "Cancel",
    "Failed",
    "FrameReader",
    "FromServer",
    "FromWorker",
    "Images",
    "Load",
    "Produced",
    "Ready",
    "Stop",
    "decode_from_server",
    "encode_ask",
    "encode_frame",
    "request_of",
    "sendable",
)

_HEAD = 4
MOST_FRAME = 256 * 1024 * 1024  # bytes of what a worker sends at a time


class Load(Struct, frozen=True, array_like=True, tag=1):
    """First of all: the model to load. *path* is where modules are found; *parent* is the process that asks.

    *only_blocking*: an async model is only looked at, since it will run elsewhere.
    """

    spec: str
    path: tuple[str, ...]
    parent: int
    models_dir: str | None = None
    threads: int = 1  # calls at a time
    only_blocking: bool = False
    max_batch_size: int | None = None
    batch_window: float | None = None


class Ask(Struct, frozen=True, array_like=True, tag=2):
    """A request. Its messages are in *given* where they were written as dicts. *caller* is the name of who asks."""

    id: int
    request: ChatRequest
    given: list[dict[str, Any]] | None = None
    caller: str | None = None


class Images(Struct, frozen=True, array_like=True, tag=8):
    """Their bytes follow this frame; they belong to the request after it, which tells them by their places here."""

    payloads: tuple[Payload, ...]


class Cancel(Struct, frozen=True, array_like=True, tag=3):
    """Nobody waits for that answer any more."""

    id: int


class Stop(Struct, frozen=True, array_like=True, tag=4):
    """The last frame: the worker frees what it holds, and ends."""


class Ready(Struct, frozen=True, array_like=True, tag=5):
    """The model is loaded, and this is what it says of itself; *calls* is how many it takes at a time.

    *tells*: which of them it makes is said (:class:`Begun`); otherwise it is the oldest.
    """

    name: str
    identity: str
    suspends: bool
    calls: int
    accepts: frozenset[str] | None
    role_rules: tuple[str, ...] = ()
    tool_parser: str | None = None
    embeds: bool = False
    tells: bool = False
    counts: bool = False


class Begun(Struct, frozen=True, array_like=True, tag=9):
    """From here on these answers are being made."""

    ids: list[int]


class Produced(Struct, frozen=True, array_like=True, tag=6):
    """More events of an answer; with *last*, the worker is done with it."""

    id: int
    events: list[Event] = []
    last: bool = False


class Failed(Struct, frozen=True, array_like=True, tag=7):
    """An answer ended with an error, as data (see ``errors``); without an *id*, the model did not load.

    *trace* says where in the model's code it began.
    """

    id: int | None
    error: dict[str, Any]
    trace: str = ""


FromServer = Load | Images | Ask | Cancel | Stop
FromWorker = Ready | Begun | Produced | Failed

_REFERENCE = 1  # the msgpack extension that stands for an image: its place among the payloads, four bytes

_encode = msgspec.msgpack.Encoder().encode
_decode_from_worker = msgspec.msgpack.Decoder(FromWorker).decode


def encode_frame(frame: Struct) -> bytes:
    """*frame* with its length in front.

    Raises:
        UnicodeEncodeError: a text in it has half a character.
    """
    body = _encode(frame)
    return len(body).to_bytes(_HEAD, "big") + body


def sendable(event: Event) -> Event:
    """*event* without what never leaves its process."""
    if type(event) is Started and event.raw is not None:
        return replace(event, raw=None)
    if type(event) is Emulated and event.sent is not None:
        return replace(event, sent=None)
    return event


# --- requests ---------------------------------------------------------------------------------------------------------


def encode_ask(number: int, request: ChatRequest, caller: str | None = None) -> list[Any]:
    """The request as pieces to send one after the other: frames, and the bytes of its images as they lie in memory.

    Raises:
        InvalidRequest: something in it is no plain data, and so cannot reach another process.
    """
    payloads: list[Payload] = []
    pieces: list[Any] = []

    def aside(value: Any) -> msgspec.msgpack.Ext:
        payload, data = set_aside(value)
        payloads.append(payload)
        pieces.append(data)
        return msgspec.msgpack.Ext(_REFERENCE, (len(payloads) - 1).to_bytes(4, "big"))

    messages, given = _messages(request)
    try:
        ask = Ask(number, replace(request, messages=messages), given, caller)
        try:
            body = _encode(ask)
        except TypeError:  # something in it is to be set aside, or refused
            body = msgspec.msgpack.Encoder(enc_hook=aside).encode(ask)
    except InvalidRequest:
        raise
    except UnicodeEncodeError:
        raise InvalidRequest("a text of the request has half a character (a lone surrogate): send whole ones") from None
    except (OverflowError, RecursionError, TypeError, ValueError) as error:
        raise InvalidRequest(f"the request cannot reach the process of its model: {error}") from None
    frame = len(body).to_bytes(_HEAD, "big") + body
    return [encode_frame(Images(tuple(payloads))), *pieces, frame] if payloads else [frame]


def _messages(request: ChatRequest) -> tuple[tuple[Message, ...], list[Any] | None]:
    messages = request.messages
    if not isinstance(messages, Messages):
        return tuple(messages), None
    given = messages.given
    if all(type(message) is dict for message in given):
        return (), list(given)
    return messages.values, None


def decode_from_server(body: Any, images: Sequence[Any] = ()) -> FromServer:
    """The frame in *body*; *images* are what came before it.

    Raises:
        ProtocolError: it is none.
    """
    try:
        frame: FromServer = (_DECODER if not images else _decoder(images)).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"a frame from the server cannot be read: {error}") from None
    return frame


def _decoder(images: Sequence[Any]) -> Any:
    return msgspec.msgpack.Decoder(FromServer, ext_hook=lambda _code, data: images[int.from_bytes(data, "big")])


_DECODER: Any = msgspec.msgpack.Decoder(FromServer)


def request_of(ask: Ask) -> ChatRequest:
    """The request in *ask*, with its messages as their caller gave them."""
    request = ask.request
    if ask.given is not None:
        force_setattr(request, "messages", Messages(ask.given, own=True))
    return request


# --- what a worker says -----------------------------------------------------------------------------------------------


class FrameReader:
    """Frames out of a stream of bytes in pieces of any size."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes | memoryview) -> Iterator[FromWorker]:
        """The frames that are complete with *data*, in order; nothing of it is needed any more after the last.

        Raises:
            ProtocolError: what came is no frame; whoever wrote to this connection was not a worker of ours.
        """
        whole: Any = data
        if self._kept:
            self._kept += data
            whole, self._kept = self._kept, bytearray()
        view, at, end = memoryview(whole), 0, len(whole)
        while end - at >= _HEAD:
            size = int.from_bytes(view[at : at + _HEAD], "big")
            if size > MOST_FRAME:
                raise ProtocolError(f"a worker's frame claims {size} bytes; at most {MOST_FRAME} are taken")
            if end - at - _HEAD < size:
                break
            body, at = view[at + _HEAD : at + _HEAD + size], at + _HEAD + size
            try:
                frame = _decode_from_worker(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ProtocolError(f"a worker's frame cannot be read: {error}") from None
            yield frame
        self._kept += view[at:]
