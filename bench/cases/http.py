"""HTTP chat completions of a no-op async model, beside a bare uvicorn app and a hand-written FastAPI one."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, ROOT, Failed, Server, Worker, cores
from bench.programs.noop import conversation
from bench.serving import serve_models

ABOUT = "HTTP: requests a second, streams, first token; server on one core, load on another"
PEERS = True

PATH = "/v1/chat/completions"
MODELS = ROOT / "bench" / "programs" / "models.py"
DELTAS = 100
BUSY = 0.9  # a server under full load that used less of its core was not alone on it
FLOOR, PEER = "bare uvicorn, constant", "hand-written FastAPI"


@dataclass
class Target:
    """A server under load, and what was seen of it."""

    server: Server
    path: Callable[[str], str]  # of a model
    busy: list[float] = field(default_factory=list)  # share of its core
    unhindered: list[float] = field(default_factory=list)  # answers for a second of its processor time
    ceiling: list[float] = field(default_factory=list)  # what the load could have done, answers a second
    first: list[float] = field(default_factory=list)  # milliseconds to the first token

    def measure(self, load: Worker, asked: "Asked", seconds: float) -> float:
        """Answers a second, or deltas a second of streams."""
        before = self.server.cpu_seconds()
        seen = load.ask(
            "streams" if asked.stream else "load",
            port=self.server.port,
            path=self.path(asked.model),
            body=asked.body,
            connections=asked.connections,
            seconds=seconds,
        )
        after = self.server.cpu_seconds()
        if before is not None and after is not None:
            self.busy.append((after - before) / (seen["answered"] / seen["rate"]))
            self.unhindered.append(seen["answered"] / (after - before))
        self.ceiling.append(seen["ceiling"])
        if asked.stream:
            self.first.append(seen["first_ms"])
        rate: float = seen["rate"]
        return rate * (DELTAS if asked.stream else 1)


@dataclass(frozen=True)
class Asked:
    """What is asked of every server, over how many connections: *turns* messages of 200 characters."""

    model: str
    connections: int = 1
    turns: int = 1

    @property
    def stream(self) -> bool:
        """Whether the answer is streamed."""
        return self.model != "noop"

    @property
    def body(self) -> str:
        """The request's body."""
        asked: dict[str, Any] = {"model": self.model, "messages": conversation()[-self.turns :]}
        return json.dumps({**asked, "stream": True} if self.stream else asked)


def run(bench: Bench) -> list[Budget]:
    """All the servers are up at once, on one core; the load takes turns among them from another."""
    on, from_ = cores()
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(Worker(OURS, "load", core=from_))
        ours = stack.enter_context(serve_models(*(f"{MODELS}:{name}" for name in ("noop", "ready", "turns")), core=on))
        size, chunk = _sizes(load, ours)
        floor = stack.enter_context(Server([OURS, "-m", "bench.programs.floor_app", str(size), str(chunk)], core=on))
        servers = {
            "ours": (ours, lambda _model: PATH),
            FLOOR: (floor, lambda model: f"/{model}"),
        }
        if bench.peers.python is not None:
            peer = Server([str(bench.peers.python), "-m", "bench.programs.fastapi_app"], core=on)
            servers[PEER] = (stack.enter_context(peer), lambda _model: PATH)
        return _lines(_Rounds(bench, load, servers))


def _sizes(load: Worker, ours: Server) -> tuple[int, int]:
    """How large our answers are, and our chunks: the floor's are made alike. Sees to it that they are answers."""
    answer = load.ask("one", port=ours.port, path=PATH, body=Asked("noop").body)
    head, _, body = answer.partition("\r\n\r\n")
    if " 200 " not in head.splitlines()[0] or '"ok"' not in body:
        raise Failed(f"modelport serve gave no answer: {answer[:500]}")
    stream = load.ask("one", port=ours.port, path=PATH, body=Asked("ready").body)
    chunks = [line for line in stream.splitlines() if line.startswith("data: ") and '"word ' in line]
    if len(chunks) != DELTAS or "[DONE]" not in stream:
        raise Failed(f"modelport serve gave {len(chunks)} deltas, not {DELTAS}: {stream[:500]}")
    return len(body), len(chunks[0]) + 2


class _Rounds:
    """Rounds over the servers, fresh counters for each line of the table."""

    def __init__(self, bench: Bench, load: Worker, servers: dict[str, tuple[Server, Callable[[str], str]]]) -> None:
        self.bench = bench
        self.load = load
        self.servers = servers
        self.targets: dict[str, Target] = {}

    def take(self, asked: Asked) -> dict[str, Measured]:
        """The figures of every server."""
        seconds = 0.2 if self.bench.quick else 1.0
        self.targets = {name: Target(server, path) for name, (server, path) in self.servers.items()}
        measures = {name: partial(target.measure, self.load, asked, seconds) for name, target in self.targets.items()}
        take_turns(1, measures)  # warm
        for target in self.targets.values():
            target.busy, target.unhindered, target.ceiling, target.first = [], [], [], []
        taken = take_turns(self.bench.rounds(5), measures)
        return {name: Measured(name, figures) for name, figures in taken.items()}

    def proof(self, unit: str) -> str:
        """Whether it was the server that was measured, and not the load."""
        parts, disturbed = [], ""
        for name, target in self.targets.items():
            ceiling = Measured("", target.ceiling).middle
            busy = Measured("", target.busy or [1.0]).middle
            parts.append(f"{name}: its core {busy:.0%} busy, the load good for {ceiling:,.0f} {unit}")
            if busy < BUSY:
                disturbed = "DISTURBED, something else used the server's core or the load's; "
        return disturbed + "; ".join(parts)

    def unhindered(self) -> dict[str, Measured]:
        """Answers for a second of the servers' processor time, which other programs on the core do not change."""
        return {name: Measured(name, target.unhindered) for name, target in self.targets.items() if target.unhindered}


def _lines(rounds: _Rounds) -> list[Budget]:
    limit = Limit(of="ratio", figure=0.6, most=False, text="≥ 60 % of bare")
    lines: list[Budget] = []
    for name, turns, connections, held in (
        ("HTTP, 32 connections, 10 messages", 10, 32, limit),
        ("HTTP, 32 connections, 1 message", 1, 32, limit),
        ("HTTP, 1 connection, 10 messages", 10, 1, None),
    ):
        taken = rounds.take(Asked("noop", connections, turns))
        lines.append(
            Budget(
                name=name,
                unit="req/s",
                ours=taken["ours"],
                other=taken[FLOOR],
                limit=held,
                why=rounds.proof("req/s") if held else "",
            )
        )
        alone = rounds.unhindered() if held else {}
        if alone:
            lines.append(
                Budget(
                    name="… a second of its processor time",
                    unit="req",
                    ours=alone["ours"],
                    other=alone[FLOOR],
                    limit=held,  # the same promise, where the machine has other things to do as well
                )
            )
        lines += _beside_peer(rounds.bench, taken, "req/s")
    for what, model in (("ready at once", "ready"), ("one a turn of the loop", "turns")):
        for connections in (1, 32):
            lines += _stream_lines(rounds, what, model, connections)
    return lines


def _stream_lines(rounds: _Rounds, what: str, model: str, connections: int) -> list[Budget]:
    taken = rounds.take(Asked(model, connections))
    lines = [
        Budget(
            name=f"stream of {DELTAS}, {what}, {connections} at a time",
            unit="tokens/s",
            ours=taken["ours"],
            other=taken[FLOOR],
        ),
        *_beside_peer(rounds.bench, taken, "tokens/s"),
    ]
    if connections == 1:
        first = {name: Measured(name, target.first) for name, target in rounds.targets.items()}
        lines.append(Budget(name="… first token", unit="ms", ours=first["ours"], other=first[FLOOR]))
        lines += _beside_peer(rounds.bench, first, "ms")
    return lines


def _beside_peer(bench: Bench, taken: dict[str, Measured], unit: str) -> list[Budget]:
    if PEER not in taken:
        return [Budget(name=f"… beside {PEER}", unit=unit, why=bench.peers.missing)]
    return [Budget(name="… and beside FastAPI", unit=unit, ours=taken["ours"], other=taken[PEER])]
