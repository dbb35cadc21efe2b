"""One HTTP/1.1 connection, as uvicorn wants it (``uvicorn.Config(http=...)``), over httptools' parser.

uvicorn's own costs about as much as all the rest of a short answer, and lets a peer be slow for as long as it likes.
This one gives up connections whose peer sends no complete request head within ``limits.read`` seconds or one that is
too large, goes on sending a body for so long after it was answered, reads next to nothing for ``limits.stall`` seconds,
or asks nothing for ``limits.idle`` seconds. Requests sent ahead of answers (pipelining) take turns. Past
``limits.connections``, those that have waited longest without asking anything make room.
"""

import asyncio
import heapq
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat
from typing import Any
from urllib.parse import unquote

import httptools

from modelport.server.answering import CONTINUE, WireExchange
from modelport.server.limits import Limits
from modelport.server.refusals import (
    HEAD_TOO_LARGE,
    HEAD_TOO_SLOW,
    MALFORMED,
    NO_PROXY,
    TOO_MANY_AHEAD,
    TOO_MANY_HEADERS,
    UNEVEN,
    UNKNOWN_CODING,
    Refusal,
    busy,
    identify,
    refusal_bytes,
)

if sys.platform != "win32":  # which has no such bound
    import resource

__all__ = ("HttpConnection", "allow_files", "protocol")

_MOST_HEAD = 64 * 1024  # bytes of a request's line and headers together
_MOST_HEADERS = 256
_MOST_FRAMING = 64 * 1024  # bytes of chunk heads and trailers beyond what chunks of one byte need
_FRAMING = 17  # bytes of framing that each byte of a body may have
_MOST_UNREAD = 64 * 1024  # bytes of a body that wait to be taken, before the peer has to
_MOST_AHEAD = 16  # requests sent ahead, before the peer has to wait
_MOST_AT_ONCE = 1024  # requests sent ahead that are read together: more is no client
_SLOWEST = 1024  # bytes a second that a reader must take
_LINGER = 2.0  # seconds in which a peer may read why it is closed
_FAREWELLS = (0.005, 0.05, 0.3, 1.5)  # seconds between looks whether a peer that sends no more still reads; then:
_LATER = 15.0
_SPARED = 128  # open files for all but connections
_ON_ITS_WAY = 0.1  # seconds that a question may have been on its way when the server began to go down,
_REST_OF_HEAD = 1.0  # and for the rest of one whose head has come in part
_MACOS_MOST = 10_240  # open files that any version of it allows
_ROOM = 32  # of so many connections past the bound, one each is closed at a time


class _RefusedError(Exception):
    """Ends the parser's work on what came."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal: Refusal = refusal


def protocol(limits: Limits) -> Any:
    """What uvicorn is to call for each connection."""
    most = min(limits.connections, max(16, _open_files() - _SPARED))

    def make(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> "HttpConnection":
        if not config.loaded:
            config.load()
        connection = HttpConnection(config.loaded_app, server_state, limits, app_state)
        connection.most = most
        connection.note_refusal = getattr(config.app, "note_refusal", None)
        return connection

    return make


def allow_files(connections: int) -> None:
    """Have the system let this process open as many files as that takes, as far as it may say so itself."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = connections + _SPARED if hard == resource.RLIM_INFINITY else min(hard, connections + _SPARED)
        for number in (wanted, _MACOS_MOST):
            if soft == resource.RLIM_INFINITY or soft >= number:
                return
            with suppress(ValueError, OSError):  # there, "unlimited" has a limit that is not told
                resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
                return


def _open_files() -> int:
    """How many files this process may have open."""
    if sys.platform == "win32":
        return 1 << 30
    soft: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft


class HttpConnection(asyncio.Protocol):
    """One connection. Of uvicorn it knows the server's state: connections, tasks, default headers."""

    def __init__(self, app: Any, state: Any, limits: Limits, app_state: dict[str, Any]) -> None:
        self.app = app
        self.state = state
        self.limits = limits
        self.app_state = app_state
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.parser: httptools.HttpRequestParser = httptools.HttpRequestParser(self)
        # Told of what became no request: the code, the id, the peer.
        self.note_refusal: Callable[[str, str, tuple[str, int] | None], None] | None = None
        self.most: int = limits.connections
        self.transport: Any = None
        self.scheme: str = "http"
        self.client: tuple[str, int] | None = None  # the peer's address
        self.closing: bool = False  # after the answer that is on its way, or now if there is none
        self.writable: asyncio.Future[None] | None = None  # set while the peer is slow to read
        self.current: WireExchange | None = None  # the oldest that is not answered
        self.arriving: WireExchange | None = None  # the one whose body is being read
        self._ahead: deque[WireExchange] = deque()
        self._reading = True
        self._lost_thread = False  # what comes cannot be told into requests any more
        self._half = False  # the peer sends no more, and may read
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._framing = 0
        self._in_head = True
        self._since = self.loop.time()  # of what is being waited for: a head, or a next request
        self._owed = 0  # bytes that the peer had not taken at the last look
        self._stall: Any = None
        self._farewell: Any = None
        self._period = max(0.02, min(limits.read, limits.idle) / 4)
        self._common_of: Any = None
        self._common = b""
        self._answered_early = 0  # looks since an answer went out ahead of the end of its question
        self._look: Any = None

    # --- the transport ---

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = "https"
        peer = transport.get_extra_info("peername")
        self.client = (peer[0], peer[1]) if isinstance(peer, tuple) else None
        connections = self.state.connections
        connections.add(self)
        self._look = self.loop.call_later(self._period, self._look_again)
        if len(connections) > self.most and not self._make_room(connections):
            self._refuse(busy(self.most))

    def _make_room(self, connections: set["HttpConnection"]) -> bool:
        """Close those that have waited longest with nothing to be answered: a flood of them shuts nobody out."""
        waiting = [one for one in connections if one.current is None and one is not self]
        count = 1 + len(waiting) // _ROOM
        for one in heapq.nsmallest(count, waiting, key=lambda each: each._since):
            connections.discard(one)
            one.transport.abort()
        return bool(waiting)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (the reason changes nothing)
        self.state.connections.discard(self)
        self.closing = True
        self._look.cancel()
        if self._farewell is not None:
            self._farewell.cancel()
        self.resume_writing()
        for exchange in (self.current, self.arriving, *self._ahead):
            if exchange is not None:
                exchange.lose()
        self._ahead.clear()
        self.current = self.arriving = None  # rings are freed late
        del self.parser

    def data_received(self, data: bytes) -> None:
        while data and not self._lost_thread:
            data = self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        """Have the parser read *data*; what of it, in other words, is to be read again."""
        if self._in_head:
            self._head_size += len(data)
        else:
            self._framing += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            why = error.__context__
            self._refuse(why.refusal if isinstance(why, _RefusedError) else MALFORMED)
        else:
            self._check_sizes()
        return b""

    def _check_sizes(self) -> None:
        if self._in_head:
            if self._head_size > _MOST_HEAD:
                self._refuse(HEAD_TOO_LARGE)
        elif self._framing > _MOST_FRAMING:
            self._refuse(UNEVEN)

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Nothing else is spoken here, so the request is one like any other: httptools would drop its body."""
        if self.parser.get_method() == b"CONNECT":
            self._refuse(NO_PROXY)
            return b""
        lines = [b"%b: %b\r\n" % pair for pair in self._headers if pair[0] not in {b"upgrade", b"http2-settings"}]
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (self.parser.get_method(), self._url, b"".join(lines))
        self._head_size = 0
        self.parser = httptools.HttpRequestParser(self)
        return head + rest

    def _refuse(self, refusal: Refusal) -> None:
        """What came is no request: say so, unless an answer is on its way that must be ended first."""
        self.closing = self._lost_thread = True
        due = self.current
        if self.arriving is not None:
            self.arriving.lose()
        if due is not None and due is not self.arriving:
            self._pause_reading()
            return
        if due is None or not due.started:
            identity = ("" if due is None else due.identity) or identify(self._headers)
            if self.note_refusal is not None:
                self.note_refusal(refusal.code, identity, self.client)
            self.transport.write(refusal_bytes(refusal, identity))
        self._close_when_read()

    def _close_when_read(self) -> None:
        """Close a connection on which more is coming: done at once, that would take back what was written."""
        self.closing = self._lost_thread = True
        if self.transport.is_closing():
            return
        if self._half or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()
        if self._farewell is None:
            self._farewell = self.loop.call_later(_LINGER, self.transport.abort)

    # --- peers that are slow, or send no more ---

    def pause_writing(self) -> None:
        self.writable = self.loop.create_future()
        self._owed = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(self.limits.stall, self._look_at_reader)

    def _look_at_reader(self) -> None:
        owed = self.transport.get_write_buffer_size()
        if self._owed - owed < self.limits.stall * _SLOWEST:
            self.transport.abort()
            return
        self._owed = owed
        self._stall = self.loop.call_later(self.limits.stall, self._look_at_reader)

    def resume_writing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)
        self.writable = None
        self._since = self.loop.time()

    def eof_received(self) -> bool:
        """The peer sends no more: it has left, or waits for what it asked. Whether it still reads, writing to it tells.

        A stream that has begun is taken for left; over TLS everything is.
        """
        current = self.current
        if current is None or current.started or current is self.arriving or self.scheme == "https":
            return False  # closes the transport
        if self.arriving is not None:
            self.arriving.lose()
            self._ahead.remove(self.arriving)
        self._half = True
        self._say_farewell(chain(_FAREWELLS, repeat(_LATER)))
        return True

    def _say_farewell(self, pauses: Iterator[float]) -> None:
        """A peer that has left resets the connection when something comes, as this does, which clients pass over."""
        current = self.current
        if current is None or current.started or self.transport.is_closing():
            return
        if current.scope["http_version"] != "1.1":  # the older one knows nothing of the kind
            self._farewell = self.loop.call_later(1.0, self.transport.abort)
            return
        self.transport.write(CONTINUE)
        self._farewell = self.loop.call_later(next(pauses), self._say_farewell, pauses)

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        more = self.arriving is not None and not self._lost_thread  # of what is being answered
        if not self._reading and (more or not self.closing) and not self._half:
            self._reading = True
            self.transport.resume_reading()

    def shutdown(self) -> None:
        """The server goes down: end with the answers that are due, and those to what was on its way here by then."""
        self.closing = True
        if self.current is None:
            self.loop.call_later(_ON_ITS_WAY, self._let_go_idle, _REST_OF_HEAD)

    def _let_go_idle(self, rest: float) -> None:
        if self.current is None:
            if self._head_size and rest:
                self.loop.call_later(rest, self._let_go_idle, 0.0)
            else:
                self._let_go()

    def _let_go(self) -> None:
        """Close what nothing is due on. TLS would first wait for the peer's farewell, for which few idle peers look."""
        if self.scheme == "https":
            self.transport.abort()
        else:
            self.transport.close()

    def _look_again(self) -> None:
        if self.writable is not None:  # the reader has a clock of its own
            self._since = self.loop.time()
        late = self.loop.time() - self._since
        if self._in_head and self.current is None:
            if self._head_size and late >= self.limits.read and not self._lost_thread:
                self._refuse(HEAD_TOO_SLOW)
            elif late >= self.limits.idle:
                self.transport.abort()
                return
        elif self._in_head and self._head_size and late >= self.limits.read:
            self.closing = self._lost_thread = True  # the next head is too slow: no more after the answer that is due
        if self.current is None and not self._in_head:  # answered, and its body is still coming
            self._answered_early += 1
            if self._answered_early > 4:
                self.transport.abort()
                return
        else:
            self._answered_early = 0
        self._look = self.loop.call_later(self._period, self._look_again)

    # --- the parser ---

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = []
        self._since = self.loop.time()
        self._head_size = self._head_size or 1  # it may have begun behind the end of another

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # what trails a body is read past: it may say nothing that the head did not
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        headers = self._headers
        if self._head_size > _MOST_HEAD:  # of what came with it, too: look closer
            size = len(self._url) + sum(len(name) + len(value) + 4 for name, value in headers)
            if size > _MOST_HEAD:
                raise _RefusedError(HEAD_TOO_LARGE)
        if len(headers) > _MOST_HEADERS:
            raise _RefusedError(TOO_MANY_HEADERS)
        if len(self._ahead) >= _MOST_AT_ONCE:
            raise _RefusedError(TOO_MANY_AHEAD)
        if self.parser.should_upgrade():
            return  # comes again without
        exchange = WireExchange(self, self._scope())
        for name, value in headers:
            if name == b"expect":
                exchange.continues = value.lower() == b"100-continue"
            elif name == b"transfer-encoding":
                self._check_encoding(value)
        self._in_head = False
        self._framing = 0
        self.arriving = exchange
        if self.current is None:
            self._begin(exchange)
        else:
            self._ahead.append(exchange)
            if len(self._ahead) >= _MOST_AHEAD:
                self._pause_reading()

    def _check_encoding(self, value: bytes) -> None:
        if value.strip().lower() != b"chunked" or self.parser.get_http_version() != "1.1":
            raise _RefusedError(UNKNOWN_CODING)

    def _scope(self) -> dict[str, Any]:
        parser = self.parser
        url = self._url
        if url[:1] != b"/":
            url = self._without_authority(url)
        raw_path, _, query = url.partition(b"?")
        path = raw_path.decode("latin-1")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": parser.get_http_version(),
            "method": parser.get_method().decode("ascii"),
            "scheme": self.scheme,
            "path": unquote(path, errors="replace") if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
            "server": None,
            "client": self.client,
            "state": self.app_state,
        }

    def _without_authority(self, url: bytes) -> bytes:
        """The path of the absolute form, whose host counts in place of the header's. ``*`` is at no path of ours."""
        if url == b"*":
            return url
        scheme, found, rest = url.partition(b"://")
        if not found or scheme.lower() not in {b"http", b"https"}:
            raise _RefusedError(NO_PROXY)
        end = min(at if (at := rest.find(mark)) >= 0 else len(rest) for mark in (b"/", b"?", b"#"))
        self._headers[:] = [(b"host", rest[:end]), *(pair for pair in self._headers if pair[0] != b"host")]
        path = rest[end:].partition(b"#")[0]
        return path if path[:1] == b"/" else b"/" + path

    def on_body(self, data: bytes) -> None:
        if self._framing:
            self._framing = max(0, self._framing - _FRAMING * len(data))
        exchange = self.arriving
        if exchange is not None and not exchange.complete:
            exchange.take(data)
            if exchange.unread > _MOST_UNREAD:
                self._pause_reading()

    def on_message_complete(self) -> None:
        if self._in_head:  # of a request that comes again
            return
        exchange, self.arriving = self.arriving, None
        self._in_head = True
        self._head_size = 0
        self._since = self.loop.time()
        if exchange is not None:
            exchange.all_taken()

    # --- exchanges, in turn ---

    def _begin(self, exchange: WireExchange) -> None:
        self.current = exchange
        exchange.task = self.loop.create_task(exchange.run(self.app))
        self.state.tasks.add(exchange.task)

    def answered(self, *, stays: bool) -> None:
        """The current answer is out."""
        self.state.total_requests += 1
        self.current = None
        self._since = self.loop.time()
        if not stays or self.closing:
            if self.arriving is not None or self._lost_thread:
                self._close_when_read()
            else:
                self.transport.close()
            return
        if not self._reading:
            self.resume_reading()
        if self._ahead:
            self._begin(self._ahead.popleft())
        elif self._half:
            self.transport.close()

    def common_headers(self) -> bytes:
        """The lines that every answer has: the date."""
        given = self.state.default_headers
        if given is not self._common_of:  # uvicorn makes a new list each second
            self._common_of = given
            self._common = b"".join([b"%b: %b\r\n" % pair for pair in given])
        return self._common
