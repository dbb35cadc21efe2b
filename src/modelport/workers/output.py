"""What a worker prints, into the log, line by line. Knows no model.

A model that prints without end must wait for nobody, and fill no disk: one thread always reads, another writes the log
(which may be slow), and of what is printed faster than it is to be logged, the log only says how much it was.
"""

import logging
import os
import threading
import time
from collections import deque
from typing import IO

__all__ = ("Output",)

logger: logging.Logger = logging.getLogger("modelport.workers.output")

_LINE = 8192  # bytes of one that are logged
_RATE = 1000  # lines a second; and so many may come at once


class Output:
    """Logs what comes out of *pipe* under *label*, at level INFO."""

    def __init__(self, pipe: IO[bytes], label: str) -> None:
        self._pipe = pipe
        self._label = label
        self._lines: deque[str] = deque()
        self._news = threading.Condition()
        self._ended = False
        self._left_out = 0
        self._second, self._logged = 0, 0
        threading.Thread(target=self._read, name="modelport-output", daemon=True).start()
        self._writer = threading.Thread(target=self._write, name="modelport-output", daemon=True)
        self._writer.start()

    def join(self, timeout: float) -> None:
        """Wait until all is logged of a worker that has ended, or *timeout* seconds have passed."""
        self._writer.join(timeout)

    def _read(self) -> None:
        rest = b""
        with self._pipe:
            while data := os.read(self._pipe.fileno(), 65536):
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > _LINE:
                    lines.append(rest)
                    rest = b""
                self._take(lines)
        self._take([rest] if rest else [])
        with self._news:
            self._ended = True
            self._news.notify()

    def _take(self, lines: list[bytes]) -> None:
        second = int(time.monotonic())
        with self._news:
            if second != self._second:
                self._second, self._logged = second, 0
            room = max(0, min(_RATE - self._logged, _RATE - len(self._lines)))
            self._lines += [line[:_LINE].decode("utf-8", "backslashreplace").rstrip("\r") for line in lines[:room]]
            self._logged += len(lines[:room])
            self._left_out += len(lines[room:])
            self._news.notify()

    def _write(self) -> None:
        while True:
            with self._news:
                while not (self._lines or self._ended):
                    self._news.wait()
                lines, self._lines = self._lines, deque()
                left_out, self._left_out = self._left_out, 0
                ended = self._ended
            for line in lines:
                logger.info("%s: %s", self._label, line)
            if left_out:
                logger.info("%s: … and %d lines more, which came too fast for the log", self._label, left_out)
            if ended and not lines:
                return
