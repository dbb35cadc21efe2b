"""What a batch is made of: the queue, the batch that runs, and each request with its answer as it comes."""

import copy
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from modelport.errors import ModelError, ModelportError, Overloaded
from modelport.model import ReadyEvents
from modelport.sync.offload import running_loop
from modelport.types import ChatRequest, Event
from modelport.wrappers.callers import caller

if TYPE_CHECKING:
    pass

__all__ = ("Answered", "Batch", "Job", "Pace", "Queue")


class Queued(Protocol):
    """Where a request waits."""

    def join(self, job: "Job") -> None: ...

    def forget(self, job: "Job") -> None: ...


class Answered(Protocol):
    """A request, as far as its batch is over."""

    @property
    def caller(self) -> str | None: ...

    @property
    def left(self) -> bool: ...

    @property
    def ended_at(self) -> float: ...


J = TypeVar("J", bound=Answered)


class Queue(Generic[J]):
    """Who waits, in order; callers with names take turns."""

    def __init__(self) -> None:
        self._by_caller: dict[str | None, deque[J]] = {}  # in the order of their turns
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, job: J) -> None:
        """Behind those of the same caller."""
        self._by_caller.setdefault(job.caller, deque()).append(job)
        self._count += 1

    def remove(self, job: J) -> bool:
        """It waits no more; False where it did not."""
        mine = self._by_caller.get(job.caller)
        if mine is not None and job in mine:
            mine.remove(job)
            self._count -= 1
            if not mine:
                del self._by_caller[job.caller]
            return True
        return False

    def take(self, most: int) -> list[J]:
        """The next ones, *most* at the most."""
        taken: list[J] = []
        while self._by_caller and len(taken) < most:
            name = next(iter(self._by_caller))
            mine = self._by_caller.pop(name)
            taken.append(mine.popleft())
            if mine:
                self._by_caller[name] = mine  # behind the others
        self._count -= len(taken)
        return taken

    def crowd_out(self, caller: str | None) -> J | None:
        """The youngest of whoever has the most here, taken out to make room for *caller*, who must have fewer by more
        than one; else None."""
        theirs = max(self._by_caller.values(), key=len, default=None)
        if theirs is None or len(theirs) <= len(self._by_caller.get(caller, ())) + 1:
            return None
        self._count -= 1
        return theirs.pop()

    def all(self) -> list[J]:
        """Everyone who waits."""
        return [job for mine in self._by_caller.values() for job in mine]


class Pace:
    """How many requests may come with the next batch, by how the last one went.

    *most* and *window* (in seconds) are the bounds of a batch and of waiting for it.
    """

    def __init__(self, most: int, window: float) -> None:
        self._most = most
        self._window = window
        self._expected = 1
        self._until = 0.0
        self._seconds = 0.0  # that the last batch took

    def ran(self, jobs: "Iterable[Answered]", began: float, ended: float, waiting: int) -> None:
        """A batch of *jobs* has ended, while *waiting* others came."""
        self._seconds = ended - began
        window = min(self._window, self._seconds)
        # Who was answered long before the batch ended has had time to come again, and is among those who wait.
        again = sum(not job.left and job.ended_at >= ended - window for job in jobs)
        self._expected = min(self._most, again + waiting)
        self._until = ended + window

    def is_enough(self, count: int) -> bool:
        """Whether no more than *count* are to be expected."""
        return count >= self._expected

    def patience(self, count: int, now: float) -> float:
        """Seconds to wait for more."""
        return 0.0 if self.is_enough(count) else self._until - now

    def seconds_for(self, count: int) -> float:
        """About how long *count* requests will take; a second where nothing is known yet."""
        return max(0.1, self._seconds * -(-count // self._most)) if self._seconds else 1.0


class Batch:
    """Some requests that are answered together."""

    def __init__(self, batches: Any, model: Any, jobs: "list[Job]", *, interruptible: bool) -> None:
        import asyncio

        self._jobs = jobs
        self._model = model
        self._interruptible = interruptible
        self._answer = batches.answer([job.request for job in jobs])
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        for job in jobs:
            job.batch = self

    def left(self) -> None:
        """A caller has left; the last one ends the batch."""
        if all(job.left or job.ended for job in self._jobs):
            self._answer.leave()
            if self._interruptible:
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        import asyncio

        self._task = self._loop.create_task(self._serve())
        try:
            await asyncio.wait({self._task})
        finally:
            if not self._task.done():  # the runner itself was cancelled
                self._task.cancel()

    async def _serve(self) -> None:
        jobs = self._jobs
        try:
            if len(jobs) == 1 and self._model.streams:
                async with self._model.stream(jobs[0].request) as events:
                    async for event in events:
                        jobs[0].give(event)
                        if jobs[0].left:
                            break
            else:
                await self._serve_all()
        except Exception as error:
            self._fail(error)
        except BaseException:
            self._fail(Overloaded("the batch was ended before its answers were: try again"))
            raise
        for job in jobs:
            job.end(None)

    async def _serve_all(self) -> None:
        jobs = self._jobs
        async with self._answer as items:
            async for number, item in items:
                job = jobs[number]
                if item is None or isinstance(item, ModelportError):
                    job.end(item)
                else:
                    job.give(item)
                if job.left and all(each.left or each.ended for each in jobs):
                    break

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, ModelportError):
            error = ModelError(f"the batch failed: {type(error).__name__}: {error}")
        for job in self._jobs:
            if not job.ended:
                job.end(_own(error))


def _own(error: Exception) -> Exception:
    """The same error for one of several who raise it, each with a traceback of its own."""
    try:
        mine = copy.copy(error)
    except Exception:  # a class of somebody's that cannot be copied
        return error
    mine.__cause__ = error.__cause__
    return mine


class Job:
    """One request and its answer, as it comes; also the iterator over its events."""

    def __init__(self, batching: Queued, request: ChatRequest) -> None:
        self.request = request
        self.caller: str | None = caller.get()
        self.batch: Batch | None = None
        self.left: bool = False  # before its end
        self.ended: bool = False  # as the batch sees it
        self.ended_at: float = 0.0
        self._batching = batching
        self._events: deque[Event] = deque()
        self._error: Exception | None = None
        self._over = False  # as the reader sees it
        self._loop: Any = None
        self._news: Any = None

    # --- the reader's side --------------------------------------------------------------------------------------------

    async def __aenter__(self) -> AsyncIterator[Event]:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._batching.join(self)
        try:
            await self._something()
        except BaseException:
            self._leave()
            raise
        if self._over and self._error is None:
            return ReadyEvents(list(self._events))
        return self

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        await self._something()
        if self._events:
            return self._events.popleft()
        raise StopAsyncIteration

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._leave()

    async def _something(self) -> None:
        """Wait for an event, or for the end."""
        while not self._events and not self._over:
            self._news.clear()
            await self._news.wait()
        if self._error is not None and not self._events:
            raise self._error

    def _leave(self) -> None:
        if not self.left and not self.ended:
            self.left = True
            self._batching.forget(self)

    # --- the batch's side ---------------------------------------------------------------------------------------------

    def give(self, event: Event) -> None:
        """One more event of its answer."""
        if not self.left and not self.ended:
            self._tell(self._given, event)

    def end(self, error: Exception | None) -> None:
        """Its answer ends, perhaps with an error."""
        if not self.ended:
            self.ended = True
            self.ended_at = time.monotonic()
            self._tell(self._end, error)

    def post(self, function: Any, *args: Any) -> bool:
        """Have *function* called on the reader's event loop; False where that was closed."""
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            return False
        return True

    def _tell(self, function: Any, value: Any) -> None:
        if running_loop() is self._loop:
            function(value)
        else:
            self.post(function, value)

    def _given(self, event: Event) -> None:
        self._events.append(event)
        self._news.set()

    def _end(self, error: Exception | None) -> None:
        self._error = error
        self._over = True
        self._news.set()
