"""Servers to be disappointed by: a counting proxy, and sockets that answer what a test wants."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

__all__ = ("CountingProxy", "answering", "http", "listening")


def http(body: bytes, *, status: str = "200 OK", kind: str = "text/html", extra: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on loopback that gives each connection to *serve*, in a thread of its own; its URL."""
    sock = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = sock.accept()
                threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that answers its first connection with the first of *answers*, and so on; the last one over again.

    Each connection is closed when its answer is out; an empty answer closes it without a word.
    """
    left = list(answers)
    lock = threading.Lock()

    def serve(connection: socket.socket) -> None:
        with lock:
            answer = left.pop(0) if len(left) > 1 else left[0]
        if answer:
            connection.recv(1 << 20)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 20):
                pass

    with listening(serve) as url:
        yield url


class CountingProxy:
    """Passes bytes on to a port of this machine, and counts those sent there; knows how many connections it has had."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.sent = 0
        self.connections = 0
        self._open: list[socket.socket] = []

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        with socket.create_connection(("127.0.0.1", self._port)) as onward:
            self._open += [connection, onward]
            back = threading.Thread(target=self._pass, args=(onward, connection), daemon=True)
            back.start()
            self._pass(connection, onward, count=True)
            back.join(5)

    def _pass(self, source: socket.socket, target: socket.socket, *, count: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.sent += len(data) if count else 0
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Close every connection that is open now."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()
