"""The executor that a configuration asks for."""

from collections.abc import Mapping
from typing import Any

from modelport.agents.code_execution.base import CodeExecutionConfig, CodeExecutor
from modelport.agents.code_execution.local import LocalCommandLineCodeExecutor

__all__ = ("CodeExecutorFactory",)


class CodeExecutorFactory:
    """Makes executors."""

    @staticmethod
    def create(code_execution_config: CodeExecutionConfig | Mapping[str, Any]) -> CodeExecutor:
        """The executor under ``"executor"``: itself, or made by name with the arguments under that name.

        Raises:
            ValueError: there is none, or one of an unknown name.
        """
        executor = code_execution_config.get("executor")
        if isinstance(executor, CodeExecutor):
            return executor
        if executor == "commandline-local":
            given: Any = code_execution_config.get("commandline-local", {})
            return LocalCommandLineCodeExecutor(**given)
        if executor == "ipython-embedded":
            raise ValueError(
                "modelport has no 'ipython-embedded' executor (it would need some thirty packages): use "
                "'commandline-local', or give an executor of your own under 'executor'"
            )
        raise ValueError(
            f"Unknown code executor {executor}: expected an object with code_extractor, execute_code_blocks and "
            "restart, or 'commandline-local'"
        )
