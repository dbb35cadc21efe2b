"""AutoGen 0.2's ``autogen.logger``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.autogen.logger.file_logger import FileLogger
from modelport.autogen.logger.logger_factory import LoggerFactory
from modelport.autogen.logger.sqlite_logger import SqliteLogger

__all__ = (
    "FileLogger",
    "LoggerFactory",
    "SqliteLogger",
)

explain_absences(__name__)
