"""Cached answers in an SQLite file, shared by threads and processes."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from modelport.errors import ConfigError

if TYPE_CHECKING:
    import sqlite3

__all__ = ("SQLiteCache",)

_OURS = 0x6D70_6361  # "mpca", the file's application id
_MAGIC = b"SQLite format 3\x00"
_TABLE = "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, value BLOB NOT NULL, stored INTEGER NOT NULL)"
_PRUNE_EVERY = 512  # writes
_PATIENCE = 10.0  # seconds to wait for other processes that use the file


class SQLiteCache:
    """Answers in the file at *path*, the *entries* that were stored last; the folder is made where there is none.

    A cache file that is damaged is put aside (``….damaged``) and begun anew; a file that is something else is never
    touched.

    Raises:
        ConfigError: *path* is no cache file, or cannot be opened.
    """

    blocking = True

    def __init__(self, path: str | os.PathLike[str], entries: int = 100_000) -> None:
        self.path: Path = Path(path)
        self._entries = entries
        self._lock = threading.Lock()
        self._process = 0
        self._writes = 0
        self._connection: sqlite3.Connection | None = None
        with self._lock:
            self._open()
        _caches.add(self)

    def get(self, key: bytes) -> bytes | None:
        """What was stored under *key*, if it is still there."""
        with self._lock:
            rows = self._run("SELECT value FROM answers WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def set(self, key: bytes, value: bytes) -> None:
        """Store *value*, durably but for a loss of power."""
        with self._lock:
            self._run("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, value, int(time.time())))
            self._writes += 1
            if self._writes % _PRUNE_EVERY == 0:
                self._run(
                    "DELETE FROM answers WHERE rowid <= (SELECT max(rowid) FROM answers) - ?",
                    (self._entries,),
                )

    def clear(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._run("DELETE FROM answers", ())

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._process == os.getpid():
                connection.close()

    def __del__(self) -> None:
        try:  # noqa: SIM105  (suppress() may be gone when the interpreter is on its way down)
            self.close()
        except Exception:  # noqa: S110  (as there, or after a constructor that failed)
            pass

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[bytes]]:
        import sqlite3

        if self._connection is None or self._process != os.getpid():  # a connection must not cross a fork
            self._open()
        try:
            return self._connection.execute(statement, values).fetchall()  # type: ignore[union-attr]
        except sqlite3.DatabaseError as error:
            if not _damaged(error):
                raise
            self._begin_anew(error)
            return self._connection.execute(statement, values).fetchall()  # type: ignore[union-attr]

    def _open(self) -> None:
        import sqlite3

        self._check()
        give_up = time.monotonic() + _PATIENCE
        while self._connection is None or self._process != os.getpid():
            try:
                self._connect()
            except sqlite3.DatabaseError as error:
                if _damaged(error):
                    self._begin_anew(error)
                elif not _busy(error) or time.monotonic() > give_up:
                    raise ConfigError(f"cache: {self.path} cannot be opened: {error}", param="cache") from error
                else:
                    time.sleep(0.01)  # SQLite itself does not wait for who is just switching a file to WAL

    def _check(self) -> None:
        """Refuse what is not a cache, before anything is written to it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("rb") as file:
                head = file.read(100)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigError(
                f"cache: {self.path} cannot be opened: {error.strerror or error}: give the path of a file",
                param="cache",
            ) from error
        if head and (head[:16] != _MAGIC or int.from_bytes(head[68:72], "big") not in {0, _OURS}):
            raise ConfigError(
                f"cache: {self.path} exists and is not a cache of modelport's: give another path, or remove the file",
                param="cache",
            )

    def _connect(self) -> None:
        import sqlite3

        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            # In this order: another process that makes the same cache just now marks it before it makes the table.
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != _OURS and tables:
                raise ConfigError(f"cache: {self.path} is another program's database: give another path", param="cache")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA application_id = {_OURS}")
            connection.execute(_TABLE)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._process = os.getpid()

    def _begin_anew(self, error: Exception) -> None:
        import logging

        aside = self.path.with_name(f"{self.path.name}.damaged")
        logging.getLogger(__name__).warning(
            "the cache %s is damaged (%s): it is kept as %s, and begun anew", self.path, error, aside
        )
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        with suppress(FileNotFoundError):
            self.path.replace(aside)
        for ending in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + ending).unlink()
        self._connect()


# SQLite keeps account of its locks by process: a child with its parent's open connection would take none of its own,
# and what it writes would be lost. So files are closed while the process forks; the next use opens them again.
_caches: WeakSet[SQLiteCache] = WeakSet()
_resting: list[SQLiteCache] = []


def _before_fork() -> None:
    for each in list(_caches):
        each._lock.acquire()
        _resting.append(each)
        if each._connection is not None:
            each._connection.close()
            each._connection = None


def _after_fork() -> None:
    while _resting:
        _resting.pop()._lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _busy(error: "sqlite3.DatabaseError") -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == 5  # SQLITE_BUSY


def _damaged(error: "sqlite3.DatabaseError") -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in {11, 26}  # SQLITE_CORRUPT, SQLITE_NOTADB
