"""A call that a model asked for becomes a result for the model. Knows no agents and prints nothing itself.

Whatever goes wrong (no such function, broken arguments, an error in the function) is a result, too: a model can read it
and do better. Only what ends programs (Ctrl-C, ``SystemExit``) and a cancelled task pass through.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.agents.tools.arguments import parse_arguments
from modelport.agents.tools.signatures import is_async
from modelport.agents.tools.values import load_basemodels_if_needed, serialize_to_str
from modelport.agents.tools.waiting import wait_for
from modelport.sync import offload

if TYPE_CHECKING:
    import asyncio

__all__ = ("Executed", "Observe", "Say", "a_execute", "execute", "on_loop", "wrap_tool")

Executed: TypeAlias = tuple[bool, dict[str, Any]]
"""Whether the function ran without an error, and ``{"name", "role": "function", "content"}``."""
Say: TypeAlias = Callable[[str], object]
"""Shows a line to whoever watches the chat."""
Observe: TypeAlias = Callable[[Callable[..., Any], dict[str, Any], Any], object]
"""Told of each use of a tool: the function, its arguments, what it returned."""

_turn: ContextVar["asyncio.Lock | None"] = ContextVar("modelport_tool_turn", default=None)
"""Held while a blocking tool runs in a thread, and while an async one is announced: the tools of one message start in
the order in which they were asked for, and of the blocking ones one runs at a time."""


def on_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, marked: in async chats it runs on the event loop's own thread, which it blocks, and not beside it.

    For blocking tools that hold on to a thread (an SQLite connection) or start tasks on the running loop.
    """
    function._runs_on_loop = True  # type: ignore[attr-defined]
    return function


def wrap_tool(function: Callable[..., Any], observe: Observe | None = None) -> Callable[..., Any]:
    """*function* as it stands in an agent's function map: pydantic models go in, text comes out.

    Async where *function* is; ``_origin`` is *function* itself. *observe* is told of every use.
    """

    def text(kwargs: dict[str, Any], value: Any) -> str:
        if observe is not None:
            observe(function, kwargs, value)
        return serialize_to_str(value)

    async def finish(kwargs: dict[str, Any], value: Awaitable[Any]) -> str:
        return text(kwargs, await value)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        return finish(kwargs, value) if inspect.isawaitable(value) else text(kwargs, value)

    @functools.wraps(function)
    async def a_call(*args: Any, **kwargs: Any) -> str:
        return text(kwargs, await function(*args, **kwargs))

    wrapped = load_basemodels_if_needed(a_call if is_async(function) else call)
    wrapped._origin = function  # type: ignore[attr-defined]
    return wrapped


def execute(
    call: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], say: Say, *, verbose: bool = False
) -> Executed:
    """The result of *call* (``{"name", "arguments"}``), blocking until it is there; an async function gets a loop."""
    name, function, arguments, content = _prepare(call, functions)
    succeeded = False
    if function is not None and arguments is not None:
        say(f"\n>>>>>>>> EXECUTING FUNCTION {name}...")
        try:
            value = function(**arguments)
            content = str(wait_for(value) if inspect.isawaitable(value) else value)
            succeeded = True
        except Exception as error:
            content = _told(error)
    if verbose:
        say(f"\nInput arguments: {arguments}\nOutput:\n{content}")
    return succeeded, {"name": name, "role": "function", "content": content}


async def a_execute(
    call: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], say: Say, *, verbose: bool = False
) -> Executed:
    """The result of *call*, like :func:`execute`; a blocking function runs in a thread, so that no other chat waits."""
    name, function, arguments, content = _prepare(call, functions)
    succeeded = False
    if function is not None and arguments is not None:
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(_turn.get() or nullcontext())
            say(f"\n>>>>>>>> EXECUTING ASYNC FUNCTION {name}...")
            if _stays(function):
                await turn.aclose()  # it starts in its turn, and runs beside those after it
            try:
                content = str(await _called(function, arguments))
                succeeded = True
            except Exception as error:
                content = _told(error)
    if verbose:
        say(f"\nInput arguments: {arguments}\nOutput:\n{content}")
    return succeeded, {"name": name, "role": "function", "content": content}


def _prepare(
    call: Any, functions: Mapping[str, Callable[..., Any]]
) -> tuple[str, Callable[..., Any] | None, dict[str, Any] | None, str]:
    """The name, the function and its arguments; or an error as text where one is missing."""
    if not isinstance(call, Mapping):
        return "", None, None, f"Error: expected a call, a dict with name and arguments; got {type(call).__name__}."
    name = call.get("name") or ""
    function = functions.get(name) if isinstance(name, str) else None
    if function is None:
        return name, None, None, f"Error: Function {name} not found."
    arguments, problem = parse_arguments(call.get("arguments"))
    return name, function, arguments, problem or ""


def _stays(function: Callable[..., Any]) -> bool:
    return is_async(function) or getattr(function, "_runs_on_loop", False) is True


async def _called(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    value = function(**arguments) if _stays(function) else await offload(_alone, function, arguments)
    return await value if inspect.isawaitable(value) else value


def _alone(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    token = _turn.set(None)  # what the function itself calls must not wait for the function
    try:
        return function(**arguments)
    finally:
        _turn.reset(token)


def _told(error: Exception) -> str:
    """The error, as the model reads it."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"Error: {text or type(error).__name__}"
