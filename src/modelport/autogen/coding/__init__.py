"""AutoGen 0.2's ``autogen.coding``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.autogen.coding.base import CodeBlock, CodeExecutor, CodeExtractor, CodeResult
from modelport.autogen.coding.docker_commandline_code_executor import DockerCommandLineCodeExecutor
from modelport.autogen.coding.factory import CodeExecutorFactory
from modelport.autogen.coding.local_commandline_code_executor import LocalCommandLineCodeExecutor
from modelport.autogen.coding.markdown_code_extractor import MarkdownCodeExtractor

__all__ = (
    "CodeBlock",
    "CodeExecutor",
    "CodeExecutorFactory",
    "CodeExtractor",
    "CodeResult",
    "DockerCommandLineCodeExecutor",
    "LocalCommandLineCodeExecutor",
    "MarkdownCodeExtractor",
)

explain_absences(__name__)
