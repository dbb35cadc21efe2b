"""``load()`` of a served model: before the first request, in the process where the model runs, wherever that is."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.processes import serving
from tests.server.test_isolation import ask, request, stopped, text_of, until

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform == "win32", reason="worker processes need a system that lets one inherit a socket"),
]

WEIGHTS = """
import os
import pathlib

HERE = pathlib.Path(__file__).parent


def note(what):
    with open(HERE / "log", "a") as file:
        file.write(f"{what} {os.getpid()}\\n")
    if what == "load" and (HERE / "broken").exists():
        raise OSError("the weights are gone")


class Blocking:
    name = "weights"

    def load(self):
        note("load")

    def stream(self, request):
        note("asked")
        if request.messages[-1].text == "kill":
            os.kill(os.getpid(), 9)
        yield str(os.getpid())

    def close(self):
        note("close")


class Async:
    name = "weights"

    async def load(self):
        note("load")

    async def stream(self, request):
        note("asked")
        yield str(os.getpid())

    async def aclose(self):
        note("close")
"""
PLACES = [
    ("Blocking", "worker", False),
    ("Blocking", "auto", False),
    ("Blocking", "thread", True),
    ("Async", "inline", True),
    ("Async", "auto", True),
    ("Async", "worker", False),
]


def spec_of(folder: Path, name: str) -> str:
    path = folder / "weights.py"
    path.write_text(WEIGHTS, encoding="utf-8")
    return f"{path}:{name}"


def noted(folder: Path) -> list[str]:
    log = folder / "log"
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize(("name", "isolation", "at_home"), PLACES)
def test_it_is_loaded_once_where_it_runs_before_the_server_is_ready_and_closed_at_the_end(
    name: str, isolation: str, at_home: bool, tmp_path: Path
) -> None:
    with serving(tmp_path, [spec_of(tmp_path, name)], "--isolation", isolation) as served:
        ready, before = request(served, "GET", "/ready")[0], noted(tmp_path)
        pids = {int(text_of(ask(served, "who")[1])) for _ in range(2)}
        stopped(served)

    assert (ready, before) == (200, ["load"])
    assert noted(tmp_path) == ["load", "asked", "asked", "close"]
    assert {int(line.split()[1]) for line in (tmp_path / "log").read_text().splitlines()} == pids
    assert (pids == {served.process.pid}) is at_home


@pytest.mark.parametrize(("name", "isolation"), [(name, isolation) for name, isolation, _ in PLACES])
def test_a_model_that_does_not_load_keeps_the_server_from_starting_and_the_log_says_why(
    name: str, isolation: str, tmp_path: Path
) -> None:
    spec = spec_of(tmp_path, name)
    (tmp_path / "broken").touch()

    done = subprocess.run(
        [sys.executable, "-m", "modelport", "serve", spec, "--isolation", isolation, "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert f"modelport: error: {name}.load() raised OSError: the weights are gone" in done.stderr
    assert "Traceback" in done.stderr
    assert "in note" in done.stderr
    assert "uvicorn" not in done.stderr
    assert "serving" not in done.stdout


def test_a_worker_that_cannot_load_again_is_not_ready_and_its_callers_are_told(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "Blocking")]) as served:
        (tmp_path / "broken").touch()
        died = ask(served, "kill")[0]
        until(lambda: request(served, "GET", "/ready")[0] == 503)
        until(lambda: ask(served, "who")[1].get("error", {}).get("code") == "overloaded")
        status, answer = ask(served, "who")
        (tmp_path / "broken").unlink()
        until(lambda: request(served, "GET", "/ready")[0] == 200)
        after = ask(served, "who")[0]
        log = stopped(served)

    assert (died, status, after) == (502, 503, 200)
    assert "'weights' is not loaded" in answer["error"]["message"]
    assert "OSError: the weights are gone" in log
