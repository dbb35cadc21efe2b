"""Whether memory stays where it is over many requests: of the server, and of the worker that answers them."""

import contextlib

from bench.budget import Budget, Limit, Measured
from bench.context import Bench
from bench.loading import PATH, Asked
from bench.processes import OURS, Failed, Server, Worker, cores
from bench.serving import MODELS, serve_models

ABOUT = "memory after 100,000 requests and after twice as many; after a million with --long"
PEERS = False

CHUNK = 10_000  # requests between two looks
_KINDS = (("inline", "noop", 100_000), ("in a worker", "blocking_noop", 50_000))


def run(bench: Bench) -> list[Budget]:
    """The first requests fill whatever is filled once. From then on nothing is to be added."""
    lines = []
    for where, model, first in _KINDS:
        until = bench.amount(1_000_000 if bench.long else 2 * first)
        on, from_ = cores()
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(serve_models(f"{MODELS}:{model}", core=on))
            load = stack.enter_context(Worker(OURS, "load", core=from_))
            seen = _looks(server, load, Asked(model).body(), min(CHUNK, bench.amount(CHUNK)), until)
        lines.append(_line(where, seen, bench.amount(first), until))
    return lines


def _looks(server: Server, load: Worker, body: str, chunk: int, until: int) -> dict[int, float]:
    """Bytes of the server and its worker, by the number of requests answered."""
    seen: dict[int, float] = {}
    for answered in range(chunk, until + 1, chunk):
        load.ask("load", port=server.port, path=PATH, body=body, connections=32, seconds=3600, times=chunk)
        now = server.memory()
        if now is None:
            raise Failed("this system does not tell a process's memory in /proc")
        seen[answered] = now.rss
    return seen


def _line(where: str, seen: dict[int, float], first: int, until: int) -> Budget:
    return Budget(
        name=f"memory {where}, after {until:,} no-op requests",
        unit="MB",
        ours=Measured(f"after {until:,}", [seen[until] / 1e6]),
        other=Measured(f"after {first:,}", [seen[first] / 1e6]),
        limit=Limit(of="above", figure=1, text="+ ≤ 1 MB"),
        more={"bytes_by_requests": seen},
    )
