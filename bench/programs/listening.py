"""Starts uvicorn as fast as it goes (httptools, uvloop) on a free port, and says which. For floors and peers."""

import socket
from typing import Any

import uvicorn

__all__ = ("listen",)


def listen(app: Any) -> None:
    """Serves *app* on loopback until the process ends."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(1024)
        print(f"listening on 127.0.0.1:{sock.getsockname()[1]}", flush=True)
        config = uvicorn.Config(
            app, http="httptools", loop="uvloop", lifespan="off", log_level="warning", access_log=False
        )
        uvicorn.Server(config).run(sockets=[sock])
