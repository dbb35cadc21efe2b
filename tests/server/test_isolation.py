"""``modelport serve`` with models in worker processes, in threads and on the event loop."""

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.helpers import CHAT
from tests.server.processes import Served, serving
from tests.workers.helpers import spec_of

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform == "win32", reason="worker processes need a system that lets one inherit a socket"),
]


def ask(served: Served, text: str, **fields: Any) -> tuple[int, Any]:
    body = {"messages": [{"role": "user", "content": text}], **fields}
    return request(served, "POST", CHAT, json.dumps(body))


def request(served: Served, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def text_of(answer: Any) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


def pid_of(served: Served) -> int:
    return int(text_of(ask(served, "pid")[1]))


def stopped(served: Served) -> str:
    """All that it wrote to stderr, once it has ended by itself."""
    served.process.send_signal(signal.SIGTERM)
    return served.process.communicate(timeout=20)[1]


def until(happened: Any) -> None:
    limit = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("options", "own"), [([], True), (["--isolation", "worker"], True), (["--isolation", "thread"], False)], ids=str
)
def test_a_model_whose_code_blocks_has_a_process_of_its_own_by_default(
    options: list[str], own: bool, tmp_path: Path
) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "does")], *options) as served:
        pid = pid_of(served)

    assert (pid != served.process.pid) is own


def test_an_async_model_runs_on_the_event_loop(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "waits")]) as served:
        status, answer = ask(served, "say hello")
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
        until(lambda: not children.exists() or not children.read_text())

    assert (status, text_of(answer)) == (200, "hello")


def test_code_that_blocks_is_refused_on_the_event_loop(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelport", "serve", spec_of(tmp_path, "does"), "--isolation", "inline"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "use --isolation worker or thread, or make it async" in done.stderr


def test_a_crash_is_an_error_of_one_answer_and_the_server_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "does")]) as served:
        status, answer = ask(served, "segfault")
        after, hello = ask(served, "say hello")
        log = stopped(served)

    assert (status, answer["error"]["code"]) == (502, "worker_died")
    assert "crashed (SIGSEGV, a segmentation fault) while it was making this answer" in answer["error"]["message"]
    assert (after, text_of(hello)) == (200, "hello")
    assert "Fatal Python error: Segmentation fault" in log
    assert "in does" in log


def test_what_a_model_prints_is_in_the_log(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "does")]) as served:
        ask(served, "print 3")
        log = stopped(served)

    assert log.count("x" * 99) == 3


def test_a_call_past_its_time_is_a_504_and_its_worker_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "does")], "--timeout", "1") as served:
        before = pid_of(served)
        status, answer = ask(served, "hang")
        until(lambda: ask(served, "say hello")[0] == 200)
        after = pid_of(served)

    assert (status, answer["error"]["code"]) == (504, "model_timeout")
    assert before != after


def test_a_worker_that_works_for_nobody_is_replaced_if_asked(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with serving(tmp_path, [spec_of(tmp_path, "does")], "--patience", "0.2") as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        connection.request("POST", CHAT, json.dumps({"messages": [{"role": "user", "content": f"hold {lock}"}]}))
        until((tmp_path / "lock.held").exists)
        connection.close()
        status, answer = ask(served, "say hello")
        log = stopped(served)

    assert (status, text_of(answer)) == (200, "hello")
    assert "a call went on for 0.2 s after its caller had left" in log


def test_ready_says_no_while_a_model_cannot_be_loaded_again(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "does")]) as served:
        was = request(served, "GET", "/ready")[0]
        (tmp_path / "broken").touch()
        ask(served, "kill")
        until(lambda: request(served, "GET", "/ready")[0] == 503)
        until(lambda: ask(served, "say hello")[1].get("error", {}).get("code") == "overloaded")
        status, answer = ask(served, "say hello")
        alive = request(served, "GET", "/health")[0]
        (tmp_path / "broken").unlink()
        until(lambda: request(served, "GET", "/ready")[0] == 200)
        log = stopped(served)

    assert (was, status, alive) == (200, 503, 200)
    assert "'does' is not loaded" in answer["error"]["message"]
    assert "weights" not in answer["error"]["message"]
    assert "RuntimeError: the weights are gone" in log


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: str(number.name))
def test_nothing_is_left_behind_by_a_server_that_ends(number: signal.Signals, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with serving(tmp_path, [spec_of(tmp_path, "does")], "--drain", "1") as served:
        threading.Thread(target=_ask_in_vain, args=(served, f"hold {lock}"), daemon=True).start()
        until((tmp_path / "lock.held").exists)
        os.kill(served.process.pid, number)
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # had as soon as the worker, which is stuck, is gone


def _ask_in_vain(served: Served, text: str) -> None:
    try:
        ask(served, text)
    except (OSError, http.client.HTTPException):
        return


def test_a_client_that_leaves_closes_the_generator_in_the_worker(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    with serving(tmp_path, [spec_of(tmp_path, "streams")]) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        messages = [{"role": "user", "content": f"until {closed}"}]
        connection.request("POST", CHAT, json.dumps({"messages": messages, "stream": True}))
        connection.getresponse().readline()
        connection.close()
        until(closed.exists)
