"""The load: keep-alive connections that ask again as soon as they are answered. Raw sockets, standard library.

Lean on purpose: it must be able to ask faster than any server here answers. How fast it could have gone (its ceiling)
comes with every figure: what was asked, divided by the processor time that asking took.
"""

import select
import socket
import time
from collections.abc import Callable
from typing import Any

from bench.programs.talk import serve
from bench.trees import cpu_seconds

_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


def request_of(path: str, body: str) -> bytes:
    """The bytes of a request."""
    data = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    return head.encode() + _END + data


def _connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _whole(data: bytes) -> bool:
    """Whether *data* is a whole answer with a Content-Length, or a whole chunked one."""
    head, found, rest = data.partition(_END)
    if not found:
        return False
    _, length, after = head.lower().partition(b"content-length:")
    return len(rest) >= int(after.split(b"\r\n", 1)[0]) if length else rest.endswith(_LAST_CHUNK)


def one(port: int, path: str, body: str) -> str:
    """A whole answer, head and all, for the case to look at."""
    with _connect(port) as sock:
        sock.sendall(request_of(path, body))
        data = b""
        while not _whole(data):
            piece = sock.recv(1 << 20)
            if not piece:
                break
            data += piece
    return data.decode("utf-8", "replace")


def load(port: int, path: str, body: str, connections: int, seconds: float, times: int = 0) -> dict[str, Any]:
    """Asks for *seconds* over *connections*; gives answers a second and the rate that the load itself could do.

    With *times*, asks so often, in so many seconds at most.
    """
    request = request_of(path, body)
    poll = getattr(select, "epoll", select.poll)()
    socks = {sock.fileno(): sock for sock in (_connect(port) for _ in range(connections))}
    partial: dict[int, bytes] = {}
    clock = time.perf_counter
    for number, sock in socks.items():
        poll.register(number, 1)  # readable
        sock.send(request)
    answered, usual = 0, -1
    most = times or 1 << 60
    due = most - connections  # after so many answers, what is asked already is enough
    began, used = clock(), time.process_time()
    ends = began + seconds
    while answered < most and clock() < ends:
        for number, _ in poll.poll():
            sock = socks[number]
            data = sock.recv(65536)
            if len(data) != usual or number in partial:
                data = partial.pop(number, b"") + data
                if not _whole(data):
                    if not data:
                        raise SystemExit("the server hung up")
                    partial[number] = data
                    continue
                usual = len(data)
            if data[9:12] != b"200":
                raise SystemExit(f"the server answered {data[:300]!r}")
            answered += 1
            if answered <= due:
                sock.send(request)
    took, used = clock() - began, time.process_time() - used
    for sock in socks.values():
        sock.close()
    return {"rate": answered / took, "ceiling": answered / used if used else 0.0, "answered": answered}


class Waves:
    """Answers that come in waves, *gap* seconds or more between two; *worked* tells the server's processor time."""

    def __init__(self, gap: float, worked: Callable[[], float]) -> None:
        self.ends: list[tuple[int, float, float]] = []  # of a wave: answers until then, when, and the processor time
        self._gap = gap
        self._worked = worked
        self._count = 0
        self._last = 0.0

    def came(self, now: float) -> None:
        """An answer."""
        if self._count and now - self._last >= self._gap:
            # By now the processor has worked on the next batch, too. It has at both ends of what is measured.
            self.ends.append((self._count, self._last, self._worked()))
        self._count += 1
        self._last = now

    def rates(self, first: int, last: int) -> dict[str, float]:
        """Answers a second, and for a second of processor time, from the end of one wave to that of another."""
        (done, began, before), (all_done, ended, after) = self.ends[first], self.ends[last]
        count = all_done - done
        return {"rate": count / (ended - began), "of_processor": count / (after - before) if after else 0.0}


def waves(port: int, path: str, body: str, connections: int, count: int, gap: float, pid: int) -> dict[str, float]:
    """Asks over *connections* until *count* waves of answers have come, with *gap* seconds or more between two.

    Gives the rates from the third wave's end to the last one's, since the first batches are not full and none has a
    half; the processor time is that of *pid* and its children. At the end nothing is under way.
    """
    request = request_of(path, body)
    poll = getattr(select, "epoll", select.poll)()
    socks = {sock.fileno(): sock for sock in (_connect(port) for _ in range(connections))}
    for number, sock in socks.items():
        poll.register(number, 1)
        sock.sendall(request)
    seen = Waves(gap, lambda: cpu_seconds(pid) or 0.0)
    due = connections
    while due:
        for number, _ in poll.poll():
            data = socks[number].recv(65536)
            while not _whole(data):
                data += socks[number].recv(65536)
            if data[9:12] != b"200":
                raise SystemExit(f"the server answered {data[:300]!r}")
            seen.came(time.perf_counter())
            if len(seen.ends) < count:
                socks[number].sendall(request)
            else:
                due -= 1
    for sock in socks.values():
        sock.close()
    return seen.rates(2, count - 1)


def streams(port: int, path: str, body: str, connections: int, seconds: float) -> dict[str, Any]:
    """Streams for *seconds* over *connections*; gives streams a second, and milliseconds to the first token.

    However slow the server is, as many streams end as there are connections.
    """
    request = request_of(path, body)
    poll = getattr(select, "epoll", select.poll)()
    socks = {sock.fileno(): sock for sock in (_connect(port) for _ in range(connections))}
    clock = time.perf_counter
    asked: dict[int, float] = {}
    first: list[float] = []
    seen: dict[int, bytes] = {}
    tails = dict.fromkeys(socks, b"")
    ended = 0
    for number, sock in socks.items():
        poll.register(number, 1)
        asked[number] = clock()
        sock.send(request)
    began, used = clock(), time.process_time()
    ends = began + seconds
    while clock() < ends or ended < connections:
        for number, _ in poll.poll():
            data = socks[number].recv(1 << 18)
            if not data:
                raise SystemExit("the server hung up")
            if number in asked:
                seen[number] = seen.get(number, b"") + data
                if b'"word' in seen[number] or b"data: x" in seen[number]:
                    first.append((clock() - asked.pop(number)) * 1000)
                    del seen[number]
            tail = tails[number] + data[-5:]  # the last chunk may come in pieces
            tails[number] = tail[-5:]
            if tail.endswith(_LAST_CHUNK):
                tails[number] = b""
                ended += 1
                asked[number] = clock()
                socks[number].send(request)
    took, used = clock() - began, time.process_time() - used
    for sock in socks.values():
        sock.close()
    first.sort()
    return {
        "rate": ended / took,
        "ceiling": ended / used if used else 0.0,
        "answered": ended,
        "first_ms": first[len(first) // 2],
    }


def latency(port: int, path: str, body: str, times: int) -> dict[str, float]:
    """Asks *times*, one after the other, over one connection; gives the median and the 99th percentile, in µs."""
    request = request_of(path, body)
    clock = time.perf_counter
    taken: list[float] = []
    with _connect(port) as sock:
        for _ in range(times):
            began = clock()
            sock.sendall(request)
            data = sock.recv(65536)
            while not _whole(data):
                piece = sock.recv(65536)
                if not piece:
                    raise SystemExit("the server hung up")
                data += piece
            taken.append(clock() - began)
            if data[9:12] != b"200":
                raise SystemExit(f"the server answered {data[:300]!r}")
    taken.sort()
    return {"p50": taken[times // 2] * 1e6, "p99": taken[times * 99 // 100] * 1e6}


if __name__ == "__main__":
    serve(one=one, load=load, streams=streams, latency=latency, waves=waves)
