"""A journal's SQLite file: made, checked, appended to. Knows no threads' affairs, and not what entries mean."""

import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.storage.journal import processes
from modelport.storage.journal.errors import JournalError, JournalReason

if TYPE_CHECKING:
    import sqlite3

__all__ = (
    "PATIENCE",
    "JournalFile",
    "Row",
    "check_place",
    "checksum",
    "failure",
    "is_busy",
    "is_journal",
    "translated",
)

_OURS = 0x6D70_6A6F  # "mpjo", the file's application id
_VERSION = 1
PATIENCE = 10.0  # seconds to wait for other processes while the file is opened
_BUSY = 50  # milliseconds that one try at writing waits for other processes

Row = tuple[str, str, float, bytes]  # the chat, the kind, seconds since 1970, the encoded data

_SCHEMA = (
    """CREATE TABLE entries (
        number INTEGER PRIMARY KEY AUTOINCREMENT, chat TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL,
        body BLOB NOT NULL, sum INTEGER NOT NULL)""",
    "CREATE INDEX entries_by_chat ON entries (chat)",
    """CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'a journal is only appended to'); END""",
    """CREATE TRIGGER entries_are_not_removed BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'a journal is only appended to'); END""",
    """CREATE TRIGGER entries_are_not_replaced BEFORE INSERT ON entries
        WHEN EXISTS (SELECT 1 FROM entries WHERE number = new.number)
        BEGIN SELECT RAISE(ABORT, 'a journal is only appended to'); END""",
    f"PRAGMA application_id = {_OURS}",
    f"PRAGMA user_version = {_VERSION}",
)

_REASONS: dict[int, tuple[JournalReason, str]] = {  # by SQLite's primary result codes
    5: ("locked", "another process has kept it locked: end that process, or give another path"),
    6: ("locked", "it is locked: end who uses it, or give another path"),
    8: ("read_only", "it may not be written: change its permissions, or give another path"),
    10: ("unreachable", "the disk failed to do what was asked: look at the disk, or give a path on another"),
    11: ("damaged", "it is damaged: keep it, and give another path"),
    13: ("full", "the disk is full: make room and flush() again, or give a path on another disk"),
    14: ("unreachable", "it cannot be opened: look at its permissions and its folder's, or give another path"),
    26: ("not_a_journal", "it exists and is not a journal of modelport's: give another path, or move it away"),
}


def failure(path: Path, error: BaseException, *, unwritten: Sequence[Any] = ()) -> JournalError:
    """What SQLite or the system said about the journal at *path*, as the error that users see."""
    if isinstance(error, JournalError):
        return JournalError(error.message, reason=error.reason, path=path, unwritten=unwritten)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason, advice = _REASONS.get(code, ("unreachable", "give a path that can be written"))
    what = getattr(error, "strerror", None) or error
    count = f"; {len(unwritten)} {'entry is' if len(unwritten) == 1 else 'entries are'} not in it" if unwritten else ""
    return JournalError(f"journal {path}: {advice} ({what}){count}", reason=reason, path=path, unwritten=unwritten)


def is_busy(error: BaseException) -> bool:
    """Whether another process is only just writing."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == 5


class JournalFile:
    """The file at *path*, opened when it is needed. To be used from any thread.

    Raises:
        JournalError: it is no journal, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = (0, 0)
        with processes.sqlite_at_work:
            self._open()

    def append(self, rows: Sequence[Row]) -> None:
        """Write *rows*, all or none; they are durable when this returns.

        Raises:
            sqlite3.Error, JournalError: none is written.
        """
        with processes.sqlite_at_work:
            connection = self._open()
            self._check_inode()
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany(
                    "INSERT INTO entries (chat, kind, time, body, sum) VALUES (?, ?, ?, ?, ?)",
                    ((chat, kind, when, body, checksum(chat, kind, body)) for chat, kind, when, body in rows),
                )
                connection.execute("COMMIT")
            except BaseException:
                with suppress(Exception):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise
            processes.keep_open(self)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with processes.sqlite_at_work:
            connection, self._connection = self._connection, None
            processes.closed(self)
            if connection is not None:
                connection.close()

    def _open(self) -> "sqlite3.Connection":
        if self._connection is None:
            check_place(self.path)
            with translated(self.path):
                self._connection = _patiently(lambda: _connect(self.path))
                self._inode = _inode(self.path)
            processes.keep_open(self)
        return self._connection

    def _check_inode(self) -> None:
        """SQLite would go on writing into a file that nobody can find any more."""
        if _inode(self.path) != self._inode:
            self.close()
            raise JournalError(
                f"journal {self.path}: the file was removed or replaced while it was in use: what was appended since "
                "is not in it; flush() begins it anew",
                reason="gone",
                path=self.path,
            )


# --- opening ----------------------------------------------------------------------------------------------------------


def check_place(path: Path) -> None:
    """Refuse what cannot be a journal's place.

    The file itself is never looked into but by SQLite: to close it anywhere in this process would drop the locks that
    SQLite holds on it here, as POSIX has it, and other processes would take its log for nobody's.
    """
    if not path.parent.is_dir():
        what = "is not a folder" if path.parent.exists() else "does not exist"
        raise JournalError(
            f"journal {path}: its folder {path.parent} {what}: make the folder, or give another path",
            reason="no_folder",
            path=path,
        )
    if path.is_dir():
        raise JournalError(
            f"journal {path}: it is a folder: give the path of a file", reason="not_a_journal", path=path
        )


def _inode(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return 0, 0
    return facts.st_dev, facts.st_ino


def _connect(path: Path) -> "sqlite3.Connection":
    if not path.exists():
        _create(path)
    return _connected(path)


def _create(path: Path) -> None:
    """The file appears whole, or not at all: whoever looks finds a journal."""
    aside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        _connected(aside).close()
        try:
            os.link(aside, path)
        except FileExistsError:  # another process was faster
            return
        except OSError:  # a file system without links
            aside.rename(path)
        if hasattr(os, "O_DIRECTORY"):
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{aside}{ending}").unlink()


def _connected(path: Path) -> "sqlite3.Connection":
    import sqlite3

    connection = sqlite3.connect(path, timeout=_BUSY / 1000, isolation_level=None, check_same_thread=False)
    try:
        made = is_journal(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an acknowledged entry survives a loss of power, too
        connection.execute("PRAGMA fullfsync = ON")  # the same on macOS; nothing elsewhere
        if not made:
            _make(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: "sqlite3.Connection", path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not is_journal(connection, path):  # another process may have made it meanwhile
            for statement in _SCHEMA:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(Exception):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def is_journal(connection: "sqlite3.Connection", path: Path) -> bool:
    """True for a journal, False for an empty file.

    Raises:
        JournalError: it is another program's database, or a newer modelport's.
    """
    # The tables first: another process that makes the journal just now may be done with it in between.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == _OURS and version > _VERSION:
        raise JournalError(
            f"journal {path}: it is of version {version}, and this modelport knows versions up to {_VERSION}: "
            "use a newer modelport, or give another path",
            reason="newer",
            path=path,
        )
    if application != _OURS and (application or tables):
        raise JournalError(
            f"journal {path}: it is another program's database: give another path", reason="not_a_journal", path=path
        )
    return bool(application == _OURS and tables)


def _patiently(act: "Callable[[], sqlite3.Connection]") -> "sqlite3.Connection":
    """SQLite itself does not wait for who is just switching a file to WAL."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except Exception as error:
            if not is_busy(error) or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """What SQLite or the system says about the file at *path*, as a JournalError."""
    import sqlite3

    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise failure(path, error) from error


def checksum(chat: str, kind: str, body: bytes) -> int:
    """What tells a damaged entry."""
    return zlib.crc32(body, zlib.crc32(f"{chat}\0{kind}".encode()))
