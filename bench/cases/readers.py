"""Readers who ask for an answer without an end and never read: what they cost the server, and those beside them."""

import contextlib
from collections.abc import Callable
from functools import partial

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.loading import PATH, Asked
from bench.processes import OURS, Failed, Server, Worker, cores
from bench.serving import MODELS, serve_models

ABOUT = "readers who never read: memory of the server and its workers, and how long others wait"
PEERS = False

READERS = 16
_KINDS = (  # the model whose answer is not read, the one that is asked meanwhile, and the most memory for each reader
    ("inline", "pushing", "noop", Limit(of="ours", figure=1, text="≤ 1 MB")),
    ("in a worker", "blocking_pushing", "blocking_noop", Limit(of="ours", figure=8, text="≤ 2 × 4 MiB")),
)


def run(bench: Bench) -> list[Budget]:
    """Fresh servers for each kind, so that what one has taken from the system tells what it needed at most."""
    lines: list[Budget] = []
    for where, unread, asked, most in _KINDS:
        on, from_ = cores()
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(serve_models(*(f"{MODELS}:{name}" for name in (unread, asked)), core=on))
            neighbour = stack.enter_context(Worker(OURS, "load", core=from_))
            readers = stack.enter_context(Worker(OURS, "holding", core=from_))
            lines += _Beside(bench, server, neighbour, readers).lines(where, Asked(unread).body(), asked, most)
    return lines


class _Beside:
    """Someone who asks one request after the other, with and without such readers beside."""

    def __init__(self, bench: Bench, server: Server, neighbour: Worker, readers: Worker) -> None:
        self.bench = bench
        self.server = server
        self.neighbour = neighbour
        self.readers = readers
        self.body = ""
        self.grown: list[float] = []  # bytes above what the server took before

    def lines(self, where: str, unread: str, asked: str, most: Limit) -> list[Budget]:
        self.body = Asked(asked, turns=10).body()
        self._ask(1000)
        before = self._memory()
        quiet = self._cost()
        measures: dict[str, Callable[[], float]] = {
            "with": partial(self._beside_readers, unread, before, quiet),
            "without": self._alone,
        }
        taken = take_turns(self.bench.rounds(7), measures)
        return [
            Budget(
                name=f"a reader who never reads, {where}: memory, of {READERS}",
                unit="MB",
                ours=Measured("ours", [max(self.grown) / READERS / 1e6]),
                limit=most,
                why="the most that server and workers took at any time of these rounds, above what they took before",
            ),
            Budget(
                name=f"… the 99th percentile of those beside {READERS} of them",
                unit="µs",
                ours=Measured("with them", taken["with"]),
                other=Measured("without", taken["without"]),
                limit=Limit(of="ratio", figure=1.1, text="within 10 %"),
            ),
        ]

    def _beside_readers(self, unread: str, before: float, quiet: float) -> float:
        self.readers.ask("ignore", port=self.server.port, path=PATH, body=unread, count=READERS)
        for _ in range(100):  # until nothing is made any more that nobody reads
            self.grown.append(self._memory() - before)
            if self._cost() < 1.3 * quiet:
                break
        figure = self._alone()
        self.grown.append(self._memory() - before)
        self.readers.ask("release")
        self._ask(500)
        return figure

    def _alone(self) -> float:
        return self._ask(self.bench.amount(4000))

    def _cost(self) -> float:
        """Processor time of the server while it answers a few; what else it does then is in it."""
        before = self.server.cpu_seconds() or 0.0
        self._ask(200)
        return (self.server.cpu_seconds() or 0.0) - before

    def _ask(self, times: int) -> float:
        """Microseconds, the 99th percentile."""
        seen = self.neighbour.ask("latency", port=self.server.port, path=PATH, body=self.body, times=times)
        figure: float = seen["p99"]
        return figure

    def _memory(self) -> float:
        now = self.server.memory()
        if now is None:
            raise Failed("this system does not tell a process's memory in /proc")
        return now.rss
