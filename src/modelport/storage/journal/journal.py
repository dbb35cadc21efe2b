"""An append-only journal: entries in the order in which they came, durable soon after. Knows not what they mean."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from msgspec import MsgspecError, Struct

from modelport.storage.journal import writer
from modelport.storage.journal.encoding import decode, encode, with_files
from modelport.storage.journal.errors import JournalError
from modelport.storage.journal.file import JournalFile, Row, failure, is_busy
from modelport.storage.journal.reading import read_rows

__all__ = ("Entry", "Journal", "Ticket", "open_journal", "read_journal")

_MOST_WAITING = 64 * 1024 * 1024  # bytes that may wait to be written before append() waits, too
_BATCH = 4096  # entries of one commit
_PATIENCE = 10.0  # seconds to try while other processes hold the file


class Entry(Struct, frozen=True):
    """What was appended once. ``number`` counts the file's entries from 1; 0 where it never got there."""

    number: int
    chat: str
    kind: str
    time: float  # when it was appended, in seconds since 1970
    data: Any


class Ticket:
    """What ``append()`` gives: whether the entry is durable, and a way to wait for that.

    ``not_saved`` names the parts of it that are no data, and are kept as text.
    """

    __slots__ = ("_generation", "_journal", "not_saved", "number")

    def __init__(self, journal: "Journal", number: int, generation: int, not_saved: tuple[str, ...]) -> None:
        self.number: int = number  # counts what this process appended through this object
        self.not_saved: tuple[str, ...] = not_saved
        self._journal = journal
        self._generation = generation

    @property
    def durable(self) -> bool:
        """Whether the entry would survive a loss of power now."""
        return self._generation == self._journal.generation and self._journal.durable_up_to >= self.number

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the entry is durable, at most *timeout* seconds; whether it is.

        Raises:
            JournalError: it could not be written.
        """
        return self.durable or (
            self._generation == self._journal.generation and self._journal.wait_for(self.number, timeout)
        )


class Journal:
    """The journal in the file at *path*, which is made where there is none; its folder must exist.

    To be used from any thread, and by several processes at once. ``append`` encodes and returns; a thread of the
    process's own commits what waits, in groups: nothing half-written is ever seen. In a forked child it is a journal
    of the same file on which nothing waits. ``most_waiting`` bytes may wait before ``append`` waits itself.

    Raises:
        JournalError: it is no journal, or cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, most_waiting: int = _MOST_WAITING) -> None:
        self.path: Path = Path(path)
        self.generation: int = 0  # one more in each forked child
        self.durable_up_to: int = 0  # the number of the last ticket that is durable, and all before it
        self._most = most_waiting
        self._file = JournalFile(self.path)
        self._writing = threading.Lock()
        self._changed = threading.Condition(threading.Lock())
        self._rows: list[Row] = []
        self._size = 0
        self._naming_files: set[int] = set()  # tickets' numbers
        self._appended = 0
        self._awake = False
        self._busy_since: float | None = None
        self._failed: Exception | None = None
        writer.every_journal.add(self)

    def append(self, kind: str, data: Any, *, chat: str = "") -> Ticket:
        """Put an entry at the end: *data* as it is now. It is durable within some 50 ms; the ticket tells.

        *data* is anything made of dicts, lists, text, numbers, bytes and images. An image named by a ``Path`` is read
        moments later, when it is written. Waits where more than
        ``most_waiting`` bytes wait.

        Raises:
            JournalError: earlier entries could not be written (``unwritten`` has them), and this one was not taken.
        """
        body, not_saved, has_paths = encode(data)
        row = (chat, kind, time.time(), body)
        with self._changed:
            if self._failed is not None:
                raise self._failure()
            if self._size > self._most:
                self._wait_for_room()
            self._rows.append(row)
            self._size += len(body)
            self._appended += 1
            if has_paths:
                self._naming_files.add(self._appended)
            ticket = Ticket(self, self._appended, self.generation, not_saved)
            asleep = not self._awake
            self._awake = True
        if asleep:
            writer.current().wake(self)
        return ticket

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was appended is durable, at most *timeout* seconds; whether it is.

        Where writing had failed, it is tried again.

        Raises:
            JournalError: it could not be written; ``unwritten`` has what was not, and the journal keeps it.
        """
        with self._changed:
            target = self._appended
            if self.durable_up_to >= target:
                return True
            retry = self._failed is not None
            self._failed = None
            self._awake = True
        if retry:
            writer.current().wake(self)
        return self.wait_for(target, timeout)

    def wait_for(self, number: int, timeout: float | None = None) -> bool:
        """Wait until ticket *number* is durable, at most *timeout* seconds; whether it is.

        Raises:
            JournalError: it could not be written.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            if not writer.current().is_alive:
                self.write_pending()
            writer.current().hurry()
            with self._changed:
                if self.durable_up_to >= number:
                    return True
                if self._failed is not None:
                    raise self._failure()
                if until is not None and time.monotonic() >= until:
                    return False
                self._changed.wait(0.1 if until is None else min(0.1, max(0.0, until - time.monotonic())))

    def read(self, *, chat: str | None = None, kinds: Sequence[str] = (), after: int = 0) -> Iterator[Entry]:
        """What :func:`read_journal` gives, with all that was appended here.

        Raises:
            JournalError: it cannot be written or read.
        """
        self.flush()
        return read_journal(self.path, chat=chat, kinds=kinds, after=after)

    def close(self) -> None:
        """Flush, and close the file; the next use opens it again.

        Raises:
            JournalError: something could not be written.
        """
        self.flush()
        self._file.close()

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()

    # --- in the writer's thread ---

    def write_pending(self) -> bool:
        """Write what waits; True where more waits, or other processes are in the way."""
        with self._writing:  # one at a time: who flushes writes, too, where there is no thread for it
            return self._write_batch()

    def _write_batch(self) -> bool:
        with self._changed:
            rows = self._rows[:_BATCH]
            if not rows:
                self._awake = False
                return False
            first = self.durable_up_to + 1
            naming = {number - first for number in self._naming_files}
        try:
            self._file.append([_with_files(row) if at in naming else row for at, row in enumerate(rows)])
        except Exception as error:
            return self._could_not(error)
        with self._changed:
            del self._rows[: len(rows)]
            self._size -= sum(len(row[3]) for row in rows)
            self.durable_up_to += len(rows)
            self._naming_files -= set(range(first, first + len(rows))) if self._naming_files else set()
            self._busy_since = None
            self._awake = bool(self._rows)
            self._changed.notify_all()
            return self._awake

    def _could_not(self, error: Exception) -> bool:
        now = time.monotonic()
        with self._changed:
            if is_busy(error):
                if self._busy_since is None:
                    self._busy_since = now
                if now - self._busy_since < _PATIENCE:
                    return True
            self._busy_since = None
            self._awake = False
            self._failed = error
            self._changed.notify_all()
        return False

    def end(self) -> None:
        """The process ends."""
        import logging

        try:
            self.flush(timeout=2 * _PATIENCE)
        except JournalError as error:
            logging.getLogger(__name__).error("%s", error)  # noqa: TRY400  (where it came from helps nobody now)
        self._file.close()

    def forget(self) -> None:
        """This is a forked child: what waits is the parent's."""
        self.generation += 1
        self._writing = threading.Lock()
        self._changed = threading.Condition(threading.Lock())
        self._rows = []
        self._size = 0
        self._naming_files = set()
        self.durable_up_to = self._appended
        self._awake = False
        self._busy_since = None
        self._failed = None

    # --- with the lock held ---

    def _failure(self) -> JournalError:
        assert self._failed is not None
        unwritten = [_entry(0, row) for row in self._rows]
        error = failure(self.path, self._failed, unwritten=unwritten)
        error.__cause__ = self._failed
        return error

    def _wait_for_room(self) -> None:
        until = time.monotonic() + 3 * _PATIENCE
        writer.current().hurry()
        while self._size > self._most:
            if not self._changed.wait(max(0.0, until - time.monotonic())):
                raise JournalError(
                    f"journal {self.path}: {self._size} bytes wait to be written, and the disk does not keep up",
                    reason="slow",
                    path=self.path,
                )
            if self._failed is not None:
                raise self._failure()


_shared: "WeakValueDictionary[Path, Journal]" = WeakValueDictionary()
_sharing = threading.Lock()


def open_journal(path: str | os.PathLike[str]) -> Journal:
    """The journal at *path*; who asks for the same one while it is in use is given the same object.

    Raises:
        JournalError: it is no journal, or cannot be opened.
    """
    place = Path(path).absolute()
    with _sharing:
        journal = _shared.get(place)
        if journal is None:
            journal = _shared[place] = Journal(place)
        return journal


def read_journal(
    path: str | os.PathLike[str], *, chat: str | None = None, kinds: Sequence[str] = (), after: int = 0
) -> Iterator[Entry]:
    """The durable entries of the journal at *path*, in order: of one *chat*, of *kinds*, after entry number *after*.

    What :func:`open_journal`'s object has in this process is made durable first.

    Raises:
        JournalError: there is no such file, it is no journal, or damaged; or what waits for it cannot be written.
    """
    mine = _shared.get(Path(path).absolute())
    if mine is not None:
        mine.flush()
    for number, row in read_rows(Path(path), chat=chat, kinds=kinds, after=after):
        try:
            yield _entry(number, row)
        except (MsgspecError, ValueError) as error:
            raise JournalError(
                f"journal {path}: entry {number} cannot be read ({error}): the file is damaged, or a newer modelport "
                "wrote it",
                reason="damaged",
                path=Path(path),
            ) from error


def _with_files(row: Row) -> Row:
    chat, kind, when, body = row
    return chat, kind, when, with_files(body)


def _entry(number: int, row: Row) -> Entry:
    chat, kind, when, body = row
    return Entry(number, chat, kind, when, decode(body))


def _after_fork() -> None:
    global _sharing  # noqa: PLW0603  (another thread of the parent may have held it)
    _sharing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
