"""The benchmark's harness: arithmetic, text, discovery, the JSON it writes. Nothing here depends on a time taken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import peers
from bench.__main__ import discover, load, main, run_case
from bench.budget import Budget, Limit, Measured, missed, summary, table
from bench.context import Bench, take_turns
from bench.peers import Peers
from bench.processes import Failed, Worker, whole_run

RATIO = Limit(of="ratio", figure=0.5)


# --- a budget's arithmetic ---


@pytest.mark.parametrize(("ours", "met"), [([4.0, 5.0, 90.0], True), ([5.1, 5.1, 0.1], False)])
def test_a_ratio_is_taken_round_by_round_and_its_median_held_against_the_limit(ours: list[float], met: bool) -> None:
    budget = Budget(
        name="call", unit="µs", ours=Measured("ours", ours), other=Measured("peer", [10.0] * 3), limit=RATIO
    )

    assert budget.ratio == sorted(ours)[1] / 10
    assert budget.met is met


def test_a_slow_spell_that_meets_both_changes_no_ratio() -> None:
    budget = Budget(name="x", unit="ms", ours=Measured("ours", [1.0, 9.0]), other=Measured("peer", [2.0, 18.0]))

    assert budget.ratio == 0.5


def test_unequal_numbers_of_rounds_are_compared_by_their_medians() -> None:
    budget = Budget(name="x", unit="ms", ours=Measured("ours", [1.0, 2.0, 3.0]), other=Measured("peer", [4.0]))

    assert budget.ratio == 0.5


def test_a_rate_must_reach_its_limit_where_a_time_must_not_pass_it() -> None:
    rate = Limit(of="ratio", figure=0.6, most=False)

    assert rate.holds(0.6)
    assert rate.holds(0.9)
    assert not rate.holds(0.59)
    assert not Limit(of="ours", figure=80).holds(80.1)


def test_a_limit_above_the_floor_is_about_the_difference() -> None:
    floor = Measured("bare python", [11.0, 12.0, 30.0])
    ours = Measured("ours", [20.0, 20.0, 38.0])
    budget = Budget(name="import", unit="ms", ours=ours, other=floor, limit=Limit(of="above", figure=8))

    assert budget.held == 8.0
    assert budget.met is True


@pytest.mark.parametrize("limit", [RATIO, Limit(of="above", figure=1)])
def test_without_its_peer_a_budget_is_neither_met_nor_missed(limit: Limit) -> None:
    budget = Budget(name="call", unit="µs", ours=Measured("ours", [1.0]), limit=limit, why="peer not installed: x")

    assert (budget.met, budget.verdict, missed([budget])) == (None, "not measured", [])
    assert summary([budget]) == "budgets: 0 met, 0 missed; lines not measured: 1"


def test_the_spread_is_half_the_distance_of_the_quartiles() -> None:
    assert Measured("x", [8.0, 9.0, 10.0, 11.0, 12.0]).spread == pytest.approx(0.1)
    assert Measured("x", [8.0]).spread == 0


# --- the table ---


def test_the_table_tells_the_figures_the_limit_the_verdict_and_why() -> None:
    lines = table(
        [
            Budget(
                name="call",
                unit="µs",
                ours=Measured("ours", [8.0]),
                other=Measured("AutoGen", [10.0]),
                limit=RATIO,
                why="cold",
            ),
            Budget(name="for scale", unit="ms", ours=Measured("ours", [1234.0])),
        ]
    ).splitlines()

    assert lines[0].split() == ["case", "ours", "floor", "or", "peer", "ratio", "budget"]
    assert lines[2].split() == ["call", "8", "µs", "10", "µs", "AutoGen", "0.8", "≤", "0.5", "×", "other", "MISSED"]
    assert lines[3].split() == ["for", "scale", "1,234", "ms", "–"]
    assert lines[-1].strip() == "call: cold"


def test_a_line_as_data_has_every_round() -> None:
    budget = Budget(
        name="call", unit="µs", ours=Measured("ours", [8.0, 6.0]), other=Measured("peer", [10.0, 10.0]), limit=RATIO
    )

    data = json.loads(json.dumps(budget.as_data()))

    assert data["ours"]["rounds"] == [8.0, 6.0]
    assert (data["ratio"], data["met"], data["budget"]) == (0.7, False, "≤ 0.5 × other")


# --- taking turns ---


def test_measures_take_turns_and_every_second_round_goes_backwards() -> None:
    order: list[str] = []

    def measured(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = take_turns(2, {"a": lambda: measured("a"), "b": lambda: measured("b")})

    assert order == ["a", "b", "b", "a"]
    assert taken == {"a": [1.0, 4.0], "b": [2.0, 3.0]}


# --- cases ---


def test_a_file_is_a_case(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "_helper.py", "__init__.py", "notes.md"):
        (tmp_path / name).touch()

    assert discover(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("name", discover())
def test_every_case_says_what_it_is_and_whether_it_has_peers(name: str) -> None:
    case = load(name)

    assert isinstance(case.ABOUT, str)
    assert isinstance(case.PEERS, bool)
    assert callable(case.run)


def test_a_case_that_cannot_be_run_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_bench: Bench) -> list[Budget]:
        raise Failed("the server did not start")

    monkeypatch.setattr(load("help"), "run", fail)

    [line] = run_case("help", Bench(Peers(None), tmp_path))

    assert line.verdict == "not measured"
    assert "the server did not start" in line.why


# --- processes ---


def test_a_worker_that_ends_tells_its_last_words() -> None:
    with pytest.raises(Failed, match="No module named bench"):
        Worker(sys.executable, "nothing")


def test_a_command_that_fails_is_not_timed() -> None:
    with pytest.raises(Failed, match="no such thing"):
        whole_run([sys.executable, "-c", "raise SystemExit('no such thing')"])


# --- the peers ---


def test_peers_that_cannot_be_installed_are_told_of_and_not_fatal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def refuse(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no matching distribution\nmore")

    monkeypatch.setattr(subprocess, "run", refuse)

    found = peers.install(tmp_path / "venv")

    assert (found.python, found.missing) == (None, "peer not installed: ERROR: no matching distribution")
    assert "no matching distribution" in capsys.readouterr().err


def test_peers_that_are_there_are_not_installed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("nothing is to be run"))
    python = tmp_path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir()
    python.touch()
    (tmp_path / ".stamp").write_text(peers.stamp(), encoding="utf-8")

    assert peers.install(tmp_path).python == python


def test_every_peer_has_its_exact_version() -> None:
    pinned = peers.versions()

    assert set(peers.WANTED) <= set(pinned)
    assert pinned["autogen-agentchat"] == "0.2.40"


# --- the command ---


def test_a_quick_run_prints_the_table_and_writes_every_round(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "results.json"

    code = main(["--only", "help", "--quick", "--json", str(path)])

    data = json.loads(path.read_text(encoding="utf-8"))
    [line] = data["budgets"]
    assert code == 0
    assert line["name"] == "modelport --help, whole process"
    assert len(line["ours"]["rounds"]) == 2
    assert data["python"].startswith("CPython")
    assert "modelport --help, whole process" in capsys.readouterr().out


def test_a_missed_budget_is_a_fact_and_only_with_strict_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = Budget(name="x", unit="ms", ours=Measured("x", [9.0]), limit=Limit(of="ours", figure=1))
    monkeypatch.setattr(load("help"), "run", lambda _bench: [line])
    arguments = ["--only", "help", "--json", str(tmp_path / "results.json")]

    assert main(arguments) == 0
    assert main([*arguments, "--strict"]) == 1


def test_an_unknown_case_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nonsense"]) == 2
    assert "there are: agents, batches, cache, calls" in capsys.readouterr().err
