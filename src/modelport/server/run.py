"""An app behind uvicorn: listening, saying so, and going down without dropping what is being answered."""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from modelport.errors import ConfigError
from modelport.server.app import App
from modelport.server.auth import is_loopback
from modelport.server.connection import protocol
from modelport.server.tls import Tls

__all__ = ("check_exposure", "listen", "make_server", "serve", "url_of", "write_ready_file")


def check_exposure(host: str, keys: object) -> None:
    """Refuse to listen where others can reach, without keys.

    Raises:
        ConfigError: says which two ways there are out of it.
    """
    if not is_loopback(host) and not keys:
        raise ConfigError(
            f"{host} can be reached from other machines, and no API key is set: make one with modelport keys add NAME, "
            "give --api-key-file (one key a line, as name:key), or listen on 127.0.0.1"
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, proto)
    except (OSError, UnicodeError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {host}: {error}") from None
    try:
        if os.name != "nt":  # there, it would let two servers share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
        sock.setblocking(False)
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"cannot listen on {host}:{port}: {reason}; choose another --port (0: any free one)"
        ) from None
    return sock


def url_of(sock: socket.socket, tls: Tls | None = None) -> str:
    """Where the server is found, as seen from this machine."""
    scheme = "http" if tls is None else "https"
    host, port = sock.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  (compared, not listened on)
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def write_ready_file(path: str, sock: socket.socket, app: App, tls: Tls | None = None) -> None:
    """Tell a script, as JSON, where the server is: url, port, pid, models, and with *tls* tls_fingerprint. Appears
    complete or not at all."""
    data = {
        "url": url_of(sock, tls),
        "port": sock.getsockname()[1],
        "pid": os.getpid(),
        "models": app.serving.names,
    }
    if tls is not None:
        data["tls_fingerprint"] = tls.fingerprint
    target = Path(path)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        partial.write_bytes(msgspec.json.encode(data) + b"\n")
        partial.replace(target)
    except OSError as error:
        raise ConfigError(f"the ready file {path} cannot be written: {error}") from None


def serve(
    app: App,
    sock: socket.socket,
    *,
    on_ready: Callable[[], None] | None = None,
    access_log: bool = False,
    tls: Tls | None = None,
) -> None:
    """Serve *app* on *sock* until SIGTERM or Ctrl-C; then end what is being answered, up to ``limits.drain`` seconds.

    A second Ctrl-C ends the process at once. *on_ready* is called when requests are taken. From another thread than
    the main one, signals are left alone; set ``should_exit`` of the server that ``make_server`` gives instead.
    """
    server = make_server(app, on_ready=on_ready, access_log=access_log, tls=tls)
    server.run(sockets=[sock])
    if server.failure is not None:
        raise server.failure


def make_server(
    app: App, *, on_ready: Callable[[], None] | None = None, access_log: bool = False, tls: Tls | None = None
) -> Any:
    """A ``uvicorn.Server`` for *app*, to be run on a listening socket."""
    import uvicorn

    class Server(uvicorn.Server):
        failure: Exception | None = None  # of on_ready

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            await self.on_tick(0)  # the headers that every answer has, before the first request
            if on_ready is not None:
                try:
                    on_ready()
                except Exception as error:
                    self.failure, self.should_exit = error, True

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            with _signals(self._stop):
                yield

        def _stop(self, number: int, _frame: object) -> None:
            if self.should_exit and number == signal.SIGINT:
                sys.stderr.flush()
                os._exit(130)
            app.draining = True
            self.should_exit = True

    config = _config(app, access_log=access_log)
    if tls is not None:
        config.load()
        config.ssl = tls.context
    return Server(config)


def _config(app: App, *, access_log: bool) -> Any:
    import uvicorn

    return uvicorn.Config(
        app,
        http=protocol(app.limits),
        loop=_loop(),
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=access_log,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(app.limits.drain)),
    )


@contextlib.contextmanager
def _signals(handler: Callable[[int, object], None]) -> Iterator[None]:
    try:
        before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _loop() -> str:
    try:
        import uvloop  # noqa: F401
    except ImportError:  # Windows, PyPy
        return "asyncio"
    return "uvloop"
