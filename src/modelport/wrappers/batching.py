"""One model for many callers at once: requests that wait together are answered together.

Batches grow with the load. When nothing runs, a request is asked at once, alone; what comes meanwhile waits, and is the
next batch. Callers who were just answered are given a moment to come again before the next batch begins, so that those
who ask in step stay in step. Knows nothing of what runs the batch, but that it must run one at a time.
"""

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from modelport.errors import ConfigError, Overloaded
from modelport.model import AnswerStream, Model
from modelport.types import ChatRequest
from modelport.types.counting import stands_alone
from modelport.wrappers._batches import Batch, Job, Pace, Queue
from modelport.wrappers.base import Wrapper

if TYPE_CHECKING:
    import asyncio

__all__ = ("Batching", "batched")

_MOST = 32  # requests in a batch, where neither the model nor anybody else says how many
_WINDOW = 0.02  # seconds, likewise
_QUEUE = 1024  # requests that wait, likewise

_making = threading.Lock()


def batched(
    model: Model, *, queue: int = _QUEUE, max_batch_size: int | None = None, batch_window: float | None = None
) -> Model:
    """*model* behind a queue from which batches are made, where it can answer them; any other as it is.

    A model has one queue, however often it is asked for: what the first caller says of it holds. See :class:`Batching`.
    """
    adapted: Any = model
    if getattr(adapted, "batches", None) is None:
        return model
    with _making:
        if adapted.batching is None:
            adapted.batching = Batching(model, max_batch_size=max_batch_size, batch_window=batch_window, queue=queue)
        made: Batching = adapted.batching
    return made


class Batching(Wrapper):
    """A model whose waiting requests are answered together.

    *max_batch_size* and *batch_window* (in seconds) are those of the model where they are not given: how many requests
    a batch may have, and for how long at most those who were just answered are waited for, which is never longer than
    their batch took. *queue* is how many requests may wait.

    A caller who leaves while its request waits is left out; where all callers of a running batch have left, it is ended
    as soon as the model lets it. Callers who have names (see ``callers``) take turns; those of one name are served in
    the order they came.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_batch_size: int | None = None,
        batch_window: float | None = None,
        queue: int = _QUEUE,
    ) -> None:
        super().__init__(model)
        batches: Any = getattr(model, "batches", None)
        if batches is None:
            raise ConfigError(f"{model.name} answers no batches: it has no generate_batch()")
        most = batches.most if max_batch_size is None else max_batch_size
        window = batches.window if batch_window is None else batch_window
        self.max_batch_size: int = _MOST if most is None else most
        self.batch_window: float = _WINDOW if window is None else window
        self.queue: int = queue
        if self.max_batch_size < 1:
            raise ConfigError(f"max_batch_size must be 1 or more, got {self.max_batch_size}")
        if not 0 <= self.batch_window < float("inf"):
            raise ConfigError(f"batch_window must be a number of seconds, 0 or more, got {self.batch_window}")
        if queue < 1:
            raise ConfigError(f"queue must be 1 or more, got {queue}")
        self.sizes: dict[int, int] = {}  # how many batches there were, by their size
        self._interruptible = self.suspends  # what waits can be ended from outside
        self.suspends = True
        self._batches = batches
        self._lock = threading.Lock()
        self._waiting: Queue[Job] = Queue()
        self._pace = Pace(self.max_batch_size, self.batch_window)
        self._running = False
        self._runners: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected
        self._collector: _Collector | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait for their batch."""
        return len(self._waiting)

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The answer to *request*, when its batch is run.

        Raises:
            Overloaded: too many requests wait already; ``retry_after`` is about when they will have been answered.
                Where another caller has most of them, it is the youngest of those that fails so.
        """
        if request.extra is not None and stands_alone(request):
            return self.model.stream(request)
        return Job(self, request)

    # --- what waits ---------------------------------------------------------------------------------------------------

    def join(self, job: Job) -> None:
        """Have *job* answered with the others that wait."""
        crowded: Job | None = None
        with self._lock:
            count = len(self._waiting)
            full = count >= self.queue
            if full:
                crowded = self._waiting.crowd_out(job.caller)
            if full and crowded is None:
                raise self._full(count)
            self._waiting.add(job)
            starts = not self._running
            self._running = True
            collector = self._collector
        if crowded is not None:
            crowded.end(self._full(count))
        if starts:
            self._start()
        elif collector is not None:
            collector.look()

    def _full(self, count: int) -> Overloaded:
        return Overloaded(
            f"{count} requests wait for {self.name!r} already: try again in a moment",
            retry_after=self._pace.seconds_for(count),
        )

    def forget(self, job: Job) -> None:
        """Nobody waits for *job* any more."""
        with self._lock:
            self._waiting.remove(job)
        if job.batch is not None:
            job.batch.left()

    def _start(self) -> None:
        import asyncio

        runner = asyncio.get_running_loop().create_task(self._run())
        self._runners.add(runner)
        runner.add_done_callback(self._runners.discard)

    def _start_again(self) -> None:
        with self._lock:
            if self._running or not len(self._waiting):
                return
            self._running = True
        self._start()

    # --- running ------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while jobs := await self._collected():
                self.sizes[len(jobs)] = self.sizes.get(len(jobs), 0) + 1
                began = time.monotonic()
                await Batch(self._batches, self.model, jobs, interruptible=self._interruptible).run()
                self._pace.ran(jobs, began, time.monotonic(), len(self._waiting))
        except BaseException:  # its event loop ends; who waits on another one goes on there
            with self._lock:
                self._running = False
                rest = self._waiting.all()
            for job in rest:
                if job.post(self._start_again):
                    break
            raise

    async def _collected(self) -> list[Job]:
        """The next batch; empty where nobody waits, and nothing runs from then on."""
        while True:
            with self._lock:
                count = len(self._waiting)
                if not count:
                    self._running = False
                    return []
                patience = self._pace.patience(count, time.monotonic())
                if patience <= 0:
                    return self._waiting.take(self.max_batch_size)
                collector = self._collector = _Collector(lambda: self._pace.is_enough(len(self._waiting)))
            try:
                await collector.wait(patience)
            finally:
                self._collector = None


class _Collector:
    """Waits until there are enough requests, for a while at most; they may come from any thread."""

    def __init__(self, is_enough: Any) -> None:
        import asyncio

        self._is_enough = is_enough
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def look(self) -> None:
        if self._is_enough():
            with suppress(RuntimeError):  # the loop was closed; whoever ran on it hands over
                self._loop.call_soon_threadsafe(self._news.set)

    async def wait(self, seconds: float) -> None:
        timer = self._loop.call_later(seconds, self._news.set)
        try:
            await self._news.wait()
        finally:
            timer.cancel()
