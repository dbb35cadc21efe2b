"""Loggers by the name of their kind. Knows no logging that is going on."""

from collections.abc import Mapping
from typing import Any

from modelport.storage.runtime_log.base import BaseLogger
from modelport.storage.runtime_log.file_logger import FileLogger
from modelport.storage.runtime_log.sqlite_logger import SqliteLogger

__all__ = ("LoggerFactory",)


class LoggerFactory:
    """Makes the loggers that are shipped."""

    @staticmethod
    def get_logger(logger_type: str = "sqlite", config: Mapping[str, Any] | None = None) -> BaseLogger:
        """The logger of kind *logger_type*, ``sqlite`` or ``file``, of *config*.

        Raises:
            ValueError: another kind.
            ConfigError: its file cannot be opened.
        """
        if logger_type == "sqlite":
            return SqliteLogger(config)
        if logger_type == "file":
            return FileLogger(config)
        raise ValueError(f"logger_type must be 'sqlite' or 'file', got {logger_type!r}")
