"""AutoGen 0.2's ``autogen.coding.base``: names only."""

from modelport.agents.code_execution import (
    CodeBlock,
    CodeExecutionConfig,
    CodeExecutor,
    CodeExtractor,
    CodeResult,
    CommandLineCodeResult,
    IPythonCodeResult,
)
from modelport.autogen._absent import explain_absences

__all__ = (
    "CodeBlock",
    "CodeExecutionConfig",
    "CodeExecutor",
    "CodeExtractor",
    "CodeResult",
    "CommandLineCodeResult",
    "IPythonCodeResult",
)

explain_absences(__name__)
