"""Clients who ask for streams and then do nothing: they wait for more, or never read. Raw sockets, standard library."""

import resource
import select
import socket
import sys
import time
from typing import Any

from bench.programs.load import request_of
from bench.programs.talk import serve

_held: list[socket.socket] = []
_OF_ONE_ADDRESS = 8000  # connections; there are about 28,000 ports to have


def hold(port: int, path: str, body: str, count: int) -> dict[str, Any]:
    """Opens *count* streams and reads the first delta of each; they stay open. Gives the seconds that it took."""
    _allow_files()
    began = time.perf_counter()
    request = request_of(path, body)
    poll = getattr(select, "epoll", select.poll)()
    waiting: dict[int, tuple[socket.socket, bytes]] = {}
    for number in range(count):
        sock = _connect(port, number)
        sock.sendall(request)
        waiting[sock.fileno()] = (sock, b"")
        poll.register(sock.fileno(), 1)
        _held.append(sock)
        while len(waiting) > 500 or (waiting and number == count - 1):  # a server's queue of connections has an end
            for ready, _ in poll.poll():
                one, data = waiting.pop(ready)
                data += one.recv(65536)
                if b"word" in data:
                    poll.unregister(ready)
                elif not data or data[9:12] != b"200":
                    raise SystemExit(f"the server answered {data[:300]!r}")
                else:
                    waiting[ready] = (one, data)
    return {"seconds": time.perf_counter() - began}


def ignore(port: int, path: str, body: str, count: int) -> None:
    """Asks for *count* streams and reads nothing of them, not even a head."""
    _allow_files()
    for number in range(count):
        sock = _connect(port, number, receive=4096)
        sock.sendall(request_of(path, body))
        _held.append(sock)


def release() -> None:
    """Hangs up everywhere."""
    while _held:
        _held.pop().close()


def _connect(port: int, number: int, receive: int = 0) -> socket.socket:
    sock = socket.socket()
    if receive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    if sys.platform == "linux":  # where all of 127.0.0.0/8 is this machine
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        sock.bind((f"127.0.0.{2 + number // _OF_ONE_ADDRESS}", 0))
    sock.connect(("127.0.0.1", port))
    return sock


def _allow_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    serve(hold=hold, ignore=ignore, release=release)
