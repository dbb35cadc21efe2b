"""AutoGen 0.2's ``autogen.logger.logger_factory``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.storage.runtime_log import LoggerFactory

__all__ = ("LoggerFactory",)

explain_absences(__name__)
