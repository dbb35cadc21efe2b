"""``modelport ps``, beside real servers."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelport.storage.running import Registration, RunningServer
from tests.server.processes import Served, serving
from tests.workers.helpers import spec_of

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "modelport"


def ps(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", "-m", "modelport", "ps", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def listed(*arguments: str) -> list[dict[str, Any]]:
    done = ps("--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def ask(served: Served, text: str = "hello", **headers: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(f"{served.url}/v1/chat/completions", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        answer.read()


def test_without_servers_it_says_so(tmp_path: Path) -> None:
    done = ps()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "none of your servers runs on this machine: start one with modelport serve\n"
    assert listed() == []


def test_servers_are_listed_as_long_as_they_run(tmp_path: Path, folder: Path) -> None:
    specs = [spec_of(tmp_path, name) for name in ("does", "waits")]
    with serving(tmp_path, specs, MODELPORT_API_KEYS="ann:sk-1") as served:
        before = int(time.time())
        for _ in range(3):
            ask(served, "say hello", authorization="Bearer sk-1")
        [row] = listed()
        shown = ps().stdout.splitlines()
        served.process.send_signal(signal.SIGTERM)
        served.process.communicate(timeout=20)
        after = listed()

    since = row.pop("since")
    assert row == {
        "url": served.url,
        "pid": served.process.pid,
        "state": "ready",
        "reason": None,
        "requests": 3,
        "models": [{"name": "does", "isolation": "worker"}, {"name": "waits", "isolation": "inline"}],
        "tls_fingerprint": None,
    }
    assert before - 60 < time.mktime(time.strptime(since, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone <= before + 1
    assert shown[0].split() == ["URL", "PID", "SINCE", "STATE", "REQUESTS", "MODELS"]
    assert shown[1].split()[:2] == [served.url, str(served.process.pid)]
    assert shown[1].endswith("UTC  ready  3         does (worker), waits (inline)")
    assert after == []
    assert list(folder.iterdir()) == []


def test_one_that_speaks_tls_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    with serving(tmp_path, ["letters"], "--tls-self-signed") as served:
        [row] = listed("--timeout", "10")
        other = Registration(
            RunningServer(
                url=served.url, pid=os.getpid(), since=1, models={}, tls_fingerprint=f"sha256:{'0' * 64}", inquiry="x"
            )
        )
        states = [each["state"] for each in listed("--timeout", "10")]
        other.close()

    assert (row["url"], row["state"], row["requests"]) == (served.url, "ready", 0)
    assert row["url"].startswith("https://")
    assert row["tls_fingerprint"].startswith("sha256:")
    assert states == ["no answer", "ready"]


def test_one_that_was_killed_is_gone_and_its_file_too(tmp_path: Path, folder: Path) -> None:
    with serving(tmp_path, ["letters"]) as served:
        names = [path.name for path in folder.iterdir()]
        served.process.kill()
        served.process.wait(20)
        rows = listed()

    assert len(names) == 1
    assert rows == []
    assert list(folder.iterdir()) == []


def test_one_that_hangs_gives_no_answer_and_holds_up_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, ["letters"]) as served:
        served.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        done = ps("--timeout", "0.3")
        took = time.monotonic() - began
        served.process.send_signal(signal.SIGCONT)

    assert done.returncode == 0
    assert "no answer  -         letters (inline)" in done.stdout
    assert took < 20


def test_one_whose_model_does_not_load_again_is_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path, [spec_of(tmp_path, "does")]) as served:
        (tmp_path / "broken").touch()
        with pytest.raises(urllib.error.HTTPError):
            ask(served, "exit 3")
        limit = time.monotonic() + 20
        while (row := listed("--timeout", "5")[0])["state"] == "ready":
            assert time.monotonic() < limit
        shown = ps("--timeout", "5").stdout

    assert (row["state"], row["requests"]) == ("not ready", 1)
    assert "does" in row["reason"]
    assert f"does (worker): {row['reason']}" in shown


def test_a_broken_file_and_one_that_lies_break_nothing(folder: Path) -> None:
    folder.mkdir()
    (folder / "1-0.json").write_bytes(b"\x00 not ours")
    lies = RunningServer(url="http://127.0.0.1:1", pid=1, since=3, models={"\x1b[2J\nm": "\x07"}, inquiry="a\r\nb")
    registration = Registration(lies)
    wrong = Registration(msgspec.structs.replace(lies, url="http://[::1:99999999", since=2))

    done = ps()
    registration.close()
    wrong.close()

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 3
    assert "no answer" in done.stdout
    assert "\x1b" not in done.stdout


def test_only_who_knows_the_word_is_told_how_many_requests_there_were(tmp_path: Path, folder: Path) -> None:
    with serving(tmp_path, ["letters"]) as served:
        [path] = folder.iterdir()
        word = json.loads(path.read_bytes())["inquiry"]
        told = []
        for given in (None, "", "wrong", word):
            request = urllib.request.Request(f"{served.url}/ready")
            if given is not None:
                request.add_header("x-modelport-inquiry", given)
            with urllib.request.urlopen(request, timeout=20) as answer:
                told.append(answer.headers["x-modelport-requests"])

    assert told == [None, None, None, "0"]
    assert len(word) == 32


def test_help_has_an_example() -> None:
    done = ps("--help")

    assert done.returncode == 0
    assert "modelport ps --json" in done.stdout


@pytest.mark.parametrize("given", ["0", "-1", "x", "nan", "1e9"])
def test_a_wrong_time_is_refused(given: str) -> None:
    assert ps("--timeout", given).returncode == 2
