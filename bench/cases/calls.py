"""A call in process, without a cache: a class in AutoGen's contract that does nothing, asked through a client."""

from functools import partial

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, Worker, cores

ABOUT = "an uncached call in process, 10 messages of 200 characters"
PEERS = True

PEER = "AutoGen 0.2.40, cache_seed=None"


def run(bench: Bench) -> list[Budget]:
    """Three pairs of processes, in each of which the two take turns."""
    limit = Limit(of="ratio", figure=1.0, text="≤ 1 × AutoGen's")
    names = ("uncached", "drop_in", "by_hand")
    taken: dict[str, list[float]] = {name: [] for name in (*names, PEER)}
    core = cores()[1]
    times = bench.amount(10_000)
    for _ in range(1 if bench.quick else 3):
        with Worker(OURS, "calls_ours", core=core, cwd=bench.scratch) as ours:
            measures = {name: partial(ours.microseconds, name, times=times) for name in names}
            if bench.peers.python is None:
                rounds = take_turns(bench.rounds(7), measures)
            else:
                with Worker(bench.peers.python, "calls_autogen", core=core, cwd=bench.scratch) as peer:
                    measures[PEER] = partial(peer.microseconds, "uncached", times=times)
                    take_turns(1, measures)  # warm
                    rounds = take_turns(bench.rounds(7), measures)
        for name, figures in rounds.items():
            taken[name] += figures
    other = Measured(PEER, taken[PEER]) if taken[PEER] else None
    why = "" if other else bench.peers.missing
    return [
        Budget(
            name="call in process: Client.create",
            unit="µs",
            ours=Measured("Client.create", taken["uncached"]),
            other=other,
            limit=limit,
            why=why,
        ),
        Budget(
            name="… through modelport.autogen.OpenAIWrapper",
            unit="µs",
            ours=Measured("modelport.autogen.OpenAIWrapper.create", taken["drop_in"]),
            other=other,
        ),
        Budget(
            name="… and the floor: calling the class by hand",
            unit="µs",
            ours=Measured("Client.create", taken["uncached"]),
            other=Measured("by hand", taken["by_hand"]),
        ),
    ]
