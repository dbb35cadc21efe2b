"""What the parts of code execution pass to each other, and what an executor is. Knows no process, file or container.

Names, fields and defaults are those of ``autogen.coding``, so that executors written for AutoGen 0.2 work here.
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypedDict, runtime_checkable

import msgspec

__all__ = (
    "CodeBlock",
    "CodeExecutionConfig",
    "CodeExecutor",
    "CodeExtractor",
    "CodeResult",
    "CommandLineCodeResult",
    "IPythonCodeResult",
)


class _Value(msgspec.Struct):
    def model_dump(self) -> dict[str, Any]:
        """The fields as a dict, by pydantic's name for it, which programs written for AutoGen call."""
        return msgspec.structs.asdict(self)


class CodeBlock(_Value):
    """A piece of code and the name of its language, as it stood in a message.

    Not frozen, unlike the house's other values: programs written for AutoGen change blocks on their way.
    """

    code: str
    language: str


class CodeResult(_Value):
    """How a run ended: ``exit_code`` is 0 when all went well; ``output`` is what is shown to the one who asked."""

    exit_code: int
    output: str


class CommandLineCodeResult(CodeResult):
    """``code_file`` is the path of the first block's file; None where none was written."""

    code_file: str | None = None


class IPythonCodeResult(CodeResult):
    """``output_files`` are the paths of the images and pages that the code showed."""

    output_files: list[str] = []


class CodeExtractor(Protocol):
    """Finds the code in a message."""

    def extract_code_blocks(self, message: str | list[Any] | None) -> list[CodeBlock]:
        """The blocks in *message*, in order; an empty list where there are none."""
        ...


@runtime_checkable
class CodeExecutor(Protocol):
    """Runs blocks of code.

    An executor may also have ``a_execute_code_blocks``, an async twin; without it the blocking one runs in a thread.
    """

    @property
    def code_extractor(self) -> CodeExtractor:
        """How code meant for this executor is found in a message."""
        ...

    def execute_code_blocks(self, code_blocks: list[CodeBlock]) -> CodeResult:
        """Run *code_blocks* in order, up to the first that fails."""
        ...

    def restart(self) -> None:
        """Forget what earlier blocks left running or in memory."""
        ...


# A mapping type in the other syntax: two of its keys are no Python names.
CodeExecutionConfig = TypedDict(
    "CodeExecutionConfig",
    {
        "executor": Literal["ipython-embedded", "commandline-local"] | CodeExecutor,
        "last_n_messages": int | Literal["auto"],
        "timeout": int,
        "use_docker": bool | str | list[str],
        "work_dir": str,
        "ipython-embedded": Mapping[str, Any],
        "commandline-local": Mapping[str, Any],
    },
    total=False,
)
