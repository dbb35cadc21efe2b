"""Batches in a worker: blocking code that answers several requests at once, in the thread that runs it.

While a batch runs, the requests of the next are heard and read already. The answers of a batch leave in one write,
before the next one begins: should it end the process, they are safe.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any

from modelport.errors import ModelportError
from modelport.sync import iterate
from modelport.types import Event
from modelport.types.counting import stands_alone
from modelport.workers.connection import Connection
from modelport.workers.frames import Ask, Begun, Produced, encode_frame, request_of, sendable
from modelport.workers.running import ThreadRunner
from modelport.wrappers._batches import Pace, Queue
from modelport.wrappers.batching import Batching

__all__ = ("BatchRunner",)


class _Job:
    """One request and what has become of it; ``ended_at`` is 0 until it is answered."""

    __slots__ = ("alone", "ask", "caller", "ended_at", "events", "left")

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.caller: str | None = ask.caller
        self.alone: bool = stands_alone(ask.request)
        self.left: bool = False
        self.ended_at: float = 0.0
        self.events: list[Event] = []


class BatchRunner(ThreadRunner):
    """Makes one batch at a time, of what has come meanwhile."""

    def __init__(self, connection: Connection, batching: Batching) -> None:
        super().__init__(connection, batching.model, 1)
        model: Any = batching.model
        self._batches: Any = model.batches
        self._streams: bool = model.streams
        self._most = batching.max_batch_size
        self._pace = Pace(self._most, batching.batch_window)
        self._waiting: Queue[_Job] = Queue()
        self._open: dict[int, _Job] = {}  # that wait, or are in the batch that runs
        self._batch: list[_Job] = []
        self._answers: Any = None  # to the batch that runs
        self._stopped = False
        self._news = threading.Condition(threading.Lock())  # and the lock of all the above

    # --- what the server says, in the thread that hears it ---

    def _begin(self, ask: Ask) -> None:
        job = _Job(ask)
        with self._news:
            self._open[ask.id] = job
            self._waiting.add(job)
            count = len(self._waiting)
            if count == 1 or self._pace.patience(count, time.monotonic()) <= 0:
                self._news.notify()

    def _leave(self, number: int) -> None:
        with self._news:
            job = self._open.get(number)
            if job is None:
                return
            job.left = True
            waited = self._waiting.remove(job)
            if waited:
                del self._open[number]
            answers = self._answers if all(each.left or each.ended_at for each in self._batch) else None
        if waited:
            self._connection.end(number)
            return
        if answers is not None:
            answers.leave()
        super()._leave(number)

    def _stop(self) -> None:
        with self._news:
            self._stopped = True
            self._news.notify()

    # --- batches, in the thread of the model ---

    def _work(self) -> None:
        while jobs := self._next():
            self._connection.send(Begun([job.ask.id for job in jobs]))
            together = []
            for job in jobs:
                if job.alone or (self._streams and len(jobs) == 1):
                    self._answer_alone(job)
                else:
                    together.append(job)
            if together:
                self._answer_together(together)
            with self._news:
                for job in jobs:
                    del self._open[job.ask.id]
            del jobs, together, job

    def _next(self) -> list[_Job]:
        """The next batch; empty where the server asks for no more."""
        with self._news:
            while True:
                count = len(self._waiting)
                if count:
                    patience = self._pace.patience(count, time.monotonic())
                    if patience <= 0 or self._stopped:
                        return self._waiting.take(self._most)
                    self._news.wait(patience)
                elif self._stopped:
                    return []
                else:
                    self._news.wait()

    def _answer_alone(self, job: _Job) -> None:
        number = job.ask.id
        self._tokens[number] = []
        if job.left:
            self._left.add(number)
        began = time.monotonic()
        self._answer(job.ask)
        job.ended_at = time.monotonic()
        with self._news:
            self._pace.ran([job], began, job.ended_at, len(self._waiting))

    def _answer_together(self, jobs: list[_Job]) -> None:
        began = time.monotonic()
        try:
            answers = self._batches.answer([request_of(job.ask) for job in jobs])
            with self._news:
                self._batch, self._answers = jobs, answers
            errors = self._told(jobs, answers)
        except BaseException as error:
            known = self._known(error)
            errors = {job.ask.id: known for job in jobs if not job.ended_at}
        due = [job for job in jobs if not job.ended_at]
        ended = time.monotonic()
        for job in due:
            job.ended_at = ended
        with self._news:
            self._batch, self._answers = [], None
            self._pace.ran(jobs, began, ended, len(self._waiting))
        if due:
            self._connection.together(self._ends(due, errors))

    def _told(self, jobs: list[_Job], answers: Any) -> dict[int, ModelportError]:
        """Sends pieces as they come, and keeps with each job what came whole; gives the errors of these."""
        errors: dict[int, ModelportError] = {}
        items = iterate(answers, suspends=False)
        try:
            for at, item in items:
                job = jobs[at]
                if not answers.is_whole:
                    self._pass_on(job, item)
                    if all(each.left or each.ended_at for each in jobs):
                        break
                elif isinstance(item, ModelportError):
                    errors[job.ask.id] = item
                elif item is not None:
                    job.events.append(sendable(item))
        finally:
            items.close()  # type: ignore[attr-defined]
        return errors

    def _pass_on(self, job: _Job, item: Any) -> None:
        number = job.ask.id
        try:
            if isinstance(item, ModelportError):
                job.ended_at = time.monotonic()
                self._fail(number, item)
            elif item is None:
                job.ended_at = time.monotonic()
                self._connection.end(number)
            elif not job.left and not job.ended_at:
                self._connection.event(number, sendable(item))
        except Exception as error:  # what cannot be told is not plain data
            job.ended_at = time.monotonic()
            self._fail(number, error)

    def _ends(self, jobs: list[_Job], errors: dict[int, ModelportError]) -> Iterator[bytes]:
        for job in jobs:
            number = job.ask.id
            error = errors.get(number)
            try:
                frame: Any = Produced(number, job.events, last=True)
                yield encode_frame(frame if error is None else self._failed(number, error))
            except Exception as broken:  # likewise; the others' answers are none the worse
                yield encode_frame(self._failed(number, self._known(broken)))
