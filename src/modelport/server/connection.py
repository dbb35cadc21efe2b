"""One HTTP/1.1 connection, as uvicorn wants it (``uvicorn.Config(http=...)``), over httptools' parser.

uvicorn's own costs about as much as all the rest of a short answer, and lets a peer be slow for as long as it likes.
This one gives up connections whose peer sends no complete request head within ``limits.read`` seconds or one of more
than 64 KiB, goes on sending a body for so long after it was answered, reads nothing for ``limits.stall`` seconds, or
asks nothing for ``limits.idle`` seconds. Requests sent ahead of answers (pipelining) take turns.
"""

import asyncio
import http
import logging
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools

from modelport.server.limits import Limits
from modelport.server.refusals import (
    HEAD_TOO_LARGE,
    HEAD_TOO_SLOW,
    MALFORMED,
    Refusal,
    identify,
    refusal_bytes,
)

__all__ = ("HttpConnection", "protocol")

logger: logging.Logger = logging.getLogger(__name__)
_access = logging.getLogger("modelport.access")

_MOST_HEAD = 64 * 1024  # bytes of a request's line and headers together
_MOST_UNREAD = 64 * 1024  # bytes of a body that wait to be taken, before the peer has to
_MOST_AHEAD = 16  # requests sent ahead, before the peer has to wait

_STATUS = {status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in http.HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAREWELL = 1.0  # seconds for a peer to take the last thing that it is told


def protocol(limits: Limits, on_refusal: Callable[[str], None] | None = None) -> Any:
    """What uvicorn is to call for each connection. *on_refusal* is told why (a code) what came was no request."""

    def make(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> "HttpConnection":
        if not config.loaded:
            config.load()
        connection = HttpConnection(config.loaded_app, server_state, limits, app_state)
        connection.tells = config.access_log
        connection.on_refusal = on_refusal
        return connection

    return make


class HttpConnection(asyncio.Protocol):
    """One connection. Of uvicorn it knows the server's state: connections, tasks, default headers."""

    def __init__(self, app: Any, state: Any, limits: Limits, app_state: dict[str, Any]) -> None:
        self.app = app
        self.state = state
        self.limits = limits
        self.app_state = app_state
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.parser: httptools.HttpRequestParser = httptools.HttpRequestParser(self)
        self.tells = False  # a line for each answer, in the log "modelport.access"
        self.on_refusal: Callable[[str], None] | None = None
        self.transport: Any = None
        self.scheme: str = "http"
        self.closing: bool = False  # after the answer that is on its way, or now if there is none
        self.writable: asyncio.Future[None] | None = None  # set while the peer is slow to read
        self.current: _Exchange | None = None  # the oldest that is not answered
        self.arriving: _Exchange | None = None  # the one whose body is being read
        self._ahead: deque[_Exchange] = deque()
        self._reading = True
        self._lost_thread = False  # what comes cannot be told into requests any more
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._in_head = True
        self._since = self.loop.time()  # of what is being waited for: a head, or a next request
        self._stall: Any = None
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
        self.state.connections.add(self)
        self._look = self.loop.call_later(self._period, self._look_again)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (the reason changes nothing)
        self.state.connections.discard(self)
        self.closing = True
        self._look.cancel()
        self.resume_writing()
        for exchange in (self.current, self.arriving, *self._ahead):
            if exchange is not None:
                exchange.lose()
        self._ahead.clear()

    def data_received(self, data: bytes) -> None:
        if self._lost_thread:
            return
        if self._in_head:
            self._head_size += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.closing = True  # the request is answered as if it had not asked; what follows it is in no known form
            self._pause_reading()
        except httptools.HttpParserError:
            self._refuse(MALFORMED)
        if self._in_head and self._head_size > _MOST_HEAD and not self._lost_thread:
            self._refuse(HEAD_TOO_LARGE)

    def _refuse(self, refusal: Refusal) -> None:
        """What came is no request: say so, unless an answer is on its way that must be ended first."""
        self.closing = self._lost_thread = True
        self._pause_reading()
        due = self.current
        if self.arriving is not None:
            self.arriving.lose()
        if due is not None and due is not self.arriving:
            return
        if due is None or not due.started:
            identity = "" if due is None else due.identity
            self._say(refusal, identity or identify(self._headers))
        self.transport.close()

    def _say(self, refusal: Refusal, identity: str) -> None:
        if self.on_refusal is not None:
            self.on_refusal(refusal.code)
        self.transport.write(refusal_bytes(refusal, identity))

    def pause_writing(self) -> None:
        self.writable = self.loop.create_future()
        self._stall = self.loop.call_later(self.limits.stall, self.transport.abort)

    def resume_writing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)
        self.writable = None

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._reading and not self.closing:
            self._reading = True
            self.transport.resume_reading()

    def shutdown(self) -> None:
        """The server goes down: end with the answers that are due."""
        self.closing = True
        if self.current is None:
            self._let_go()

    def _let_go(self) -> None:
        """Close what nothing is due on. TLS would first wait for the peer's farewell, for which few idle peers look."""
        if self.scheme == "https":
            self.transport.abort()
        else:
            self.transport.close()

    def _look_again(self) -> None:
        late = self.loop.time() - self._since
        if self._in_head and self.current is None:
            if self._head_size and late >= self.limits.read:
                self._refuse(HEAD_TOO_SLOW)
                self._look = self.loop.call_later(_FAREWELL, self.transport.abort)
                return
            if not self._head_size and late >= self.limits.idle:
                self.transport.abort()
                return
        elif self._in_head and self._head_size and late >= self.limits.read:
            self.transport.abort()
            return
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

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        exchange = self.arriving = _Exchange(self, self._scope())
        if self.current is None:
            self._begin(exchange)
        else:
            self._ahead.append(exchange)
            if len(self._ahead) >= _MOST_AHEAD:
                self._pause_reading()

    def _scope(self) -> dict[str, Any]:
        parser = self.parser
        url = self._url
        if url[:1] != b"/":  # the absolute form; what is neither (CONNECT, *) is at no path of ours
            url = httptools.parse_url(url).path or b""
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
            "client": None,
            "state": self.app_state,
        }

    def on_body(self, data: bytes) -> None:
        exchange = self.arriving
        if exchange is not None and not exchange.complete:
            exchange.take(data)
            if exchange.unread > _MOST_UNREAD:
                self._pause_reading()

    def on_message_complete(self) -> None:
        exchange, self.arriving = self.arriving, None
        self._in_head = True
        self._head_size = 0
        self._since = self.loop.time()
        if exchange is not None:
            exchange.all_taken()

    # --- exchanges, in turn ---

    def _begin(self, exchange: "_Exchange") -> None:
        self.current = exchange
        exchange.task = self.loop.create_task(exchange.run(self.app))
        self.state.tasks.add(exchange.task)

    def answered(self, *, stays: bool) -> None:
        """The current answer is out."""
        self.state.total_requests += 1
        self.current = None
        self._since = self.loop.time()
        if not stays or self.closing:
            self.transport.close()
            return
        self.resume_reading()
        if self._ahead:
            self._begin(self._ahead.popleft())

    def tell(self, scope: dict[str, Any], status: int) -> None:
        """A line in the access log: who asked for what, and how it went; never what was said."""
        peer = self.transport.get_extra_info("peername")
        who = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "-"
        _access.info("%s %s %s %d", who, scope["method"], ascii(scope["raw_path"].decode("latin-1"))[1:-1], status)

    def common_headers(self) -> bytes:
        """The lines that every answer has: the date."""
        given = self.state.default_headers
        if given is not self._common_of:  # uvicorn makes a new list each second
            self._common_of = given
            self._common = b"".join([b"%b: %b\r\n" % pair for pair in given])
        return self._common


class _Exchange:
    """One request and its answer: ``receive`` and ``send`` of ASGI, and a shorter way for whole answers."""

    __slots__ = (
        "_connection",
        "_length",
        "_more",
        "_pieces",
        "_stays",
        "_waiter",
        "chunked",
        "complete",
        "continues",
        "gone",
        "identity",
        "on_leaving",
        "scope",
        "started",
        "task",
        "unread",
    )

    def __init__(self, connection: HttpConnection, scope: dict[str, Any]) -> None:
        self.scope: dict[str, Any] = scope
        self.task: asyncio.Task[None] | None = None
        self.started: bool = False
        self.complete: bool = False
        self.gone: bool = False
        self.unread: int = 0
        self.chunked: bool = False
        self.continues: bool = False
        self.identity: str = ""  # set by who makes a request of it
        self.on_leaving: Callable[[], None] | None = None  # called when the peer leaves before its answer is complete
        self._connection = connection
        self._pieces: list[bytes] = []
        self._more = True
        self._waiter: asyncio.Future[None] | None = None
        self._length = 0
        self._stays = connection.parser.should_keep_alive()
        for name, value in scope["headers"]:
            if name == b"expect" and value.lower() == b"100-continue":
                self.continues = True
        scope["modelport.exchange"] = self

    # --- what comes ---

    def take(self, data: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(data)
        self.unread += len(data)
        self._wake()

    def all_taken(self) -> None:
        """The body is complete."""
        self._more = False
        self._wake()

    def lose(self) -> None:
        """The peer is gone."""
        self.gone = True
        self._wake()
        if self.on_leaving is not None:
            self.on_leaving()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def body_at_hand(self) -> bytes | None:
        """The whole body where it has come already and none of it was taken; else None."""
        if self._more or self.gone or self.unread < 0:
            return None
        pieces, self._pieces, self.unread = self._pieces, [], -1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def watch(self, tell: Callable[[], None]) -> bool:
        """Have *tell* called when the peer leaves; False where it has left already. Of use after the body was read."""
        if self.gone:
            return False
        self._connection.resume_reading()
        self.on_leaving = tell
        return True

    async def receive(self) -> dict[str, Any]:
        """ASGI's."""
        if self.continues and not self.started:
            self.continues = False
            self._connection.transport.write(_CONTINUE)
        while True:
            if self.gone or self.complete:
                return {"type": "http.disconnect"}
            if self._pieces or (not self._more and self.unread >= 0):
                break
            self._connection.resume_reading()
            self._waiter = self._connection.loop.create_future()
            await self._waiter
            self._waiter = None
        body = b"".join(self._pieces)
        self._pieces.clear()
        self.unread = 0 if self._more else -1  # below 0: the end was told
        return {"type": "http.request", "body": body, "more_body": self._more}

    # --- what goes ---

    async def run(self, app: Any) -> None:
        """Has the app answer; an app that does not is answered for."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:
            logger.error("the app failed", exc_info=error)  # noqa: TRY400  (cancelling, too, ends here)
        finally:
            self._connection.state.tasks.discard(self.task)
            del self.scope["modelport.exchange"]  # no circle: all of it is freed now, and its memory used again, warm
            if not self.complete and not self.gone:
                self._connection.transport.close()

    def answer(self, status: int, kind: bytes, identity: bytes, headers: Any, body: bytes) -> bool:
        """The whole answer in one write; False where the peer is slow to read, and ``send`` must be awaited."""
        connection = self._connection
        if connection.writable is not None:
            return False
        if self.gone:
            return True
        self.started = True
        if connection.tells:
            connection.tell(self.scope, status)
        head = b"%b%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n" % (
            _STATUS[status],
            connection.common_headers(),
            kind,
            len(body),
            identity,
        )
        if headers:
            head += self._lines(headers)
        connection.transport.write(b"%b%b\r\n%b" % (head, self._last_line(), body))
        self._end()
        return True

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's."""
        connection = self._connection
        while connection.writable is not None and not self.gone:
            await asyncio.shield(connection.writable)
        if self.gone:
            return
        if message["type"] == "http.response.start":
            if self.started:
                raise RuntimeError("the answer has begun already")
            self.started = True
            if connection.tells:
                connection.tell(self.scope, message["status"])
            connection.transport.write(self._head(message["status"], message["headers"]))
            return
        if not self.started or self.complete:
            raise RuntimeError("a piece of an answer that has not begun, or has ended")
        body, more = message.get("body", b""), message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            body = b""
        if self.chunked:
            piece = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = piece if more else piece + b"0\r\n\r\n"
        if body:
            connection.transport.write(body)
        if not more:
            self._end()

    def _head(self, status: int, headers: Any) -> bytes:
        if self.scope["method"] != "HEAD" and not any(name == b"content-length" for name, _ in headers):
            if self.scope["http_version"] == "1.1":
                self.chunked = True
                headers = [*headers, (b"transfer-encoding", b"chunked")]
            else:
                self._stays = False  # the end of the connection is the end of the answer
        lines = self._lines(headers)
        return _STATUS[status] + self._connection.common_headers() + lines + self._last_line() + b"\r\n"

    def _lines(self, headers: Any) -> bytes:
        lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
        if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or b"\0" in lines:
            raise RuntimeError("a header of the answer holds a line break")
        if (b"connection", b"close") in headers:
            self._stays = False
        return lines

    def _last_line(self) -> bytes:
        """Whether the connection stays, where the peer would not know."""
        if self._stays and not self._connection.closing:
            return b"" if self.scope["http_version"] == "1.1" else b"connection: keep-alive\r\n"
        self._stays = False
        return b"connection: close\r\n"

    def _end(self) -> None:
        self.complete = True
        self._wake()
        self._connection.answered(stays=self._stays)
