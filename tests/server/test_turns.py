"""Whose turn it is at a served model: callers with keys of their own, and requests whose time is up before theirs."""

import http.client
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.helpers import CHAT
from tests.server.processes import Served, serving
from tests.server.test_isolation import until

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform == "win32", reason="worker processes need a system that lets one inherit a socket"),
]

NOTING = """
import pathlib
import time

HERE = pathlib.Path(__file__).parent


def note(*texts):
    with open(HERE / "log", "a") as file:
        file.write(" ".join(texts) + "\\n")
    while texts[0] == "first" and not (HERE / "go").exists():
        time.sleep(0.005)


def one(messages, **params):
    note(messages[-1]["content"])
    return "done"


class Batched:
    name = "batched"
    max_batch_size = 4
    batch_window = 0

    def generate_batch(self, requests):
        note(*(request.messages[-1].text for request in requests))
        return ["done"] * len(requests)
"""


class Asking:
    """Requests that are asked one after the other, each by a thread of its own, which keeps what came."""

    def __init__(self, served: Served) -> None:
        self.came: dict[str, tuple[int, dict[str, str], Any]] = {}
        self._served = served
        self._threads: list[threading.Thread] = []

    def ask(self, key: str, text: str, **headers: str) -> None:
        thread = threading.Thread(target=self._ask, args=(key, text, headers))
        thread.start()
        self._threads.append(thread)

    def _ask(self, key: str, text: str, headers: dict[str, str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._served.port, timeout=30)
        body = json.dumps({"messages": [{"role": "user", "content": text}]})
        connection.request("POST", CHAT, body, {"x-api-key": key, **headers})
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        self.came[text] = answer.status, told, json.loads(answer.read())
        connection.close()

    def queued(self) -> int:
        """How many wait, as the server counts them."""
        connection = http.client.HTTPConnection("127.0.0.1", self._served.port, timeout=30)
        connection.request("GET", "/metrics", headers={"x-api-key": "key-of-modest"})
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return round(sum(float(line.split()[-1]) for line in lines if line.startswith("modelport_queue")))

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


def begun(folder: Path) -> list[list[str]]:
    log = folder / "log"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def spec_of(folder: Path, name: str) -> str:
    path = folder / "noting.py"
    path.write_text(NOTING, encoding="utf-8")
    (folder / "keys").write_text("greedy:key-of-greedy\nmodest:key-of-modest\n")
    (folder / "keys").chmod(0o600)
    return f"{path}:{name}"


def keys(folder: Path) -> tuple[str, str]:
    return "--api-key-file", str(folder / "keys")


@pytest.mark.parametrize("name", ["one", "Batched"])
def test_one_key_with_many_waiting_requests_delays_anothers_by_one_turn(name: str, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, name)
    with serving(tmp_path, [spec], "--queue", "1000", *keys(tmp_path)) as served:
        asking = Asking(served)
        asking.ask("key-of-greedy", "first")
        until(lambda: begun(tmp_path))
        for number in range(60):
            asking.ask("key-of-greedy", f"g{number}")
        until(lambda: asking.queued() == 60)
        asking.ask("key-of-modest", "m")
        until(lambda: asking.queued() == 61)
        (tmp_path / "go").touch()
        asking.join()

    assert {status for status, _, _ in asking.came.values()} == {200}
    assert any("m" in each for each in begun(tmp_path)[1:3])


def test_a_queue_that_one_key_fills_has_room_for_another(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "one")], "--queue", "4", *keys(tmp_path)) as served:
        asking = Asking(served)
        asking.ask("key-of-greedy", "first")
        until(lambda: begun(tmp_path))
        for number in range(8):
            asking.ask("key-of-greedy", f"g{number}")
        until(lambda: len(asking.came) == 4)
        asking.ask("key-of-modest", "m")
        until(lambda: len(asking.came) == 5)
        (tmp_path / "go").touch()
        asking.join()

    refused = [came for came in asking.came.values() if came[0] != 200]
    assert asking.came["m"][0] == 200
    assert [status for status, _, _ in refused] == [503] * 5
    assert all(int(headers["retry-after"]) >= 1 for _, headers, _ in refused)


@pytest.mark.parametrize("name", ["one", "Batched"])
@pytest.mark.parametrize("isolation", ["worker", "thread"])
def test_what_waits_past_its_deadline_is_never_begun(isolation: str, name: str, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, name)
    with serving(tmp_path, [spec], "--isolation", isolation, *keys(tmp_path)) as served:
        asking = Asking(served)
        asking.ask("key-of-greedy", "first")
        until(lambda: begun(tmp_path))
        asked_at = time.monotonic()
        asking.ask("key-of-greedy", "late", **{"x-modelport-timeout": "0.2"})
        until(lambda: "late" in asking.came)
        waited = time.monotonic() - asked_at
        asking.ask("key-of-greedy", "patient")
        (tmp_path / "go").touch()
        asking.join()

    assert (asking.came["late"][0], asking.came["late"][2]["error"]["code"]) == (504, "model_timeout")
    assert waited < 10
    assert begun(tmp_path) == [["first"], ["patient"]]


@pytest.mark.parametrize("isolation", ["worker", "thread"])
def test_batches_are_as_large_as_the_operator_says(isolation: str, tmp_path: Path) -> None:
    said = "--isolation", isolation, "--max-batch-size", "2", "--batch-window", "0"
    with serving(tmp_path, [spec_of(tmp_path, "Batched")], *said, *keys(tmp_path)) as served:
        asking = Asking(served)
        asking.ask("key-of-modest", "first")
        until(lambda: begun(tmp_path))
        for number in range(3):
            asking.ask("key-of-modest", f"m{number}")
        until(lambda: asking.queued() == 3)
        (tmp_path / "go").touch()
        asking.join()

    assert [len(batch) for batch in begun(tmp_path)] == [1, 2, 1]
