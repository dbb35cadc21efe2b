"""Awaiting something from blocking code, wherever that runs. Knows no tools."""

import threading
from collections.abc import Awaitable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from modelport.sync import Patience

if TYPE_CHECKING:
    import asyncio

__all__ = ("wait_for",)

T = TypeVar("T")


def wait_for(awaitable: Awaitable[T]) -> T:
    """The result of *awaitable*, on an event loop of its own.

    In this thread, as AutoGen does; where a loop is running in this thread already (a notebook, a blocking call inside
    async code), in another thread, with this one's context variables.
    """
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(awaitable)
    return _in_a_thread(awaitable)


def _in_a_thread(awaitable: Awaitable[T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []
    context = copy_context()

    def work() -> None:
        try:
            results.append(context.run(_run, awaitable))
        except BaseException as error:  # it is the caller's, whatever it is
            errors.append(error)

    thread = threading.Thread(target=work, name="modelport-tool", daemon=True)
    patience = Patience()
    thread.start()
    while thread.is_alive():
        thread.join(patience.seconds)
        patience.check()
    if errors:
        try:
            raise errors[0]
        finally:
            errors.clear()  # a frame that holds its own error is a cycle
    return results[0]


def _run(awaitable: Awaitable[T]) -> T:
    # Not asyncio.run(), which would leave this thread without its current event loop: programs that ask for that one
    # after a chat must still get it.
    import asyncio

    async def main() -> T:
        return await awaitable

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        try:
            _wind_down(loop)
        finally:
            loop.close()


def _wind_down(loop: "asyncio.AbstractEventLoop") -> None:
    import asyncio

    left: set[asyncio.Task[Any]] = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
