"""AutoGen 0.2's ``autogen.logger.logger_utils``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.storage.runtime_log.plain import get_current_ts, to_dict

__all__ = (
    "get_current_ts",
    "to_dict",
)

explain_absences(__name__)
