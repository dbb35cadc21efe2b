"""The log of a server: lines on stderr, as text or as JSON, without secrets. Knows no route and no model.

Whoever logs waits for nobody. A thread writes the lines; while nobody takes them (a pipe that is not read, a full
disk), a bounded number waits, and of those beyond it the log later says how many there were.
"""

import logging
import os
import re
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, TextIO

import msgspec

from modelport.secret import Secret, redact
from modelport.server.http import ClientGone, Exchange
from modelport.types import Usage

__all__ = (
    "ACCESS",
    "FORMATS",
    "LEVELS",
    "JsonLines",
    "LogWriter",
    "TextLines",
    "current_request",
    "log_to",
    "tell_refusal",
    "tell_request",
)

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
ACCESS: logging.Logger = logging.getLogger("modelport.access")

current_request: ContextVar[str | None] = ContextVar("modelport-request-id", default=None)
"""Of the request that is being answered, where one is."""

_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # what would begin a line, or a terminal would obey
_MOST = 10_000  # lines that wait to be written
_MOST_SIZE = 16 * 1024 * 1024  # characters of them together
_LONGEST = 64 * 1024  # characters of a message
_LAST_WORDS = 1.0  # seconds for what waits to be written when the process ends


def log_to(
    stream: TextIO, form: str = "text", level: str = "info", *, access: bool = False, secrets: Iterable[Secret] = ()
) -> None:
    """Write modelport's log to *stream*, and what other libraries warn of, unless a log is set up already.

    *form* is one of :data:`FORMATS`, *level* one of :data:`LEVELS`. With *access* there is a record for each request.
    """
    root, own = logging.getLogger(), logging.getLogger("modelport")
    if not root.handlers:
        handler = LogWriter(stream)
        handler.setFormatter((JsonLines if form == "json" else TextLines)(secrets))
        root.addHandler(handler)
    number = logging.getLevelNamesMapping()[level.upper()]
    own.setLevel(number)
    root.setLevel(max(number, logging.WARNING))
    if access:
        ACCESS.setLevel(logging.INFO)
    else:
        ACCESS.setLevel(logging.CRITICAL)


# --- writing ----------------------------------------------------------------------------------------------------------


class LogWriter(logging.Handler):
    """Has records written to *stream* by a thread of its own."""

    def __init__(self, stream: TextIO, *, most: int = _MOST) -> None:
        super().__init__()
        self._write = _writing_to(stream)
        self._most = most
        self._records: deque[logging.LogRecord] = deque()
        self._size = 0
        self._left_out = 0
        self._news = threading.Condition()
        self._idle = True
        threading.Thread(target=self._run, name="modelport-log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Takes *record*, unless too many wait already."""
        own = logging.LogRecord.__new__(logging.LogRecord)  # other handlers have the same record
        own.__dict__.update(record.__dict__)
        record = own
        try:
            record.msg, record.args = record.getMessage()[:_LONGEST], None
        except Exception as error:  # what cannot be said must not be said on the spot: that is a write, too
            record.msg, record.args = f"{record.msg!r:.200} cannot be logged: {type(error).__name__}", None
        if not hasattr(record, "request_id"):
            record.request_id = current_request.get()
        size = len(record.msg) + (_LONGEST if record.exc_info else 0)  # it holds on to all that its functions had
        with self._news:
            if len(self._records) >= self._most or self._size + size > _MOST_SIZE:
                self._left_out += 1
                return
            self._records.append(record)
            self._size += size
            if self._idle:
                self._idle = False
                self._news.notify_all()

    def flush(self) -> None:
        """Returns when all is written, or a second has passed."""
        with self._news:
            self._news.wait_for(lambda: self._idle, _LAST_WORDS)

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._records:
                    self._idle = True
                    self._news.notify_all()
                    self._news.wait()
                records, self._records, self._size = self._records, deque(), 0
                left_out, self._left_out = self._left_out, 0
            for record in records:
                self._write(f"{self._line(record)}\n")
            if left_out:
                late = f"{left_out} records are left out: nobody took the log in time"
                record = logging.LogRecord("modelport.log", logging.WARNING, "", 0, late, None, None)
                self._write(f"{self._line(record)}\n")

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record)
        except Exception as error:
            return f"{record.name}: a record could not be formatted: {type(error).__name__}"


def _writing_to(stream: TextIO) -> Callable[[str], None]:
    """By its file descriptor, if it has one: a thread that waits there holds no lock of the stream's."""
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        number = -1

    def write(text: str) -> None:
        try:
            if number < 0:
                stream.write(text)
                return
            data = memoryview(text.encode("utf-8", "backslashreplace"))
            while data:
                data = data[os.write(number, data) :]
        except (OSError, ValueError):
            return  # nobody will ever read it

    return write


# --- lines ------------------------------------------------------------------------------------------------------------


class TextLines(logging.Formatter):
    """A record as a line, and its fields as ``name=value`` behind it."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """As text; a traceback takes lines of its own."""
        fields = _fields(record)
        message = _shown(record.getMessage())
        if fields:
            message = f"{message} {' '.join(_pairs(fields))}"
        elif (identity := getattr(record, "request_id", None)) and identity not in message:
            message = f"{message} request_id={identity}"
        record.msg, record.args = message, None
        return redact(super().format(record), self._secrets)

    def formatException(self, ei: Any) -> str:  # noqa: N802  (logging's name)
        """Indented: what stands in an error's text cannot look like a record."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {_shown(line)}" for line in lines if line)


def _shown(text: str) -> str:
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, "modelport_fields", {})
    return fields


def _pairs(fields: Mapping[str, Any]) -> Iterable[str]:
    for name, value in fields.items():
        if name not in {"client", "method", "path", "status"} and value is not None and value is not False:
            yield name if value is True else f"{name}={value}"


class JsonLines(logging.Formatter):
    """A record as a JSON object on one line."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """As JSON: ``time`` (UTC), ``level``, ``logger``, ``message``, and whatever the record has beside them."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (identity := getattr(record, "request_id", None)) is not None:
            line["request_id"] = identity
        line.update(_fields(record))
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return msgspec.json.encode({name: self._clean(value) for name, value in line.items()}).decode()

    def _clean(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return redact(value, self._secrets).encode("utf-8", "backslashreplace").decode()


# --- requests ---------------------------------------------------------------------------------------------------------


def tell_request(exchange: Exchange, key: str | None, seconds: float) -> None:
    """One request has ended: who asked for what, and how it went, in the log :data:`ACCESS`. Never what was said.

    *key* is the name of the caller's API key; what is None is not known, or there is none.
    """
    usage = exchange.usage if type(exchange.usage) is Usage else None
    _tell(
        {
            "request_id": exchange.request_id,
            "client": exchange.client,
            "key": key,
            "method": exchange.method[:20],
            "path": _path(exchange)[:500],
            "model": exchange.model or None,
            "status": exchange.status or None,
            "seconds": round(seconds, 6),
            "first_token_seconds": None if exchange.first < 0 else round(exchange.first, 6),
            "prompt_tokens": None if usage is None else usage.prompt_tokens,
            "completion_tokens": None if usage is None else usage.completion_tokens,
            "tokens_estimated": None if usage is None else usage.estimated,
            "bytes": exchange.sent,
            "stream": exchange.streams,
            "left": exchange.code == ClientGone.code,
            "error": exchange.code or None,
        }
    )


def tell_refusal(code: str, identity: str, client: str | None) -> None:
    """What came over a connection never became a request."""
    _tell({"request_id": identity, "client": client, "method": None, "path": None, "status": None, "error": code})


def _path(exchange: Exchange) -> str:
    """As it was sent: decoded, it could look like the words that stand beside it."""
    raw = exchange.scope.get("raw_path")
    return exchange.path.replace(" ", "%20") if raw is None else raw.decode("latin-1")


def _tell(fields: dict[str, Any]) -> None:
    told = [fields["client"], fields["method"], fields["path"], fields["status"]]
    message = " ".join("-" if each is None else ascii(str(each))[1:-1] for each in told)
    ACCESS.info("%s", message, extra={"modelport_fields": fields, "request_id": fields["request_id"]})
