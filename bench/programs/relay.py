"""Counts bytes: a TCP relay between a client and a server. Argument: the server's port. Not used where time counts."""

import socket
import sys
import threading
from contextlib import suppress

from bench.programs.talk import serve

_LOCK = threading.Lock()
_COUNT = {"up": 0, "down": 0}


def _pump(source: socket.socket, sink: socket.socket, name: str) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 18):
            with _LOCK:
                _COUNT[name] += len(data)  # before it is handed on, so that no answer outruns its count
            sink.sendall(data)
    for sock in (source, sink):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for pair in ((client, server, "up"), (server, client, "down")):
            threading.Thread(target=_pump, args=pair, daemon=True).start()


def main(port: int) -> None:
    """Serves port(), where to connect to, and count(), the bytes both ways since it was asked last."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, port), daemon=True).start()

    def count() -> dict[str, int]:
        with _LOCK:
            seen = dict(_COUNT)
            _COUNT.update(up=0, down=0)
        return seen

    serve(port=lambda: listener.getsockname()[1], count=count)


if __name__ == "__main__":
    main(int(sys.argv[1]))
