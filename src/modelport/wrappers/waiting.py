"""Waiting in a coroutine that may be driven with or without an event loop."""

import time

from modelport.sync.offload import inline

__all__ = ("pause",)


async def pause(seconds: float) -> None:
    """Wait *seconds*: the thread where it drives the coroutine itself, the task where there is a loop."""
    if inline.active:
        time.sleep(seconds)  # noqa: ASYNC251  (there is no loop to hold up)
        return
    import asyncio

    await asyncio.sleep(seconds)
