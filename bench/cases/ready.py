"""From the command to the first answer, with a model in a worker; beside a bare server, an import, and peers."""

import socket
import time
from collections.abc import Sequence
from statistics import median

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, Command, Failed, Server, cores, on_core
from bench.serving import MODELPORT, MODELS

ABOUT = "from the command to the line that says it is ready, and an answer; a model in a worker"
PEERS = True

SERVE = [MODELPORT, "serve", f"{MODELS}:blocking_noop", "--isolation", "worker", "--port", "0"]
UVICORN = [OURS, "-m", "bench.programs.floor_app", "100", "100"]
IMPORT = [OURS, "-c", "import uvicorn"]
FLOOR = "bare uvicorn, constant"


def run(bench: Bench) -> list[Budget]:
    """On one core, like whatever else a server does here, and on all of them, like a user's command."""
    on, _ = cores()
    lines = []
    for where, core in (("one core", on), ("all cores", None)):
        ours, floor = Started(SERVE, core), Started(UVICORN, core)
        taken = take_turns(bench.rounds(7), {"ours": ours, FLOOR: floor})
        lines.append(
            Budget(
                name=f"ready, {where}",
                unit="ms",
                ours=Measured("modelport serve", taken["ours"]),
                other=Measured(FLOOR, taken[FLOOR]),
                limit=Limit(of="ours", figure=700),
                why=ours.note,
                more={"processor_ms": ours.worked, "floor_processor_ms": floor.worked},
            )
        )
    with on_core(on):
        imported = take_turns(bench.rounds(5), {"import": Command(IMPORT)})["import"]
    lines.append(Budget(name='… python -c "import uvicorn", one core', unit="ms", ours=Measured("bare", imported)))
    return [*lines, *_peers(bench, on)]


def _peers(bench: Bench, core: int | None) -> list[Budget]:
    if bench.peers.python is None:
        return [Budget(name="… peers", unit="ms", why=bench.peers.missing)]
    lines = []
    for name, program in (("FastAPI", ["fastapi_app"]), ("LitServe", ["litserve_app", "fast"])):
        command = [str(bench.peers.python), "-m", f"bench.programs.{program[0]}", *program[1:]]
        taken = take_turns(bench.rounds(3), {name: Started(command, core)})
        lines.append(Budget(name=f"… {name}, one core", unit="ms", ours=Measured(name, taken[name])))
    return lines


class Started:
    """A server, started and ended each time it is called: milliseconds from the command to its first answer.

    It is asked as soon as it says where it listens. ``worked`` has the processor's milliseconds, of it and its worker.
    """

    def __init__(self, command: Sequence[str], core: int | None) -> None:
        self.command = command
        self.core = core
        self.taken: list[float] = []
        self.worked: list[float] = []

    def __call__(self) -> float:
        began = time.perf_counter()
        with Server(self.command, core=self.core) as server:
            _answer(server.port)
            self.taken.append((time.perf_counter() - began) * 1000)
            used = server.cpu_seconds()
        if used is not None:
            self.worked.append(used * 1000)
        return self.taken[-1]

    @property
    def note(self) -> str:
        """How much of that the processor worked; on one core, more time than that went to something else."""
        if not self.worked:
            return ""
        worked = median(self.worked)
        disturbed = self.core is not None and median(self.taken) > 1.25 * worked
        return f"{'DISTURBED, something else used its core; ' if disturbed else ''}{worked:.0f} ms are the processor's"


def _answer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        if not sock.recv(4096).startswith(b"HTTP/1.1 "):
            raise Failed("the server gave no answer")
