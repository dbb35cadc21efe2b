"""A chat over a WebSocket: what is said goes to a browser, and its person answers. Needs the extra ``websockets``.

Safe by default: loopback only, no other site's pages, bounded messages and connections.
"""

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from modelport.agents.iostream.base import IOStream
from modelport.agents.iostream.colours import Coloured

if TYPE_CHECKING:
    import ssl

__all__ = ("IOWebsockets", "ServerConnection")

_LONGEST_MESSAGE = 1 << 20  # bytes of one message of a person
_MOST_CONNECTIONS = 100  # each has a thread

logger: logging.Logger = logging.getLogger(__name__)


class ServerConnection(Protocol):
    """The side of a WebSocket that :class:`IOWebsockets` talks to; one of the ``websockets`` package is one."""

    def send(self, message: str) -> None:
        """Send *message* as one frame of text."""
        ...

    def recv(self, timeout: float | None = None) -> str | bytes:
        """The next message of the other side."""
        ...

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye."""
        ...


class IOWebsockets(IOStream):
    """Each ``print`` is one message to the browser; each ``input`` takes one message from it.

    What is sent is text as the models said it: a page must show it as text, never as HTML. Both raise
    ``websockets.exceptions.ConnectionClosed`` when the other side has left.

    Raises:
        ImportError: ``websockets`` is not installed.
    """

    def __init__(self, websocket: ServerConnection) -> None:
        _package("sync.server")
        self._websocket = websocket

    @property
    def websocket(self) -> ServerConnection:
        """The connection."""
        return self._websocket

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:  # noqa: ARG002
        """Send *objects* as one message, without our colours: those are for terminals. There is nothing to flush."""
        texts = [thing.plain() if isinstance(thing, Coloured) else str(thing) for thing in objects]
        self._websocket.send(sep.join(texts) + end)

    def input(self, prompt: str = "", *, password: bool = False) -> str:  # noqa: ARG002
        """Send *prompt* unless it is empty, and wait for a message. Whether a password shows is the page's affair."""
        if prompt:
            self._websocket.send(prompt)
        message = self._websocket.recv()
        return message.decode("utf-8", "replace") if isinstance(message, bytes) else message

    @staticmethod
    @contextmanager
    def run_server_in_thread(
        *,
        host: str = "127.0.0.1",
        port: int = 8765,
        on_connect: "Callable[[IOWebsockets], None]",
        ssl_context: "ssl.SSLContext | None" = None,
        max_connections: int = _MOST_CONNECTIONS,
        **kwargs: Any,
    ) -> Iterator[str]:
        """Serve within the ``with``; its value is the address, with the real port where *port* is 0.

        *on_connect* is called in a thread for each connection, which is the default stream there. Leaving closes all
        connections and waits for what *on_connect* still does. *kwargs* are for ``websockets.sync.server.serve``:
        ``origins=`` replaces the rule that a browser's page must come from this machine, or from *host*.

        Raises:
            ImportError: ``websockets`` is not installed.
            ValueError: *host* is more than loopback, and no ``process_request=`` is there to ask for a password.
            OSError: the port is taken.
        """
        package = _package("sync.server")
        if not _is_loopback(host) and kwargs.get("process_request") is None:
            raise ValueError(
                f"host={host!r} would let anyone who reaches this machine talk to your agents: use 127.0.0.1, or let "
                "in only who knows a password, with process_request=websockets.sync.server.basic_auth(...)"
            )
        gate = _gate(host, kwargs.get("process_request"), origins="origins" not in kwargs)
        settings = {"max_size": _LONGEST_MESSAGE, **kwargs, "ssl": ssl_context, "process_request": gate}
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host.strip("[]"), port), family=family)
        handler = _Handler(on_connect, max_connections)
        with listening, package.serve(handler, sock=listening, **settings) as server:
            thread = threading.Thread(target=server.serve_forever, name="modelport-websockets", daemon=True)
            thread.start()
            try:
                yield _address(host, listening.getsockname()[1], secure=ssl_context is not None)
            finally:
                handler.close()
                server.shutdown()
                thread.join()


class _Handler:
    """What a server calls for each connection, in a thread of its own."""

    def __init__(self, on_connect: Callable[[IOWebsockets], None], most: int) -> None:
        self._on_connect = on_connect
        self._most = most
        self._lock = threading.Lock()
        self._open: set[ServerConnection] = set()
        self._closed = False

    def __call__(self, websocket: ServerConnection) -> None:
        with self._lock:
            refused = self._closed or len(self._open) >= self._most
            if not refused:
                self._open.add(websocket)
        if refused:
            logger.warning("a WebSocket was refused: %d are open already", self._most)
            websocket.close(1013, "too many connections")
            return
        stream = IOWebsockets(websocket)
        try:
            with IOStream.set_default(stream):
                self._on_connect(stream)
        except _package("exceptions").ConnectionClosed:
            logger.info("a WebSocket was closed while a chat went on")
        except Exception:
            logger.warning("on_connect of a WebSocket failed", exc_info=True)
        finally:
            with self._lock:
                self._open.discard(websocket)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            left = list(self._open)
        for websocket in left:
            websocket.close(1001, "the server stops")


def _gate(host: str, then: Callable[[Any, Any], Any] | None, *, origins: bool) -> Callable[[Any, Any], Any]:
    """Refuses what a browser sends for other sites' pages: by its Host (DNS rebinding) and by its Origin."""
    ours = {host.strip("[]").lower()}

    def process_request(connection: Any, request: Any) -> Any:
        hosts = [_name(f"//{each}") for each in request.headers.get_all("Host")]
        if len(hosts) != 1 or (_is_loopback(host) and not (hosts[0] in ours or _is_loopback(hosts[0]))):
            return connection.respond(403, "Host: not a name of this machine\n")
        for origin in request.headers.get_all("Origin") if origins else ():
            name = _name(origin) if origin.startswith(("http://", "https://")) else ""
            if name not in {*ours, *hosts} and not _is_loopback(name):
                return connection.respond(403, "Origin: pages of other sites are let in by origins=[...] only\n")
        return then(connection, request) if then is not None else None

    return process_request


def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _address(host: str, port: int, *, secure: bool) -> str:
    name = f"[{host.strip('[]')}]" if ":" in host else host
    return f"{'wss' if secure else 'ws'}://{name}:{port}"


def _package(module: str) -> Any:
    # By name, so that type checkers need not have it either.
    try:
        return import_module(f"websockets.{module}")
    except ImportError as error:
        raise ImportError("IOWebsockets needs the websockets package: pip install 'modelport[websockets]'") from error
