"""``x-request-id``: on every answer of every route, and on those that no route gave."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from modelport.errors import ModelError
from modelport.server import App, Limits, Options, create_app
from modelport.server.app import ROUTES, Route
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import Client, ask, chat, raw, running

FRESH = "req_"
GIVEN = "trace-7f:a/b+c=d@e~f._"


def app(**options: Any) -> App:
    models = [ScriptedModel(reply("Hi"), name="m"), ScriptedModel([ModelError("no")], name="broken")]
    return create_app(models, Options(**options))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running(app(limits=Limits(read=0.3, concurrent=50))) as port:
        yield port


def answers_of(port: int, data: bytes) -> list[tuple[int, str]]:
    """Status and request id of each answer."""
    found = []
    for piece in re.split(rb"HTTP/1\.1 (?=\d{3} )", raw(port, data))[1:]:
        head = piece.partition(b"\r\n\r\n")[0].decode()
        ids = [line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("x-request-id: ")]
        assert len(ids) == 1, head
        found.append((int(head.split()[0]), ids[0]))
    return found


@pytest.mark.parametrize("body", [b"", b"{", chat(), chat(stream=True)], ids=["nothing", "half", "whole", "stream"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_answers_with_the_id_that_came_or_a_fresh_one(route: Route, body: bytes, port: int) -> None:
    path = route.path + ("m" if route.path.endswith("/") else "")
    line = f"{route.method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    wrong = ["a b", "x" * 129, "<script>", "ä"]
    last = f"{line}Connection: close\r\nX-Request-Id: {GIVEN}\r\n\r\n".encode() + body

    asked = [f"{line}\r\n", *[f"{line}x-request-id: {each}\r\n\r\n" for each in wrong]]
    ids = [each for _, each in answers_of(port, b"".join(each.encode() + body for each in asked) + last)]

    assert [each.startswith(FRESH) for each in ids] == [True] * 5 + [False]
    assert ids[-1] == GIVEN
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /wat HTTP/1.1\r\nHost: localhost\r\n%b\r\n", 404),
        (b"DELETE /health HTTP/1.1\r\nHost: localhost\r\n%b\r\n", 405),
        (b"HEAD /ready HTTP/1.1\r\nHost: localhost\r\n%b\r\n", 200),
        (b"GET /ready HTTP/1.0\r\nHost: localhost\r\n%b\r\n", 200),
        (b"GET /ready HTTP/1.1\r\nHost: evil.example\r\n%b\r\n", 403),
        (b"GET /ready HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n%b\r\n", 403),
        (b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n%b\r\n", 413),
        (b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n%b\r\n{", 408),
        (b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n%b\r\nwat", 400),
        (b"GET /ready HTTP/1.1\r\nHost: localhost\r\n%bwat\r\n\r\n", 400),
        (b"GET /ready HTTP/1.1\r\nHost: localhost\r\n%bX: " + b"x" * 70_000, 431),
        (b"GET /ready HTTP/1.1\r\nHost: localhost\r\n%bX: ", 408),
    ],
)
@pytest.mark.parametrize("given", [b"", b"x-request-id: mine\r\n"], ids=["fresh", "given"])
def test_what_no_route_answers_has_one_too(data: bytes, status: int, given: bytes, port: int) -> None:
    close = b"Connection: close\r\n"

    [(got, identity)] = answers_of(port, data % (given + close))

    assert got == status
    assert identity == "mine" if given else identity.startswith(FRESH)


def test_what_is_no_http_at_all_has_a_fresh_one(port: int) -> None:
    answers = [answers_of(port, data) for data in (b"wat\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET /h")]

    assert [[status for status, _ in each] for each in answers] == [[400], [400], [408]]
    assert len({identity for [(_, identity)] in answers}) == 3


def test_an_idle_connection_is_closed_without_a_word() -> None:
    with running(app(limits=Limits(idle=0.1))) as port, socket.create_connection(("127.0.0.1", port)) as sock:
        sock.settimeout(10)
        try:
            rest = sock.recv(100)
        except ConnectionResetError:
            rest = b""

    assert rest == b""


async def test_refusals_for_want_of_a_key_or_of_room_have_the_callers_own() -> None:
    closed = app(keys={"ann": "sk-1"})
    full = app(limits=Limits(concurrent=0))
    mine = [(b"x-request-id", b"mine")]

    answers = [await ask(each, body=chat(), headers=mine) for each in (closed, full)]

    assert [(each.status, each.headers["x-request-id"]) for each in answers] == [(401, "mine"), (503, "mine")]


async def test_a_model_that_fails_is_told_under_the_same_id() -> None:
    mine = [(b"x-request-id", b"mine"), (b"anthropic-version", b"2023-06-01")]
    body = chat(model="broken", max_tokens=5)

    whole = await Client(app(), path="/v1/messages", pieces=(body,), headers=mine).ask()

    assert (whole.headers["x-request-id"], whole.headers["request-id"]) == ("mine", "mine")
    assert json.loads(whole.body)["request_id"] == "mine"
