"""A server under load whose workers die of everything they can die of: every request is answered once, and says how."""

import contextlib
import http.client
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.server.helpers import CHAT
from tests.server.processes import Served, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(150),
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc for what is left of processes"),
]

MODEL = '''
import ctypes
import os
import resource
import signal
import time


def faulty(messages, **params):
    """Answers in five pieces, or comes to grief after the first."""
    what, _, argument = messages[-1]["content"].partition(" ")
    yield f"{argument}.0 "
    if what == "segfault":
        ctypes.string_at(0)
    elif what == "exit":
        os._exit(3)
    elif what == "abort":
        os.abort()
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "hang":
        time.sleep(1000)
    elif what == "flood":
        for _ in range(20_000):
            print("x" * 99)
    elif what == "memory":
        before = resource.getrlimit(resource.RLIMIT_AS)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), before[1]))
        try:
            bytearray(1 << 30)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
    for number in range(1, 5):
        yield f"{argument}.{number} "
'''
CLIENTS, TURNS = 12, 16
DEADLY = ("segfault", "exit", "abort", "kill")
DEEDS = ("say",) * 14 + (*DEADLY, "hang", "flood", "memory")
KEYS = ("ann", "bob", "cat")
# What may become of each deed besides an answer: its worker may always be killed from outside while it makes it, or
# while the only workers are being loaded; nothing else may happen to it.
KILLED = {"worker_died", "overloaded"}
ALLOWED = {
    "say": {"answered", *KILLED},
    "flood": {"answered", *KILLED},
    "hang": {"model_timeout", *KILLED},
    "memory": {"model_error", *KILLED},
    **dict.fromkeys(DEADLY, KILLED),
}


class Load:
    """Clients that ask for deeds in an order of chance, the same each time, and count what came."""

    def __init__(self, served: Served) -> None:
        self.tally: Counter[tuple[str, str, str]] = Counter()  # the deed, whole or streamed, what came
        self.wrong: list[str] = []
        self._served = served
        self._lock = threading.Lock()

    def run(self) -> None:
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, number: int) -> None:
        chance = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self._served.port, timeout=60)
        for turn in range(TURNS):
            deed, streamed = chance.choice(DEEDS), chance.random() < 0.5
            name = f"{number}-{turn}"
            text = "".join(f"{name}.{piece} " for piece in range(5))
            came, said = self._ask(connection, f"{deed} {name}", KEYS[number % len(KEYS)], streamed=streamed)
            with self._lock:
                self.tally[deed, "streamed" if streamed else "whole", came] += 1
                if not (said == text if came == "answered" else text.startswith(said) and said != text):
                    self.wrong.append(f"{deed} {name}: {came} with {said!r}")
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, text: str, key: str, *, streamed: bool) -> tuple[str, str]:
        """What came, in a word, and the text with it."""
        body = {"messages": [{"role": "user", "content": text}], "stream": streamed}
        headers = {"x-api-key": f"key-of-{key}", "x-modelport-timeout": "1" if text.startswith("hang") else "50"}
        connection.request("POST", CHAT, json.dumps(body), headers)
        answer = connection.getresponse()
        raw = answer.read()
        if answer.status != 200:
            return str(json.loads(raw)["error"]["code"]), ""
        if not streamed:
            return "answered", str(json.loads(raw)["choices"][0]["message"]["content"])
        return _read_stream(raw)


def _read_stream(raw: bytes) -> tuple[str, str]:
    lines = [line.removeprefix("data: ") for line in raw.decode().split("\n\n") if line.startswith("data: ")]
    chunks: list[dict[str, Any]] = [json.loads(line) for line in lines if line != "[DONE]"]
    said = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", ()))
    errors = [chunk["error"]["code"] for chunk in chunks if "error" in chunk]
    ends = [choice for chunk in chunks for choice in chunk.get("choices", ()) if choice.get("finish_reason")]
    assert len(errors) + len(ends) == 1, "a stream ends once, in one way"
    return (errors[0] if errors else "answered"), said


class Killer(threading.Thread):
    """Kills some worker now and then, whatever it does; not one that loads, which no request would notice."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.kills = 0
        self._served = served
        self._over = threading.Event()
        self._chance = random.Random(0)

    def run(self) -> None:
        while not self._over.wait(0.1 + 0.4 * self._chance.random()):
            children = _children(self._served.process.pid)
            if children and _measure(self._served, "modelport_workers_ready") == 2:
                os.kill(self._chance.choice(children), signal.SIGKILL)
                self.kills += 1

    def end(self) -> None:
        self._over.set()
        self.join()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended meanwhile
            found += map(int, (thread / "children").read_text().split())
    return found


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "gone"


def _memory(pid: int) -> int:
    """Resident, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def _measure(served: Served, name: str) -> float:
    """What /metrics says."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", "/metrics", headers={"x-api-key": "key-of-ann"})
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name + "{"))


def _settled(served: Served) -> bool:
    """Both workers are there again, and live."""
    children = _children(served.process.pid)
    return len(children) == 2 and all(_state(each) in "RSD" for each in children)


def _show(load: Load, kills: int, deaths: int) -> None:
    print(f"\n{CLIENTS} clients, {sum(load.tally.values())} requests; {deaths} deaths of workers, {kills} from outside")
    for (deed, how, came), count in sorted(load.tally.items()):
        print(f"  {deed:9} {how:9} {came:14} {count:4}")


def test_every_request_is_answered_once_whatever_the_workers_die_of(tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "keys").write_text("".join(f"{key}:key-of-{key}\n" for key in KEYS))
    (tmp_path / "keys").chmod(0o600)
    log = tmp_path / "log"
    options = ("--workers", "2", "--patience", "0.2", "--api-key-file", str(tmp_path / "keys"))
    with (
        log.open("w") as stderr,
        serving(tmp_path, [f"{tmp_path}/faulty.py:faulty"], *options, stderr=stderr) as served,
    ):
        pid = served.process.pid
        load, killer = Load(served), Killer(served)
        before = _memory(pid)
        killer.start()
        load.run()
        killer.end()
        limit = time.monotonic() + 30
        while not _settled(served) and time.monotonic() < limit:
            time.sleep(0.05)
        settled, queued, grown = _settled(served), _measure(served, "modelport_queue_length"), _memory(pid) - before
        children = _children(pid)
        served.process.terminate()
        ended = served.process.wait(30)
    deaths = log.read_text().count("a worker of faulty (process ")
    _show(load, killer.kills, deaths)

    assert load.wrong == []
    assert sum(load.tally.values()) == CLIENTS * TURNS
    assert [each for each in load.tally if each[2] not in ALLOWED[each[0]]] == []
    assert sum(count for (_, _, came), count in load.tally.items() if came == "worker_died") <= deaths
    assert sum(count for (deed, _, came), count in load.tally.items() if came == "answered") > CLIENTS * TURNS // 2
    assert (settled, queued, ended) == (True, 0, 0)
    assert grown < 40
    assert [each for each in children if _state(each) != "gone"] == []
