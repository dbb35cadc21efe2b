"""One HTTP exchange over ASGI: its head, its bounded body, its answer. Knows no route, no model and no dialect."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, MutableMapping, Sequence
from time import perf_counter
from types import coroutine
from typing import Any, TypeVar

from modelport.errors import ConnectionFailed, InvalidRequest, ModelportError, RequestTooLarge
from modelport.server.refusals import identify
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
    "peer_text",
    "resume",
    "too_large",
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

    The others are for who counts and logs: the ``status`` that was sent (0: none), how many bytes of the body were
    ``sent``, the served ``model``, whether its answer ``streams``, the seconds to its ``first`` token (below 0: none),
    its ``usage``, the ``code`` of the error that was told (or that the client has left), and when it ``began``, by
    ``time.perf_counter``.
    """

    __slots__ = (
        "_direct",
        "_extra",
        "_receive",
        "_send",
        "began",
        "begun",
        "code",
        "first",
        "headers",
        "method",
        "model",
        "path",
        "request_id",
        "scope",
        "sent",
        "status",
        "streams",
        "usage",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope: Scope = scope
        self._receive = receive
        self._send = send
        self._direct: Any = scope.get("modelport.exchange")  # our own connection's: the same in fewer steps
        self._extra: list[tuple[bytes, bytes]] = []
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id: str = identify(scope["headers"]) if b"x-request-id" in self.headers else mint_id("req_")
        self.begun: bool = False
        self.began: float = perf_counter()
        self.status: int = 0
        self.sent: int = 0
        self.model: str = ""
        self.streams: bool = False
        self.first: float = -1.0
        self.usage: Any = None
        self.code: str = ""
        if self._direct is not None:
            self._direct.identity = self.request_id

    @property
    def client(self) -> str | None:
        """Whose connection it is: an address and a port."""
        return peer_text(self.scope.get("client"))

    async def body(self, most: int, *, within: float | None = None) -> bytes:
        """The whole body, of at most *most* bytes, whatever its Content-Length says.

        *within* is how many seconds each piece of it may take; all of it may take ten times as long.

        Raises:
            RequestTooLarge: there is more.
            ModelportError: it did not come in time, or (ClientGone) will not come any more.
        """
        body = self.body_at_hand()
        if body is None:
            said = self.headers.get(b"content-length")
            if said is not None and said.isdigit() and (len(said) > 18 or int(said) > most):
                raise too_large(most)
            body = await self._read(most, within)
        if len(body) > most:
            raise too_large(most)
        return body

    def body_at_hand(self) -> bytes | None:
        """The body where all of it has come; None where it must be waited for with :meth:`body`."""
        body: bytes | None = None if self._direct is None else self._direct.body_at_hand()
        return body

    async def _read(self, most: int, within: float | None) -> bytes:
        end = None if within is None else asyncio.get_running_loop().time() + 10 * within
        pieces: list[bytes] = []
        size = 0
        more = True
        while more and size <= most:
            message = await self._piece(within, end)
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            more = message.get("more_body", False)
        return b"".join(pieces)

    async def _piece(self, within: float | None, end: float | None) -> Message:
        def late() -> ModelportError:
            return SlowBody("the rest of the request's body did not come in time: send it without pauses")

        if within is not None and end is not None:
            within = min(within, end - asyncio.get_running_loop().time())
        message = await Guard(self, within, late, watch=False).run(_awaiting(self._receive()))
        if message["type"] == "http.disconnect":
            raise ClientGone("the client left before its request was complete")
        return message

    async def leaving(self) -> None:
        """Returns when the client has left. To be used only after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def on_leaving(self, tell: Callable[[], None] | None) -> bool:
        """Have *tell* called when the client leaves, without a task that waits for it; None takes that back. False
        where that cannot be, and :meth:`leaving` must be awaited. To be used only after the body was read."""
        direct = self._direct
        if direct is None:
            return False
        if tell is None:
            direct.on_leaving = None
            return True
        watched: bool = direct.watch(tell)
        return watched

    def add_header(self, name: bytes, value: bytes) -> None:
        """One more header for the answer, which must not have begun."""
        self._extra.append((name, value))

    async def respond(self, status: int, body: bytes, content_type: bytes, headers: Headers = ()) -> None:
        """The whole answer."""
        if self.respond_now(status, body, content_type, headers):
            return
        head = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", self.request_id.encode()),
            *self._extra,
            *headers,
        ]
        if self.method == "HEAD":
            body, self.sent = b"", 0
        await self._send({"type": "http.response.start", "status": status, "headers": head})
        await self._send({"type": "http.response.body", "body": body})

    def respond_now(self, status: int, body: bytes, content_type: bytes, headers: Headers = ()) -> bool:
        """The whole answer without waiting; False where that cannot be, and :meth:`respond` must be awaited."""
        self.begun = True
        self.status = status
        self.sent = len(body)
        direct = self._direct
        if direct is None or self.method == "HEAD":
            return False
        more = [*self._extra, *headers] if headers or self._extra else ()
        done: bool = direct.answer(status, content_type, self.request_id.encode(), more, body)
        return done

    async def begin(self, status: int, content_type: bytes, headers: Headers = ()) -> None:
        """The head of an answer that comes in pieces."""
        self.begun = True
        self.status = status
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
        self.sent += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """The answer in pieces is complete with *data*."""
        self.sent += len(data)
        await self._send({"type": "http.response.body", "body": data})


def peer_text(peer: tuple[str, int] | None) -> str | None:
    """The two ends' other one, as an address and a port."""
    if peer is None:
        return None
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"


def too_large(most: int) -> RequestTooLarge:
    """The error for a body of more than *most* bytes."""
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
        finally:
            argument = None  # an error that goes through this frame must not be held by it: such a ring is freed late


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
        return await self.go_on(work, waiting)  # type: ignore[no-any-return]

    async def go_on(self, work: Coroutine[Any, Any, Any], waiting: Any) -> Any:
        """The same of work that was begun by hand, and waits for *waiting*."""
        self._arm()
        try:
            return await resume(work, waiting)
        except asyncio.CancelledError:
            if self._error is None or self._task is None:
                raise
            self._task.uncancel()
            raise self._error from None
        finally:
            self._disarm()
            self._error = None  # likewise

    def _arm(self) -> None:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if self._seconds is not None:
            self._timer = loop.call_later(max(0.0, self._seconds), self._expire)
        if self._watch and not self._exchange.on_leaving(self._leave):
            self._watcher = loop.create_task(self._wait_for_leaving())
        if self._on_wait is not None:
            self._on_wait()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None  # it has a frame that holds this, as the error has
        elif self._watch:
            self._exchange.on_leaving(None)

    async def _wait_for_leaving(self) -> None:
        await self._exchange.leaving()
        self._leave()

    def _leave(self) -> None:
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
