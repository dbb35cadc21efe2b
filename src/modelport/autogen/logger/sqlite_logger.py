"""AutoGen 0.2's ``autogen.logger.sqlite_logger``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.storage.runtime_log import SqliteLogger

__all__ = ("SqliteLogger",)

explain_absences(__name__)
