"""Blocks run by any executor, also one without an async method, without blocking the event loop.

When the task is cancelled, the commands that executors of ours run are killed.
"""

from modelport.agents.code_execution.base import CodeBlock, CodeExecutor, CodeResult
from modelport.agents.code_execution.processes import a_stoppable

__all__ = ("a_execute_code_blocks",)


async def a_execute_code_blocks(executor: CodeExecutor, code_blocks: list[CodeBlock]) -> CodeResult:
    """What ``executor.a_execute_code_blocks`` gives or, where it has none, ``execute_code_blocks`` in a thread."""
    twin = getattr(executor, "a_execute_code_blocks", None)
    if twin is None:
        return await a_stoppable(executor.execute_code_blocks, code_blocks)
    result: CodeResult = await twin(code_blocks)
    return result
