"""``modelport serve`` from the outside: starting, refusing to, and going down."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from modelport.errors import ConfigError
from modelport.server import create_app
from modelport.server.run import bind, serve
from tests.server.helpers import CHAT, Gated, raw
from tests.server.processes import Served, serving

LATE = """
import pathlib
import time


class Late:
    name = "late"

    def load(self):
        pathlib.Path("begun").touch()
        while not pathlib.Path("go on").exists():
            time.sleep(0.01)

    def stream(self, request):
        yield "late"
"""
TIMEOUT = pytest.mark.timeout(60)
pytestmark = TIMEOUT


def run(*arguments: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "modelport", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=cwd,
        env={**os.environ, **env},
        check=False,
    )


def post(served: Served, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    try:
        connection.request("POST", CHAT, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def stream(served: Served, model: str, text: str) -> "tuple[http.client.HTTPConnection, http.client.HTTPResponse]":
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": True}
    connection.request("POST", CHAT, json.dumps(body))
    return connection, connection.getresponse()


def test_it_says_in_one_line_where_it_is_and_how_to_use_it(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo", "letters"], "--name", "first", "--alias", "gpt-4o=letters") as served:
        assert served.process.stdout is not None
        line = served.process.stdout.readline()
        status, answer = post(served, {"model": "gpt-4o", "messages": [{"role": "user", "content": "abc"}]})

    assert served.models == ["first", "letters"]
    assert line == (
        f"modelport: serving first, letters at {served.url} "
        f'(OpenAI clients: base_url="{served.url}/v1", model="first"; Ctrl-C stops)\n'
    )
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "abc")


def test_a_model_that_fails_costs_its_own_answer_only(tmp_path: Path) -> None:
    ask = {"messages": [{"role": "user", "content": "private words"}]}
    with serving(tmp_path, ["broken", "echo"]) as served:
        status, answer = post(served, {**ask, "model": "broken"})
        after, _ = post(served, {**ask, "model": "echo"})
        served.process.send_signal(signal.SIGTERM)
        out, err = served.process.communicate(timeout=60)

    assert (status, after) == (502, 200)
    assert "Traceback" not in json.dumps(answer)
    assert "private words" not in out + err


def test_a_line_for_each_request_is_written_only_if_asked_for(tmp_path: Path) -> None:
    ask = {"messages": [{"role": "user", "content": "private words"}]}
    logs = []
    for options in ([], ["--access-log"]):
        with serving(tmp_path, ["echo"], *options) as served:
            post(served, ask)
            post(served, {**ask, "stream": True} | {"model": "nobody"})
            served.process.send_signal(signal.SIGTERM)
            logs.append(served.process.communicate(timeout=60)[1])

    assert logs[0] == ""
    assert [line.split()[5:8] for line in logs[1].splitlines()] == [["POST", CHAT, "200"], ["POST", CHAT, "404"]]
    assert "private words" not in logs[1]


# --- refusing to start ---


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["eliza", "--host", "0.0.0.0"], "can be reached from other machines, and no API key is set"),
        (["eliza", "--host", "::"], "can be reached from other machines"),
        (["eliza", "--host", "not a host"], "no API key is set"),
        (["nothing.py:Here"], "nothing.py"),
        (["eliza", "eliza"], "two models are named 'eliza'"),
        (["eliza", "--name", "a", "--name", "b"], "2 names were given for 1 models"),
        (["eliza", "--alias", "x"], "--alias must be ALIAS=NAME"),
        (["eliza", "--alias", "x=y"], "no model named 'y'"),
        (["eliza", "--api-key-file", "nowhere"], "nowhere cannot be read"),
        (["eliza", "--ready-file", "no/such/folder/x", "--port", "0"], "cannot be written: No such file"),
        (["eliza", "--name", ""], "a model cannot be served as '': give a --name"),
        (["eliza", "--name", "a\nb"], "a model cannot be served as 'a\\nb'"),
        (
            ["eliza", "--isolation", "thread", "--workers", "2"],
            "--workers changes nothing here, as no served model runs in worker processes",
        ),
        (["eliza", "--isolation", "thread", "--patience", "2"], "--patience changes nothing here"),
        (["eliza", "--isolation", "worker", "--batch-window", "0"], "--batch-window changes nothing here"),
        (["eliza", "--host", ""], "every address can be reached from other machines"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("modelport: error: ")
    assert done.stderr.count("\n") == 1
    assert complaint in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "99999"],
        ["--port", "x"],
        ["--allow-host", "http://x"],
        ["--allow-host", "x:80"],
        ["--allow-origin", "example.org"],
        ["--allow-origin", "https://example.org/page"],
        ["--allow-origin", "*"],
        ["--threads", "0"],
        ["--timeout", "-1"],
        ["--max-body", "1T"],
        ["--wat"],
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_refused(arguments: list[str], tmp_path: Path) -> None:
    done = run("eliza", *arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert arguments[0] in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(" (modelport serve --help lists what there is)\n")


def test_an_option_that_there_is_not_is_told_the_nearest(tmp_path: Path) -> None:
    done = run("eliza", "--worker", "2", "--acess-log", cwd=tmp_path)

    assert done.returncode == 2
    assert "unrecognized arguments: --acess-log; did you mean '--access-log'?" in done.stderr


def test_the_ready_file_is_there_as_long_as_the_server_is(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo"]) as served:
        there = json.loads((tmp_path / "ready.json").read_bytes())["pid"] == served.process.pid
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(20)
        after = (tmp_path / "ready.json").exists()

    assert there
    assert not after


def test_a_ready_file_of_an_earlier_server_is_gone_before_models_load(tmp_path: Path) -> None:
    (tmp_path / "ready.json").write_text('{"port": 1}', encoding="utf-8")
    (tmp_path / "mine.py").write_text("raise RuntimeError('no weights')", encoding="utf-8")

    done = run("mine.py:f", "--port", "0", "--ready-file", "ready.json", cwd=tmp_path)

    assert done.returncode == 1
    assert not (tmp_path / "ready.json").exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("eliza", "--port", str(port), cwd=tmp_path)

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def test_a_port_that_another_began_to_listen_on_while_models_were_loading_is_named() -> None:
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    with socket.socket() as quicker:
        quicker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        quicker.bind(("127.0.0.1", port))
        quicker.listen()

        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(create_app([Gated()]), sock)
    sock.close()


@pytest.mark.parametrize("isolation", ["thread", "worker"])
def test_nobody_is_let_in_before_models_are_loaded(isolation: str, tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "modelport", "serve", "late.py", "--port", f"{port}", "--isolation", isolation],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    try:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        (tmp_path / "go on").touch()
        assert process.stdout is not None
        process.stdout.readline()
        ready = raw(port, b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    finally:
        process.kill()
        process.communicate()

    assert ready.startswith(b"HTTP/1.1 200 ")


def test_help_has_an_example(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)

    assert done.returncode == 0
    assert "modelport serve my_model.py:Mine" in done.stdout


def test_with_keys_it_may_be_reached_from_elsewhere(tmp_path: Path) -> None:
    ask = {"messages": [{"role": "user", "content": "hi"}]}
    with serving(tmp_path, ["echo"], "--host", "0.0.0.0", MODELPORT_API_KEYS="ann:sk-1") as served:
        without, _ = post(served, ask)
        with_key, _ = post(served, ask, Authorization="Bearer sk-1")
        by_name = raw(served.port, b"GET /health HTTP/1.1\r\nHost: models.example\r\nConnection: close\r\n\r\n")

    assert (without, with_key) == (401, 200)
    assert by_name.startswith(b"HTTP/1.1 200 ")


# --- going down ---


def test_what_is_being_answered_is_ended_first(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with serving(tmp_path, ["slow"]) as served:
        connection, answer = stream(served, "slow", str(go_on))
        begun = answer.readline()
        served.process.send_signal(signal.SIGTERM)
        _until_refused(served.port)
        go_on.touch()
        rest = answer.read()
        connection.close()
        code = served.process.wait(15)
        log = served.process.communicate()[1]

    assert "requests that are still being answered: 1; they have 30 s to end" in log
    assert b"begun" in begun
    assert b"ended" in rest
    assert rest.endswith(b"data: [DONE]\n\n")
    assert code == 0


def test_but_only_for_so_long(tmp_path: Path) -> None:
    with serving(tmp_path, ["slow"], "--drain", "1") as served:
        connection, answer = stream(served, "slow", str(tmp_path / "never"))
        answer.readline()
        served.process.send_signal(signal.SIGTERM)
        rest = answer.read()
        connection.close()
        code = served.process.wait(15)

    assert b"shutting down" in rest
    assert code == 0


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    with serving(tmp_path, ["slow"]) as served:
        connection, answer = stream(served, "slow", str(tmp_path / "never"))
        answer.readline()
        served.process.send_signal(signal.SIGINT)
        _until_refused(served.port)
        served.process.send_signal(signal.SIGINT)
        code = served.process.wait(5)
        connection.close()

    assert code == 130


def _until_refused(port: int) -> None:
    for _ in range(10_000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            continue  # it was in the queue of a listener that closed
    raise AssertionError("the server went on listening")


def test_many_clients_at_once_each_get_their_own(tmp_path: Path) -> None:
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        _, answer = post(served, {"messages": [{"role": "user", "content": f"text {number}"}]})
        answers[number] = answer["choices"][0]["message"]["content"]

    with serving(tmp_path, ["echo"]) as served:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert answers == {number: f"text {number}" for number in range(32)}
