from pathlib import Path
from typing import Any

import pytest

from modelport.agents.code_execution import (
    CodeBlock,
    CodeExecutor,
    CodeExecutorFactory,
    CodeExtractor,
    CodeResult,
    LocalCommandLineCodeExecutor,
    MarkdownCodeExtractor,
    a_execute_code_blocks,
)


class Mine(CodeExecutor):
    """An executor as programs for AutoGen write it: no restart, no async twin."""

    @property
    def code_extractor(self) -> CodeExtractor:
        return MarkdownCodeExtractor()

    def execute_code_blocks(self, code_blocks: list[CodeBlock]) -> CodeResult:
        return CodeResult(exit_code=0, output=" ".join(block.code for block in code_blocks))

    def restart(self) -> None:
        return None


def test_an_executor_is_taken_as_it_is() -> None:
    mine = Mine()

    assert CodeExecutorFactory.create({"executor": mine}) is mine


def test_a_name_makes_one_with_the_arguments_under_that_name(tmp_path: Path) -> None:
    executor = CodeExecutorFactory.create(
        {"executor": "commandline-local", "commandline-local": {"work_dir": tmp_path, "timeout": 7}}
    )

    assert isinstance(executor, LocalCommandLineCodeExecutor)
    assert (executor.timeout, executor.work_dir) == (7, tmp_path)


@pytest.mark.parametrize("config", [{}, {"executor": None}, {"executor": "unknown"}, {"executor": object()}])
def test_an_unknown_executor_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Unknown code executor .*expected an object with code_extractor"):
        CodeExecutorFactory.create(config)


@pytest.fixture
def local_executor(tmp_path: Path) -> LocalCommandLineCodeExecutor:
    return LocalCommandLineCodeExecutor(work_dir=tmp_path)  # it makes its folder, which is no work for an event loop


def test_the_executor_that_is_left_out_says_what_to_use_instead() -> None:
    with pytest.raises(ValueError, match=r"has no 'ipython-embedded' executor.*use 'commandline-local'"):
        CodeExecutorFactory.create({"executor": "ipython-embedded"})


async def test_any_executor_can_be_awaited(local_executor: LocalCommandLineCodeExecutor) -> None:
    blocks = [CodeBlock(language="sh", code="echo hi")]

    assert (await a_execute_code_blocks(Mine(), blocks)).output == "echo hi"
    assert (await a_execute_code_blocks(local_executor, blocks)).output == "hi\n"


def test_values_are_compared_by_their_fields() -> None:
    assert CodeBlock(code="a", language="b") == CodeBlock("a", "b")
    assert CodeResult(exit_code=0, output="") != CodeResult(exit_code=1, output="")
