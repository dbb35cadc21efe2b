"""A model that answers batches, served to 32 clients, beside the same model asked directly with full batches."""

import contextlib
import json
from collections.abc import Callable
from functools import partial

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.loading import PATH
from bench.processes import OURS, ROOT, Server, Worker, cores
from bench.programs.noop import conversation
from bench.serving import serve_models

ABOUT = "a batchable model under 32 clients, and its own offline rate"
PEERS = False

CLIENTS = 32
OURS_NAME, OFFLINE = "served to 32 clients", "offline, full batches"
FAIR = (
    "model, worker and server share the core on which the model alone is asked offline, so what serving costs is taken "
    "from the model; the clients have the other core"
)


def run(bench: Bench) -> list[Budget]:
    """Batches as large as there are clients, who then wait for one another; and half as large."""
    on, from_ = cores()
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(Worker(OURS, "load", core=from_))
        offline = stack.enter_context(Worker(OURS, "decoder", core=on))
        specs = [f"{ROOT}/bench/programs/decoder.py:By{size}" for size in (16, 32)]
        server = stack.enter_context(serve_models(*specs, core=on))
        lines: list[Budget] = []
        for size in (32, 16):
            lines += _lines(bench, size, offline, _Served(server, load, f"by{size}"))
        return lines


class _Served:
    """The model behind the server."""

    def __init__(self, server: Server, load: Worker, model: str) -> None:
        self.server = server
        self.load = load
        self.model = model
        self.of_processor: list[float] = []

    def rate(self, batches: int, seconds: float) -> float:
        """Answers a second, where a batch takes *seconds*."""
        seen = self.load.ask(
            "waves",
            port=self.server.port,
            path=PATH,
            body=json.dumps({"model": self.model, "messages": conversation()}),
            connections=CLIENTS,
            count=batches + 3,
            gap=seconds / 4,
            pid=self.server.process.pid,
        )
        self.of_processor.append(seen["of_processor"])
        rate: float = seen["rate"]
        return rate


def _lines(bench: Bench, size: int, offline: Worker, served: _Served) -> list[Budget]:
    model, batches = f"by{size}", 3 if bench.quick else 6
    seconds: float = offline.ask("offline", model=model, batches=2)["batch_seconds"]
    alone: list[float] = []

    def directly() -> float:
        seen = offline.ask("offline", model=model, batches=batches)
        alone.append(seen["of_processor"])
        rate: float = seen["rate"]
        return rate

    measures: dict[str, Callable[[], float]] = {
        OURS_NAME: partial(served.rate, batches, seconds),
        OFFLINE: directly,
    }
    taken = take_turns(bench.rounds(3), measures)
    limit = Limit(of="ratio", figure=0.95, most=False, text="≥ 95 % of offline")
    return [
        Budget(
            name=f"batches of {size}, {CLIENTS} clients",
            unit="answers/s",
            ours=Measured(OURS_NAME, taken[OURS_NAME]),
            other=Measured(OFFLINE, taken[OFFLINE]),
            limit=limit,
            why=f"{FAIR}; a full batch takes {seconds * 1000:.0f} ms",
        ),
        Budget(
            name="… a second of processor time",
            unit="answers",
            ours=Measured(OURS_NAME, served.of_processor),
            other=Measured(OFFLINE, alone),
            limit=limit,  # the same promise, where the machine has other things to do as well
        ),
    ]
