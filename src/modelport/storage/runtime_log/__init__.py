"""What agents and models do in this process, logged while it is asked for: AutoGen 0.2's ``runtime_logging``.

``start()`` begins, ``stop()`` ends. In between, agents and clients call the ``log_…`` functions; a failure of the
logger is reported once and breaks nothing. Without a session they do nothing: ask :func:`logging_enabled` before making
what is to be logged. Knows agents and clients by their shape only.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from modelport.storage.runtime_log.base import BaseLogger
from modelport.storage.runtime_log.factory import LoggerFactory
from modelport.storage.runtime_log.file_logger import FileLogger
from modelport.storage.runtime_log.plain import get_current_ts
from modelport.storage.runtime_log.sqlite_logger import SqliteLogger

if TYPE_CHECKING:
    import sqlite3
    from uuid import UUID

__all__ = (
    "BaseLogger",
    "FileLogger",
    "LoggerFactory",
    "SqliteLogger",
    "get_connection",
    "get_current_ts",
    "log_chat_completion",
    "log_event",
    "log_function_use",
    "log_new_agent",
    "log_new_client",
    "log_new_wrapper",
    "logging_enabled",
    "start",
    "stop",
)


class _Session:
    """The logger of now, and what it lost."""

    __slots__ = ("_is_registered", "logger", "lost")

    def __init__(self) -> None:
        self.logger: BaseLogger | None = None
        self.lost = 0
        self._is_registered = False

    def end_with_the_process(self) -> None:
        """Have what is left be written though a program never calls stop()."""
        if not self._is_registered:
            from atexit import register

            register(stop)
            self._is_registered = True

    def log(self, method: str, *args: Any, **kwargs: Any) -> None:
        kept_by = self.logger
        if kept_by is None:
            return
        try:
            getattr(kept_by, method)(*args, **kwargs)
        except Exception as error:
            self.lost += 1
            if self.lost == 1:
                _report(
                    "runtime logging failed in %s.%s: %s: %s; the chat goes on, further failures are counted",
                    type(kept_by).__name__,
                    method,
                    type(error).__name__,
                    error,
                )


def _report(message: str, *args: object) -> None:
    import logging

    logging.getLogger(__name__).error(message, *args)


_session: Final = _Session()


def logging_enabled() -> bool:
    """Whether a session is going on."""
    return _session.logger is not None


def start(
    logger: BaseLogger | None = None, logger_type: str = "sqlite", config: Mapping[str, Any] | None = None
) -> str:
    """Log from now on, with *logger* or one of kind *logger_type* (``sqlite``, ``file``); the id of the session.

    *config* has ``dbname``, the path of an SQLite file (``logs.db``), or ``filename``, a file below ``autogen_logs``
    (``runtime.log``). A session that is going on is stopped first.

    Raises:
        ValueError: another kind.
        ConfigError: the file cannot be opened, or is none of ours.
    """
    stop()
    begun = logger or LoggerFactory.get_logger(logger_type, config)
    _session.end_with_the_process()
    session_id = begun.start()
    _session.lost = 0
    _session.logger = begun
    return session_id


def stop() -> None:
    """End the session: everything is written and the file closed. Without a session it does nothing."""
    ended, lost = _session.logger, _session.lost
    if ended is None:
        return
    _session.log("stop")
    _session.logger = None
    if lost > 1:
        _report("runtime logging lost %d entries", lost)


def get_connection() -> "sqlite3.Connection | None":
    """The session's database, which has everything logged so far; None without one, or with a logger that has none."""
    return None if _session.logger is None else _session.logger.get_connection()


def log_chat_completion(
    invocation_id: "UUID",
    client_id: int,
    wrapper_id: int,
    agent: Any,
    request: Mapping[str, Any],
    response: Any,
    is_cached: int,
    cost: float | None,
    start_time: str,
) -> None:
    """Log one answer of a model; *response* is text where an error came in its place. *start_time* is UTC."""
    _session.log(
        "log_chat_completion",
        *(invocation_id, client_id, wrapper_id, agent, request, response, is_cached, cost, start_time),
    )


def log_new_agent(agent: Any, init_args: Mapping[str, Any]) -> None:
    """Log that *agent* was made, of *init_args* (``locals()`` of its constructor will do)."""
    _session.log("log_new_agent", agent, init_args)


def log_event(source: Any, name: str, **kwargs: Any) -> None:
    """Log that *name* happened to *source*, an agent or text that names one."""
    _session.log("log_event", source, name, **kwargs)


def log_function_use(agent: Any, function: Callable[..., Any], args: Mapping[str, Any], returns: Any) -> None:
    """Log that *agent* called *function* with *args*, and what came of it."""
    _session.log("log_function_use", agent, function, args, returns)


def log_new_wrapper(wrapper: Any, init_args: Mapping[str, Any]) -> None:
    """Log that *wrapper*, an ``OpenAIWrapper``, was made, of *init_args*."""
    _session.log("log_new_wrapper", wrapper, init_args)


def log_new_client(client: Any, wrapper: Any, init_args: Mapping[str, Any]) -> None:
    """Log that *wrapper* made *client*, of *init_args*."""
    _session.log("log_new_client", client, wrapper, init_args)
