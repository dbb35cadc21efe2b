"""The log of ``modelport serve``, read as the operator's tools read it."""

import http.client
import json
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.server.helpers import CHAT, raw
from tests.server.processes import Served, serving

pytestmark = pytest.mark.timeout(90)

WORDS = "private words"
MODELS = """
import logging
import os

import modelport

logger = logging.getLogger("mine")


async def talks(messages, **params):
    logger.warning("thinking about it")
    for word in ("some ", "words"):
        yield word


class Odd:
    name = "odd"
    suspends = True

    def stream(self, request):
        return self

    async def __aenter__(self):
        raise BaseException("nobody foresaw " + os.environ["UPSTREAM_API_KEY"])

    async def __aexit__(self, *error):
        return None


async def goes_on(messages, **params):
    import asyncio

    yield "begun"
    await asyncio.sleep(1000)
"""
SECRET = 'up-"stream"-secret'


def ask(served: Served, model: str, **fields: Any) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    body = {"model": model, "messages": [{"role": "user", "content": WORDS}], **fields}
    try:
        connection.request("POST", CHAT, json.dumps(body), {"Authorization": "Bearer sk-ann-1", "X-Request-Id": model})
        answer = connection.getresponse()
        return answer.status, str(answer.headers["x-request-id"]), answer.read()
    finally:
        connection.close()


def leave(served: Served) -> None:
    """Ask, and hang up when the answer has begun."""
    body = json.dumps({"model": "goes_on", "messages": [{"role": "user", "content": WORDS}], "stream": True}).encode()
    head = "POST {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-ann-1\r\ncontent-length: {}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
        sock.sendall(head.format(CHAT, len(body)).encode() + body)
        while b"begun" not in sock.recv(65536):
            pass


def log_of(served: Served) -> list[dict[str, Any]]:
    served.process.send_signal(signal.SIGTERM)
    out, err = served.process.communicate(timeout=20)
    assert WORDS not in out + err
    assert "sk-ann-1" not in out + err
    assert 'stream"-secret' not in err
    return [json.loads(line) for line in err.splitlines()]


def test_each_request_has_a_record_and_each_record_is_json(tmp_path: Path) -> None:
    (tmp_path / "talking.py").write_text(MODELS, encoding="utf-8")
    specs = [f"{tmp_path}/talking.py:{name}" for name in ("talks", "Odd", "goes_on")]
    env = {"MODELPORT_API_KEYS": "ann:sk-ann-1", "UPSTREAM_API_KEY": SECRET}
    with serving(tmp_path, ["echo", *specs], "--access-log", "--log-format", "json", **env) as served:
        given = [ask(served, "echo"), ask(served, "talks", stream=True), ask(served, "odd"), ask(served, "nobody")]
        leave(served)
        raw(served.port, f"GET /v1/models/{SECRET} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        raw(served.port, b"no request at all\r\n\r\n")
        told = log_of(served)

    access = [line for line in told if line["logger"] == "modelport.access"]
    assert [status for status, _, _ in given] == [200, 200, 502, 404]
    assert [line["request_id"] for line in access[:4]] == ["echo", "talks", "odd", "nobody"]
    by_error = {line["error"]: line for line in access[2:]}  # who left may be noticed after the next has asked
    left, keyless, odd = (by_error[code] for code in ("client_gone", "unauthorized", "malformed_http"))
    assert len(access) == 7
    assert all(line["client"].startswith("127.0.0.1:") for line in access)
    _check_whole(access[0], len(given[0][2]))
    _check_stream(access[1])
    assert [(line["status"], line["error"]) for line in access[2:4]] == [(502, "model_error"), (404, "model_not_found")]
    assert (left["status"], left["left"], left["model"], left["prompt_tokens"]) == (200, True, "goes_on", None)
    assert (keyless["status"], keyless["key"], left["key"]) == (401, None, "ann")
    assert "***" in keyless["path"]
    assert (odd["status"], odd["path"]) == (None, None)
    _check_others(told)


def _check_whole(line: dict[str, Any], size: int) -> None:
    assert 0 < line.pop("seconds") < 10
    assert line.pop("client").startswith("127.0.0.1:")
    assert line.pop("prompt_tokens") > 0
    assert {name: value for name, value in line.items() if name not in {"time", "message"}} == {
        "level": "info",
        "logger": "modelport.access",
        "request_id": "echo",
        "key": "ann",
        "method": "POST",
        "path": CHAT,
        "model": "echo",
        "status": 200,
        "first_token_seconds": None,
        "completion_tokens": 4,
        "tokens_estimated": True,
        "bytes": size,
        "stream": False,
        "left": False,
        "error": None,
    }


def _check_stream(line: dict[str, Any]) -> None:
    assert (line["model"], line["stream"], line["left"], line["error"]) == ("talks", True, False, None)
    assert 0 < line["first_token_seconds"] <= line["seconds"]
    assert line["completion_tokens"] == 3
    assert line["bytes"] > 100


def _check_others(told: list[dict[str, Any]]) -> None:
    [own] = [line for line in told if line["logger"] == "mine"]
    assert (own["message"], own["level"], own["request_id"]) == ("thinking about it", "warning", "talks")
    [unforeseen] = [line for line in told if line["level"] == "error"]
    assert unforeseen["request_id"] == "odd"
    assert "nobody foresaw ***" in unforeseen["exception"]


def test_no_path_looks_like_a_line_of_the_log(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo"], "--access-log") as served:
        for path in (b"/a%20200%20key=root", b"/%0a2026-01-01%20GET%20/", b"/\xff\x1b'", b"/" + b"x" * 5000):
            raw(
                served.port, b"GET %b?q=%b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % (path, b"secret")
            )
        served.process.send_signal(signal.SIGTERM)
        lines = served.process.communicate(timeout=20)[1].splitlines()

    assert [line.split()[5:8:2] for line in lines[:2]] == [["GET", "404"]] * 2
    assert "key=" not in "".join(line.partition(" 404 ")[2] for line in lines)
    assert not any("secret" in line or "\x1b" in line for line in lines)
    assert max(map(len, lines)) < 1000


def test_probes_that_find_all_well_are_no_records(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo"], "--access-log") as served:
        for line in (b"GET /health", b"HEAD /ready", b"GET /ready", b"POST /ready", b"GET /v1/models"):
            raw(served.port, line + b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        served.process.send_signal(signal.SIGTERM)
        lines = served.process.communicate(timeout=20)[1].splitlines()

    assert [line.split()[5:8] for line in lines] == [["POST", "/ready", "405"], ["GET", "/v1/models", "200"]]


def test_a_log_that_nobody_reads_stalls_no_request(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo"], "--access-log") as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
        statuses = set()
        for _ in range(2000):  # some five times what a pipe holds
            connection.request("GET", "/v1/models", headers={"X-Request-Id": "x" * 100})
            answer = connection.getresponse()
            statuses.add(answer.status)
            answer.read()
        connection.close()

    assert statuses == {200}


@pytest.mark.parametrize(("level", "talks"), [("debug", True), ("info", True), ("warning", True), ("error", False)])
def test_the_level_says_how_much_is_logged(level: str, talks: bool, tmp_path: Path) -> None:
    (tmp_path / "talking.py").write_text(MODELS, encoding="utf-8")
    with serving(tmp_path, [f"{tmp_path}/talking.py:talks"], "--log-level", level) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.request("POST", CHAT, json.dumps({"messages": [{"role": "user", "content": WORDS}]}))
        assert connection.getresponse().status == 200
        connection.close()
        served.process.send_signal(signal.SIGTERM)
        err = served.process.communicate(timeout=20)[1]

    assert ("thinking about it" in err) is talks
    assert WORDS not in err


@pytest.mark.parametrize("kind", ["def", "async def", "class"])
def test_what_a_models_own_code_raised_is_in_the_log_with_its_traceback(tmp_path: Path, kind: str) -> None:
    body = "    raise KeyError('no such layer')\n"
    text = f"{kind} wrong(messages):\n{body}"
    if kind == "class":
        text = f"class Wrong:\n    name = 'wrong'\n    def generate_batch(self, requests):\n    {body}"
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    with serving(tmp_path, [f"{tmp_path}/mine.py:wrong"], "--log-format", "json", "--log-level", "error") as served:
        status, identity, _ = ask(served, "wrong")
        told = log_of(served)

    [record] = told
    assert (status, record["level"], record["request_id"]) == (502, "error", identity)
    assert "mine.py" in record["exception"]
    assert "KeyError: 'no such layer'" in record["exception"]
