"""An append-only journal in an SQLite file: what must outlive its process. Knows no agents and no models."""

from modelport.storage.journal.encoding import NotSaved
from modelport.storage.journal.errors import JournalError, JournalReason
from modelport.storage.journal.journal import Entry, Journal, Ticket, open_journal, read_journal

__all__ = ("Entry", "Journal", "JournalError", "JournalReason", "NotSaved", "Ticket", "open_journal", "read_journal")
