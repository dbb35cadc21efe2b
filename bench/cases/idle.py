"""What an open stream costs while nothing comes: memory of the server, ours and a hand-written FastAPI app."""

import contextlib
from collections.abc import Sequence

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.loading import PATH, Asked
from bench.processes import OURS, Failed, Server, Worker, cores, open_files
from bench.serving import MODELPORT, MODELS

ABOUT = "10,000 idle streams: memory of the server"
PEERS = True

STREAMS = 10_000
SPARE = 500  # files that a server has open besides
PEER = "hand-written FastAPI"


def run(bench: Bench) -> list[Budget]:
    """Fresh servers: what one has once taken from the system, it uses again. One round: nothing is timed here."""
    count = min(bench.amount(STREAMS), open_files() - SPARE)
    sides = {
        "ours": _Held([MODELPORT, "serve", f"{MODELS}:quiet", "--port", "0", "--concurrent", str(2 * STREAMS)], count)
    }
    if bench.peers.python is not None:
        sides[PEER] = _Held([str(bench.peers.python), "-m", "bench.programs.fastapi_app"], count)
    taken = take_turns(1, sides)
    return [
        Budget(
            name=f"an idle stream, of {count:,} at a time",
            unit="KB",
            ours=Measured("ours", taken["ours"]),
            other=Measured(PEER, taken[PEER]) if PEER in taken else None,
            limit=Limit(of="ours", figure=30, text="≤ 30 KB"),
            why="resident memory of the server; the system's own for sockets is not in it",
            more={"seconds_to_open": {name: side.seconds for name, side in sides.items()}},
        )
    ]


class _Held:
    """A server, each time it is called, and so many streams of it; gives thousands of bytes a stream."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        self.command = command
        self.count = count
        self.seconds: list[float] = []

    def __call__(self) -> float:
        on, from_ = cores()
        asked = {"path": PATH, "body": Asked("quiet").body()}
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(Server(self.command, core=on))
            clients = stack.enter_context(Worker(OURS, "holding", core=from_))
            clients.ask("hold", port=server.port, count=50, **asked)
            before = server.memory()
            seen = clients.ask("hold", port=server.port, count=self.count, **asked)
            after = server.memory()
        if before is None or after is None:
            raise Failed("this system does not tell a process's memory in /proc")
        self.seconds.append(seen["seconds"])
        return (after.rss - before.rss) / self.count / 1000
