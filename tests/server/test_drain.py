"""Going down while there is something to do: every request that came is answered, and nothing is left behind."""

import fcntl
import http.client
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.helpers import CHAT
from tests.server.processes import Served, serving
from tests.workers.helpers import spec_of

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals"),
]


def body(text: str, **fields: Any) -> str:
    return json.dumps({"messages": [{"role": "user", "content": text}], **fields})


def ask(served: Served, text: str) -> tuple[int, Any, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request("POST", CHAT, body(text))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers
    finally:
        connection.close()


def until(happened: Callable[[], Any]) -> None:
    limit = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.01)


def refused(served: Served) -> bool:
    try:
        socket.create_connection(("127.0.0.1", served.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it was in the queue of a listener that closed
    return False


def hammer(served: Served, tally: Counter[str], number: int) -> None:
    """Asks on one connection until told that it is the last answer, or until nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.connect()
    try:
        while True:
            connection.request("POST", CHAT, body(f"say {number}"))
            answer = connection.getresponse()
            words = json.loads(answer.read())["choices"][0]["message"]["content"]
            tally["answered" if words == f"{number}" else "wrong"] += 1
            if answer.headers["connection"] == "close":
                tally["told"] += 1
                return
    except (OSError, http.client.HTTPException) as error:
        tally[f"dropped: {error!r}"] += 1
    finally:
        connection.close()


def test_on_connections_that_are_kept_every_question_is_answered_and_the_last_answer_says_so(tmp_path: Path) -> None:
    tally: Counter[str] = Counter()
    with serving(tmp_path, [spec_of(tmp_path, "does")]) as served:
        threads = [threading.Thread(target=hammer, args=(served, tally, number)) for number in range(16)]
        for thread in threads:
            thread.start()
        until(lambda: tally["answered"] > 100)
        served.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        code = served.process.wait(15)

    assert {what: count for what, count in tally.items() if what not in {"answered", "told"}} == {}
    assert tally["told"] == 16
    assert code == 0


def test_calls_that_wait_for_their_turn_are_answered_on_the_way_down(tmp_path: Path) -> None:
    lines: list[int] = []
    with serving(tmp_path, ["slow"]) as served:
        go_on = tmp_path / "go on"
        clients = [threading.Thread(target=lambda: lines.append(ask(served, str(go_on))[0])) for _ in range(12)]
        for client in clients:
            client.start()
        until(lambda: in_flight(served) == 12)
        served.process.send_signal(signal.SIGTERM)
        until(lambda: refused(served))
        go_on.touch()
        for client in clients:
            client.join()
        code = served.process.wait(15)

    assert lines == [200] * 12
    assert code == 0


def in_flight(served: Served) -> int:
    """How many questions have come and are not answered, as the metrics tell."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    [line] = [line for line in text.splitlines() if line.startswith("modelport_requests_in_flight")]
    return int(float(line.split()[-1]))


def test_a_question_that_is_still_coming_is_taken_in_whole(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo"]) as served:
        text = body("x" * 2_000_000).encode()
        head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(text)}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", served.port), timeout=15) as sock:
            sock.sendall(head + text[:1000])
            until(lambda: ask(served, "hi")[0] == 200)
            served.process.send_signal(signal.SIGTERM)
            until(lambda: refused(served))
            sock.sendall(text[1000:])
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            words = json.loads(answer.read())["choices"][0]["message"]["content"]
        code = served.process.wait(15)

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert len(words) == 2_000_000
    assert code == 0


def test_half_a_head_holds_nobody_up(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo"]) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=15) as sock:
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: loc")
            until(lambda: ask(served, "hi")[0] == 200)
            served.process.send_signal(signal.SIGTERM)
            until(lambda: refused(served))
            sock.sendall(b"alhost\r\n\r\n")
            answered = sock.recv(100)
        code = served.process.wait(15)

    assert answered.startswith(b"HTTP/1.1 200 OK\r\n")
    assert code == 0


def test_a_worker_that_hears_nothing_is_ended_when_the_time_is_up(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    answers: list[tuple[int, Any]] = []
    with serving(tmp_path, [spec_of(tmp_path, "does")], "--drain", "1") as served:
        client = threading.Thread(target=lambda: answers.append(ask(served, f"hold {lock}")[:2]))
        client.start()
        until((tmp_path / "lock.held").exists)
        served.process.send_signal(signal.SIGTERM)
        client.join()
        code = served.process.wait(15)
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    assert [(status, answer["error"]["code"]) for status, answer in answers] == [(503, "overloaded")]
    assert code == 0


def test_an_interrupt_ends_it_like_sigterm_and_a_second_sigterm_changes_nothing(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with serving(tmp_path, ["slow"]) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=15)
        connection.request("POST", CHAT, body(str(go_on), stream=True))
        answer = connection.getresponse()
        answer.readline()
        served.process.send_signal(signal.SIGINT)
        until(lambda: refused(served))
        served.process.send_signal(signal.SIGTERM)
        go_on.touch()
        rest = answer.read()
        connection.close()
        code = served.process.wait(15)

    assert rest.endswith(b"data: [DONE]\n\n")
    assert code == 0


def test_a_second_interrupt_leaves_no_process_behind(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with serving(tmp_path, [spec_of(tmp_path, "does")]) as served:
        threading.Thread(target=_ask_in_vain, args=(served, f"hold {lock}"), daemon=True).start()
        until((tmp_path / "lock.held").exists)
        served.process.send_signal(signal.SIGINT)
        until(lambda: refused(served))
        served.process.send_signal(signal.SIGINT)
        code = served.process.wait(15)
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    assert code == 130


def _ask_in_vain(served: Served, text: str) -> None:
    try:
        ask(served, text)
    except (OSError, http.client.HTTPException):
        return


# --- before it has begun ---

LOADS = """
import fcntl
import pathlib
import time


class Loads:
    name = "loads"

    def load(self):
        self.held = open("lock", "w")
        fcntl.flock(self.held, fcntl.LOCK_EX)
        pathlib.Path("held").touch()
        time.sleep(1000)

    def stream(self, request):
        yield "late"
"""


@pytest.mark.parametrize("isolation", ["worker", "thread"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda one: str(one.name))
def test_a_server_that_is_ended_while_models_load_ends_at_once(
    number: signal.Signals, isolation: str, tmp_path: Path
) -> None:
    (tmp_path / "loads.py").write_text(LOADS, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "modelport", "serve", "loads.py", "--port", "0", "--isolation", isolation],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        until((tmp_path / "held").exists)
        process.send_signal(number)
        code = process.wait(15)
        with (tmp_path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
    finally:
        process.kill()

    assert code in {-number, 128 + number}


# --- terminals ---

IN_A_SESSION = """
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, "-m", "modelport", "serve", "eliza", "--port", "0", "--ready-file", "ready"])
"""


def on_terminal(folder: Path, how: str) -> "tuple[subprocess.Popen[bytes], int]":
    """A server whose terminal is the other end of what comes back, and which is ready."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_SESSION, how],
        cwd=folder,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    until((folder / "ready").exists)
    return process, ours


def test_a_server_whose_terminal_is_closed_stops(tmp_path: Path) -> None:
    process, terminal = on_terminal(tmp_path, "plainly")

    os.close(terminal)

    assert process.wait(15) == 0


def test_sighup_on_a_terminal_that_is_there_loads_models_again(tmp_path: Path) -> None:
    process, terminal = on_terminal(tmp_path, "plainly")
    port = json.loads((tmp_path / "ready").read_bytes())["port"]

    process.send_signal(signal.SIGHUP)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request("GET", "/ready")
    status = connection.getresponse().status
    connection.close()
    os.close(terminal)

    assert status == 200
    assert process.wait(15) == 0


def test_under_nohup_it_outlives_its_terminal(tmp_path: Path) -> None:
    process, terminal = on_terminal(tmp_path, "nohup")
    port = json.loads((tmp_path / "ready").read_bytes())["port"]
    termios.tcgetattr(terminal)

    os.close(terminal)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request("GET", "/ready")
    status = connection.getresponse().status
    connection.close()
    process.terminate()

    assert (status, process.wait(15)) == (200, 0)
