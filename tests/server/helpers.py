"""Ways to ask a server: an app called directly, a real one in a thread, bytes on a socket."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from modelport.server import App
from modelport.server.run import listen, make_server
from modelport.server.tls import Tls
from modelport.types import ChatRequest, Event, Finish, TextDelta

__all__ = ("Answer", "Client", "Gated", "ask", "chat", "raw", "running")

CHAT = "/v1/chat/completions"
HOST = (b"host", b"localhost:8000")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


class Client:
    """One request to an app, and the hand that the client has in it."""

    def __init__(
        self,
        app: App,
        method: str = "POST",
        path: str = CHAT,
        *,
        pieces: Sequence[bytes] = (b"",),
        headers: Sequence[tuple[bytes, bytes]] = (),
        host: Sequence[tuple[bytes, bytes]] = (HOST,),
        complete: bool = True,
    ) -> None:
        self._app = app
        self._scope = {
            "type": "http",
            "method": method,
            "path": path,
            "scheme": "http",
            "headers": [*host, *headers],
        }
        self._pieces = list(pieces)
        self._complete = complete
        self._gone = asyncio.Event()
        self._status = 0
        self._headers: dict[str, str] = {}
        self.writes: list[bytes] = []
        self.wrote = asyncio.Event()
        self.room = asyncio.Event()  # cleared: the client reads nothing
        self.room.set()
        self.stuck = asyncio.Event()  # set when something is written that the client does not read

    async def ask(self) -> Answer:
        await self._app(self._scope, self._receive, self._send)
        return Answer(self._status, self._headers, b"".join(self.writes))

    def leave(self) -> None:
        self._gone.set()
        self.room.set()

    async def _receive(self) -> Any:
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or not self._complete}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if not self.room.is_set():
            self.stuck.set()
        await self.room.wait()
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message.get("body"):
            self.writes.append(message["body"])
        self.wrote.set()


async def ask(app: App, method: str = "POST", path: str = CHAT, body: bytes = b"", **options: Any) -> Answer:
    return await Client(app, method, path, pieces=(body,), **options).ask()


def chat(**fields: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": "hi"}], **fields}).encode()


class Gated:
    """Gives a delta each time it is let go; knows whether anybody still holds one of its answers."""

    def __init__(self, name: str = "gated") -> None:
        self.name = name
        self.go = asyncio.Semaphore(0)
        self.begun = asyncio.Event()
        self.left = asyncio.Event()
        self.deltas = 0

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        self.begun.set()
        try:
            yield self._events()
        finally:
            self.left.set()

    async def _events(self) -> AsyncIterator[Event]:
        while True:
            await self.go.acquire()
            await asyncio.sleep(0)  # so that no two deltas are ready together
            self.deltas += 1
            if self.deltas > 100:
                yield Finish()
                return
            yield TextDelta(f"{self.deltas} ")


@contextlib.contextmanager
def running(app: App, tls: Tls | None = None) -> Iterator[int]:
    """A real server in a thread; its port."""
    sock = listen("127.0.0.1", 0)
    ready = threading.Event()
    server = make_server(app, on_ready=ready.set, tls=tls)
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


def raw(port: int, data: bytes, *, until: bytes | None = None) -> bytes:
    """What the server sends back to these bytes, until it closes or *until* has come."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(data)
        got = b""
        while until is None or until not in got:
            piece = sock.recv(65536)
            if not piece:
                break
            got += piece
        return got
