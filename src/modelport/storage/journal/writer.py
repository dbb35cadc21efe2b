"""The one thread of a process that writes its journals. Knows when to write, not what."""

import atexit
import logging
import os
import sys
import threading
import time
from collections import deque
from typing import Protocol
from weakref import WeakSet

__all__ = ("Writable", "Writer", "current", "end_of_process", "every_journal")

logger: logging.Logger = logging.getLogger(__name__)

_GATHER = 0.003  # seconds that entries are gathered for one commit
_LINGER = 0.25  # seconds to look for more by itself: to wake a thread costs the caller more than all the rest


class Writable(Protocol):
    """What the writer knows of a journal."""

    def write_pending(self) -> bool:
        """Write what waits, as one; True where it must be asked again."""
        ...

    def end(self) -> None:
        """The process ends: write what waits, and close the file."""
        ...

    def forget(self) -> None:
        """This is a forked child: what waits is the parent's."""
        ...


every_journal: "WeakSet[Writable]" = WeakSet()


class Writer:
    """Started when there is first something to write; a daemon, so that it keeps no process from ending."""

    def __init__(self) -> None:
        self._waiting: deque[Writable] = deque()
        self._signal = threading.Event()
        self._lingers = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self, journal: Writable) -> None:
        """*journal* has something to write."""
        self._waiting.append(journal)
        if not self._lingers:  # read after the append, as the thread looks after it stops lingering
            self._signal.set()
            if self._thread is None:
                self._start()

    def hurry(self) -> None:
        """Somebody waits: gather no longer."""
        self._signal.set()

    @property
    def is_alive(self) -> bool:
        """Whether what waits will be written without further doing."""
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._work, name="modelport-journal", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down: who flushes, writes
                return
            self._thread = thread
            atexit.register(end_of_process)
            if "multiprocessing.util" in sys.modules:  # whose children end without atexit
                sys.modules["multiprocessing.util"].Finalize(None, end_of_process, exitpriority=0)

    def _work(self) -> None:
        while True:
            self._lingers = False
            if not self._waiting:
                self._signal.wait()
            self._lingers = True
            wrote = time.monotonic()
            while time.monotonic() - wrote < _LINGER:
                self._signal.clear()
                self._signal.wait(_GATHER)
                if self._waiting:
                    self._write_all()
                    wrote = time.monotonic()

    def _write_all(self) -> None:
        again = []
        for _ in range(len(self._waiting)):
            journal = self._waiting.popleft()
            if journal.write_pending():
                again.append(journal)
        self._waiting.extend(again)


_writer: Writer = Writer()


def current() -> Writer:
    """This process's writer."""
    return _writer


def end_of_process() -> None:
    """Write what waits, everywhere, and close the files."""
    for journal in list(every_journal):
        journal.end()


def _after_fork() -> None:
    global _writer  # noqa: PLW0603  (threads do not survive a fork)
    _writer = Writer()
    for journal in list(every_journal):
        journal.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
