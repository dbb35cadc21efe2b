"""Blocking calls over coroutines: two drivers.

A coroutine that never really waits is run in the caller's own thread, without an event loop (``suspends=False``): it
costs a function call. Any other runs on one background loop, in a daemon thread that is started when first needed and
serves every blocking caller of the process; so connections that are bound to their loop stay usable between calls, and
callers inside a running loop (a notebook) are served too.
"""

import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from modelport.sync.offload import inline, running_loop

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

__all__ = ("Patience", "iterate", "run")

T = TypeVar("T")

_AHEAD = 256  # how far an answer on the background loop may run ahead of its blocking reader, in items
_POLL = 0.2 if sys.platform == "win32" else None  # waiting on a lock cannot be interrupted by Ctrl-C on Windows
_LOOK = 0.1  # how often a thread that blocks its own event loop looks whether it is to stop, in seconds


class _Stepped(Protocol):
    def send(self, value: None, /) -> object: ...


def run(coroutine: Coroutine[Any, Any, T], *, suspends: bool) -> T:
    """The result of *coroutine*, waiting for it. Ctrl-C cancels it."""
    if not suspends:
        before, inline.loop = inline.loop, running_loop()
        inline.depth += 1
        try:
            coroutine.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            inline.depth -= 1
            inline.loop = before
        coroutine.close()
        raise _suspended()
    patience = Patience()  # before anything runs: Ctrl-C may come as soon as it does
    return _wait(_background.submit(coroutine), patience)


def _suspended() -> RuntimeError:
    return RuntimeError("a model that said suspends=False waited on an event loop: set suspends=True on it")


def _wait(future: "Future[T]", patience: "Patience") -> T:
    try:
        if patience.seconds is None:
            return future.result()
        from concurrent.futures import TimeoutError as NotYet

        while True:
            try:
                return future.result(patience.seconds)
            except NotYet:
                if future.done():
                    return future.result()
                patience.check()
    except BaseException:
        future.cancel()
        raise


class Patience:
    """How a thread waits that may have an event loop of its own, which it blocks meanwhile.

    Under ``asyncio.run`` the first Ctrl-C raises nothing: it asks the task that runs to stop, which would never hear of
    it here. So it is looked for, every ``seconds``; None means that the thread may wait without waking.
    """

    def __init__(self) -> None:
        self._task = _running_task()
        self._before = 0 if self._task is None else self._task.cancelling()
        self.seconds: float | None = _POLL if self._task is None else _LOOK

    def check(self) -> None:
        """Raise ``CancelledError`` where the task was asked to stop since."""
        if self._task is not None and self._task.cancelling() > self._before:
            from asyncio import CancelledError

            raise CancelledError


def _running_task() -> "asyncio.Task[Any] | None":
    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        return None


def iterate(answer: AbstractAsyncContextManager[AsyncIterator[T]] | Any, *, suspends: bool) -> Iterator[T]:
    """The items of an answer stream, one by one; leaving the iterator early leaves the stream."""
    return _iterate_on_loop(answer) if suspends else _iterate_inline(answer)


def _iterate_inline(answer: Any) -> Iterator[Any]:
    items = run(answer.__aenter__(), suspends=False)
    try:
        while True:
            try:
                item = _step(items.__anext__())
            except StopAsyncIteration:
                break
            yield item
    except BaseException as error:
        if not run(answer.__aexit__(type(error), error, error.__traceback__), suspends=False):
            raise
    else:
        run(answer.__aexit__(None, None, None), suspends=False)


def _step(awaitable: Any) -> Any:
    steps: _Stepped = awaitable if hasattr(awaitable, "send") else awaitable.__await__()
    before, inline.loop = inline.loop, running_loop()
    inline.depth += 1
    try:
        steps.send(None)
    except StopIteration as done:
        return done.value
    finally:
        inline.depth -= 1
        inline.loop = before
    raise _suspended()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _iterate_on_loop(answer: Any) -> Iterator[Any]:
    queue: SimpleQueue[Any] = SimpleQueue()
    reader = _Reader(queue)
    patience = Patience()
    future = _background.submit(reader.pump(answer))
    try:
        while True:
            item = _get(queue, patience)
            if type(item) is _End:
                if item.error is not None:
                    raise item.error
                return
            reader.took()
            yield item
    finally:
        future.cancel()  # does nothing where the pump has ended


class _Reader:
    """Moves items from an answer on the background loop to a blocking reader, a bounded number ahead of it."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        self._queue = queue
        self._ahead = 0
        self._lock = threading.Lock()
        self._room: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def pump(self, answer: Any) -> None:
        import asyncio

        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        try:
            async with answer as items:
                async for item in items:
                    self._queue.put(item)
                    await self._wait_for_room()
        except BaseException as error:
            self._queue.put(_End(error))
            if isinstance(error, asyncio.CancelledError):
                raise
        else:
            self._queue.put(_End(None))

    async def _wait_for_room(self) -> None:
        with self._lock:
            self._ahead += 1
            full = self._ahead >= _AHEAD
        if full and self._room is not None:
            self._room.clear()
            if self._ahead >= _AHEAD:
                await self._room.wait()

    def took(self) -> None:
        with self._lock:
            self._ahead -= 1
            wake = self._ahead == _AHEAD // 2
        if wake and self._loop is not None and self._room is not None:
            self._loop.call_soon_threadsafe(self._room.set)


def _get(queue: SimpleQueue[Any], patience: Patience) -> Any:
    if patience.seconds is None:
        return queue.get()
    while True:
        try:
            return queue.get(timeout=patience.seconds)
        except Empty:
            patience.check()


class _Background:
    """The one loop for blocking callers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        import asyncio

        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError(
                "a blocking call was made on modelport's own event loop, which would wait for itself: "
                "inside async code await acreate() instead of calling create()"
            )
        return asyncio.run_coroutine_threadsafe(_contained(coroutine), self._running_loop())

    def _running_loop(self) -> "asyncio.AbstractEventLoop":
        import asyncio

        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                # It lives as long as the process, and would keep all that the first caller's context holds alive.
                self._loop = Context().run(asyncio.new_event_loop)
                self._thread = threading.Thread(target=self._loop.run_forever, name="modelport-loop", daemon=True)
                self._thread.start()
            return self._loop


async def _contained(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of *coroutine*; of its errors, those that end an event loop become one that does not."""
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"{type(error).__name__} was raised where every blocking caller's work runs") from error


_background = _Background()


def _forget_loop() -> None:
    global _background  # noqa: PLW0603  (threads do not survive a fork)
    _background = _Background()
