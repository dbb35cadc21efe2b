"""AutoGen 0.2's ``autogen.logger.base_logger``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.storage.runtime_log import BaseLogger

__all__ = ("BaseLogger",)

explain_absences(__name__)
