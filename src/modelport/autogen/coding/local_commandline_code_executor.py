"""AutoGen 0.2's ``autogen.coding.local_commandline_code_executor``: names only."""

from modelport.agents.code_execution import LocalCommandLineCodeExecutor
from modelport.autogen._absent import explain_absences

__all__ = ("LocalCommandLineCodeExecutor",)

explain_absences(__name__)
