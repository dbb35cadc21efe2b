"""The file by which ``modelport ps`` finds the server that this process runs, from when it is ready until it ends."""

import logging
import os
import secrets
import time
from types import TracebackType
from typing import Self

from modelport.server.app import App
from modelport.server.serving import Served
from modelport.server.tls import Tls
from modelport.storage.running import Registration, RunningServer

__all__ = ("Listed",)

logger: logging.Logger = logging.getLogger("modelport.server")


class Listed:
    """A context manager, within which a server may be listed."""

    def __init__(self) -> None:
        self._registration: Registration | None = None

    def add(self, app: App, url: str, tls: Tls | None) -> None:
        """The server takes requests at *url*. Where no file can be written, it is not listed, and runs all the same."""
        app.inquiry = secrets.token_hex(16).encode()
        server = RunningServer(
            url=url,
            pid=os.getpid(),
            since=int(time.time()),
            models={name: _isolation(app.serving.find(name)) for name in app.serving.names},
            tls_fingerprint=None if tls is None else tls.fingerprint,
            inquiry=app.inquiry.decode(),
        )
        try:
            self._registration = Registration(server)
        except (OSError, RuntimeError) as error:  # no room, no right, or no home
            logger.info("modelport ps will not list this server: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._registration is not None:
            self._registration.close()


def _isolation(served: Served) -> str:
    if served.workers is not None:
        return "worker"
    return "thread" if served.blocking else "inline"
