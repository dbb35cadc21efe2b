"""For the cases with screenshots: the two servers, their clients, drawn pictures, and bytes counted on the wire."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.context import Bench
from bench.processes import OURS, ROOT, Server, Worker, cores
from bench.serving import serve_models

__all__ = ("FLOOR", "PEER", "Side", "bytes_of", "draw", "sides")

PEER = "AgentStudio's way"
FLOOR = "raw pixels to a bare app"


@dataclass(frozen=True)
class Side:
    """A server, and how its client is started."""

    server: Server
    python: str | Path
    program: str

    def client(self, port: int | None = None) -> Worker:
        """A new client process, connected to the server or to what stands before it at *port*.

        Not kept to a core: one call at a time is made, and a client may use what the machine has while it is made.
        """
        worker = Worker(self.python, self.program, f"http://127.0.0.1:{port or self.server.port}")
        worker.ask("greet")
        return worker


@contextlib.contextmanager
def sides(bench: Bench) -> Iterator[dict[str, Side]]:
    """Ours, the floor, and the peer's where it is installed; all the servers up on one core."""
    on = cores()[0]
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(serve_models(f"{ROOT}/bench/programs/looking.py:look", core=on))
        bare = stack.enter_context(Server([OURS, "-m", "bench.programs.floor_app", "300", "200"], core=on))
        both = {"ours": Side(ours, OURS, "pictures_ours"), FLOOR: Side(bare, OURS, "pictures_floor")}
        if bench.peers.python is not None:
            command = [str(bench.peers.python), "-m", "bench.programs.agentstudio_server"]
            peer = stack.enter_context(Server(command, core=on))
            both[PEER] = Side(peer, bench.peers.python, "pictures_agentstudio")
        yield both


def draw(folder: Path, kind: str, number: int) -> list[str]:
    """The paths of *number* pictures, drawn once, for both sides alike: raw pixels."""
    from bench.programs import screens

    paths = []
    for seed in range(number):
        path = folder / f"{kind}-{seed}.rgb"
        if not path.exists():
            path.write_bytes(getattr(screens, kind)(seed).tobytes())
        paths.append(str(path))
    return paths


def bytes_of(side: Side, path: str, number: int) -> int:
    """Bytes both ways for a picture that is new to the server, on a connection that is open if the client keeps one."""
    with Worker(OURS, "relay", side.server.port) as relay, side.client(relay.ask("port")) as client:
        relay.ask("count")
        client.ask("send", path=path, number=number, prove=True)
        counted = relay.ask("count")
    return int(counted["up"] + counted["down"])
