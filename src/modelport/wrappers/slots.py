"""A number of places, waited for in order by threads and by tasks of any event loop."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from modelport.errors import ConfigError
from modelport.sync.offload import inline

__all__ = ("Slots",)


class Slots:
    """*most* places. One object may limit several models together."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ConfigError(f"max_concurrency must be at least 1, got {most!r}")
        self._free = most
        self._lock = threading.Lock()
        self._waiting: deque[_Waiter] = deque()

    async def take(self) -> Callable[[], None]:
        """Wait for a place; call what is returned, once, to give it back."""
        with self._lock:
            if self._free:
                self._free -= 1
                return self.give_back
            waiter: _Waiter = _ThreadWaiter() if inline.active else _TaskWaiter()
            self._waiting.append(waiter)
        try:
            await waiter.wait()
        except BaseException:
            self._forget(waiter)
            raise
        return self.give_back

    def give_back(self) -> None:
        """The place of one goes to the next that waits."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            waiter = self._waiting.popleft()
        if not waiter.wake():
            self.give_back()

    def _forget(self, waiter: "_Waiter") -> None:
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                return
        self.give_back()  # the place was already its own


class _ThreadWaiter:
    def __init__(self) -> None:
        self._event = threading.Event()

    async def wait(self) -> None:
        while not self._event.wait(1.0):  # by the second, so that Ctrl-C is heard on Windows too
            pass

    def wake(self) -> bool:
        self._event.set()
        return True


class _TaskWaiter:
    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._future: Any = self._loop.create_future()

    async def wait(self) -> None:
        await self._future

    def wake(self) -> bool:
        """False: its loop is closed, and nobody waits any more."""
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:
            return False
        return True

    def _settle(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


_Waiter = _ThreadWaiter | _TaskWaiter
