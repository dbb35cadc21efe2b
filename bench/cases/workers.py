"""Models that block, each in a process of its own, beside LitServe, which does likewise; and what that hop adds."""

import contextlib
from dataclasses import replace
from functools import partial

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.loading import DELTAS, Asked, Rounds, Target, beside
from bench.processes import OURS, Server, Worker, cores
from bench.serving import MODELS, serve_models

ABOUT = "models in workers: requests a second, streams, the hop, the first token; sync generators beside async ones"
PEERS = True

INLINE, WORKER, THREAD = "ours, inline", "ours, in a worker", "ours, in a thread"
PEER, FASTAPI = "LitServe", "hand-written FastAPI"
SYNC, ASYNC = "sync", "async"
_BLOCKING = {name: f"blocking_{name}" for name in ("noop", "ready")}


def run(bench: Bench) -> list[Budget]:
    """All the servers, with their workers, are up at once on one core; the load takes turns among them from another."""
    on, from_ = cores()
    inline, blocking = [[f"{MODELS}:{before}{name}" for name in _BLOCKING] for before in ("", "blocking_")]
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        load = enter(Worker(OURS, "load", core=from_))
        targets = {
            INLINE: Target(enter(serve_models(*inline, "--isolation", "inline", core=on))),
            WORKER: Target(enter(serve_models(*inline, *blocking, "--isolation", "worker", core=on)), names=_BLOCKING),
            THREAD: Target(enter(serve_models(*blocking, "--isolation", "thread", core=on)), names=_BLOCKING),
        }
        if bench.peers.python is not None:
            command = [str(bench.peers.python), "-m", "bench.programs.litserve_app", "fast"]
            targets[PEER] = Target(enter(Server(command, core=on)))
            targets[FASTAPI] = Target(enter(Server([*command[:2], "bench.programs.fastapi_app"], core=on)))
        rounds = Rounds(bench, load, targets)
        return [*_requests(rounds), *_hop(rounds), *_streams(rounds), *_first(rounds), *_generators(rounds)]


def _requests(rounds: Rounds) -> list[Budget]:
    taken = rounds.take(Asked("noop", 32, 10), of=(INLINE, WORKER, PEER))
    name = "no-op model, 32 connections, 10 messages"
    return _beside_litserve(rounds, name, taken, "req", {WORKER: 10, INLINE: 25})


def _streams(rounds: Rounds) -> list[Budget]:
    taken = rounds.take(Asked("ready", 32), of=(INLINE, WORKER, PEER), seconds=1.0)
    return _beside_litserve(rounds, f"stream of {DELTAS}, 32 at a time", taken, "tokens", {WORKER: 20})


def _beside_litserve(
    rounds: Rounds, name: str, taken: dict[str, Measured], unit: str, least: dict[str, float]
) -> list[Budget]:
    """Each of ours by the clock, and by the processor's, which other programs on the core do not change."""
    lines: list[Budget] = []
    ways = [("", f"{unit}/s", taken), (", a second of processor time", unit, rounds.unhindered())]
    for way, per, figures in ways:
        for who, times in least.items():
            if who in figures:
                limit = Limit(of="ratio", figure=times, most=False, text=f"≥ {times:g} × LitServe")
                title = f"{name}, {who.split(', ')[1]}{way}"
                lines.append(beside(rounds.bench, title, figures, (who, PEER), per, limit))
    proof = rounds.proof("a second")
    return [replace(lines[0], why=lines[0].why or proof), *lines[1:]]


def _hop(rounds: Rounds) -> list[Budget]:
    """The median of many answers one after the other; and the processor time of one, which is most of it."""
    asked = Asked("noop", 1, 10)
    worked: dict[str, list[float]] = {WORKER: [], INLINE: []}
    measures = {who: partial(_median, rounds, rounds.targets[who], asked, worked[who]) for who in worked}
    take_turns(1, measures)  # warm
    for figures in worked.values():
        figures.clear()
    taken = take_turns(rounds.bench.rounds(11), measures)
    lines = [
        Budget(
            name="1 connection, 10 messages, the median through a worker",
            unit="µs",
            ours=Measured(WORKER, taken[WORKER]),
            other=Measured(INLINE, taken[INLINE]),
            limit=Limit(of="above", figure=150, text="+ ≤ 150 µs"),
        )
    ]
    if worked[WORKER]:
        both = [Measured(who, figures) for who, figures in worked.items()]
        lines.append(Budget(name="… processor time of an answer", unit="µs", ours=both[0], other=both[1]))
    return lines


def _median(rounds: Rounds, target: Target, asked: Asked, worked: list[float]) -> float:
    times = rounds.bench.amount(1000)
    before = target.server.cpu_seconds()
    seen = rounds.load.ask(
        "latency",
        port=target.server.port,
        path=target.path(asked.model),
        body=target.body(asked),
        times=times,
    )
    after = target.server.cpu_seconds()
    if before is not None and after is not None:
        worked.append((after - before) / times * 1e6)
    median: float = seen["p50"]
    return median


def _first(rounds: Rounds) -> list[Budget]:
    rounds.take(Asked("ready", 1), of=(INLINE, WORKER, PEER), seconds=0.3)
    first = rounds.first()
    limit = Limit(of="ours", figure=0.6)
    return [
        beside(rounds.bench, "first token, 1 connection, in a worker", first, (WORKER, PEER), "ms", limit),
        beside(rounds.bench, "… inline", first, (INLINE, PEER), "ms"),
    ]


def _generators(rounds: Rounds) -> list[Budget]:
    """Blocking generators beside async ones: both in workers; then as each comes, which is inline for an async one."""
    limit = Limit(of="ratio", figure=0.8, most=False, text="within 20 %")
    asked = Asked("ready", 32)
    both = _both(rounds, rounds.targets[WORKER])
    taken = both.take(asked, seconds=0.4)
    lines = [_pair("sync generators in a worker, and async ones there", "tokens/s", taken, (SYNC, ASYNC), limit)]
    # One process answers both, so its processor time of a round is of the one that was asked in it.
    if alone := both.unhindered():
        lines.append(_pair("… a second of processor time", "tokens", alone, (SYNC, ASYNC), limit))
    taken = rounds.take(asked, of=(INLINE, WORKER, THREAD), seconds=0.4)
    for who in (WORKER, THREAD):
        name = f"sync generators {who.split(', ')[1]}, and async ones inline"
        lines.append(_pair(name, "tokens/s", taken, (who, INLINE)))
    if FASTAPI in rounds.targets:
        taken = _both(rounds, rounds.targets[FASTAPI]).take(asked, seconds=0.4)
        lines.append(_pair("… and FastAPI's, in its threads", "tokens/s", taken, (SYNC, ASYNC)))
    return lines


def _both(rounds: Rounds, target: Target) -> Rounds:
    """The same server, asked for both kinds of generators."""
    return Rounds(rounds.bench, rounds.load, {SYNC: replace(target, names=_BLOCKING), ASYNC: Target(target.server)})


def _pair(
    name: str, unit: str, figures: dict[str, Measured], who: tuple[str, str], limit: Limit | None = None
) -> Budget:
    return Budget(name=name, unit=unit, ours=figures[who[0]], other=figures[who[1]], limit=limit)
