"""Python files, looked at again and again: which of them changed. Knows no model and no server.

Files are looked at, not waited for: a folder of models has some dozens of files, for which a look takes less than a
millisecond, and changes are seen where a system's own notices do not reach (network drives, folders that a container or
a virtual machine is lent).
"""
# Paths are text here, as the interpreter itself has them.
# ruff: noqa: PTH116, PTH123

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from hashlib import blake2b
from stat import S_ISREG
from typing import NamedTuple

__all__ = ("Tree", "Watch")

logger: logging.Logger = logging.getLogger(__name__)

_MOST = 5000  # files; more than anybody's models are, and a home directory may hold any number
_DEEPEST = 16  # folders below a root
_SETTLED = (
    2 * 10**9
)  # nanoseconds: a file so old has another time if it was written again; the clocks of disks are coarse
_NOBODYS = frozenset({"__pycache__", "site-packages", "dist-packages", "node_modules"})


class _Seen(NamedTuple):
    stamp: tuple[int, int, int]  # time of the last change in nanoseconds, bytes, inode
    digest: bytes


class Tree:
    """The Python files of *roots* (folders), and of the folders below that hold some.

    Left out are hidden files and folders, what editors write on the way to a file, caches, what is installed, and
    virtual environments.
    """

    def __init__(self, roots: Iterable[str]) -> None:
        self._roots = tuple(dict.fromkeys(roots))
        self._seen: dict[str, _Seen] = {}
        self._warned = False

    def look(self) -> dict[str, bytes]:
        """What each file holds now, as a digest, by path."""
        seen: dict[str, _Seen] = {}
        for root in self._roots:
            self._look_into(root, 0, seen)
        self._seen = seen
        return {path: each.digest for path, each in seen.items()}

    def _look_into(self, folder: str, depth: int, seen: dict[str, _Seen]) -> None:
        try:
            with os.scandir(folder) as listing:
                entries = [entry for entry in listing if not entry.name.startswith((".", "#"))]
        except OSError:
            return
        names = {entry.name for entry in entries}
        files = [entry for entry in entries if entry.name.endswith(".py")]
        if "pyvenv.cfg" in names or (depth and not files):
            return
        for entry in files:
            if len(seen) >= _MOST:
                self._warn(folder)
                return
            if entry.path not in seen and (one := self._look_at(entry.path)) is not None:
                seen[entry.path] = one
        if depth < _DEEPEST:
            for entry in entries:
                if entry.name not in _NOBODYS and entry.is_dir(follow_symlinks=False):
                    self._look_into(entry.path, depth + 1, seen)

    def _look_at(self, path: str) -> _Seen | None:
        before = self._seen.get(path)
        try:
            status = os.stat(path)
            if not S_ISREG(status.st_mode):
                return None
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if before is not None and before.stamp == stamp and time.time_ns() - status.st_mtime_ns > _SETTLED:
                return before
            with open(path, "rb") as file:
                return _Seen(stamp, blake2b(file.read(), digest_size=16).digest())
        except OSError:  # gone by now, or a link to nowhere
            return None

    def _warn(self, folder: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("more than %d Python files are to be watched: those of %s are not", _MOST, folder)


class Watch:
    """Looks at *roots*, from :meth:`start` on, for what changed since this was made.

    What is written in one go counts once, when nothing has changed for *every* seconds; where there is no end to it,
    after *most* seconds.
    """

    def __init__(self, roots: Iterable[str], *, every: float = 0.2, most: float = 3.0) -> None:
        self._tree = Tree(roots)
        self._known = self._tree.look()
        self._every = every
        self._most = most
        self._ended = threading.Event()

    def start(self, on_change: Callable[[Collection[str]], None]) -> None:
        """Begin, in a thread of its own, in which *on_change* is called with the paths that changed, came or went."""
        threading.Thread(target=self._run, args=(on_change,), name="modelport-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more; a call may be running still."""
        self._ended.set()

    def _run(self, on_change: Callable[[Collection[str]], None]) -> None:
        while not self._ended.wait(self._every):
            found = self._tree.look()
            if found == self._known:
                continue
            found = self._until_quiet(found)
            known, self._known = self._known, found
            changed = {path for path in known.keys() | found.keys() if known.get(path) != found.get(path)}
            if changed and not self._ended.is_set():
                on_change(changed)

    def _until_quiet(self, found: dict[str, bytes]) -> dict[str, bytes]:
        limit = time.monotonic() + self._most
        while not self._ended.wait(self._every):
            before, found = found, self._tree.look()
            if before == found or time.monotonic() > limit:
                break
        return found
