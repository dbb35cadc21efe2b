"""API keys in an SQLite file: their names, hashes and limits. Knows no HTTP and no server.

A key is 256 random bits, so one round of SHA-256 hides it for good: a slow hash is for what people think up. The text
of a key is given once, by :meth:`KeyFile.add`, and is nowhere afterwards. Any number of processes may use a file.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, json

from modelport.errors import ConfigError
from modelport.secret import Secret

if TYPE_CHECKING:
    import sqlite3

__all__ = (
    "KeyFile",
    "KeyLimits",
    "StoredKey",
    "data_folder",
    "default_key_file",
    "digest_of",
    "dollars",
    "next_period",
    "period_of",
)

_OURS = 0x6D70_616B  # "mpak", the file's application id
_MAGIC = b"SQLite format 3\x00"
_PATIENCE = 5.0  # seconds to wait for other processes that use the file
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_MOST = 10**12  # of any limit; far below what SQLite's integers hold
_TABLE = """
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, limits TEXT NOT NULL
)
"""
_SPENT = """
CREATE TABLE IF NOT EXISTS spent (
    digest BLOB NOT NULL, period TEXT NOT NULL, dollars REAL NOT NULL, PRIMARY KEY (digest, period)
)
"""

# What a budget is for.
Per = Literal["ever", "day", "month"]


class KeyLimits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a key may take; None is no limit."""

    requests: int | None = None  # a minute
    tokens: int | None = None  # a minute, of prompts and answers together
    concurrency: int | None = None  # requests at a time
    models: tuple[str, ...] | None = None  # the names that it may ask for
    expires: int | None = None  # Unix time from which on it opens nothing
    budget: float | None = None  # US dollars …
    per: Per = "ever"  # … in each of which; days and months are UTC's


class StoredKey(Struct, frozen=True, kw_only=True):
    """A key as it is kept. ``created`` is Unix time, ``digest`` the SHA-256 of its text.

    ``spent`` is what of its budget was spent, in US dollars, in the period that it was read in.
    """

    name: str
    digest: bytes
    created: int
    limits: KeyLimits = KeyLimits()
    spent: float = 0.0


def dollars(amount: float) -> str:
    """As people write it, also where it is small: 5, 20.5, 0.00001."""
    return f"{amount:.8f}".rstrip("0").rstrip(".")


def period_of(per: Per, now: float) -> str:
    """The day or month that *now*, Unix time, lies in: ``2031-01-31``, ``2031-01``, or nothing."""
    return datetime.fromtimestamp(now, UTC).strftime({"ever": "", "day": "%Y-%m-%d", "month": "%Y-%m"}[per])


def next_period(per: Per, now: float) -> float | None:
    """When the next day or month begins, as Unix time; None where there is none."""
    if per == "ever":
        return None
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    following = (
        today + timedelta(days=1) if per == "day" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    )
    return following.timestamp()


def digest_of(key: bytes) -> bytes:
    """What is kept of a key."""
    return sha256(key).digest()


def data_folder() -> Path:
    """Where this user's programs keep what lasts, with a folder of our own in it; not made by asking."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "modelport"


def default_key_file() -> Path:
    """The key file that is used where none is named."""
    return data_folder() / "keys.sqlite3"


class KeyFile:
    """The keys in the file at *path*. It is made, for its owner's eyes alone, when the first key is added."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)

    def add(self, name: str, limits: KeyLimits | None = None) -> Secret:
        """Make a key called *name*; its text, which cannot be had again.

        Raises:
            ConfigError: the name is no good or taken, a limit is no good, or the file cannot be written.
        """
        import sqlite3

        limits = limits or KeyLimits()
        _check_name(name)
        _check_limits(limits)
        text = f"mp-{secrets.token_urlsafe(32)}"
        values = (name, digest_of(text.encode()), int(time.time()), json.encode(limits).decode())
        self._prepare()
        with self._opened() as connection:
            try:
                connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", values)
            except sqlite3.IntegrityError:
                raise ConfigError(
                    f"a key named {name!r} is there already: give another name, or revoke that one first", param="name"
                ) from None
        return Secret(text)

    def revoke(self, name: str) -> None:
        """Forget the key called *name*: it opens nothing any more.

        Raises:
            ConfigError: there is none.
        """
        self._demand()
        with self._opened() as connection:
            gone = connection.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount
            if _has_spent(connection):
                connection.execute("DELETE FROM spent WHERE digest NOT IN (SELECT digest FROM keys)")
        if not gone:
            names = ", ".join(key.name for key in self.read()) or "none"
            raise ConfigError(f"no key is named {name[:100]!r} in {self.path} (there are: {names})", param="name")

    def read(self) -> tuple[StoredKey, ...]:
        """Every key, in the order of their names.

        Raises:
            ConfigError: the file is not there, is none of ours, or cannot be read.
        """
        self._demand()
        with self._opened() as connection:
            rows = connection.execute("SELECT name, digest, created, limits FROM keys ORDER BY name").fetchall()
            spent = connection.execute("SELECT digest, period, dollars FROM spent") if _has_spent(connection) else ()
            dollars = {(digest, period): amount for digest, period, amount in spent}
        now = time.time()
        try:
            return tuple(_stored(row, dollars, now) for row in rows)
        except ValueError as error:  # what cannot be read must not open anything
            raise ConfigError(f"the key file {self.path} holds limits that are no good: {error}") from None

    def spend(self, amounts: Mapping[bytes, tuple[str, float]]) -> None:
        """Add to what was spent: by the digest of a key, in which period and how many US dollars.

        Raises:
            ConfigError: the file is not there, or cannot be written.
        """
        self._demand()
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_SPENT)
            for digest, (period, dollars) in amounts.items():
                connection.execute("DELETE FROM spent WHERE digest = ? AND period < ?", (digest, period))
                connection.execute(
                    "INSERT INTO spent VALUES (?, ?, ?) "
                    "ON CONFLICT (digest, period) DO UPDATE SET dollars = dollars + excluded.dollars",
                    (digest, period, dollars),
                )
            connection.execute("COMMIT")

    # --- the file ---

    def _demand(self) -> None:
        if not self.path.exists():
            raise ConfigError(f"there is no key file {self.path}: make a key with modelport keys add NAME")

    def _prepare(self) -> None:
        """The file, where there is none yet: readable and writable by nobody but its owner."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise ConfigError(f"the key file {self.path} cannot be made: {error.strerror or error}") from None

    @contextmanager
    def _opened(self) -> "Iterator[sqlite3.Connection]":
        """The file, for one use; it holds our table by then."""
        import sqlite3

        try:
            self._check()
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as connection:
                _make_ready(connection, self.path)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(f"the key file {self.path} cannot be used: {error}") from error

    def _check(self) -> None:
        """Refuse what is not ours, and what others might write to."""
        with self.path.open("rb") as file:
            head = file.read(100)
            mode = os.fstat(file.fileno()).st_mode
        if head and (head[:16] != _MAGIC or int.from_bytes(head[68:72], "big") not in {0, _OURS}):
            raise ConfigError(f"{self.path} exists and is not a key file of modelport's: give another path")
        if os.name == "posix" and mode & 0o022:
            raise ConfigError(f"others may write to the key file {self.path}: take that away with chmod 600")


def _has_spent(connection: "sqlite3.Connection") -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'spent'").fetchone()
    return found is not None


def _stored(row: tuple[str, bytes, int, str], dollars: Mapping[tuple[bytes, str], float], now: float) -> StoredKey:
    name, digest, created, text = row
    limits = json.decode(text, type=KeyLimits)
    spent = dollars.get((digest, period_of(limits.per, now)), 0.0)
    return StoredKey(name=name, digest=digest, created=created, limits=limits, spent=spent)


def _make_ready(connection: "sqlite3.Connection", path: Path) -> None:
    if _is_ours(connection):
        return
    connection.execute("BEGIN IMMEDIATE")  # one process at a time makes the table
    if _is_ours(connection):  # another one has meanwhile
        connection.execute("ROLLBACK")
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name != 'keys'").fetchone()
    if tables:
        raise ConfigError(f"{path} is another program's database: give another path")
    connection.execute(_TABLE)
    connection.execute(f"PRAGMA application_id = {_OURS}")
    connection.execute("COMMIT")


def _is_ours(connection: "sqlite3.Connection") -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    return bool(application == _OURS)


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            "a key's name has 1 to 64 letters, digits and ._@+- and begins with a letter or a digit, "
            f"got {name[:100]!a}",
            param="name",
        )


def _check_limits(limits: KeyLimits) -> None:
    for field in ("requests", "tokens", "concurrency"):
        value: Any = getattr(limits, field)
        if value is not None and not 1 <= value <= _MOST:
            raise ConfigError(f"{field} must be a whole number above 0, got {value}", param=field)
    if limits.budget is not None and not 0 < limits.budget <= _MOST:
        raise ConfigError(f"budget must be US dollars, more than 0, got {limits.budget}", param="budget")
    if limits.models is not None and not all(0 < len(name) <= 256 for name in limits.models):
        raise ConfigError("models must be names of 1 to 256 characters", param="models")
    if limits.models == ():
        raise ConfigError("models is empty: a key that may use no model is of no use", param="models")
    if limits.expires is not None and limits.expires <= time.time():
        raise ConfigError("expires is past already: give a time that is to come", param="expires")
