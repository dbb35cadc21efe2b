"""Whoever has no key tries everything that might pass for one; whoever has one tries to get more out of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelport.errors import Unauthorized
from modelport.server import Route
from modelport.server.app import ROUTES
from modelport.server.auth import Keys
from modelport.storage.api_keys import KeyFile, KeyLimits, digest_of
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import ask, chat
from tests.server.keyring import Ring
from tests.server.processes import serving

CLOSED = [route for route in ROUTES if not route.open]
NO_KEYS = [
    b"",
    b" ",
    b"\x00",
    b"ann",
    b"mp-",
    b"null",
    b"none",
    b"*",
    b"%",
    b"' OR '1'='1",
    b"'; DROP TABLE keys; --",
    b"\xff\xfe",
    "ключ".encode(),
    "mp\u2010key".encode(),
    b"A" * 8192,
    b"mp-" + b"A" * 43,
    b"{digest}",
    b"{key}\x00",
    b"{key} {key}",
    b"{key},{key}",
    b"ann:{key}",
    b"{upper}",
    b"{less}",
]


def forged(template: bytes, key: str, digest: bytes) -> bytes:
    replaced = template.replace(b"{digest}", digest.hex().encode()).replace(b"{upper}", key.upper().encode())
    return replaced.replace(b"{less}", key[:-1].encode()).replace(b"{key}", key.encode())


@pytest.mark.parametrize("template", NO_KEYS, ids=lambda value: ascii(value[:30]))
@pytest.mark.parametrize("header", ["bearer", "x-api-key"])
async def test_nothing_but_the_key_opens_a_route(template: bytes, header: str, tmp_path: Path) -> None:
    keys = Ring(tmp_path / "keys")
    key = await keys.add("ann")
    value = forged(template, key, digest_of(key.encode()))
    app = await keys.app(ScriptedModel(reply("in"), name="m"))
    headers = [(b"x-api-key", value)] if header == "x-api-key" else [(b"authorization", b"Bearer " + value)]

    for route in CLOSED:
        path = route.path + "m" if route.path.endswith("/") else route.path
        answer = await ask(app, route.method, path, chat(), headers=headers)

        assert answer.status == 401, route.path
        assert key.encode() not in answer.body


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.path)
async def test_of_two_keys_neither_is_believed_wherever_they_stand(route: Route, tmp_path: Path) -> None:
    keys = Ring(tmp_path / "keys")
    good, other = [(await keys.add(name)).encode() for name in ("ann", "bob")]
    app = await keys.app(ScriptedModel(reply("in"), name="m"))
    path = route.path + "m" if route.path.endswith("/") else route.path
    pairs = [
        [(b"authorization", b"Bearer " + one), (b"x-api-key", two)]
        for one, two in ((good, b"wrong"), (b"wrong", good), (good, other))
    ]
    pairs += [
        [(b"authorization", b"Bearer " + one), (b"authorization", b"Bearer " + two)]
        for one, two in ((good, b"wrong"), (b"wrong", good), (good, other))
    ]
    pairs += [[(b"x-api-key", one), (b"x-api-key", two)] for one, two in ((good, b"wrong"), (b"wrong", good))]

    statuses = [(await ask(app, route.method, path, chat(), headers=headers)).status for headers in pairs]
    same = [(b"authorization", b"Bearer " + good), (b"x-api-key", good), (b"x-api-key", good)]
    agreed = await ask(app, route.method, path, chat(), headers=same)

    assert statuses == [401] * len(pairs)
    assert agreed.status != 401


def test_how_long_a_wrong_key_takes_tells_nothing_about_a_right_one(tmp_path: Path) -> None:
    """What is looked up is a hash with a secret of this process, so no guess can share its beginning on purpose."""
    keys = KeyFile(tmp_path / "keys")
    keys.add("ann")
    digest = keys.read()[0].digest

    first, second = Keys({}, keys), Keys({}, keys)

    assert first._known.keys() != second._known.keys()
    assert digest not in first._known
    assert not any(mark[:4] == digest[:4] for mark in first._known)


def test_a_server_keeps_no_key_in_any_form_that_could_be_used(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys")
    key = keys.add("ann").reveal()

    known = Keys({"bob": "sk-canary-77"}, keys)

    assert key not in repr(vars(known))
    assert "sk-canary-77" not in repr(vars(known))
    with pytest.raises(Unauthorized):
        known.check({b"x-api-key": keys.read()[0].digest})


async def test_limits_are_not_reset_by_the_other_header_or_another_route(tmp_path: Path) -> None:
    keys = Ring(tmp_path / "keys")
    key = (await keys.add("ann", KeyLimits(requests=2))).encode()
    app = await keys.app(ScriptedModel(reply("in"), name="m"))
    shapes = [(b"authorization", b"Bearer " + key), (b"x-api-key", key), (b"authorization", b"bearer  " + key)]

    statuses = [(await ask(app, "GET", "/v1/models", headers=[shape])).status for shape in shapes]
    elsewhere = await ask(app, body=chat(), headers=[shapes[1]])

    assert statuses == [200, 200, 429]
    assert elsewhere.status == 429


# --- the server as a process ---


def keys_command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "modelport", "keys", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "XDG_DATA_HOME": str(folder)},
    )


def status(port: int, key: str, host: str = "127.0.0.1") -> int:
    connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.request("GET", "/v1/models", headers={"x-api-key": key})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.timeout(60)
def test_a_key_revoked_on_the_command_line_is_refused_by_a_running_server(tmp_path: Path) -> None:
    key = keys_command(tmp_path, "add", "ann").stdout.strip()
    with serving(tmp_path, ["echo"], "--host", "0.0.0.0", XDG_DATA_HOME=str(tmp_path)) as served:
        before = status(served.port, key), status(served.port, "wrong")
        revoked = keys_command(tmp_path, "revoke", "ann")
        begun = time.monotonic()
        while status(served.port, key) == 200 and time.monotonic() < begun + 30:
            pass
        waited = time.monotonic() - begun
        after = status(served.port, key)

    assert revoked.returncode == 0
    assert before == (200, 401)
    assert after == 401
    assert waited < 10  # two seconds, and what a busy machine adds


@pytest.mark.timeout(60)
def test_an_empty_or_missing_key_file_does_not_let_a_server_listen_beyond_loopback(tmp_path: Path) -> None:
    keys_command(tmp_path, "add", "ann")
    keys_command(tmp_path, "revoke", "ann")
    command = [sys.executable, "-m", "modelport", "serve", "eliza", "--host", "0.0.0.0", "--port", "0"]
    env = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}

    for more in ([], ["--keys-file", str(tmp_path / "modelport" / "keys.sqlite3")], ["--keys-file", "nowhere"]):
        done = subprocess.run(
            [*command, *more], capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path, env=env
        )

        assert done.returncode == 1
        assert "modelport: error: " in done.stderr
        assert "keys add NAME" in done.stderr


@pytest.mark.timeout(60)
def test_keys_cross_no_log_and_no_error(tmp_path: Path) -> None:
    key = keys_command(tmp_path, "add", "ann", "--rpm", "1").stdout.strip()
    with serving(tmp_path, ["echo"], "--access-log", XDG_DATA_HOME=str(tmp_path)) as served:
        statuses = [status(served.port, each) for each in (key, key, f"{key}x")]
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as sock:
            sock.sendall(f"GET /v1/models?key={key} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
            told = sock.makefile("rb").read()
        served.process.terminate()
        out, err = served.process.communicate(timeout=60)

    assert statuses == [200, 429, 401]
    assert b"401" in told.partition(b"\r\n")[0]
    assert key not in out + err + told.decode()


def test_a_key_is_shown_once_and_alone(tmp_path: Path) -> None:
    made = keys_command(tmp_path, "add", "ann", "--rpm", "60", "--models", "a,b", "--expires", "30d")
    again = keys_command(tmp_path, "add", "ann")
    listed = keys_command(tmp_path, "list")
    as_json = json.loads(keys_command(tmp_path, "list", "--json").stdout)

    assert made.stdout.startswith("mp-")
    assert made.stdout.count("\n") == 1
    assert "shown only now" in made.stderr
    assert (again.returncode, again.stdout) == (1, "")
    assert "60 requests a minute; only a, b; expires" in listed.stdout
    assert made.stdout.strip() not in listed.stdout + listed.stderr + made.stderr
    assert as_json[0]["limits"]["requests"] == 60


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_budget_that_is_spent_stays_so_however_the_server_ends(how: signal.Signals, tmp_path: Path) -> None:
    key = keys_command(tmp_path, "add", "ann", "--budget", "0.5/month").stdout.strip()
    statuses = []
    for _ in range(2):
        with serving(tmp_path, ["echo"], "--price", "echo=100", XDG_DATA_HOME=str(tmp_path)) as served:
            statuses.append(asked(served.port, key))
            deadline = time.monotonic() + 10
            while how is signal.SIGKILL and "0.00 of them" in keys_command(tmp_path, "list").stdout:
                assert time.monotonic() < deadline
            served.process.send_signal(how)
            served.process.wait(15)
    listed = keys_command(tmp_path, "list").stdout

    assert statuses == [200, 429]
    assert "0.5 US dollars a month, 0.00 of them spent" not in listed


def asked(port: int, key: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/v1/chat/completions", chat(), {"authorization": f"Bearer {key}"})
        return connection.getresponse().status
    finally:
        connection.close()
