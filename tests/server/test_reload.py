"""``modelport serve --reload`` and SIGHUP, with real processes: new code, and not one request dropped."""

import fcntl
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.server.helpers import CHAT
from tests.server.processes import Served, serving

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform == "win32", reason="there are no worker processes to be replaced"),
]

CODE = '''
import os
import pathlib
import time

here = pathlib.Path(__file__).parent


def talks(messages, **params):
    """Says its version, and the words; goes on until a file is there, if it is named."""
    word, _, argument = messages[-1]["content"].partition(" ")
    if word == "pid":
        yield str(os.getpid())
        return
    yield "VERSION "
    while word == "until" and not os.path.exists(argument):
        time.sleep(0.01)
    yield word


async def waits(messages, **params):
    yield "VERSION"
'''
LOCKED = """
import fcntl
import pathlib
import time

held = open(pathlib.Path(__file__).parent / "lock", "w")
fcntl.flock(held, fcntl.LOCK_EX)
(pathlib.Path(__file__).parent / "held").touch()
time.sleep(1000)
"""


def save(folder: Path, version: str, name: str = "live.py") -> Path:
    """The models of CODE, put into *folder* as editors do: written beside, then moved."""
    path = folder / name
    partial = folder / f".{name}.part"
    partial.write_text(CODE.replace("VERSION", version), encoding="utf-8")
    return partial.replace(path)


def ask(served: Served, text: str, **fields: Any) -> str:
    status, answer = request(served, {"messages": [{"role": "user", "content": text}], **fields})
    assert status == 200, answer
    words: str = answer["choices"][0]["message"]["content"]
    return words


def request(served: Served, body: Any = None, path: str = CHAT) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def stream(served: Served, text: str) -> "tuple[http.client.HTTPConnection, http.client.HTTPResponse]":
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("POST", CHAT, json.dumps({"messages": [{"role": "user", "content": text}], "stream": True}))
    return connection, connection.getresponse()


def until(happened: Callable[[], Any]) -> None:
    limit = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.01)


def says(served: Served, version: str) -> bool:
    return ask(served, "hello") == f"{version} hello"


def stopped(served: Served) -> str:
    served.process.send_signal(signal.SIGTERM)
    return served.process.communicate(timeout=20)[1]


def spec(folder: Path, version: str = "one", name: str = "talks") -> str:
    return f"{save(folder, version)}:{name}"


def test_what_is_being_answered_ends_with_the_old_code_and_the_rest_gets_the_new(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with serving(tmp_path, [spec(tmp_path)], "--reload") as served:
        kept, first = stream(served, "hello")
        first.read()
        connection, answer = stream(served, f"until {go_on}")
        begun = answer.readline()
        save(tmp_path, "two")
        until(lambda: ask(served, "hello") == "two hello")
        kept.auto_open = False  # a connection that was there before is there after
        kept.request("POST", CHAT, json.dumps({"messages": [{"role": "user", "content": "kept"}]}))
        after = json.loads(kept.getresponse().read())
        go_on.touch()
        rest = answer.read()
        connection.close()
        kept.close()
        log = stopped(served)

    assert b"one" in begun
    assert b"until" in rest
    assert rest.endswith(b"data: [DONE]\n\n")
    assert after["choices"][0]["message"]["content"] == "two kept"
    assert re.search(r"live.py changed: loading talks again\n.*talks was loaded again in .* has taken over\n", log)


def test_an_answer_that_outlasts_the_drain_ends_with_an_error_and_the_old_process_with_it(tmp_path: Path) -> None:
    with serving(tmp_path, [spec(tmp_path)], "--reload", "--drain", "1") as served:
        pid = ask(served, "pid")
        connection, answer = stream(served, f"until {tmp_path / 'never'}")
        save(tmp_path, "two")
        rest = answer.read()
        connection.close()
        until(lambda: not Path(f"/proc/{pid}").exists())
        after = ask(served, "hello")

    assert b"newer code had taken its place" in rest
    assert after == "two hello"


def test_an_answer_may_outlast_several_versions(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with serving(tmp_path, [spec(tmp_path)], "--reload") as served:
        pid = int(ask(served, "pid"))
        connection, answer = stream(served, f"until {go_on}")
        for version in ("two", "three"):
            save(tmp_path, version)
            until(partial(says, served, version))
        go_on.touch()
        rest = answer.read()
        connection.close()
        until(lambda: not Path(f"/proc/{pid}").exists() or sys.platform != "linux")
        log = stopped(served)

    assert rest.endswith(b"data: [DONE]\n\n")
    assert "Traceback" not in log


def test_requests_under_many_saves_are_all_answered_by_one_version_or_another(tmp_path: Path) -> None:
    answers: list[str] = []
    ended = threading.Event()

    def client(number: int) -> None:
        while not ended.is_set():
            answers.append(ask(served, f"{number}"))

    with serving(tmp_path, [spec(tmp_path, "v0")], "--reload") as served:
        threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for version in range(1, 5):
            (tmp_path / "live.py").write_text("half a sa(", encoding="utf-8")
            save(tmp_path, f"v{version}")
            new = f"v{version} "
            until(lambda new=new: answers and answers[-1].startswith(new))  # type: ignore[misc]
        ended.set()
        for thread in threads:
            thread.join()
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
        until(lambda: not children.exists() or len(children.read_text().split()) <= 1)

    assert len(answers) > 100
    assert {answer.split()[0] for answer in answers} == {f"v{version}" for version in range(5)}


def test_calls_that_wait_for_the_old_code_are_made_by_the_new(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    later: list[str] = []
    with serving(tmp_path, [spec(tmp_path)], "--reload") as served:
        connection, answer = stream(served, f"until {go_on}")
        answer.readline()
        clients = [threading.Thread(target=lambda: later.append(ask(served, "later"))) for _ in range(12)]
        for client in clients:
            client.start()
        save(tmp_path, "two")
        for client in clients:
            client.join()
        go_on.touch()
        answer.read()
        connection.close()

    assert later == ["two later"] * 12


def test_code_that_does_not_load_takes_nobodys_place_and_the_log_says_why(tmp_path: Path) -> None:
    with serving(tmp_path, [spec(tmp_path)], "--reload") as served:
        (tmp_path / "live.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
        log = ""
        assert served.process.stderr is not None
        while "goes on as it was" not in log:
            log += served.process.stderr.readline()
        before = ask(served, "hello")
        ready = request(served, path="/ready")[0]
        save(tmp_path, "two")
        until(lambda: ask(served, "hello") == "two hello")

    assert (before, ready) == ("one hello", 200)
    assert "Traceback (most recent call last)" in log
    assert "talks could not be loaded again, and goes on as it was: " in log
    assert "live.py:1: ModuleNotFoundError: No module named 'nothing_of_that_name'" in log


def test_code_that_loads_without_end_gives_way_to_what_is_saved_after_it(tmp_path: Path) -> None:
    with serving(tmp_path, [spec(tmp_path)], "--reload") as served:
        (tmp_path / "live.py").write_text(LOCKED, encoding="utf-8")
        until((tmp_path / "held").exists)
        before, ready = ask(served, "hello"), request(served, path="/ready")[0]
        save(tmp_path, "three")
        until(lambda: ask(served, "hello") == "three hello")
        with (tmp_path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # had as soon as the process that was loading is gone

    assert (before, ready) == ("one hello", 200)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: str(number.name))
def test_a_server_that_ends_while_code_is_loading_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with serving(tmp_path, [spec(tmp_path)], "--reload") as served:
        (tmp_path / "live.py").write_text(LOCKED, encoding="utf-8")
        until((tmp_path / "held").exists)
        served.process.send_signal(number)
        code = served.process.wait(15)
        with (tmp_path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    assert code == (0 if number == signal.SIGTERM else -number)


def test_an_async_model_is_replaced_too(tmp_path: Path) -> None:
    with serving(tmp_path, [spec(tmp_path, "one", "waits")], "--reload") as served:
        before = ask(served, "hello")
        save(tmp_path, "two")
        until(lambda: ask(served, "hello") == "two")

    assert before == "one"


def test_a_module_of_the_models_package_counts(tmp_path: Path) -> None:
    package = tmp_path / "mine" / "models"
    package.mkdir(parents=True)
    for each in (package, package.parent):
        (each / "__init__.py").touch()
    (package / "talk.py").write_text(
        "from mine.words import word\n\ndef talk(messages, **params):\n    return word\n", encoding="utf-8"
    )
    words = package.parent / "words.py"
    words.write_text("word = 'one'\n", encoding="utf-8")
    with serving(tmp_path, ["mine.models.talk:talk"], "--reload") as served:
        before = ask(served, "hello")
        words.write_text("word = 'two'\n", encoding="utf-8")
        until(lambda: ask(served, "hello") == "two")

    assert before == "one"


def test_a_model_whose_files_did_not_change_keeps_its_process(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    specs = [spec(here), spec(there)]
    with serving(tmp_path, specs, "--reload", "--name", "a", "--name", "b", "--alias", "c=a") as served:
        pid = ask(served, "pid", model="b")
        save(here, "two")
        until(lambda: ask(served, "hello", model="c") == "two hello")
        after = ask(served, "pid", model="b")

    assert pid == after


def test_sighup_loads_models_again(tmp_path: Path) -> None:
    with serving(tmp_path, [spec(tmp_path)]) as served:
        pid = ask(served, "pid")
        save(tmp_path, "two")
        before = ask(served, "hello")
        served.process.send_signal(signal.SIGHUP)
        until(lambda: ask(served, "hello") == "two hello")
        after = ask(served, "pid")

    assert before == "one hello"
    assert pid != after


def test_sighup_says_which_models_stay_as_they_are(tmp_path: Path) -> None:
    with serving(tmp_path, [spec(tmp_path)], "--isolation", "thread") as served:
        served.process.send_signal(signal.SIGHUP)
        assert served.process.stderr is not None
        said = served.process.stderr.readline()
        words = ask(served, "hello")

    assert "talks cannot be loaded again, sharing the server's process" in said
    assert words == "one hello"


def test_systemd_is_told_of_each_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("n")
        manager.settimeout(15)
        with serving(tmp_path, [spec(tmp_path)], NOTIFY_SOCKET="n") as served:
            told = [manager.recv(200)]
            served.process.send_signal(signal.SIGHUP)
            told += [manager.recv(200), manager.recv(200)]
            served.process.send_signal(signal.SIGTERM)
            told.append(manager.recv(200))
            code = served.process.wait(15)

    assert [each.partition(b"\n")[0] for each in told] == [b"READY=1", b"RELOADING=1", b"READY=1", b"STOPPING=1"]
    assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", told[1])
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["live.py:talks", "--isolation", "thread"], "--isolation thread has none: leave one of them out"),
        (["eliza"], "--reload has nothing to watch: eliza comes from no file of yours"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_loaded_again_is_refused_by_name(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    save(tmp_path, "one")
    done = subprocess.run(
        [sys.executable, "-m", "modelport", "serve", *arguments, "--reload", "--port", "0"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert complaint in done.stderr
