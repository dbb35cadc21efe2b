"""A process and all that it has started: their processor time, their memory. Reads /proc; gives None without it."""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

__all__ = ("Memory", "cpu_seconds", "end", "family", "memory")

PROC = Path("/proc")


class Memory:
    """Bytes of a tree of processes: ``rss`` counts what they share once for each, ``pss`` once in all.

    ``peak`` is the most that ``rss`` ever was.
    """

    def __init__(self, rss: int, pss: int, peak: int) -> None:
        self.rss = rss
        self.pss = pss
        self.peak = peak

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.rss + other.rss, self.pss + other.pss, self.peak + other.peak)


def family(pid: int, proc: Path = PROC) -> list[int]:
    """*pid* and its descendants that still have their parents, parents first."""
    found = [pid]
    for one in found:
        for task in _entries(proc / str(one) / "task"):
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pid: int, proc: Path = PROC) -> float | None:
    """Processor time that all threads of the tree have used which still run."""
    used = 0
    for one in family(pid, proc):
        for task in _entries(proc / str(one) / "task"):
            with contextlib.suppress(OSError):
                used += int((task / "schedstat").read_text().split()[0])
    return used / 1e9 or None


def memory(pid: int, proc: Path = PROC) -> Memory | None:
    """What the tree takes now."""
    total, seen = Memory(0, 0, 0), False
    for one in family(pid, proc):
        with contextlib.suppress(OSError):
            now = _kilobytes(proc / str(one) / "smaps_rollup")
            ever = _kilobytes(proc / str(one) / "status")
            total += Memory(now["Rss"] * 1024, now["Pss"] * 1024, ever["VmHWM"] * 1024)
            seen = True
    return total if seen else None


def end(pids: Iterable[int]) -> None:
    """Kill those of *pids* that are left over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _kilobytes(path: Path) -> dict[str, int]:
    fields = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in fields if len(words) == 3 and words[2] == "kB"}
