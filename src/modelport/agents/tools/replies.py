"""The reply of an agent that runs tools to a message that calls some. Knows how results stand in a message, not how a
call becomes one: the agent's own methods do that, so that programs can override them.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from modelport.agents.tools.calling import Executed, _turn
from modelport.agents.tools.signatures import is_async
from modelport.agents.tools.waiting import wait_for
from modelport.sync import offload

__all__ = (
    "AsyncExecute",
    "Execute",
    "Functions",
    "Reply",
    "a_answer_function_call",
    "a_answer_tool_calls",
    "answer_function_call",
    "answer_tool_calls",
)

Functions: TypeAlias = Mapping[str, Callable[..., Any]]
Execute: TypeAlias = Callable[[dict[str, Any]], Executed]
AsyncExecute: TypeAlias = Callable[[dict[str, Any]], Awaitable[Executed]]
Reply: TypeAlias = tuple[bool, dict[str, Any] | None]
"""``(True, message)``, or ``(False, None)`` where nothing was called."""


def answer_function_call(
    message: Mapping[str, Any], functions: Functions, execute: Execute, a_execute: AsyncExecute
) -> Reply:
    """The reply to *message* if it has a ``function_call``. Async functions go to *a_execute*, others to *execute*."""
    call = message.get("function_call")
    if not call:
        return False, None
    return True, _executed(call, functions, execute, a_execute)


async def a_answer_function_call(
    message: Mapping[str, Any], functions: Functions, execute: Execute, a_execute: AsyncExecute
) -> Reply:
    """Like :func:`answer_function_call`, on an event loop that *execute* does not block."""
    call = message.get("function_call")
    if not call:
        return False, None
    function = _function(call, functions)
    if is_async(function):
        _, result = await a_execute(call)
    elif getattr(function, "_runs_on_loop", False):
        _, result = execute(call)
    else:
        _, result = await offload(execute, call)
    return True, result


def answer_tool_calls(
    message: Mapping[str, Any], functions: Functions, execute: Execute, a_execute: AsyncExecute
) -> Reply:
    """The reply to the ``tool_calls`` of *message*, one after another. Async functions go to *a_execute*."""
    calls = message.get("tool_calls") or ()
    return _reply(
        [_response(call, _executed(call.get("function") or {}, functions, execute, a_execute)) for call in calls]
    )


async def a_answer_tool_calls(message: Mapping[str, Any], a_execute: AsyncExecute) -> Reply:
    """The reply to the ``tool_calls`` of *message*: async functions at once, blocking ones one after another.

    The results are in the order of the calls.
    """
    calls = message.get("tool_calls") or ()
    if not calls:
        return False, None
    import asyncio

    async def answered(call: Mapping[str, Any]) -> dict[str, Any]:
        _, result = await a_execute(call.get("function") or {})
        return _response(call, result)

    token = _turn.set(asyncio.Lock())
    try:
        return _reply(list(await asyncio.gather(*map(answered, calls))))
    finally:
        _turn.reset(token)


def _executed(call: dict[str, Any], functions: Functions, execute: Execute, a_execute: AsyncExecute) -> dict[str, Any]:
    if is_async(_function(call, functions)):
        return wait_for(a_execute(call))[1]
    return execute(call)[1]


def _function(call: Mapping[str, Any], functions: Functions) -> Callable[..., Any] | None:
    name = call.get("name")
    return functions.get(name) if isinstance(name, str) else None


def _response(call: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    content = result.get("content", "")
    response = {"role": "tool", "content": "" if content is None else content}
    call_id = call.get("id")  # Mistral's calls have none
    return response if call_id is None else {"tool_call_id": call_id, **response}


def _reply(responses: list[dict[str, Any]]) -> Reply:
    if not responses:
        return False, None
    content = "\n\n".join(str(response["content"]) for response in responses)
    return True, {"role": "tool", "tool_responses": responses, "content": content}
