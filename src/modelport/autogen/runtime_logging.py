"""AutoGen 0.2's ``autogen.runtime_logging``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.storage.runtime_log import (
    get_connection,
    log_chat_completion,
    log_event,
    log_function_use,
    log_new_agent,
    log_new_client,
    log_new_wrapper,
    logging_enabled,
    start,
    stop,
)

__all__ = (
    "get_connection",
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

explain_absences(__name__)
