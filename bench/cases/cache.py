"""Answers out of a cache, and into one, beside AutoGen's cache as it comes."""

from functools import partial

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, Worker, cores

ABOUT = "a cached call: hit and miss, SQLite and memory"
PEERS = True

PEER = "AutoGen 0.2.40 as it comes"
OURS_TIMES = 2_000
PEER_TIMES = 100


def run(bench: Bench) -> list[Budget]:
    """Fresh messages for every miss; sixteen conversations in turn for the hits. Both keep their files side by side."""
    core = cores()[1]
    taken: dict[str, list[float]] = {}
    for number in range(1 if bench.quick else 3):
        folder = bench.scratch / f"cache-{number}"
        folder.mkdir()
        with Worker(OURS, "calls_ours", core=core, cwd=folder) as ours:
            times = bench.amount(OURS_TIMES)
            measures = {
                f"{do} {cache}": partial(ours.microseconds, do, times=times, cache=cache)
                for do in ("hit", "miss")
                for cache in ("sqlite", "memory")
            }
            if bench.peers.python is None:
                rounds = take_turns(bench.rounds(5), measures)
            else:
                with Worker(bench.peers.python, "calls_autogen", core=core, cwd=folder) as peer:
                    for do in ("hit", "miss"):
                        measures[do] = partial(peer.microseconds, do, times=bench.amount(PEER_TIMES))
                    take_turns(1, measures)  # warm
                    rounds = take_turns(bench.rounds(5), measures)
        for name, figures in rounds.items():
            taken.setdefault(name, []).extend(figures)
    return [
        _line(bench, taken, "hit", "sqlite", Limit(of="ratio", figure=1 / 40, text="≤ 1/40")),
        _line(bench, taken, "miss", "sqlite", Limit(of="ratio", figure=1 / 30, text="≤ 1/30")),
        _line(bench, taken, "hit", "memory", None),
        _line(bench, taken, "miss", "memory", None),
    ]


def _line(bench: Bench, taken: dict[str, list[float]], do: str, cache: str, limit: Limit | None) -> Budget:
    return Budget(
        name=f"cache {do}, {'SQLite file' if cache == 'sqlite' else cache}",
        unit="µs",
        ours=Measured(f"Client(cache={cache})", taken[f"{do} {cache}"]),
        other=Measured(PEER, taken[do]) if do in taken else None,
        limit=limit,
        why="" if do in taken else bench.peers.missing,
    )
