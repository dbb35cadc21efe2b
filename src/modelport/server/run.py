"""An app behind uvicorn: listening, saying so, and going down without dropping what is being answered."""

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from modelport.errors import ConfigError
from modelport.server.app import App
from modelport.server.auth import is_loopback
from modelport.server.connection import allow_files, protocol
from modelport.server.notify import READY, STOPPING, notify
from modelport.server.reload import Reloader
from modelport.server.tls import Tls

__all__ = ("bind", "check_exposure", "listen", "make_server", "ready_file", "serve", "url_of", "write_ready_file")

logger: logging.Logger = logging.getLogger(__name__)

_BACKLOG = 2048  # connections that wait to be taken


def check_exposure(host: str, keys: object) -> None:
    """Refuse to listen where others can reach, without keys.

    Raises:
        ConfigError: says which two ways there are out of it.
    """
    if not is_loopback(host) and not keys:
        raise ConfigError(
            f"{host or 'every address'} can be reached from other machines, and no API key is set: make one with "
            "modelport keys add NAME, give --api-key-file (one key a line, as name:key), or listen on 127.0.0.1"
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    sock = bind(host, port)
    try:
        sock.listen(_BACKLOG)
    except OSError as error:  # another has begun to listen there since
        sock.close()
        raise _not_had(host, port, error) from None
    return sock


def bind(host: str, port: int) -> socket.socket:
    """A socket that has its address and refuses connections, until it is served on; port 0 takes a free one.

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
        sock.setblocking(False)
    except (OSError, OverflowError) as error:
        sock.close()
        raise _not_had(host, port, error) from None
    return sock


def _not_had(host: str, port: int, error: Exception) -> ConfigError:
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigError(f"cannot listen on {host}:{port}: {reason}; choose another --port (0: any free one)")


def url_of(sock: socket.socket, tls: Tls | None = None) -> str:
    """Where the server is found, as seen from this machine."""
    scheme = "http" if tls is None else "https"
    host, port = sock.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  (compared, not listened on)
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@contextlib.contextmanager
def ready_file(path: str | None) -> Iterator[None]:
    """Within this, what is in the ready file at *path* is this process's; what an earlier server left there is removed.

    Raises:
        ConfigError: it cannot be written; told at once, and not when models are loaded.
    """
    if path is None:
        yield
        return
    target = Path(path)
    try:
        _beside(target).touch()
        _beside(target).unlink()
        target.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            if msgspec.json.decode(target.read_bytes())["pid"] == os.getpid():
                target.unlink()


def _beside(target: Path) -> Path:
    return target.with_name(f"{target.name}.{os.getpid()}")


def _unwritable(path: str, error: OSError) -> ConfigError:
    return ConfigError(f"the ready file {path} cannot be written: {error.strerror or error}")


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
    partial = _beside(target)
    try:
        partial.write_bytes(msgspec.json.encode(data) + b"\n")
        partial.replace(target)
    except OSError as error:
        raise _unwritable(path, error) from None


def serve(
    app: App,
    sock: socket.socket,
    *,
    on_ready: Callable[[], None] | None = None,
    access_log: bool = False,
    tls: Tls | None = None,
    reloader: Reloader | None = None,
) -> None:
    """Serve *app* on *sock* until SIGTERM or Ctrl-C; then end what is being answered, up to ``limits.drain`` seconds.

    A second Ctrl-C ends the process at once. SIGHUP is for *reloader*. *on_ready* is called when requests are taken.
    From another thread than the main one, signals are left alone; set ``should_exit`` of the server that
    ``make_server`` gives instead.

    Raises:
        ConfigError: another has begun to listen there since *sock* was bound.
    """
    allow_files(app.limits.connections)
    server = make_server(app, on_ready=on_ready, access_log=access_log, tls=tls, reloader=reloader)
    server.run(sockets=[sock])
    if server.failure is not None:
        raise server.failure


def make_server(
    app: App,
    *,
    on_ready: Callable[[], None] | None = None,
    access_log: bool = False,
    tls: Tls | None = None,
    reloader: Reloader | None = None,
) -> Any:
    """A ``uvicorn.Server`` for *app*, to be run on a listening socket."""
    import uvicorn

    class Server(_Life, uvicorn.Server):
        pass

    app.access_log = access_log
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = _config(app)
    if tls is not None:
        config.load()
        config.ssl = tls.context
    server = Server(config)
    server.app, server.on_ready, server.reloader = app, on_ready, reloader
    return server


class _Life:
    """What our server does at its beginning, at its end, and on signals. Mixed into uvicorn's, imported late."""

    app: App
    on_ready: Callable[[], None] | None
    reloader: Reloader | None
    started: bool
    should_exit: bool
    server_state: Any
    config: Any
    lifespan: Any
    servers: list[Any]
    failure: Exception | None = None  # of its beginning
    had_terminal = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets=[])  # type: ignore[misc]
        except SystemExit:  # uvicorn's way when the app does not start
            if self.app.failure is None:
                raise
            self.failure, self.should_exit = self.app.failure, True
            return
        await self.on_tick(0)  # type: ignore[attr-defined]  # the headers that every answer has, before the first request
        if self.reloader is not None:
            self.reloader.start(lambda: self.server_state.tasks)
        try:
            for sock in sockets or ():
                self.servers.append(await self._listen(sock))
            if self.on_ready is not None:
                self.on_ready()
        except Exception as error:
            self.failure, self.should_exit = error, True
        else:
            notify(READY)

    async def _listen(self, sock: socket.socket) -> Any:
        """As uvicorn does, but that a handshake may not take a minute, and that a port which another has taken since it
        was bound, while models were loading, is told (uvloop passes over it)."""
        import asyncio

        try:
            sock.listen(_BACKLOG)
        except OSError as error:
            host, port = sock.getsockname()[:2]
            raise _not_had(host, port, error) from None
        kind = self.config.http_protocol_class
        make = partial(kind, config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        limit = None if self.config.ssl is None else self.app.limits.handshake
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            make, sock=sock, ssl=self.config.ssl, backlog=_BACKLOG, ssl_handshake_timeout=limit
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify(STOPPING)
        if self.app.in_flight:
            logger.info(
                "requests that are still being answered: %d; they have %g s to end, a second Ctrl-C does not wait",
                self.app.in_flight,
                self.app.limits.drain,
            )
        if self.reloader is not None:
            self.reloader.stop()
        await super().shutdown(sockets=sockets)  # type: ignore[misc]
        if self.reloader is not None:
            await self.reloader.aclose()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        self.had_terminal = _has_terminal()
        handlers: dict[signal.Signals, Callable[[int, object], None]] = {}
        handlers[signal.SIGINT] = handlers[signal.SIGTERM] = self._stop
        if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            handlers[signal.SIGHUP] = self._hang_up  # under nohup it is ignored, and that stays
        with _signals(handlers):
            yield

    def _hang_up(self, number: int, frame: object) -> None:
        if self.had_terminal and not _has_terminal():  # its window was closed
            self._stop(number, frame)
        elif self.reloader is not None:
            self.reloader.request()

    def _stop(self, number: int, _frame: object) -> None:
        loading = not self.started  # there is nothing to be ended first
        if loading or (self.should_exit and number == signal.SIGINT):
            sys.stderr.flush()
            os._exit(128 + number)
        self.app.draining = True
        self.should_exit = True


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg != "Application startup failed. Exiting."  # why is told already, and the command says it again


def _config(app: App) -> Any:
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
        access_log=False,  # the app has its own
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(app.limits.drain)),
    )


def _has_terminal() -> bool:
    """Whether this process was started from a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _signals(handlers: Mapping[signal.Signals, Callable[[int, object], None]]) -> Iterator[None]:
    try:
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
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
