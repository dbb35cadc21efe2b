"""AutoGen 0.2's ``autogen.coding.base``: names only."""

from modelport.agents.code_execution import CodeBlock, CodeExecutor, CodeExtractor, CodeResult
from modelport.autogen._absent import explain_absences

__all__ = (
    "CodeBlock",
    "CodeExecutor",
    "CodeExtractor",
    "CodeResult",
)

explain_absences(__name__)
