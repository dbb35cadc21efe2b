"""The floor for pictures: raw pixels over one open connection, a constant back. Argument: the bare app's address."""

import socket
import sys
import time
from urllib.parse import urlsplit

from bench.programs.picturing import drawn
from bench.programs.screens import variant
from bench.programs.talk import serve

_SIZE = 300  # bytes of the bare app's answer


def main(url: str) -> None:
    """Serves send() as the other clients do; nobody looks at the picture."""
    address = urlsplit(url)
    sock = socket.create_connection((address.hostname or "127.0.0.1", address.port or 80))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(path: str, number: int) -> float:
        pixels = variant(drawn(path), number).data.cast("B")
        head = f"POST /sink HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(pixels)}\r\n\r\n".encode()
        began = time.perf_counter()
        sock.sendall(head)
        sock.sendall(pixels)
        answer = sock.recv(65536)
        while answer.count(b"x") < _SIZE:
            answer += sock.recv(65536)
        took = time.perf_counter() - began
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the floor answered {answer[:200]!r}")
        return took

    serve(send=send, greet=lambda: None)


if __name__ == "__main__":
    main(sys.argv[1])
