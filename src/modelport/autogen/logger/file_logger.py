"""AutoGen 0.2's ``autogen.logger.file_logger``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.storage.runtime_log import FileLogger

__all__ = ("FileLogger",)

explain_absences(__name__)
