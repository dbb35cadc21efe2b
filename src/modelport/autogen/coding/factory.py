"""AutoGen 0.2's ``autogen.coding.factory``: names only."""

from modelport.agents.code_execution import CodeExecutorFactory
from modelport.autogen._absent import explain_absences

__all__ = ("CodeExecutorFactory",)

explain_absences(__name__)
