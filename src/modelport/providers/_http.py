"""A small HTTP/1.1 client on asyncio: pooled connections, answers read as they come. Knows no model and no dialect.

It exists for one promise: whoever leaves an answer, or is cancelled while waiting for its head, has closed the
connection, so that the far side can stop working at once. It follows no redirect and asks no proxy. A connection
belongs to the event loop that made it; the pool keeps those of each loop apart.
"""

import asyncio
import os
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httptools
from msgspec import Struct

from modelport.errors import ConfigError, ConnectionFailed, ModelportError, ProtocolError
from modelport.providers._tls import Trust, Untrusted
from modelport.sync import offload

if TYPE_CHECKING:
    import ssl

__all__ = ("NotAnswered", "Pool", "Reply", "Target")

_AT_ONCE = 256 * 1024  # bytes handed to the socket before looking whether an answer has come already
_MOST_WAITING = 1024 * 1024  # bytes read ahead of whoever reads the answer
_MOST_HEAD = 64 * 1024  # bytes of an answer's header lines
_MOST_IDLE = 16  # connections kept for each loop


class NotAnswered(Exception):
    """The connection failed before a byte of the answer came, so asking again is safe. ``why`` is the error to tell."""

    def __init__(self, why: ModelportError, *, reused: bool = False) -> None:
        super().__init__(str(why))
        self.why = why
        self.reused = reused


class Target(Struct, frozen=True):
    """Where requests go. ``prefix`` is what stands before every path, without a slash at its end."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "Target":
        """The target that *url* names.

        Raises:
            ConfigError: it is no http or https URL, or holds what none of ours has.
        """
        wrong = f"the address must be like http://127.0.0.1:8000, got {url!r:.200}"
        if not url.isascii() or any(each <= " " or each == "\x7f" for each in url):
            raise ConfigError(wrong)
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ConfigError(wrong) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
            raise ConfigError(wrong)
        if parts.username is not None or parts.password is not None:
            raise ConfigError("the address must not hold a user or a password: give the key as api_key")
        default = 443 if parts.scheme == "https" else 80
        return cls(parts.scheme, parts.hostname, port or default, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """Host and port, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address, as people write it."""
        return f"{self.scheme}://{self.authority}{self.prefix}"


class _Connection(asyncio.Protocol):
    """One connection; one exchange at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._writing_paused = False
        self.lost = False
        self.uses = 0
        self.begin()

    def begin(self) -> None:
        """Forget the exchange before."""
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._reading_paused = False
        self._head_size = 0
        self._first = b""
        self._error: ModelportError | None = None
        self._until_end = True
        self.unsent = False
        self.answered = False
        self.has_head = False
        self.complete = False
        self.keep_alive = False
        self.status = 0
        self.headers: dict[str, str] = {}

    # --- what asyncio tells ---

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.has_head and not self.complete and self._until_end and exc is None:
            self.complete = True  # an answer without a length ends with its connection
        self._wake()

    def data_received(self, data: bytes) -> None:
        if self.complete or not self.uses:
            self.keep_alive = False
            self.abort()  # nobody asked for that
            return
        if not self.answered:
            self.answered = True
            self._first = data[:60]
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._error = self._error or ProtocolError(
                f"what answers does not speak HTTP (it began with {self._first!r}{_hint(self._first)})"
            )
            self.abort()
        self._wake()

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._wake()

    # --- what the parser tells ---

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4  # the colon, a blank and the line's end
        if self._head_size > _MOST_HEAD:
            self._error = ProtocolError(f"the answer has more than {_MOST_HEAD} bytes of headers")
            raise self._error
        key = name.decode("latin-1").lower()
        self.headers[key] = value.decode("latin-1")
        if key in {"content-length", "transfer-encoding"}:
            self._until_end = False

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:  # only a word on the way to the answer
            self.headers = {}
            self._until_end = True
            return
        self.keep_alive = self._parser.should_keep_alive()
        self.has_head = True

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._waiting += len(body)
        if self._waiting > _MOST_WAITING and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.has_head:
            self.complete = True

    # --- what the pool's users ask ---

    async def send(self, pieces: Iterable[Any], deadline: float | None) -> None:
        """All of *pieces*, unless the answer comes first (a refusal needs no more of the request)."""
        for piece in pieces:
            view = memoryview(piece)
            for at in range(0, len(view), _AT_ONCE):
                while self._writing_paused and not self._has_news():
                    await self._wait(deadline)
                if self._has_news():
                    self.unsent = True
                    return
                self._transport.write(view[at : at + _AT_ONCE])

    def _has_news(self) -> bool:
        return self.lost or self.has_head or self._error is not None

    async def head(self, deadline: float | None) -> None:
        """Returns when the answer's status and headers are there."""
        while not self.has_head:
            self._check()
            await self._wait(deadline)

    async def read(self, deadline: float | None) -> bytes | None:
        """More of the answer's body, at least a byte; None at its end."""
        while not self._chunks:
            if self.complete:
                return None
            self._check()
            await self._wait(deadline)
        data = self._chunks.popleft() if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._waiting = 0
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        return data

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        if self.lost:
            raise ConnectionFailed("the far side went away before its answer ended")

    async def _wait(self, deadline: float | None) -> None:
        waiter = self._waiter = self._loop.create_future()
        timer = None if deadline is None else self._loop.call_at(deadline, _expire, waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def abort(self) -> None:
        """Close at once, whatever is on the way. May be called from any loop's thread."""
        self.lost = True
        if self._transport is not None and not self._loop.is_closed():
            self._transport.abort()


def _hint(first: bytes) -> str:
    """Where it is plain what an answer is that is not HTTP: TLS refuses what is not TLS with an alert, number 21."""
    return ", which is TLS: write https://" if first[:2] == b"\x15\x03" else ""


def _expire(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


class Reply:
    """An answer whose head has come."""

    def __init__(self, pool: "Pool", connection: _Connection) -> None:
        self._pool = pool
        self._connection = connection
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers  # names in lower case

    async def read(self, deadline: float | None) -> bytes | None:
        """More of the body, or None at its end.

        Raises:
            ConnectionFailed: the far side went away before.
            TimeoutError: the loop's clock passed *deadline*.
        """
        return await self._connection.read(deadline)

    async def body(self, most: int, deadline: float | None) -> bytes:
        """The rest of the body, cut off after *most* bytes."""
        pieces, size = [], 0
        while size < most:
            piece = await self._connection.read(deadline)
            if piece is None:
                break
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)[:most]

    def close(self) -> None:
        """Frees the connection: for the next request if this answer was read to its end, else by closing it."""
        self._pool.give_back(self._connection)


class Pool:
    """Connections to one target. *connect* is how many seconds making one may take."""

    def __init__(self, target: Target, *, connect: float, trust: Trust | None = None) -> None:
        self.target = target
        self._trust = trust or Trust()
        self._connect = connect
        self._tls: ssl.SSLContext | None = None
        self._idle: WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Connection]] = WeakKeyDictionary()
        self._pid = os.getpid()
        self._inherited: list[Any] = []  # a parent's connections: not ours to use, nor to close

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Iterable[Any],
        *,
        deadline: float | None,
        fresh: bool = False,
    ) -> Reply:
        """Send a request; the answer when its head has come. *fresh*: on a connection that nothing was sent on before.

        Raises:
            NotAnswered: no connection could be made, or it failed before anything came.
            ModelportError: it failed afterwards.
            TimeoutError: the loop's clock passed *deadline*.
        """
        connection = (None if fresh else self._take()) or await self._open(deadline)
        connection.begin()
        reused = connection.uses > 0
        connection.uses += 1
        body = list(body)
        size = sum(len(piece) for piece in body)
        lines = [f"{method} {self.target.prefix}{path} HTTP/1.1", f"Host: {self.target.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {size}", "", ""]
        head = "\r\n".join(lines).encode("latin-1")
        try:
            pieces = [b"".join((head, *body))] if size < _AT_ONCE else [head, *body]
            await connection.send(pieces, deadline)
            await connection.head(deadline)
        except ConnectionFailed as error:
            connection.abort()
            if connection.answered:
                raise
            hint = "" if reused or self.target.scheme == "https" else ": if it speaks TLS, write https://"
            why = ConnectionFailed(f"{self.target.url} closed the connection without an answer{hint}")
            raise NotAnswered(why, reused=reused) from error
        except BaseException:
            connection.abort()
            raise
        return Reply(self, connection)

    def _mine(self) -> list[_Connection]:
        if self._pid != os.getpid():
            self._inherited.append(self._idle)
            self._idle, self._pid = WeakKeyDictionary(), os.getpid()
        return self._idle.setdefault(asyncio.get_running_loop(), [])

    def _take(self) -> _Connection | None:
        idle = self._mine()
        while idle:
            connection = idle.pop()
            if not connection.lost:
                return connection
        return None

    def give_back(self, connection: _Connection) -> None:
        """Keep *connection* for the next request if it can serve one; else close it."""
        usable = connection.complete and connection.keep_alive and not connection.lost and not connection.unsent
        idle = self._mine() if usable else []
        if usable and len(idle) < _MOST_IDLE:
            idle.append(connection)
        else:
            connection.abort()

    async def _open(self, deadline: float | None) -> _Connection:
        loop, target = asyncio.get_running_loop(), self.target
        wait = self._connect if deadline is None else min(self._connect, deadline - loop.time())
        try:
            tls = await self._context() if target.scheme == "https" else None
            async with asyncio.timeout(wait):
                transport, connection = await loop.create_connection(_Connection, target.host, target.port, ssl=tls)
        except TimeoutError:
            why = ConnectionFailed(f"no connection to {target.url} within {wait:.3g} s: is it the right address?")
            raise NotAnswered(why) from None
        except OSError as error:
            failed = _explain(error, target)
            if isinstance(failed, Untrusted):  # asking again would change nothing
                raise failed from error
            raise NotAnswered(failed) from error
        if tls is not None:
            try:
                self._trust.check(transport, target.url)
            except Untrusted:
                connection.abort()
                raise
        return connection

    async def _context(self) -> "ssl.SSLContext":
        if self._tls is None:
            self._tls = await offload(self._trust.context)
        return self._tls

    async def aclose(self) -> None:
        """Closes the idle connections; those in use are closed by their users."""
        if self._pid != os.getpid():
            return
        here = asyncio.get_running_loop()
        for loop, idle in list(self._idle.items()):
            for connection in idle:
                if loop is here:
                    connection.abort()
                elif not loop.is_closed():
                    loop.call_soon_threadsafe(connection.abort)
            idle.clear()
        await asyncio.sleep(0)  # the loop closes a connection's socket in its next turn


def _explain(error: OSError, target: Target) -> ModelportError:
    import socket
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted(
            f"{target.url} is not trusted: {error.verify_message}. If the server is yours, give tls_fingerprint (which "
            "`modelport serve` prints) or ca_file"
        )
    if isinstance(error, ssl.SSLError):
        hint = " (does it speak plain http?)" if "WRONG_VERSION" in str(error) else ""
        return ConnectionFailed(f"no TLS connection to {target.url}{hint}: {error.reason or error}")
    if isinstance(error, socket.gaierror):
        return ConnectionFailed(f"the host {target.host!r} of {target.url} cannot be found: check the address")
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return ConnectionFailed(f"nothing listens at {target.url}: is `modelport serve` running?")
    return ConnectionFailed(f"no connection to {target.url}: {error.strerror or error}")
