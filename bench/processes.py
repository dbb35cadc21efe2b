"""Processes that are measured: started on a core of their own, spoken to in lines of JSON, always ended."""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import IO, Any, Self

from bench import trees

resource: Any
try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = (
    "OURS",
    "ROOT",
    "Command",
    "Failed",
    "Server",
    "Worker",
    "cores",
    "environment",
    "on_core",
    "open_files",
    "whole_run",
)

ROOT = Path(__file__).parents[1]
OURS = sys.executable
PATIENCE = 120.0  # seconds for one answer of a process


class Failed(Exception):
    """A measured process ended, or did not answer: its last words are in the message."""


def cores() -> tuple[int | None, int | None]:
    """The cores for the server and for the load; None where they cannot be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[1 % len(usable)]


def open_files() -> int:
    """How many files, which sockets are, a process may have open; from now on as many as the system allows at all."""
    if resource is None:
        return 512
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return min(most, 1 << 20) if most > 0 else 1 << 20


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """What is started within runs on *core* from its first instruction on."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without keys and settings that would make one machine answer differently from another."""
    ambient = ("MODELPORT_", "OPENAI_", "AUTOGEN_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ambient)}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OAI_CONFIG_LIST"):
        kept.pop(name, None)
        kept.pop(name.lower(), None)
    return {**kept, "NO_PROXY": "*", "PYTHONPATH": str(ROOT), **(more or {})}


class _Process:
    """A child whose errors are kept, to be told when it fails."""

    def __init__(self, command: Sequence[str], core: int | None, cwd: Path) -> None:
        self.command = list(command)
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        with on_core(core):
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                cwd=cwd,
                env=environment(),
            )
        self._rest = b""

    def line(self, patience: float = PATIENCE) -> bytes:
        """The next line of its standard output."""
        assert self.process.stdout is not None
        ends = time.monotonic() + patience
        number = self.process.stdout.fileno()
        while b"\n" not in self._rest:
            ready, _, _ = select.select([number], [], [], max(0.0, ends - time.monotonic()))
            piece = os.read(number, 65536) if ready else b""
            if not piece:
                what = "ended" if ready else f"did not answer within {patience:.0f} s"
                raise Failed(f"{' '.join(self.command)} {what}: {self.last_words()}")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-6:]) or "it said nothing"

    def cpu_seconds(self) -> float | None:
        """Processor time of it and its children; None where the system does not tell."""
        return trees.cpu_seconds(self.process.pid)

    def memory(self) -> trees.Memory | None:
        """The same of their memory."""
        return trees.memory(self.process.pid)

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        started = trees.family(self.process.pid)[1:]
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        trees.end(started)  # a server need not end its own
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()


class Worker(_Process):
    """A program of bench/programs that does what it is asked, as often as it is asked."""

    def __init__(
        self,
        python: str | Path,
        program: str,
        *arguments: object,
        core: int | None = None,
        cwd: Path = ROOT,
    ) -> None:
        super().__init__([str(python), "-m", f"bench.programs.{program}", *map(str, arguments)], core, cwd)
        self._start()

    def _start(self) -> None:
        try:
            while b'{"ready": true}' not in self.line():
                pass  # what imports had to say
        except Failed:
            self.close()
            raise

    def ask(self, do: str, **arguments: Any) -> Any:
        """What the program's command *do* gives."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{' '.join(self.command)} ended: {self.last_words()}") from None
        return json.loads(self.line())["value"]

    def microseconds(self, do: str, **arguments: Any) -> float:
        """What *do* gives, which is in seconds, in microseconds."""
        seconds: float = self.ask(do, **arguments)
        return seconds * 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Server(_Process):
    """A server that says on standard output where it listens; ``port`` is that."""

    def __init__(self, command: Sequence[str], *, core: int | None = None, cwd: Path = ROOT) -> None:
        super().__init__(command, core, cwd)
        self.port = 0
        try:
            while not self.port:
                found = re.search(rb"(?:127\.0\.0\.1|localhost):(\d+)", self.line(30.0))
                self.port = int(found.group(1)) if found else 0
        except Failed:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def whole_run(command: Sequence[str], cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> float:
    """Seconds that *command* takes from its start to its end."""
    began = time.perf_counter()
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=env,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise Failed(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return seconds


class Command:
    """A whole run of a command, each time it is called: milliseconds from its start to its end.

    ``taken`` and ``worked`` have the milliseconds of every run, by the clock and by the processor.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.taken: list[float] = []
        self.worked: list[float] = []

    def __call__(self) -> float:
        before = _children_seconds()
        self.taken.append(whole_run(self.command) * 1000)
        self.worked.append((_children_seconds() - before) * 1000)
        return self.taken[-1]

    @property
    def disturbed(self) -> str:
        """A note, where the command had to wait for its core; else nothing."""
        taken, worked = median(self.taken), median(self.worked)
        if not worked or taken < 1.25 * worked + 2:
            return ""
        return f"DISTURBED, something else used its core: it took {worked:.0f} ms of processor time"


def _children_seconds() -> float:
    if resource is None:
        return 0.0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds: float = used.ru_utime + used.ru_stime
    return seconds
