"""A journal's entries, read back in order and checked. Writes nothing; knows not what entries mean."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.storage.journal import processes
from modelport.storage.journal.errors import JournalError
from modelport.storage.journal.file import PATIENCE, Row, check_place, checksum, is_journal, translated

if TYPE_CHECKING:
    import sqlite3

__all__ = ("read_rows",)

_CHUNK = 256  # rows read at once


def read_rows(
    path: Path, *, chat: str | None = None, kinds: Sequence[str] = (), after: int = 0
) -> Iterator[tuple[int, Row]]:
    """The numbers and rows of the entries that are in the file, in order; those that *chat*, *kinds* and *after* pick.

    Nothing is open while the caller looks at them.

    Raises:
        JournalError: there is no such file, it is no journal, or damaged, as far as what is read shows.
    """
    if not path.exists():
        raise JournalError(f"journal {path}: there is no such file: check the path", reason="not_there", path=path)
    check_place(path)
    where = ["number > ?"] + (["chat = ?"] if chat is not None else [])
    where += [f"kind IN ({', '.join('?' * len(kinds))})"] if kinds else []
    picked = (*(() if chat is None else (chat,)), *kinds)
    statement = (
        f"SELECT number, chat, kind, time, body, sum FROM entries WHERE {' AND '.join(where)} "  # noqa: S608  (no value is in it)
        f"ORDER BY number LIMIT {_CHUNK}"
    )
    while True:
        rows = _fetch(path, statement, (after, *picked))
        for number, its_chat, kind, when, body, check in rows:
            wanted = number if picked else after + 1  # a gap can be told only where everything is read
            if number != wanted or check != checksum(its_chat, kind, body):
                raise JournalError(
                    f"journal {path}: entry {wanted} is not what was written: the file is damaged, or somebody "
                    "changed it",
                    reason="damaged",
                    path=path,
                )
            after = number
            yield number, (its_chat, kind, when, body)
        if len(rows) < _CHUNK:
            return


def _fetch(path: Path, statement: str, values: tuple[Any, ...]) -> list[Any]:
    with processes.sqlite_at_work, translated(path), _reading(path) as connection:
        return connection.execute(statement, values).fetchall() if is_journal(connection, path) else []


@contextmanager
def _reading(path: Path) -> "Iterator[sqlite3.Connection]":
    import sqlite3

    address = path.absolute().as_uri()
    wal = path.with_name(f"{path.name}-wal")
    try:
        connection = _readable(f"{address}?mode=rw")  # so that closing it tidies up after a process that was killed
    except sqlite3.OperationalError:
        try:
            connection = _readable(f"{address}?mode=ro")
        except sqlite3.OperationalError:
            if wal.exists() and wal.stat().st_size:
                raise  # part of it is in there, which nobody may leave out
            connection = _readable(f"{address}?mode=ro&immutable=1")  # in a folder that may not be written
    try:
        yield connection
    finally:
        connection.close()


def _readable(address: str) -> "sqlite3.Connection":
    import sqlite3

    connection = sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA user_version").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
