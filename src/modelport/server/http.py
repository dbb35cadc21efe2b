"""One HTTP exchange over ASGI: its head, its bounded body, its answer. Knows no route, no model and no dialect."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, MutableMapping, Sequence
from types import coroutine
from typing import Any, TypeVar

from modelport.errors import ConnectionFailed, InvalidRequest, ModelportError, RequestTooLarge
from modelport.types import mint_id

__all__ = (
    "ClientGone",
    "Exchange",
    "Guard",
    "Headers",
    "Receive",
    "Scope",
    "Send",
    "SlowBody",
    "header_text",
    "resume",
)

T = TypeVar("T")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]


class ClientGone(ConnectionFailed):
    """Whoever asked has hung up: there is nobody to answer."""

    code = "client_gone"


class SlowBody(InvalidRequest):
    """A request's body stopped coming."""

    code = "request_timeout"
    status = 408


class Exchange:
    """One request and its answer.

    ``headers`` maps lower-case names to values (of a header that came twice, the last). ``request_id`` is on every
    answer, and in the log beside every internal error. ``begun`` tells that the status line is out.
    """

    __slots__ = ("_extra", "_receive", "_send", "begun", "headers", "method", "path", "request_id", "scope")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._extra: list[tuple[bytes, bytes]] = []
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id = mint_id("req_")
        self.begun = False

    async def body(self, most: int, *, within: float | None = None) -> bytes:
        """The whole body, of at most *most* bytes, whatever its Content-Length says.

        *within* is how many seconds each piece of it may take.

        Raises:
            RequestTooLarge: there is more.
            ModelportError: it did not come in time, or (ClientGone) will not come any more.
        """
        said = self.headers.get(b"content-length")
        if said is not None and said.isdigit() and (len(said) > 18 or int(said) > most):
            raise _too_large(most)
        message = await self._piece(within)
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            pieces = [body]
            size = len(body)
            while message.get("more_body") and size <= most:
                message = await self._piece(within)
                piece = message.get("body", b"")
                pieces.append(piece)
                size += len(piece)
            body = b"".join(pieces) if size <= most else b""
            if size > most:
                raise _too_large(most)
        elif len(body) > most:
            raise _too_large(most)
        return body

    async def _piece(self, within: float | None) -> Message:
        def late() -> ModelportError:
            return SlowBody(f"no more of the request's body came within {within} s: send it without pauses")

        message = await Guard(self, within, late, watch=False).run(_awaiting(self._receive()))
        if message["type"] == "http.disconnect":
            raise ClientGone("the client left before its request was complete")
        return message

    async def left(self) -> None:
        """Returns when the client has left. To be used only after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def add_header(self, name: bytes, value: bytes) -> None:
        """One more header for the answer, which must not have begun."""
        self._extra.append((name, value))

    async def respond(self, status: int, body: bytes, content_type: bytes, headers: Headers = ()) -> None:
        """The whole answer."""
        self.begun = True
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    (b"content-length", b"%d" % len(body)),
                    (b"x-request-id", self.request_id.encode()),
                    *self._extra,
                    *headers,
                ],
            }
        )
        await self._send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def begin(self, status: int, content_type: bytes, headers: Headers = ()) -> None:
        """The head of an answer that comes in pieces."""
        self.begun = True
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    (b"x-request-id", self.request_id.encode()),
                    *self._extra,
                    *headers,
                ],
            }
        )

    async def write(self, data: bytes) -> None:
        """A piece of the answer. Waits while the client is slow to read what it has got."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """The answer in pieces is complete with *data*."""
        await self._send({"type": "http.response.body", "body": data})


def _too_large(most: int) -> RequestTooLarge:
    return RequestTooLarge(f"the request's body is larger than {most} bytes, the most that this server takes")


# --- work that ends early -------------------------------------------------------------------------------------------


@coroutine
def resume(steps: Any, waiting: Any) -> Generator[Any, Any, Any]:
    """The result of a coroutine that was stepped by hand and waits for *waiting*, which it has just given."""
    while True:
        try:
            sent = yield waiting
        except BaseException as error:
            step = steps.throw
            argument: Any = error
        else:
            step = steps.send
            argument = sent
        try:
            waiting = step(argument)
        except StopIteration as done:
            return done.value


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable


class Guard:
    """Runs the work of one exchange, and cancels it when the client leaves or *seconds* have passed.

    Work that never waits costs nothing: the watch is set (and *on_wait* called) when it first does. It runs in the
    task that asked.
    """

    __slots__ = ("_error", "_exchange", "_late", "_on_wait", "_seconds", "_task", "_timer", "_watch", "_watcher")

    def __init__(
        self,
        exchange: Exchange,
        seconds: float | None,
        late: Callable[[], ModelportError],
        *,
        watch: bool = True,
        on_wait: Callable[[], None] | None = None,
    ) -> None:
        self._exchange = exchange
        self._seconds = seconds
        self._late = late
        self._watch = watch
        self._on_wait = on_wait
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._error: ModelportError | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of *work*.

        Raises:
            ClientGone: the client left.
            ModelportError: what *late* gives, when the time is up.
        """
        try:
            waiting = work.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        self._arm()
        try:
            return await resume(work, waiting)  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            if self._error is None or self._task is None:
                raise
            self._task.uncancel()
            raise self._error from None
        finally:
            self._disarm()

    def _arm(self) -> None:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if self._seconds is not None:
            self._timer = loop.call_later(max(0.0, self._seconds), self._expire)
        if self._watch:
            self._watcher = loop.create_task(self._wait_for_leaving())
        if self._on_wait is not None:
            self._on_wait()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    async def _wait_for_leaving(self) -> None:
        await self._exchange.left()
        self._end(ClientGone("the client left before its answer was complete"))

    def _expire(self) -> None:
        self._end(self._late())

    def _end(self, error: ModelportError) -> None:
        if self._error is None and self._task is not None:
            self._error = error
            self._task.cancel()


def header_text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """A header's value as text, or None where it did not come."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
