"""Bytes that no client library would send, to a real server: what is no request is refused, and the server goes on."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelport.server.app import ROUTES
from tests.attacks.peers import CLOSE, GET, POST, Peer, answers_in, asked, body_of, chunked, served

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc"),
]
BODY = body_of("letters", "abc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with served(tmp_path_factory.mktemp("attacked")) as peer:
        yield peer


@pytest.fixture
def peer(server: Peer) -> Iterator[Peer]:
    """Whatever a test does: afterwards the server answers, and holds no task and no file more than before."""
    base = server.census()
    yield server
    assert server.is_well()
    assert server.comes_back_to(base)


# --- heads ---

MALFORMED = {
    "sent with TE and CL": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE and CL the other way": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths that differ": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two lengths alike": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a length with a plus": POST + b"Content-Length: +5\r\n\r\nhello",
    "a length with a minus": POST + b"Content-Length: -5\r\n\r\nhello",
    "a length with a comma": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a length with a space": POST + b"Content-Length: 5 5\r\n\r\nhello",
    "a length in hex": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "no length in the header": POST + b"Content-Length: \r\n\r\nhello",
    "a length that overflows": POST + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "a coding that is not known": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked(BODY),
    "chunked and something": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + chunked(BODY),
    "something and chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked(BODY),
    "something, chunked": POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    "a coding in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + chunked(BODY),
    "a bare LF in the request line": GET.replace(b"\r\n", b"\n") + b"\n",
    "a bare LF in a header": GET + b"X: a\nY: b\r\n\r\n",
    "a bare CR in a header": GET + b"X: a\rY: b\r\n\r\n",
    "NUL in a value": GET + b"X: a\0b\r\n\r\n",
    "NUL in a name": GET + b"X\0: a\r\n\r\n",
    "a space before the colon": GET + b"Content-Length : 5\r\n\r\n",
    "no colon": GET + b"hello\r\n\r\n",
    "no name": GET + b": a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": GET.replace(b"1.1", b"9.9") + b"\r\n",
    "a ClientHello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "CONNECT": b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "the target of a proxy": b"GET ftp://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a chunk of a negative size": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n",
    "a chunk of a size that overflows": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n",
    "a chunk of no size": POST + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n",
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
    "chunks with bare LF": POST + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    "a chunk's size with a space": POST + b"Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_believed(peer: Peer, name: str) -> None:
    [answer] = answers_in(peer.says(MALFORMED[name] + GET + CLOSE))

    assert answer.status == 400
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["error"]["code"] == "malformed_http"


TOO_LARGE = {
    "a request line": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a request line without end": b"GET /" + b"x" * 300_000,
    "a header": GET + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    "a header without end": GET + b"X: " + b"x" * 300_000,
    "a name": GET + b"x" * 100_000 + b": y\r\n\r\n",
    "many headers": GET + b"".join(b"X%d: y\r\n" % number for number in range(300)) + b"\r\n",
    "headers without end": GET + b"X: y\r\n" * 50_000,
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_head_that_is_too_large_is_told_so(peer: Peer, name: str) -> None:
    [answer] = answers_in(peer.says(TOO_LARGE[name]))

    assert answer.status == 431
    assert json.loads(answer.body)["error"]["code"] == "head_too_large"


def test_a_large_head_within_the_bounds_is_read(peer: Peer) -> None:
    lines = b"".join(b"X%d: %b\r\n" % (number, b"y" * 250) for number in range(240))

    assert [answer.status for answer in answers_in(peer.says(GET + lines + CLOSE))] == [200]


@pytest.mark.parametrize("target", [b"http://localhost/health", b"HTTP://localhost:8000/health?x#y"])
def test_an_absolute_target_is_its_path(peer: Peer, target: bytes) -> None:
    [answer] = answers_in(peer.says(GET.replace(b"/health", target) + CLOSE))

    assert answer.status == 200


@pytest.mark.parametrize("target", [b"http://evil.example/health", b"http:///health", b"http://user@localhost/health"])
def test_the_host_of_an_absolute_target_counts_and_not_the_headers(peer: Peer, target: bytes) -> None:
    [answer] = answers_in(peer.says(GET.replace(b"/health", target) + CLOSE))

    assert answer.status == 403


@pytest.mark.parametrize("method", [b"OPTIONS", b"TRACE", b"PUT", b"DELETE", b"PATCH", b"PROPFIND"])
@pytest.mark.parametrize("target", [b"/health", b"*"])
def test_other_methods_are_refused_and_echo_nothing(peer: Peer, method: bytes, target: bytes) -> None:
    head = GET.replace(b"GET", method).replace(b"/health", target) + b"X-Canary: sing\r\n"

    [answer] = answers_in(peer.says(head + CLOSE))

    assert answer.status in {400, 404, 405}
    assert b"sing" not in answer.body
    assert not any(name.startswith("access-control") for name in answer.headers)


# --- versions, HEAD, upgrades ---


def test_the_older_protocol_is_closed_unless_it_asks_otherwise(peer: Peer) -> None:
    old = GET.replace(b"1.1", b"1.0")

    [closed] = answers_in(peer.says(old + b"\r\n"))
    kept = answers_in(peer.says(old + b"Connection: keep-alive\r\n\r\n" + old + b"\r\n"))

    assert closed.headers["connection"] == "close"
    assert [answer.headers["connection"] for answer in kept] == ["keep-alive", "close"]


@pytest.mark.parametrize("path", [route.path for route in ROUTES if route.method == "GET"])
def test_head_is_get_without_the_body(peer: Peer, path: str) -> None:
    path += "letters" if path.endswith("/") else ""
    get = b"GET %b HTTP/1.1\r\nHost: localhost\r\n" % path.encode() + CLOSE

    [whole] = answers_in(peer.says(get))
    head = peer.says(get.replace(b"GET", b"HEAD"))

    status, *lines = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert head.endswith(b"\r\n\r\n")
    assert int(status.split()[1]) == whole.status
    if path != "/metrics":  # whose body grows with each request
        assert headers.pop("content-length", None) == whole.headers.pop("content-length", None)
    changing = {"x-request-id", "date", "content-length"}
    assert {name: headers[name] for name in headers.keys() - changing} == {
        name: whole.headers[name] for name in whole.headers.keys() - changing
    }


@pytest.mark.parametrize("kind", [b"websocket", b"h2c", b"TLS/1.0, HTTP/1.1"])
def test_an_upgrade_is_passed_over_and_its_body_is_read(peer: Peer, kind: bytes) -> None:
    lines = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %b\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" % kind
    whole = POST + lines + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    in_chunks = POST + lines + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY)

    answers = answers_in(peer.says(whole + in_chunks + GET + CLOSE))

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert all(b'"abc"' in answer.body for answer in answers[:2])


def test_frames_of_another_protocol_after_an_upgrade_are_refused(peer: Peer) -> None:
    upgrade = GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"

    answers = answers_in(peer.says(upgrade + b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"))

    assert [answer.status for answer in answers] in ([200], [200, 400])


# --- bodies ---


def test_a_request_may_come_in_pieces_of_one_byte(peer: Peer) -> None:
    with peer.connect() as sock:
        for byte in asked("letters", "abc", close=True):
            sock.sendall(bytes([byte]))
        [answer] = answers_in(b"".join(iter(lambda: sock.recv(65536), b"")))

    assert answer.status == 200


@pytest.mark.parametrize("text", ["abc", "x" * 50_000])
def test_a_body_may_come_in_chunks_of_one_byte(peer: Peer, text: str) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n" + CLOSE

    [answer] = answers_in(peer.says(head + chunked(body_of("letters", text), size=1)))

    assert answer.status == 200
    assert text.encode() in answer.body


def test_extensions_of_chunks_and_trailers_are_read_past(peer: Peer) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n" + CLOSE
    body = chunked(BODY, extension=b';a=b;c="d"', trailers=b"Host: evil.example\r\nOrigin: http://evil.example\r\n")

    [answer] = answers_in(peer.says(head + body))

    assert (answer.status, b'"abc"' in answer.body) == (200, True)


@pytest.mark.parametrize(
    "endless",
    [b"X: y\r\n", b"x"],
    ids=["trailers", "one trailer"],
)
def test_trailers_have_a_bound(peer: Peer, endless: bytes) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY).removesuffix(b"\r\n")

    [answer] = answers_in(peer.says(head + endless * (1_000_000 // len(endless))))

    assert answer.status == 400


def test_extensions_of_chunks_have_a_bound(peer: Peer) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 1_000_000

    [answer] = answers_in(peer.says(head))

    assert (answer.status, b"more around them" in answer.body) == (400, True)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, identity", b"x"])
def test_a_compressed_body_is_refused_unopened(peer: Peer, coding: bytes) -> None:
    bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\0" * 1000
    head = POST + b"Content-Encoding: %b\r\nContent-Length: %d\r\n" % (coding, len(bomb)) + CLOSE

    [answer] = answers_in(peer.says(head + bomb))

    assert answer.status == 415


def test_who_waits_for_a_go_ahead_gets_it_only_where_the_body_is_wanted(peer: Peer) -> None:
    wanted = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(BODY) + CLOSE
    unwanted = POST.replace(b"/v1/chat", b"/nowhere") + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"
    with peer.connect() as sock:
        sock.sendall(wanted)
        told = sock.recv(65536)
        sock.sendall(BODY)
        answered = b"".join(iter(lambda: sock.recv(65536), b""))
    with peer.connect() as sock:
        sock.sendall(unwanted)
        refused = sock.recv(65536)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert refused.startswith(b"HTTP/1.1 404 ")


def test_whoever_is_refused_with_a_body_on_its_way_can_read_why(peer: Peer) -> None:
    head = POST.replace(b"/v1/chat", b"/nowhere") + b"Content-Length: 20000000\r\n" + CLOSE

    [answer] = answers_in(peer.says(head + b"x" * 20_000_000))

    assert answer.status == 404


# --- requests ahead of answers, and peers that send no more ---


def test_requests_sent_ahead_are_answered_in_their_order(peer: Peer) -> None:
    texts = [f"number {number}" for number in range(60)]

    answers = answers_in(peer.says(b"".join(asked("letters", text) for text in texts) + GET + CLOSE))

    assert [answer.status for answer in answers] == [200] * 61
    said = [json.loads(answer.body)["choices"][0]["message"]["content"] for answer in answers[:60]]
    assert said == texts


def test_a_flood_of_requests_sent_ahead_is_bounded(peer: Peer) -> None:
    with peer.connect() as sock:
        sock.sendall(asked("late", "0.5") + b"GET / HTTP/1.1\r\n\r\n" * 200_000)
        got = b"".join(iter(lambda: sock.recv(65536), b""))

    answers = re.findall(rb"HTTP/1.1 (\d+) ", got)
    assert answers[0] == b"200"
    assert len(answers) < 3000


@pytest.mark.parametrize("wait", ["0", "0.4"])
def test_whoever_closes_its_own_side_still_gets_its_answers(peer: Peer, wait: str) -> None:
    answers = answers_in(peer.says(asked("late", wait) + asked("letters", "abc") + GET + b"\r\n", half=True))

    assert [answer.status for answer in answers] == [200, 200, 200]


def test_whoever_closes_its_own_side_and_speaks_the_older_protocol_gets_a_quick_answer(peer: Peer) -> None:
    old = asked("letters", "abc").replace(b"HTTP/1.1", b"HTTP/1.0")

    assert [answer.status for answer in answers_in(peer.says(old, half=True))] == [200]


def test_whoever_closes_its_own_side_in_the_middle_of_a_request_is_let_go(peer: Peer) -> None:
    ended = [peer.says(part, half=True) for part in (b"", b"GET /hea", asked("letters")[:-5], GET)]
    behind = answers_in(peer.says(asked("late", "0.2") + asked("letters")[:-5], half=True))

    assert ended == [b""] * 4
    assert [answer.status for answer in behind] == [200]


def test_whoever_has_left_altogether_ends_its_model_soon(peer: Peer) -> None:
    for request in (asked("waits"), asked("waits", stream=True), asked("endless", stream=True)):
        with peer.connect() as sock:
            sock.sendall(request)
            while peer.ask("at_work") == "0":
                pass

        assert peer.comes_to_rest()


def test_a_reset_in_the_middle_of_a_stream_ends_its_model(peer: Peer) -> None:
    for _ in range(20):
        sock = peer.connect()
        sock.sendall(asked("endless", stream=True))
        assert sock.recv(1000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()

    assert peer.comes_to_rest()
