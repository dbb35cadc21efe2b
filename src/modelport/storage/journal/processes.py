"""What a process has open of journals, and what becomes of it when it forks. Knows not what is in them."""

import os
import threading
from collections import OrderedDict
from typing import Any, Protocol

__all__ = ("Closable", "closed", "keep_open", "sqlite_at_work")

_MOST_OPEN = 64  # files held open between writes, three descriptors each
_PATIENCE = 10.0  # seconds that a fork waits for a write to end


class Closable(Protocol):
    """A file that opens again by itself."""

    def close(self) -> None:
        """Close it."""
        ...


class _Work:
    """Held while this process is inside SQLite on a journal's behalf."""

    def __init__(self) -> None:
        self.lock: Any = threading.RLock()

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


sqlite_at_work: _Work = _Work()
_open: OrderedDict[int, Closable] = OrderedDict()
_left_to_parents: list[Closable] = []


def keep_open(file: Closable) -> None:
    """Note that *file* was used; close what was not for longest, where too many are open."""
    _open[id(file)] = file
    _open.move_to_end(id(file))
    while len(_open) > _MOST_OPEN:
        _, oldest = _open.popitem(last=False)
        oldest.close()


def closed(file: Closable) -> None:
    """Note that *file* is open no longer."""
    _open.pop(id(file), None)


# SQLite keeps accounts, for each process, of the locks that the process holds on a file. A child inherits the accounts
# but not the locks: what it wrote would go into a log that others take for nobody's, and remove. So nothing is open
# while a process forks, and nobody is inside SQLite; both open their files again when they next need them.


def _before_fork() -> None:
    if sqlite_at_work.lock.acquire(timeout=_PATIENCE):
        for file in list(_open.values()):
            file.close()


def _after_fork_in_parent() -> None:
    try:
        sqlite_at_work.lock.release()
    except RuntimeError:  # it was not got in time
        return


def _after_fork_in_child() -> None:
    sqlite_at_work.lock = threading.RLock()
    _left_to_parents.extend(_open.values())  # none, but where a write took longer than a fork waits
    _open.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
