"""Peers that take their time, take nothing, or come in their hundreds: each is bounded, and nobody else waits."""

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport.adapters import as_model
from modelport.server import App, Limits, Options, create_app
from tests.attacks.peers import CLOSE, GET, MODELS, POST, Peer, answers_in, asked, body_of, served
from tests.server.helpers import running

pytestmark = pytest.mark.timeout(60)


async def letters(messages: Any) -> AsyncIterator[str]:
    for letter in messages[-1]["content"]:
        yield letter


async def large(messages: Any) -> str:
    return "x" * int(messages[-1]["content"])


def app(**limits: Any) -> App:
    models = [as_model(letters, name="letters"), as_model(large, name="large")]
    return create_app(models, Options(limits=Limits(**limits)))


def drips(sock: socket.socket, data: bytes, *, pause: float) -> bytes:
    """Sends *data* a byte at a time until the server has had enough; what it says then."""
    sock.settimeout(pause)
    got = b""
    with contextlib.suppress(ConnectionError):
        for byte in data:
            sock.sendall(bytes([byte]))
            try:
                piece = sock.recv(65536)
            except TimeoutError:
                continue
            if not piece:
                return got
            got += piece
    return got


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (GET + b"X: " + b"x" * 10_000, 408),
        (asked("letters", "x" * 10_000), 408),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000, 408),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 10_000, 408),
    ],
    ids=["head", "body", "chunks", "a chunk's size"],
)
def test_whoever_sends_a_byte_now_and_then_is_given_up(data: bytes, status: int) -> None:
    with running(app(read=0.2)) as port:
        peer = Peer(port)
        with peer.connect() as sock:
            begun = time.monotonic()
            got = drips(sock, data, pause=0.02)
            took = time.monotonic() - begun
        well = peer.is_well()

    assert took < 8  # ten times the limit for a body, however it comes, and one for a head
    assert [answer.status for answer in answers_in(got)] in ([status], [])
    assert well


def test_many_who_send_slowly_delay_nobody() -> None:
    with running(app(read=2)) as port, contextlib.ExitStack() as stack:
        peer = Peer(port)
        slow = [stack.enter_context(peer.connect()) for _ in range(300)]
        for number, sock in enumerate(slow):
            sock.sendall((GET, asked("letters"))[number % 2][: 20 + number % 30])
        times = []
        for _ in range(50):
            begun = time.perf_counter()
            assert peer.is_well()
            times.append(time.perf_counter() - begun)

    assert statistics.median(times) < 0.5


def test_whoever_takes_next_to_nothing_is_dropped_and_a_slow_reader_is_not() -> None:
    size = 20_000_000
    with running(app(stall=0.3, idle=0.5)) as port:
        peer = Peer(port)
        slowly = _taken(port, size, at_once=400_000, pause=0.01)  # in all much longer than the limits
        stingily = _taken(port, size, at_once=1, pause=0.05)
        well = peer.is_well()

    assert slowly > size
    assert stingily < size
    assert well


def _taken(port: int, size: int, *, at_once: int, pause: float) -> int:
    """How much of a large answer comes to a reader of that pace, who hurries after two seconds."""
    begun = time.monotonic()
    got = 0
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", port))
        sock.sendall(asked("large", str(size), close=True))
        with contextlib.suppress(ConnectionError):
            while piece := sock.recv(at_once if time.monotonic() < begun + 2 else size):
                got += len(piece)
                time.sleep(pause)
    return got


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
def test_peers_that_never_read_are_bounded_in_memory_and_let_go(tmp_path: Path) -> None:
    with served(tmp_path) as peer:
        base = peer.census()
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                sock = stack.enter_context(peer.connect())
                sock.sendall(asked("endless", stream=True))
            while peer.ask("at_work") != "20":
                pass
            before = _memory(peer)
            for _ in range(30):
                assert peer.is_well()
            grown = _memory(peer) - before
        rested, came_back = peer.comes_to_rest(), peer.comes_back_to(base)

    assert grown < 30 * 1024 * 1024
    assert rested
    assert came_back


def _memory(peer: Peer) -> int:
    """Bytes of memory of the process that listens on the peer's port, by its socket's number."""
    line = next(
        line for line in Path("/proc/net/tcp").read_text().splitlines() if f":{peer.port:04X} 00000000:" in line
    )
    inode = line.split()[9]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(f"socket:[{inode}]" == str(link.readlink()) for link in (folder / "fd").iterdir()):
                return int((folder / "statm").read_text().split()[1]) * 4096
    raise AssertionError("nobody listens there")


# --- floods ---


def test_a_flood_of_connections_is_bounded_and_shuts_nobody_out() -> None:
    server = app(connections=64)
    with running(server) as port, contextlib.ExitStack() as stack:
        peer = Peer(port)
        flood = []
        for number in range(500):
            flood.append(stack.enter_context(peer.connect()))
            if number % 50 == 49:
                assert peer.is_well()
        open_still = sum(map(_is_open, flood))

    assert 0 < open_still <= 64


def _is_open(sock: socket.socket) -> bool:
    sock.settimeout(0.05)
    try:
        return sock.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def test_where_all_connections_are_busy_one_more_is_told_so_and_none_is_lost() -> None:
    async def endless(messages: Any) -> AsyncIterator[str]:
        while not stop:
            yield "x" * 100_000

    stop: list[int] = []
    server = create_app([as_model(endless, name="endless")], Options(limits=Limits(connections=5)))
    with running(server) as port, contextlib.ExitStack() as stack:
        peer = Peer(port)
        busy = [stack.enter_context(peer.connect()) for _ in range(5)]
        for sock in busy:
            sock.sendall(asked("endless", stream=True))
            assert sock.recv(100)
        [refused] = answers_in(peer.says(b""))
        stop.append(1)
        ends = [_end_of(sock) for sock in busy]

    assert refused.status == 503
    assert json.loads(refused.body)["error"]["code"] == "overloaded"
    assert [end.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n") for end in ends] == [True] * 5


def _end_of(sock: socket.socket) -> bytes:
    end = b""
    while not end.endswith(b"0\r\n\r\n"):
        end = (end + sock.recv(1 << 20))[-100:]
    return end


def test_a_flood_of_requests_is_answered_or_refused_and_the_health_probe_too(tmp_path: Path) -> None:
    with served(tmp_path) as peer, contextlib.ExitStack() as stack:
        flood = [stack.enter_context(peer.connect()) for _ in range(1200)]
        for sock in flood:
            sock.sendall(asked("waits"))
        [health] = answers_in(peer.says(GET + CLOSE))
        refused = flood[-1].recv(65536)

    assert health.status == 200
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After".lower() in refused.lower()


FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from modelport.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_where_few_files_may_be_open_a_flood_of_connections_shuts_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "attacked.py").write_text(MODELS, encoding="utf-8")
    ready = tmp_path / "ready.json"
    command = ["serve", f"{tmp_path}/attacked.py:letters", "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen([sys.executable, "-c", FEW_FILES, *command], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        while not ready.exists():
            assert process.poll() is None
        peer = Peer(json.loads(ready.read_bytes())["port"])
        with contextlib.ExitStack() as stack:
            for number in range(400):
                stack.enter_context(peer.connect())
                if number % 50 == 49:
                    assert peer.is_well()
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def idle() -> Iterator[int]:
    with running(app(idle=0.2)) as port:
        yield port


def test_whoever_asks_nothing_is_closed(idle: int) -> None:
    assert Peer(idle).says(b"") == b""
    assert len(answers_in(Peer(idle).says(GET + b"\r\n"))) == 1


def test_a_body_that_is_as_large_as_allowed_comes_through_and_one_byte_more_does_not() -> None:
    room = 100_000
    body = body_of("letters", "x" * (room - len(body_of("letters", ""))))
    with running(app(body=room)) as port:
        peer = Peer(port)
        length = POST + b"Content-Length: %d\r\n"
        fits, too_large = [
            answers_in(peer.says(length % len(each) + CLOSE + each))[0].status for each in (body, body + b" ")
        ]

    assert (len(body), fits, too_large) == (room, 200, 413)
