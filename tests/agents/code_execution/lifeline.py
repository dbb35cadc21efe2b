"""A named pipe that a process holds open while it lives: reading it to its end is waiting for its death."""

import os
import select
import shlex
from pathlib import Path

__all__ = ("Lifeline",)


class Lifeline:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "lifeline"
        os.mkfifo(self.path)
        # Opened without waiting for a writer; read with waiting.
        self._end = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._said = b""

    @property
    def shell(self) -> str:
        """Shell code that takes hold of the line, says so, and lasts far longer than any test."""
        return f"exec 9>{shlex.quote(str(self.path))}; echo alive >&9; sleep 300"

    def wait_for_life(self) -> None:
        select.select([self._end], [], [])
        self._said += os.read(self._end, 6)
        assert self._said == b"alive\n"

    def lived_and_died(self) -> bool:
        """Waits for the death of all who hold the line. False where nobody ever did."""
        os.set_blocking(self._end, True)
        while piece := os.read(self._end, 100):
            self._said += piece
        return b"alive" in self._said

    def close(self) -> None:
        os.close(self._end)
