"""Streamed answers on the ``port`` wire: events in length-prefixed frames, and what ends an answer."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import DecodeError, Struct, ValidationError
from msgspec.structs import replace

from modelport.dialects._port_errors import decode_error_body, encode_error_body
from modelport.dialects._port_plain import check_node_count
from modelport.errors import ConnectionFailed, ContractBroken, ModelportError, ProtocolError
from modelport.types import Event, Started

__all__ = ("UNDECODABLE", "UNENCODABLE", "FrameDecoder", "FrameEncoder")

# What msgspec raises for values that are no plain data, and for bytes that are no msgpack.
UNENCODABLE = (TypeError, ValueError, OverflowError, RecursionError, NotImplementedError)
UNDECODABLE = (DecodeError, ValidationError, RecursionError, UnicodeDecodeError)

_MOST_FRAME = 16 * 1024 * 1024  # bytes


class _Done(Struct, frozen=True, tag="done"):
    """The answer is complete."""


class _Failed(Struct, frozen=True, tag="failed"):
    """The answer ends here, and why."""

    error: dict[str, Any]


_encode = msgspec.msgpack.Encoder().encode
_decode_frame = msgspec.msgpack.Decoder(list[Event | _Done | _Failed]).decode


def _frame(items: Sequence[Any]) -> bytes:
    try:
        data = _encode(items)
    except UNENCODABLE as error:
        raise ContractBroken(f"the model's answer holds what is no plain data: {error}") from None
    return len(data).to_bytes(4, "big") + data


class FrameEncoder:
    """Writes one streamed answer."""

    keep_alive: bytes = _frame([])

    def encode(self, events: Sequence[Event]) -> bytes:
        """*events* in one frame."""
        return _frame([_public(event) if type(event) is Started else event for event in events])

    def finish(self) -> bytes:
        """The frame that ends a complete answer."""
        return _frame([_Done()])

    def fail(self, error: ModelportError) -> bytes:
        """The frame that ends any other."""
        return _frame([_Failed(encode_error_body(error))])


def _public(started: Started) -> Started:
    """Without the object that a user's class gave, which never leaves its process."""
    return started if started.raw is None else replace(started, raw=None)


class FrameDecoder:
    """Reads one streamed answer, from bytes in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._done = False
        self._error: ModelportError | None = None

    @property
    def complete(self) -> bool:
        """Whether the answer has ended, well or not; no more bytes are expected."""
        return self._done or self._error is not None

    def feed(self, data: "bytes | bytearray | memoryview") -> list[Event]:
        """The events that *data* completes. An error is raised when all the events before it were given."""
        if self._error is not None:
            raise self._error
        buffer = self._buffer
        buffer += data
        events: list[Event] = []
        try:
            for frame in self._frames(buffer):
                self._take(frame, events)
        except ModelportError as error:
            self._error = error
            if not events:
                raise
        return events

    def _frames(self, buffer: bytearray) -> Iterator[list[Any]]:
        at = 0
        try:
            while len(buffer) - at >= 4:
                size = int.from_bytes(buffer[at : at + 4], "big")
                if size > _MOST_FRAME:
                    raise ProtocolError(
                        f"a frame of {size} bytes came, of at most {_MOST_FRAME}: not a modelport answer"
                    )
                if len(buffer) - at - 4 < size:
                    break
                frame = bytes(buffer[at + 4 : at + 4 + size])
                at += 4 + size
                try:
                    check_node_count(memoryview(frame))
                    yield _decode_frame(frame)
                except UNDECODABLE as error:
                    raise ProtocolError(f"the answer is broken: {error}") from None
        finally:
            del buffer[:at]

    def _take(self, frame: list[Any], events: list[Event]) -> None:
        for item in frame:
            if self._done:
                raise ProtocolError("the answer goes on after its end")
            if type(item) is _Done:
                self._done = True
            elif type(item) is _Failed:
                raise decode_error_body(item.error)
            else:
                events.append(_public(item) if type(item) is Started else item)

    def finish(self) -> list[Event]:
        """The bytes have ended.

        Raises:
            ConnectionFailed: the answer had not.
        """
        if self._error is not None:
            raise self._error
        if not self._done:
            raise ConnectionFailed("the server went away in the middle of its answer")
        if self._buffer:
            raise ProtocolError("the answer goes on after its end")
        return []
