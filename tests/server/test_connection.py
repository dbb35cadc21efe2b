"""A real server on a socket: HTTP as peers really speak it, kindly and otherwise."""

import asyncio
import gc
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from modelport.adapters import as_model
from modelport.server import App, Limits, Options, create_app
from modelport.server.connection import HttpConnection, allow_files
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import chat, raw, running

BODY = chat()
ASK = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
LAST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def app(**limits: Any) -> App:
    return create_app([ScriptedModel(reply("Hi"), name="m")], Options(limits=Limits(**limits)))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running(app()) as port:
        yield port


def split(answers: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of each answer."""
    found = []
    while answers:
        head, _, rest = answers.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = dict(each.split(": ", 1) for each in lines)
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size, _, rest = rest.partition(b"\r\n")
                body += rest[: int(size, 16)]
                rest = rest[int(size, 16) + 2 :]
                if size == b"0":
                    break
        else:
            length = int(headers.get("content-length", len(rest)))
            body, rest = rest[:length], rest[length:]
        found.append((int(line.split()[1]), headers, body))
        answers = rest
    return found


def test_a_connection_is_used_again(port: int) -> None:
    answers = split(raw(port, ASK + ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)))

    assert [status for status, _, _ in answers] == [200, 200]
    assert json.loads(answers[0][2])["choices"][0]["message"]["content"] == "Hi"
    assert "connection" not in answers[0][1]
    assert answers[1][1]["connection"] == "close"
    assert "date" in answers[0][1]
    assert "server" not in answers[0][1]


def test_a_connection_that_is_closed_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        before = {id(each) for each in gc.get_objects() if type(each) is HttpConnection}
        with running(app()) as port:
            answers = raw(port, ASK + LAST)
        left = [each for each in gc.get_objects() if type(each) is HttpConnection and id(each) not in before]
    finally:
        gc.enable()

    assert len(split(answers)) == 2
    assert left == []


def test_requests_sent_ahead_are_answered_in_turn(port: int) -> None:
    wrong = b"GET /wrong%d HTTP/1.1\r\nHost: localhost\r\n\r\n"

    answers = split(raw(port, b"".join(wrong % number for number in range(40)) + LAST))

    assert [status for status, _, _ in answers] == [404] * 40 + [200]
    assert [f"/wrong{number} " in answer[2].decode() for number, answer in enumerate(answers[:40])] == [True] * 40


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_request_may_come_in_pieces(port: int, size: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(ASK), size):
            sock.sendall(ASK[at : at + size])
        sock.sendall(LAST)
        got = b"".join(iter(lambda: sock.recv(65536), b""))

    assert [status for status, _, _ in split(got)] == [200, 200]


def test_a_body_may_be_chunked(port: int) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, BODY[at : at + 1]) for at in range(len(BODY))) + b"0\r\n\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert [status for status, _, _ in split(raw(port, head + chunks + LAST))] == [200, 200]


def test_a_stream_is_chunked_and_its_connection_stays(port: int) -> None:
    body = chat(stream=True)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)

    [(status, headers, answer), (again, _, _)] = split(raw(port, head + body + LAST))

    assert (status, again, headers["transfer-encoding"]) == (200, 200, "chunked")
    assert answer.endswith(b"data: [DONE]\n\n")


def test_the_older_protocol_gets_an_answer_that_ends_with_the_connection(port: int) -> None:
    body = chat(stream=True)
    head = b"POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)

    [(status, headers, answer)] = split(raw(port, head + body))

    assert (status, headers["connection"]) == (200, "close")
    assert answer.endswith(b"data: [DONE]\n\n")


def test_a_body_is_asked_for_where_the_peer_wants_to_be_asked() -> None:
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    )
    with running(app(body=1000)) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(head % len(BODY))
        asked = sock.recv(65536)
        sock.sendall(BODY)
        answered = sock.recv(65536)
        sock.sendall(head % 1001)
        refused = sock.recv(65536)

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert refused.startswith(b"HTTP/1.1 413 ")


def test_head_has_no_body(port: int) -> None:
    got = raw(port, HEALTH.replace(b"GET", b"HEAD") + LAST)

    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.count(b'{"status":"ok"}') == 1


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"hello\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nX: a\0b\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
    ids=lambda data: repr(data[:60]),
)
def test_what_is_not_http_is_refused_once_and_the_connection_closed(port: int, data: bytes) -> None:
    got = raw(port, data)

    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 400") == 1
    assert json.loads(got.partition(b"\r\n\r\n")[2])["error"]["code"] == "malformed_http"


def test_rubbish_behind_a_request_does_not_spoil_its_answer(port: int) -> None:
    [(status, headers, _)] = split(raw(port, HEALTH + b"\0\0\0rubbish\r\n\r\n"))

    assert (status, headers["connection"]) == (200, "close")


@pytest.mark.parametrize(
    "target", [b"*", b"http://localhost/health", b"/health?x=%zz", b"/%68ealth", b"/health#x", b"/\xff", b"/%ff%00"]
)
def test_odd_targets_are_paths_or_refused(port: int, target: bytes) -> None:
    status = split(raw(port, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))[0][0]

    assert status in {200, 400, 404}


def test_an_upgrade_is_not_made(port: int) -> None:
    got = raw(port, UPGRADE + LAST)

    assert [status for status, _, _ in split(got)] == [200, 200]


def test_hundreds_of_upgrades_at_once_are_passed_over_one_by_one(port: int) -> None:
    answers = split(raw(port, UPGRADE * 900 + LAST))

    assert [status for status, _, _ in answers] == [200] * 901


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"x" * 100_000,
        b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    ],
    ids=["url", "header", "headers"],
)
def test_a_head_has_a_bound(port: int, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        assert _closed_while_sending(sock, data)
    assert raw(port, LAST).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_more_files_than_the_system_allows_are_not_insisted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    given: list[int] = []

    def refuse(_what: int, limits: tuple[int, int]) -> None:
        if limits[0] > 10_240:  # as macOS does, where the hard limit says that there is none
            raise ValueError("current limit exceeds maximum limit")
        given.append(limits[0])

    monkeypatch.setattr(resource, "getrlimit", lambda _what: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    allow_files(16_384)
    allow_files(1000)

    assert given == [10_240, 1128]


# --- peers that take their time ---


@pytest.mark.parametrize(
    "data", [b"", b"GET /hea", ASK[:-10], HEALTH + b"GET"], ids=["nothing", "head", "body", "second-head"]
)
def test_a_peer_that_stops_in_the_middle_is_given_up(data: bytes) -> None:
    begun = time.monotonic()
    with running(app(read=0.1, idle=0.1)) as port:
        raw(port, data)

    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("behind", [b"\r\n", b"GET /hea", HEALTH + b"GET"], ids=["line", "head", "second-head"])
def test_what_stops_behind_a_request_does_not_cost_it_its_answer(behind: bytes) -> None:
    begun = threading.Event()

    async def late(messages: Any) -> str:
        begun.set()
        await asyncio.sleep(0.5)
        return "late"

    server = create_app([as_model(late, name="late")], Options(limits=Limits(read=0.1)))
    with running(server) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(ASK)
        assert begun.wait(10)
        sock.sendall(behind)
        answers = split(b"".join(iter(lambda: sock.recv(65536), b"")))

    assert answers[0][0] == 200
    assert answers[0][1]["connection"] == "close"


def test_a_body_that_goes_on_for_ever_after_its_refusal_is_given_up() -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n"
    with running(app(read=0.1)) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(head)
        assert sock.recv(65536).startswith(b"HTTP/1.1 404 ")

        assert _closed_while_sending(sock, b"x" * 1000, pause=0.01)


def _closed_while_sending(sock: socket.socket, data: bytes, *, pause: float = 0.0) -> bool:
    """Sends *data*, a hundredth at a time, and says whether the other side hung up before or after it was all there."""
    try:
        for at in range(0, len(data), 1 + len(data) // 100):
            sock.sendall(data[at : at + 1 + len(data) // 100])
            sock.settimeout(pause or 10)
            try:
                if pause and sock.recv(65536) == b"":
                    return True
            except TimeoutError:
                continue
        sock.settimeout(10)
        while sock.recv(65536):
            pass
    except (BrokenPipeError, ConnectionResetError):
        return True
    return True


def test_a_peer_that_reads_nothing_is_given_up_and_holds_up_nobody() -> None:
    def endless(messages: Any) -> Iterator[str]:
        while True:
            yield "x" * 10_000

    models = [as_model(endless, name="endless"), ScriptedModel(reply("Hi"), name="m")]
    server = create_app(models, Options(limits=Limits(stall=0.2, backlog=100_000)))
    body = chat(stream=True, model="endless")
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    with running(server) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(head + body)

        other = raw(port, LAST)
        deadline = time.monotonic() + 60
        while server.serving.find("endless").threads.unfinished and time.monotonic() < deadline:
            assert raw(port, LAST).startswith(b"HTTP/1.1 200 ")

        assert other.startswith(b"HTTP/1.1 200 ")
        assert server.serving.find("endless").threads.unfinished == 0


def test_a_client_that_hangs_up_with_a_request_sent_ahead_frees_its_model() -> None:
    def endless(messages: Any) -> Iterator[str]:
        while True:
            yield "x"

    server = create_app([as_model(endless, name="endless")])
    body = chat(stream=True)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    with running(server) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
            sock.sendall(head + body + HEALTH)
            assert sock.recv(100)
        deadline = time.monotonic() + 60
        while server.serving.first.threads.unfinished and time.monotonic() < deadline:
            assert raw(port, LAST).startswith(b"HTTP/1.1 200 ")

        assert server.serving.first.threads.unfinished == 0
