"""AutoGen 0.2's ``autogen.coding.local_commandline_code_executor``: names, two as once written."""

from modelport.agents.code_execution import (
    CommandLineCodeResult as CommandlineCodeResult,
    LocalCommandLineCodeExecutor,
    LocalCommandLineCodeExecutor as LocalCommandlineCodeExecutor,
)
from modelport.autogen._absent import explain_absences

__all__ = ("CommandlineCodeResult", "LocalCommandLineCodeExecutor", "LocalCommandlineCodeExecutor")

explain_absences(__name__)
