"""What can go wrong with a journal, in one error with a reason that programs can match on."""

from pathlib import Path
from typing import Any, Literal

from modelport.errors import ModelportError

__all__ = ("JournalError", "JournalReason")

JournalReason = Literal[
    "damaged",
    "full",
    "gone",
    "locked",
    "newer",
    "no_folder",
    "not_a_journal",
    "not_there",
    "read_only",
    "slow",
    "unreachable",
]


class JournalError(ModelportError):
    """A journal cannot be opened, read or written. ``reason`` is stable and safe to match on.

    ``unwritten`` holds the entries that were appended but are not in the file, oldest first; the journal keeps them,
    too, and tries again at the next ``flush()``.
    """

    code = "journal_failed"

    def __init__(
        self, message: str, *, reason: JournalReason = "unreachable", path: Path | None = None, unwritten: Any = ()
    ) -> None:
        super().__init__(message)
        self.reason: JournalReason = reason
        self.path: Path | None = path
        self.unwritten: tuple[Any, ...] = tuple(unwritten)
