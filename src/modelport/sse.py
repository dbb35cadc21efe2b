"""Server-sent events, both ends, without I/O. Standard: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import re

from msgspec import Struct

from modelport.errors import ProtocolError

__all__ = ("COMMENT", "EventParser", "ServerSentEvent", "encode_event")

COMMENT = b": still here\n\n"
"""Says nothing to a reader; keeps the connection from looking dead."""

_NEWLINE = re.compile(r"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(Struct, frozen=True):
    """One event. ``last_id`` is the id last seen in the stream; ``data``'s lines are joined by newlines."""

    data: str
    event: str = "message"
    last_id: str = ""


def encode_event(data: str, *, event: str | None = None, last_id: str | None = None) -> bytes:
    """One event as bytes. Newlines of any kind in *data* arrive as ``\\n``.

    Raises:
        ValueError: *event* or *last_id* holds a line break, or *last_id* a NUL.
    """
    lines = []
    for name, value in (("event", event), ("id", last_id)):
        if value is not None:
            if "\n" in value or "\r" in value or (name == "id" and "\0" in value):
                raise ValueError(f"{name} must be one line of text, got {value!r}")
            lines.append(f"{name}: {value}\n")
    lines.extend(f"data: {line}\n" for line in _NEWLINE.split(data))
    lines.append("\n")
    return "".join(lines).encode()


class EventParser:
    """Bytes in pieces of any size → events. Holds at most *most* bytes of an event that is not complete.

    ``retry`` is the reconnection time in milliseconds that the stream last asked for, if it did.
    """

    def __init__(self, *, most: int = 16 * 1024 * 1024) -> None:
        self.retry: int | None = None
        self._most = most
        self._started = False  # past the place where a byte order mark may stand
        self._after_cr = False  # a line feed that comes next belongs to the carriage return before it
        self._line: list[bytes] = []  # pieces of a line that is not complete
        self._line_size = 0
        self._data: list[str] = []
        self._data_size = 0
        self._event = ""
        self._last_id = ""

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that *data* completes.

        Raises:
            ProtocolError: an event is larger than the bound.
        """
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._keep(data)
            return []
        lines = data.split(b"\n")
        lines[0] = b"".join((*self._line, lines[0]))
        self._line, self._line_size = [], 0
        self._keep(lines.pop())
        if not self._started:
            self._started = True
            lines[0] = lines[0].removeprefix(_BOM)
        return [event for line in lines if (event := self._take(line)) is not None]

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._line.append(piece)
            self._line_size += len(piece)
            self._check_size()

    def _check_size(self) -> None:
        if self._line_size + self._data_size > self._most:
            raise ProtocolError(f"an event of the stream is larger than {self._most} bytes, the most that is taken")

    def _take(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, rest = line.partition(b":")
        value = rest.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(value)
            self._data_size += len(rest) + 1
            self._check_size()
        elif name == b"event":
            self._event = value
        elif name == b"id" and "\0" not in value:
            self._last_id = value
        elif name == b"retry" and value.isascii() and value.isdigit() and len(value) < 10:
            self.retry = int(value)
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        data, event = self._data, self._event
        self._data, self._data_size, self._event = [], 0, ""
        if not data:
            return None
        return ServerSentEvent("\n".join(data), event or "message", self._last_id)
