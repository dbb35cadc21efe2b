"""HTTP chat completions of a no-op async model, beside a bare uvicorn app and a hand-written FastAPI one."""

import contextlib

from bench.budget import Budget, Limit
from bench.context import Bench
from bench.loading import DELTAS, PATH, Asked, Rounds, Target, beside
from bench.processes import OURS, Failed, Server, Worker, cores
from bench.serving import MODELS, serve_models

ABOUT = "HTTP: requests a second, streams, first token; server on one core, load on another"
PEERS = True

FLOOR, PEER = "bare uvicorn, constant", "hand-written FastAPI"


def run(bench: Bench) -> list[Budget]:
    """All the servers are up at once, on one core; the load takes turns among them from another."""
    on, from_ = cores()
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(Worker(OURS, "load", core=from_))
        ours = stack.enter_context(serve_models(*(f"{MODELS}:{name}" for name in ("noop", "ready", "turns")), core=on))
        size, chunk = _sizes(load, ours)
        floor = stack.enter_context(Server([OURS, "-m", "bench.programs.floor_app", str(size), str(chunk)], core=on))
        targets = {"ours": Target(ours), FLOOR: Target(floor, lambda model: f"/{model}")}
        if bench.peers.python is not None:
            peer = Server([str(bench.peers.python), "-m", "bench.programs.fastapi_app"], core=on)
            targets[PEER] = Target(stack.enter_context(peer))
        return _lines(Rounds(bench, load, targets))


def _sizes(load: Worker, ours: Server) -> tuple[int, int]:
    """How large our answers are, and our chunks: the floor's are made alike. Sees to it that they are answers."""
    answer = load.ask("one", port=ours.port, path=PATH, body=Asked("noop").body())
    head, _, body = answer.partition("\r\n\r\n")
    if " 200 " not in head.splitlines()[0] or '"ok"' not in body:
        raise Failed(f"modelport serve gave no answer: {answer[:500]}")
    stream = load.ask("one", port=ours.port, path=PATH, body=Asked("ready").body())
    chunks = [line for line in stream.splitlines() if line.startswith("data: ") and '"word ' in line]
    if len(chunks) != DELTAS or "[DONE]" not in stream:
        raise Failed(f"modelport serve gave {len(chunks)} deltas, not {DELTAS}: {stream[:500]}")
    return len(body), len(chunks[0]) + 2


def _lines(rounds: Rounds) -> list[Budget]:
    floor = Limit(of="ratio", figure=0.6, most=False, text="≥ 60 % of bare")
    peer = Limit(of="ratio", figure=2.5, most=False, text="≥ 2.5 × FastAPI")
    lines: list[Budget] = []
    for name, turns, connections, held in (
        ("HTTP, 32 connections, 10 messages", 10, 32, True),
        ("HTTP, 32 connections, 1 message", 1, 32, True),
        ("HTTP, 1 connection, 10 messages", 10, 1, False),
    ):
        taken = rounds.take(Asked("noop", connections, turns))
        ways = [(name, "req/s", taken)]
        if held and (
            alone := rounds.unhindered()
        ):  # the same promise, where the machine has other things to do as well
            ways.append(("… a second of its processor time", "req", alone))
        for number, (way, unit, figures) in enumerate(ways):
            line = Budget(
                name=way,
                unit=unit,
                ours=figures["ours"],
                other=figures[FLOOR],
                limit=floor if held else None,
                why=rounds.proof("req/s") if held and number == 0 else "",
            )
            held_peer = peer if held else None
            lines += [line, beside(rounds.bench, "… and beside FastAPI", figures, ("ours", PEER), unit, held_peer)]
    for what, model in (("ready at once", "ready"), ("one a turn of the loop", "turns")):
        for connections in (1, 32):
            lines += _stream_lines(rounds, what, model, connections)
    return lines


def _stream_lines(rounds: Rounds, what: str, model: str, connections: int) -> list[Budget]:
    held = connections > 1 and model == "ready"  # as the budget's own figures were taken
    limit = Limit(of="ratio", figure=2, most=False, text="≥ 2 × FastAPI") if held else None
    taken = rounds.take(Asked(model, connections), seconds=0.6)
    name, unit = f"stream of {DELTAS}, {what}, {connections} at a time", "tokens/s"
    lines = [
        Budget(name=name, unit=unit, ours=taken["ours"], other=taken[FLOOR]),
        beside(rounds.bench, "… and beside FastAPI", taken, ("ours", PEER), unit, limit),
    ]
    if connections > 1 and (alone := rounds.unhindered()):
        what = "… a second of its processor time, and FastAPI's"
        lines.append(beside(rounds.bench, what, alone, ("ours", PEER), "tokens", limit))
    if connections == 1:
        first = rounds.first()
        lines.append(Budget(name="… first token", unit="ms", ours=first["ours"], other=first[FLOOR]))
        lines.append(beside(rounds.bench, "… and beside FastAPI", first, ("ours", PEER), "ms"))
    return lines
