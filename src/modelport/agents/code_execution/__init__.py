"""Running the code that stands in messages: off unless asked for, here or in a container, by AutoGen 0.2's names."""

from modelport.agents.code_execution.async_twin import a_execute_code_blocks
from modelport.agents.code_execution.base import (
    CodeBlock,
    CodeExecutionConfig,
    CodeExecutor,
    CodeExtractor,
    CodeResult,
    CommandLineCodeResult,
    IPythonCodeResult,
)
from modelport.agents.code_execution.docker import Bounds, DockerCommandLineCodeExecutor
from modelport.agents.code_execution.docker_cli import in_docker_container, is_docker_running
from modelport.agents.code_execution.extraction import (
    CODE_BLOCK_PATTERN,
    PYTHON_VARIANTS,
    UNKNOWN,
    MarkdownCodeExtractor,
    extract_code,
    infer_lang,
)
from modelport.agents.code_execution.factory import CodeExecutorFactory
from modelport.agents.code_execution.functions import (
    Alias,
    FunctionWithRequirements,
    FunctionWithRequirementsStr,
    ImportFromModule,
    to_stub,
    with_requirements,
)
from modelport.agents.code_execution.legacy import (
    DEFAULT_MODEL,
    DEFAULT_TIMEOUT,
    FAST_MODEL,
    TIMEOUT_MSG,
    WORKING_DIR,
    a_execute_code,
    check_can_use_docker_or_throw,
    create_virtual_env,
    decide_use_docker,
    execute_code,
)
from modelport.agents.code_execution.local import LocalCommandLineCodeExecutor
from modelport.agents.content import content_str

__all__ = (
    "CODE_BLOCK_PATTERN",
    "DEFAULT_MODEL",
    "DEFAULT_TIMEOUT",
    "FAST_MODEL",
    "PYTHON_VARIANTS",
    "TIMEOUT_MSG",
    "UNKNOWN",
    "WORKING_DIR",
    "Alias",
    "Bounds",
    "CodeBlock",
    "CodeExecutionConfig",
    "CodeExecutor",
    "CodeExecutorFactory",
    "CodeExtractor",
    "CodeResult",
    "CommandLineCodeResult",
    "DockerCommandLineCodeExecutor",
    "FunctionWithRequirements",
    "FunctionWithRequirementsStr",
    "IPythonCodeResult",
    "ImportFromModule",
    "LocalCommandLineCodeExecutor",
    "MarkdownCodeExtractor",
    "a_execute_code",
    "a_execute_code_blocks",
    "check_can_use_docker_or_throw",
    "content_str",
    "create_virtual_env",
    "decide_use_docker",
    "execute_code",
    "extract_code",
    "in_docker_container",
    "infer_lang",
    "is_docker_running",
    "to_stub",
    "with_requirements",
)
