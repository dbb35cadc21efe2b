"""Writing that never blocks an event loop: at once where there is none, else soon, in order. Knows no format."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from weakref import WeakSet, ref

__all__ = ("Writer",)

Work = Callable[[], None]


class Writer:
    """Does the work of one logger, one piece at a time, in the order in which it was given.

    *suspend* and *resume* are called before and after the process forks, *resume* on both sides; in between nothing is
    written. What fails later than it was given is raised where the next piece is given.
    """

    def __init__(self, suspend: Work, resume: Work) -> None:
        self._suspend = suspend
        self._resume = resume
        self._lock = threading.RLock()
        self._waiting: deque[Work] = deque()
        self._wake: SimpleQueue[bool] | None = None  # of the thread that writes for event loops, once there is one
        self._failed: Exception | None = None
        _writers.add(self)

    def do(self, work: Work) -> None:
        """Do *work*: now, or soon where this is the thread of a running event loop."""
        self._complain()
        if _on_a_loop():
            self._waiting.append(work)
            self._notify()
            return
        with self._lock:
            self._drain()
            work()

    def flush(self) -> None:
        """Wait until all that was given is done."""
        with self._lock:
            self._drain()
        self._complain()

    def close(self, last: Work) -> None:
        """Do all that was given, then *last*; no more is to be given."""
        with self._lock:
            _writers.discard(self)
            if self._wake is not None:
                self._wake.put(False)
            try:
                self._drain()
            finally:
                last()
        self._complain()

    def before_fork(self) -> None:
        """Be at rest, until :meth:`after_fork`."""
        self._lock.acquire()
        self._drain()
        self._suspend()

    def after_fork(self, *, child: bool) -> None:
        """Go on, in the process that forked or in its *child*, where the thread is no more."""
        try:
            if child:
                self._wake = None
            self._resume()
        finally:
            self._lock.release()

    def _notify(self) -> None:
        if self._wake is None:
            self._wake = SimpleQueue()
            threading.Thread(
                target=_write_on, args=(ref(self), self._wake), name="modelport-runtime-log", daemon=True
            ).start()
        self._wake.put(True)

    def _drain(self) -> None:
        while self._waiting:
            try:
                self._waiting.popleft()()
            except Exception as error:
                self._failed = error

    def _complain(self) -> None:
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed


def _write_on(writer: "ref[Writer]", wake: "SimpleQueue[bool]") -> None:
    while wake.get():
        mine = writer()
        if mine is None:
            return
        with mine._lock:
            mine._drain()
        del mine  # a logger that nobody holds ends its thread with its next piece, or with the process


def _on_a_loop() -> bool:
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None


_writers: WeakSet[Writer] = WeakSet()
_resting: list[Writer] = []


def _before_fork() -> None:
    for each in list(_writers):
        each.before_fork()
        _resting.append(each)


def _after_fork(*, child: bool) -> None:
    while _resting:
        _resting.pop().after_fork(child=child)


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=lambda: _after_fork(child=False),
        after_in_child=lambda: _after_fork(child=True),
    )
