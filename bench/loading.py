"""Servers under load, in rounds: what each answers, and for how much of its processor's time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import Server, Worker
from bench.programs.noop import conversation

__all__ = ("DELTAS", "PATH", "Asked", "Rounds", "Target", "beside")

PATH = "/v1/chat/completions"
DELTAS = 100
BUSY = 0.9  # a server under full load that used less of its core was not alone on it


@dataclass(frozen=True)
class Asked:
    """What is asked of every server, over how many connections: *turns* messages of 200 characters."""

    model: str
    connections: int = 1
    turns: int = 1

    @property
    def stream(self) -> bool:
        """Whether the answer is streamed."""
        return "noop" not in self.model

    def body(self, model: str = "") -> str:
        """The request's body; a server may call the model by another name."""
        asked: dict[str, Any] = {"model": model or self.model, "messages": conversation()[-self.turns :]}
        return json.dumps({**asked, "stream": True} if self.stream else asked)


@dataclass
class Target:
    """A server under load, and what was seen of it."""

    server: Server
    path: Callable[[str], str] = lambda _model: PATH  # of a model
    names: Mapping[str, str] = field(default_factory=dict)  # of the models that are called otherwise here
    busy: list[float] = field(default_factory=list)  # share of its core
    unhindered: list[float] = field(default_factory=list)  # answers, or deltas, for a second of its processor time
    ceiling: list[float] = field(default_factory=list)  # what the load could have done, answers a second
    first: list[float] = field(default_factory=list)  # milliseconds to the first token

    def forget(self) -> None:
        """Begin anew."""
        self.busy, self.unhindered, self.ceiling, self.first = [], [], [], []

    def body(self, asked: Asked) -> str:
        """What this server is asked."""
        return asked.body(self.names.get(asked.model, ""))

    def measure(self, load: Worker, asked: Asked, seconds: float) -> float:
        """Answers a second, or deltas a second of streams."""
        before = self.server.cpu_seconds()
        seen = load.ask(
            "streams" if asked.stream else "load",
            port=self.server.port,
            path=self.path(asked.model),
            body=self.body(asked),
            connections=asked.connections,
            seconds=seconds,
        )
        after = self.server.cpu_seconds()
        pieces = DELTAS if asked.stream else 1
        if before is not None and after is not None:
            self.busy.append((after - before) / (seen["answered"] / seen["rate"]))
            self.unhindered.append(seen["answered"] * pieces / (after - before))
        self.ceiling.append(seen["ceiling"])
        if asked.stream:
            self.first.append(seen["first_ms"])
        rate: float = seen["rate"]
        return rate * pieces


class Rounds:
    """Rounds over the servers, fresh counters for each line of the table."""

    def __init__(self, bench: Bench, load: Worker, targets: Mapping[str, Target]) -> None:
        self.bench = bench
        self.load = load
        self.targets = dict(targets)

    def take(self, asked: Asked, *, of: tuple[str, ...] = (), seconds: float = 1.0) -> dict[str, Measured]:
        """The figures of the servers, or of those named."""
        if self.bench.quick:
            seconds /= 5
        chosen = {name: target for name, target in self.targets.items() if not of or name in of}
        measures = {name: partial(target.measure, self.load, asked, seconds) for name, target in chosen.items()}
        take_turns(1, measures)  # warm
        for target in self.targets.values():
            target.forget()
        taken = take_turns(self.bench.rounds(5), measures)
        return {name: Measured(name, figures) for name, figures in taken.items()}

    def proof(self, unit: str) -> str:
        """Whether it was the server that was measured, and not the load."""
        parts, disturbed = [], ""
        for name, target in self.targets.items():
            if not target.ceiling:
                continue
            ceiling = Measured("", target.ceiling).middle
            busy = Measured("", target.busy or [1.0]).middle
            parts.append(f"{name}: its core {busy:.0%} busy, the load good for {ceiling:,.0f} {unit}")
            if busy < BUSY:
                disturbed = "DISTURBED, something else used the server's core or the load's; "
        return disturbed + "; ".join(parts)

    def unhindered(self) -> dict[str, Measured]:
        """Answers for a second of the servers' processor time, which other programs on the core do not change."""
        return {
            name: Measured(name, tuple(target.unhindered)) for name, target in self.targets.items() if target.unhindered
        }

    def first(self) -> dict[str, Measured]:
        """Milliseconds to the first token."""
        return {name: Measured(name, tuple(target.first)) for name, target in self.targets.items() if target.first}


def beside(
    bench: Bench, name: str, taken: Mapping[str, Measured], who: tuple[str, str], unit: str, limit: Limit | None = None
) -> Budget:
    """A line of *who*: one server beside another, which may not be installed."""
    one, other = who
    if other not in taken:
        return Budget(name=name, unit=unit, ours=taken[one], limit=limit, why=bench.peers.missing)
    return Budget(name=name, unit=unit, ours=taken[one], other=taken[other], limit=limit)
