"""Answers that later requests go on from, in an SQLite file. Bytes by owner and id; knows not what they mean.

Each row is one turn, and names the one before it. Going on from a turn uses all that led to it, so what is pruned
first, per owner, is what was used longest ago: whole conversations, not the beginnings of those that go on.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from modelport.errors import ConfigError, RequestTooLarge

if TYPE_CHECKING:
    import sqlite3

__all__ = ("ResponseStore", "StoreLimits", "StoredResponse")

_OURS = 0x6D70_7273  # "mprs", the file's application id
_MAGIC = b"SQLite format 3\x00"
_PATIENCE = 10.0  # seconds to wait for other processes that use the file
_TABLE = """
CREATE TABLE IF NOT EXISTS responses (
    owner TEXT NOT NULL, id TEXT NOT NULL, previous TEXT, turns BLOB NOT NULL, body BLOB NOT NULL,
    size INTEGER NOT NULL, used REAL NOT NULL, PRIMARY KEY (owner, id)
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS by_use ON responses (owner, used, size)"
_CHAIN = """
WITH RECURSIVE chain (id, previous, depth) AS (
    SELECT id, previous, 1 FROM responses WHERE owner = :owner AND id = :id
    UNION ALL
    SELECT r.id, r.previous, depth + 1 FROM responses r JOIN chain ON r.id = chain.previous
    WHERE r.owner = :owner AND depth <= :most
)
"""


class StoredResponse(Struct, frozen=True, kw_only=True):
    """One turn: what was said in the request, and the body of its answer. ``previous`` is the id of the turn before."""

    id: str
    turns: bytes
    body: bytes
    previous: str | None = None


class StoreLimits(Struct, frozen=True, kw_only=True):
    """How much is kept of each owner's. ``age`` is in seconds since a turn was used last."""

    entries: int = 10_000
    size: int = 256 * 1024 * 1024
    age: float = 30 * 24 * 3600.0


class ResponseStore:
    """The answers in the file at *path*, safe to use from any thread; its folder is made where there is none.

    Only the file's owner may read it. What is deleted is overwritten.

    Raises:
        ConfigError: *path* is another program's file, or cannot be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        limits: StoreLimits | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path: Path = Path(path)
        self.limits: StoreLimits = limits or StoreLimits()
        self._clock = clock
        self._lock = threading.Lock()
        self._check()
        try:
            self._connection = self._connect()
        except (OSError, _database_error()) as error:
            raise self._refusal(f"cannot be opened: {error}") from error

    def put(self, owner: str, response: StoredResponse) -> None:
        """Keep one turn of *owner*'s; what was used longest ago makes room."""
        now = self._clock()
        size = len(response.turns) + len(response.body)
        row = (owner, response.id, response.previous, response.turns, response.body, size, now)
        with self._lock, self._connection:
            self._connection.execute("INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self._prune(owner, now)

    def get(self, owner: str, identifier: str) -> StoredResponse | None:
        """The turn of that id, if it is *owner*'s and still there."""
        found = "SELECT id, previous, turns, body FROM responses WHERE owner = ? AND id = ? AND used >= ?"
        with self._lock:
            row = self._connection.execute(found, (owner, identifier, self._oldest())).fetchone()
        return None if row is None else _response(row)

    def conversation(self, owner: str, identifier: str, *, most: int, size: int) -> list[StoredResponse]:
        """The turns that lead to that one, oldest first; all of them are used now.

        Empty where it, or one before it, is not there.

        Raises:
            RequestTooLarge: they are more than *most*, or of more than *size* bytes.
        """
        wanted = {"owner": owner, "id": identifier, "most": most, "now": self._clock(), "oldest": self._oldest()}
        joined = "FROM chain JOIN responses r ON r.id = chain.id WHERE r.owner = :owner AND r.used >= :oldest "
        read = f"SELECT r.id, r.previous, r.turns, r.body {joined}ORDER BY depth DESC"
        touch = "UPDATE responses SET used = :now WHERE owner = :owner AND id IN (SELECT id FROM chain)"
        with self._lock, self._connection:
            run = self._connection.execute
            count, total = run(f"{_CHAIN}SELECT count(*), total(r.size) {joined}", wanted).fetchone()
            if count > most or total > size:
                raise RequestTooLarge(
                    f"the conversation has {count} turns of {total:.0f} bytes, and this server goes on from at most "
                    f"{most} turns of {size} bytes: send what matters of it as input",
                    param="previous_response_id",
                )
            rows = run(_CHAIN + read, wanted).fetchall()
            if not rows or rows[0][1] is not None or rows[-1][0] != identifier:
                return []
            run(_CHAIN + touch, wanted)
        return [_response(row) for row in rows]

    def delete(self, owner: str, identifier: str) -> bool:
        """Forget that turn; whether it was there."""
        with self._lock, self._connection:
            gone = self._connection.execute(
                "DELETE FROM responses WHERE owner = ? AND id = ?", (owner, identifier)
            ).rowcount
        return gone > 0

    def close(self) -> None:
        """Close the file; nothing can be asked of the store after it."""
        with self._lock:
            self._connection.close()

    def __del__(self) -> None:
        try:  # noqa: SIM105  (suppress() may be gone when the interpreter is on its way down)
            self.close()
        except Exception:  # noqa: S110  (as there, or after a constructor that failed)
            pass

    # --- room ---

    def _oldest(self) -> float:
        return self._clock() - self.limits.age

    def _prune(self, owner: str, now: float) -> None:
        run = self._connection.execute
        run("DELETE FROM responses WHERE used < ?", (now - self.limits.age,))
        count, size = run("SELECT count(*), total(size) FROM responses WHERE owner = ?", (owner,)).fetchone()
        while count > self.limits.entries or size > self.limits.size:
            oldest = "SELECT id, size FROM responses WHERE owner = ? ORDER BY used LIMIT 1"
            identifier, freed = run(oldest, (owner,)).fetchone()
            run("DELETE FROM responses WHERE owner = ? AND id = ?", (owner, identifier))
            count, size = count - 1, size - freed

    # --- the file ---

    def _refusal(self, why: str) -> ConfigError:
        return ConfigError(f"the file of kept answers {self.path} {why}: give another path", param="store_responses")

    def _check(self) -> None:
        """Refuse what is not ours, before anything is written to it; make the file, for its owner's eyes only."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with self.path.open("rb") as file:
                head = file.read(100)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise self._refusal(f"cannot be opened: {reason}") from error
        if head and (head[:16] != _MAGIC or int.from_bytes(head[68:72], "big") not in {0, _OURS}):
            raise self._refusal("is another program's, or of another kind")

    def _connect(self) -> "sqlite3.Connection":
        import sqlite3

        connection = sqlite3.connect(self.path, timeout=_PATIENCE, check_same_thread=False)
        try:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != _OURS and tables:
                raise self._refusal("is another program's database")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(f"PRAGMA application_id = {_OURS}")
            connection.execute(_TABLE)
            connection.execute(_INDEX)
        except BaseException:
            connection.close()
            raise
        return connection


def _response(row: tuple[str, str | None, bytes, bytes]) -> StoredResponse:
    identifier, previous, turns, body = row
    return StoredResponse(id=identifier, previous=previous, turns=turns, body=body)


def _database_error() -> type[Exception]:
    import sqlite3

    return sqlite3.DatabaseError
