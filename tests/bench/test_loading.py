"""What the benchmark asks, whom it asks, and how it reads a system's books. No time taken here is held to anything."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import trees
from bench.budget import Limit, Measured
from bench.cases.flat import _line
from bench.context import Bench
from bench.loading import Asked, Rounds, Target, beside
from bench.peers import Peers
from bench.processes import open_files
from bench.programs import load
from modelport.server import create_app
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import running

# --- trees of processes ---


def process(
    proc: Path, pid: int, *, children: str = "", nanoseconds: tuple[int, ...] = (0,), kilobytes: int = 0
) -> None:
    for number, used in enumerate(nanoseconds):
        task = proc / str(pid) / "task" / str(pid + number)
        task.mkdir(parents=True)
        (task / "schedstat").write_text(f"{used} 0 0\n")
        (task / "children").write_text(children if number == 0 else "")
    (proc / str(pid) / "smaps_rollup").write_text(
        f"5581-7ffe ---p 00000000 00:00 0 [rollup]\nRss: {kilobytes} kB\nPss: {kilobytes // 2} kB\n"
    )
    (proc / str(pid) / "status").write_text(f"Name:\tpython\nVmHWM:\t{2 * kilobytes} kB\nThreads:\t1\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """10 has started 20, which has started 30; 40 is someone else's; 50 has ended meanwhile."""
    process(tmp_path, 10, children="20 50 ", nanoseconds=(2_000_000_000, 500_000_000), kilobytes=1000)
    process(tmp_path, 20, children="30", nanoseconds=(1_000_000_000,), kilobytes=100)
    process(tmp_path, 30, kilobytes=10)
    process(tmp_path, 40, nanoseconds=(9_000_000_000,), kilobytes=9000)
    return tmp_path


def test_a_family_is_a_process_and_what_it_has_started(proc: Path) -> None:
    assert trees.family(10, proc) == [10, 20, 50, 30]


def test_the_processor_time_of_all_its_threads_counts(proc: Path) -> None:
    assert trees.cpu_seconds(10, proc) == 3.5
    assert trees.cpu_seconds(60, proc) is None


def test_its_memory_is_the_sum_in_bytes(proc: Path) -> None:
    memory = trees.memory(10, proc)

    assert memory is not None
    assert (memory.rss, memory.pss, memory.peak) == (1110 * 1024, 555 * 1024, 2220 * 1024)
    assert trees.memory(60, proc) is None


def test_those_that_are_left_over_are_ended_and_those_that_are_gone_are_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as left:
        trees.end([left.pid])
        left.wait(10)

        trees.end([left.pid])

    assert left.returncode != 0


def test_as_many_files_may_be_open_as_the_system_allows() -> None:
    assert open_files() >= 256


# --- what is asked ---


def test_a_model_that_does_nothing_is_asked_for_a_whole_answer_and_any_other_for_a_stream() -> None:
    whole, streamed = Asked("noop", turns=10), Asked("ready")

    assert (whole.stream, streamed.stream) == (False, True)
    assert "stream" not in json.loads(whole.body())
    assert len(json.loads(whole.body())["messages"]) == 10
    assert json.loads(streamed.body())["stream"] is True


# --- rounds ---


class Told:
    """A load that says what it was asked, and a server that says how long it worked."""

    port = 1

    def __init__(self, rates: Iterator[float]) -> None:
        self.rates = rates
        self.asked: list[dict[str, Any]] = []
        self.worked = 0.0

    def ask(self, do: str, **arguments: Any) -> dict[str, float]:
        self.asked.append({"do": do, **arguments})
        self.worked += 0.5
        return {"rate": next(self.rates), "ceiling": 1000.0, "answered": 10, "first_ms": 3.0}

    def cpu_seconds(self) -> float:
        return self.worked


def rounds(rates: list[float], tmp_path: Path, **names: str) -> tuple[Told, Rounds]:
    told = Told(iter(rates))
    target = Target(told, names=names)  # type: ignore[arg-type]
    return told, Rounds(Bench(Peers(None, "no network"), tmp_path, quick=True), told, {"ours": target})  # type: ignore[arg-type]


def test_the_first_round_warms_and_is_not_counted(tmp_path: Path) -> None:
    told, measured = rounds([1.0, 20.0, 30.0], tmp_path)

    taken = measured.take(Asked("noop", 32))

    assert list(taken["ours"].rounds) == [20.0, 30.0]
    assert [asked["do"] for asked in told.asked] == ["load"] * 3
    assert list(measured.unhindered()["ours"].rounds) == [20.0, 20.0]


def test_a_stream_is_counted_by_its_deltas_and_a_line_before_stays_as_it_was(tmp_path: Path) -> None:
    _, measured = rounds([1.0, 2.0, 3.0] * 2, tmp_path)

    taken = measured.take(Asked("ready"))
    before = measured.unhindered()["ours"]
    measured.take(Asked("noop"))

    assert list(taken["ours"].rounds) == [200.0, 300.0]
    assert list(before.rounds) == [2000.0, 2000.0]


def test_a_model_may_have_another_name_on_one_of_the_servers(tmp_path: Path) -> None:
    told, measured = rounds([1.0] * 3, tmp_path, noop="blocking_noop")

    measured.take(Asked("noop"))

    assert {json.loads(asked["body"])["model"] for asked in told.asked} == {"blocking_noop"}


def test_only_those_that_are_named_are_asked(tmp_path: Path) -> None:
    told, measured = rounds([], tmp_path)

    assert measured.take(Asked("noop"), of=("another",)) == {}
    assert told.asked == []


def test_a_line_beside_a_peer_that_is_not_there_says_why(tmp_path: Path) -> None:
    bench = Bench(Peers(None, "no network"), tmp_path)
    limit = Limit(of="ratio", figure=10, most=False)
    taken = {"ours": Measured("ours", [50.0]), "LitServe": Measured("LitServe", [4.0])}

    alone = beside(bench, "x", {"ours": taken["ours"]}, ("ours", "LitServe"), "req/s", limit)
    line = beside(bench, "x", taken, ("ours", "LitServe"), "req/s", limit)

    assert (alone.verdict, alone.why) == ("not measured", "peer not installed: no network")
    assert (line.ratio, line.met) == (12.5, True)


# --- the load ---


def test_the_load_asks_as_often_as_it_is_to_and_not_once_more() -> None:
    model = ScriptedModel(reply("ok"), name="noop")
    with running(create_app([model])) as port:
        seen = load.load(port, "/v1/chat/completions", Asked("noop").body(), connections=4, seconds=60, times=50)
        taken = load.latency(port, "/v1/chat/completions", Asked("noop").body(), times=10)

    assert seen["answered"] == 50
    assert len(model.requests) == 60
    assert 0 < taken["p50"] <= taken["p99"]


def test_batches_are_told_by_the_pauses_between_their_answers() -> None:
    worked = iter([0.5, 1.5, 2.5])
    waves = load.Waves(0.1, lambda: next(worked))

    for now in (1.0, 2.0, 2.01, 2.02, 3.0, 3.05, 3.1, 3.14, 4.14):
        waves.came(now)

    assert waves.ends == [(1, 1.0, 0.5), (4, 2.02, 1.5), (8, 3.14, 2.5)]
    assert waves.rates(0, 2) == {"rate": pytest.approx(7 / 2.14), "of_processor": 3.5}


# --- memory ---


@pytest.mark.parametrize(("last", "met"), [(41.9e6, True), (42.1e6, False)])
def test_memory_is_flat_where_the_second_half_adds_next_to_nothing(last: float, met: bool) -> None:
    line = _line("inline", {10: 30e6, 20: 41e6, 30: 50e6, 40: last}, 20, 40)

    assert line.met is met
    assert line.held == pytest.approx(last / 1e6 - 41)
