"""Calling a user's blocking code from a coroutine.

Under the blocking driver (see ``drivers``) it is called right here, in the caller's own thread. Under an event loop it
runs in a thread of a small pool of daemon threads: a model that never returns must not keep the process from ending,
which is why this is not ``concurrent.futures``.
"""

import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextvars import Context, ContextVar, copy_context
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ("OffloadedIterator", "Threads", "inline", "limit_threads", "offload", "running_loop", "use_threads")

P = ParamSpec("P")
T = TypeVar("T")

_IDLE_SECONDS = 30.0  # an idle thread ends after so long
_MERGE = 256  # how far a generator in its thread may run ahead of its reader, in items
_AT_ONCE = 64  # whole answers of blocking code at once, for callers that limit themselves


class _Inline(threading.local):
    """Whether what runs in this thread is being driven without an event loop."""

    depth = 0
    loop: Any = None  # the one that ran in the thread when the innermost driving began: a caller's own, or none

    @property
    def active(self) -> bool:
        """It is; and it has not begun an event loop of its own since, in which it may wait again."""
        return self.depth > 0 and running_loop() is self.loop


inline: _Inline = _Inline()


def running_loop() -> Any:
    """The event loop that runs in this thread, or None; asyncio is not imported to find out."""
    events = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


class Threads:
    """Daemon threads for blocking calls; one more is started whenever none is idle, up to *most* (None: no bound).

    Calls beyond that wait, oldest first. ``unfinished`` counts the calls that wait or run, also those whose callers
    have left.
    """

    def __init__(self, most: int | None = None) -> None:
        self.unfinished: int = 0
        self._most = most
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._running = 0
        self._idle = 0
        self._unclaimed = 0  # jobs in the queue that no thread has been woken or started for
        self._lock = threading.Lock()

    def submit(self, job: Callable[[], None]) -> None:
        """Have *job* run when a thread is free. It must not raise."""
        starts = False
        with self._lock:
            self.unfinished += 1
            if self._idle:
                self._idle -= 1
            elif self._most is None or self._running < self._most:
                self._running += 1
                starts = True
            else:
                self._unclaimed += 1
        self._jobs.put(job)
        if starts:
            threading.Thread(target=self._work, name="modelport-offload", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._idle:
                        self._idle -= 1
                        self._running -= 1
                        return
                continue  # a job was promised to this thread between the time-out and the lock
            job()
            del job
            with self._lock:
                self.unfinished -= 1
                if self._unclaimed:
                    self._unclaimed -= 1
                else:
                    self._idle += 1


_threads = Threads()
_limited = Threads(_AT_ONCE)
_chosen: ContextVar[Threads | None] = ContextVar("modelport-threads", default=None)
_within: ContextVar[bool] = ContextVar("modelport-within-threads", default=False)


def use_threads(threads: Threads | None) -> Threads | None:
    """From here on, in this context, blocking calls run in *threads* (None: the shared ones). Gives what was used."""
    before = _chosen.get()
    _chosen.set(threads)
    return before


def limit_threads() -> Threads | None:
    """As :func:`use_threads`, with at most 64 for the whole process, unless others were chosen: thousands of callers
    that wait for whole answers are no reason for thousands of threads.

    Not for streams: a reader of one may wait for what queues up behind it.
    """
    before = _chosen.get()
    if before is None and not _within.get():
        _chosen.set(_limited)
    return before


def _submit(context: Context, job: Callable[[], None]) -> None:
    threads = _chosen.get()
    if threads is not None:
        context.run(_unlimit)
    (threads or _threads).submit(job)


def _unlimit() -> None:
    """What a call itself calls must not queue up behind it."""
    _chosen.set(None)
    _within.set(True)


def _forget_threads() -> None:
    global _threads, _limited  # noqa: PLW0603  (threads do not survive a fork)
    _threads = Threads()
    _limited = Threads(_AT_ONCE)


async def offload(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args, **kwargs)`` without blocking the event loop that this runs on, if it runs on one.

    When the awaiting task is cancelled, a call that runs goes on in its thread, and its result is dropped.
    """
    if inline.active:
        return function(*args, **kwargs)
    import asyncio

    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def work() -> None:
        if future.done():  # its caller left while it waited for a thread
            return
        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as error:
            if isinstance(error, StopIteration):  # a future cannot carry it
                error = RuntimeError("the call raised StopIteration")
            _tell(loop, _settle, future, error, None)
        else:
            _tell(loop, _settle, future, None, result)

    _submit(context, work)
    return await future


def _tell(loop: "asyncio.AbstractEventLoop", *call: Any) -> None:
    try:
        loop.call_soon_threadsafe(*call)
    except RuntimeError:
        return  # the loop was closed: nobody waits any more


def _settle(future: "asyncio.Future[Any]", error: BaseException | None, result: Any) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


class OffloadedIterator(Generic[T]):
    """A blocking iterable, iterated from a coroutine: an async context manager whose value is an async iterator.

    Under an event loop the iterable runs in one thread from beginning to end, up to 256 items ahead of its reader.
    Leaving tells that thread to stop: it closes the iterator (``close()`` of a generator) as soon as the item being
    made is there.
    """

    def __init__(self, make: Callable[[], Iterable[T]]) -> None:
        self._make = make
        self._items: deque[T] = deque()
        self._room = threading.Semaphore(_MERGE)
        self._left = False
        self._ended = False
        self._error: BaseException | None = None
        self._iterator: Iterator[T] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None

    async def __aenter__(self) -> AsyncIterator[T]:
        if inline.active:
            self._iterator = iter(self._make())
            return self
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        context = copy_context()

        def work() -> None:
            if not self._left:  # while it waited for a thread
                context.run(self._produce)

        _submit(context, work)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._loop is None:
            _close(self._iterator)
            return
        self._left = True
        self._room.release()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._news is None:
            for item in self._iterator or ():
                return item
            raise StopAsyncIteration
        while not self._items:
            if self._ended:
                raise self._error or StopAsyncIteration
            self._news.clear()
            if self._waiting():  # looked at again: the thread may have got here first
                await self._news.wait()
        self._room.release()
        return self._items.popleft()

    def _waiting(self) -> bool:
        return not self._items and not self._ended

    def _produce(self) -> None:
        iterator: Iterator[T] | None = None
        try:
            iterator = iter(self._make())
            for item in iterator:
                self._items.append(item)
                self._notify()
                self._room.acquire()
                if self._left:
                    break
        except BaseException as error:
            self._error = error if not isinstance(error, StopIteration) else RuntimeError("raised StopIteration")
        finally:
            self._ended = True
            try:
                _close(iterator)
            except Exception as error:
                self._error = self._error or error
            self._notify()

    def _notify(self) -> None:
        # A set event needs no second wake-up: deltas that come faster than the loop turns are taken in one turn.
        if self._news is not None and self._loop is not None and not self._news.is_set():
            _tell(self._loop, self._news.set)


def _close(iterator: object) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
