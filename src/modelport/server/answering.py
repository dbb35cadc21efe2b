"""One request on a connection and its answer, as ASGI wants them. Knows no parser and no route.

The connection lends its transport, knows whether the peer is slow to read, and is told when the answer is out.
"""

import asyncio
import http
import logging
from collections.abc import Callable
from typing import Any

__all__ = ("CONTINUE", "WireExchange")

logger: logging.Logger = logging.getLogger(__name__)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS = {status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in http.HTTPStatus}


class WireExchange:
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

    def __init__(self, connection: Any, scope: dict[str, Any]) -> None:
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
        scope["modelport.exchange"] = self

    # --- what comes ---

    def take(self, data: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(data)
        self.unread += len(data)
        if self._waiter is not None:
            self._wake()

    def all_taken(self) -> None:
        """The body is complete."""
        self._more = False
        if self._waiter is not None:
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
            self._connection.transport.write(CONTINUE)
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
        common: bytes = self._connection.common_headers()
        return _STATUS[status] + common + lines + self._last_line() + b"\r\n"

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
        if self._waiter is not None:
            self._wake()
        self._connection.answered(stays=self._stays)
