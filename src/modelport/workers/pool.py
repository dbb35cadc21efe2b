"""The workers of one model: started, given answers to make, replaced when they die.

A worker makes so many answers at a time as it said, oldest first, or tells which it begins. So when it dies, it is
known which of its answers may have been begun; they fail, each with what happened. Another worker makes the others.
"""

import asyncio
import itertools
import logging
import threading
from concurrent.futures import Future
from typing import Any

from modelport.errors import ModelError, Overloaded, ProtocolError, error_from_data
from modelport.workers.answers import Answer
from modelport.workers.channel import Channel
from modelport.workers.frames import Begun, Cancel, Failed, FromWorker, Produced, Ready, Stop, encode_frame
from modelport.workers.options import WorkerOptions
from modelport.workers.process import WorkerProcess, cause_of_death, spawn
from modelport.workers.traces import TraceInWorker
from modelport.workers.waiting import Waiting

__all__ = ("Pool", "WorkerDied")

logger: logging.Logger = logging.getLogger("modelport.workers")

_LOOK = 0.02  # seconds between looks whether a pool that gave way has done its work
_AHEAD = 8  # answers that a lone worker may be given beside those it makes, so that it need not wait for the next,
_AHEAD_SECONDS = 0.004  # and for how long it may be busy with them: who comes next by turns waits so much longer
_DOUBLED = 64  # times at most: there is no number for the delay after a thousand
_GUESTS = 32  # places beyond a worker's own for callers who have nothing there yet, where it lets callers take turns


class WorkerDied(ModelError):
    """The process that was making the answer ended. The message says how."""

    code = "worker_died"


class _Worker:
    """One process, its connection, and the answers that it was given, oldest first."""

    __slots__ = ("answers", "channel", "process", "ready", "reason", "since")

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.answers: dict[int, Answer] = {}
        self.ready = False
        self.since = 0.0  # when it ended an answer, or got one to make after it had none
        self.reason: str | None = None  # why it is being ended by us
        self.channel: Channel

    def end(self, reason: str) -> None:
        if self.reason is None:
            self.reason = reason
            self.process.kill()


class Pool:
    """Workers for *spec*, on the event loop that :meth:`start` is called on. *first* is one that has loaded already."""

    def __init__(self, spec: str, ready: Ready, options: WorkerOptions, first: WorkerProcess) -> None:
        self.name: str = ready.name
        self.inbox_size: int = options.inbox
        self.deaths: int = 0
        self.batches: dict[int, int] | None = {} if ready.tells else None  # how many there were, by their size
        self._spec = spec
        self._options = options
        self._first: WorkerProcess | None = first
        self._loop: asyncio.AbstractEventLoop | None = None
        self._workers: list[_Worker] = []
        self._waiting = Waiting()
        self._numbers = itertools.count(1)
        self._calls = ready.calls
        self._tells = ready.tells
        self._room = ready.calls
        self._ahead = _AHEAD  # none once callers have names and take turns: who comes next would wait behind them
        self._seconds = _AHEAD_SECONDS  # from the end of one answer of a busy worker to that of the next, about
        self._failures = 0  # in a row
        self._again = 0.0  # when the next worker is started, by the loop's clock
        self._unloaded = 0  # how many in a row ended before they had loaded the model
        self._unloadable = False  # they said that they cannot, or it was more than one: an accident may befall any
        self._closing = False
        self._heir: Pool | None = None  # what makes the answers that are not begun here
        self._retired = False  # nothing new is begun here
        self._starting: set[Future[WorkerProcess]] = set()
        self._ended: set[asyncio.Future[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()

    @property
    def ready(self) -> bool:
        """Whether some worker has its model loaded."""
        return self._first is not None or any(worker.ready for worker in self._workers)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes, oldest first."""
        first = () if self._first is None else (self._first.pid,)
        return first + tuple(worker.process.pid for worker in self._workers)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Of the processes: how many there are to be, how many are ready, how many ended by themselves."""
        ready = sum(worker.ready for worker in self._workers) + (self._first is not None)
        return self._options.workers, ready, self.deaths

    @property
    def queued(self) -> int:
        """How many answers are asked for and not begun."""
        ahead = sum(len(worker.answers) - len(self._begun(worker)) for worker in self._workers)
        return len(self._waiting) + ahead

    def start(self) -> None:
        """Take up work on the running loop, and start the other workers."""
        if self._loop is not None or self._first is None or self._closing:
            return
        self._loop = asyncio.get_running_loop()
        first, self._first = self._first, None
        self._adopt(first).ready = True
        for _ in range(self._options.workers - 1):
            self._spawn()
        self._tick()

    def kill(self) -> None:
        """End everything at once, without a loop."""
        self._closing = True
        first = () if self._first is None else (self._first,)
        for process in (*first, *(worker.process for worker in self._workers)):
            process.kill()
            process.sock.close()

    async def aclose(self) -> None:
        """End the workers: those that are idle by themselves, the others after ``grace`` seconds."""
        await self._end_all("was ended because the server is shutting down")

    async def _end_all(self, reason: str) -> None:
        self._closing = True
        if self._loop is None:
            self.kill()
            return
        for timer in self._timers:
            timer.cancel()
        self._refuse_waiting(_going_down())
        for worker in self._workers:
            worker.channel.send([encode_frame(Stop())])
        for starting in list(self._starting):
            await asyncio.wait([asyncio.wrap_future(starting)])
        if self._ended:
            await asyncio.wait(self._ended, timeout=self._options.grace)
        for worker in self._workers:
            worker.end(reason)
        if self._ended:
            await asyncio.wait(self._ended)

    # --- another pool in its place ---

    @property
    def busy(self) -> bool:
        """Whether answers are being made, or wait."""
        return len(self._waiting) > 0 or any(worker.answers for worker in self._workers)

    def give_way(self, heir: "Pool") -> None:
        """From now on what is not begun here is made by *heir*, which was started and has made nothing yet."""
        heir._numbers = self._numbers  # no two of their answers may have one number
        heir.deaths += self.deaths
        heir.batches = heir.batches if self.batches is None else self.batches
        self._heir = heir
        for worker in self._workers:
            self._take_back(worker)
        self._pass_on()

    def _take_back(self, worker: _Worker) -> None:
        """What it was given ahead; should it begin one all the same this very moment, nobody hears of that."""
        begun = self._begun(worker)
        for answer in [each for each in worker.answers.values() if each not in begun]:
            del worker.answers[answer.number]
            worker.channel.send([encode_frame(Cancel(answer.number))])
            answer.worker = None
            self._waiting.put(answer)

    async def retire(self, seconds: float) -> None:
        """Begin nothing more, after :meth:`give_way`; what was begun has *seconds* to end, and then the workers end."""
        loop = asyncio.get_running_loop()
        self._retired = True
        self._pass_on()
        limit = loop.time() + seconds
        while self.busy and loop.time() < limit:  # noqa: ASYNC110  (rare, and an event would cost every answer)
            await asyncio.sleep(_LOOK)
        reason = "was ended, because newer code had taken its place and its time was up,"
        for worker in self._workers:
            if worker.answers:
                worker.end(reason)
        await self._end_all(reason)

    def _pass_on(self) -> None:
        heir = self._heir
        while heir is not None and self._waiting:
            answer: Answer = self._waiting.take()
            answer.move(heir)
            heir._waiting.put(answer)
            heir._go_on()
        last = heir or self
        if last._closing:  # nobody will make them
            last._refuse_waiting(_going_down())

    # --- answers ---

    def submit(self, answer: Answer) -> None:
        """Have *answer* made.

        Raises:
            Overloaded: too many wait already, or the model does not load.
            InvalidRequest: the request cannot reach another process.
        """
        self.start()
        if self._heir is not None and (self._retired or not self._workers):
            answer.move(self._heir)
            self._heir.submit(answer)
            return
        if self._closing:
            raise _going_down()
        if self._loop is not asyncio.get_running_loop():
            raise ModelError(f"the workers of {self.name!r} belong to another event loop: make a model for each loop")
        if self._unloadable and not self.ready:
            raise self._not_loaded()
        if len(self._waiting) >= self._options.queue:
            full = Overloaded(
                f"{len(self._waiting)} calls of {self.name!r} wait already: try again in a moment", retry_after=1.0
            )
            crowded: Answer | None = self._waiting.crowd_out(answer.caller)
            if crowded is None:
                raise full
            crowded.fail(full)
        answer.encode(next(self._numbers))
        if answer.caller is not None and self._ahead:
            self._ahead, self._room = 0, self._calls
        worker = self._free() or self._free_for(answer.caller)
        if worker is None:
            self._waiting.put(answer)
        else:
            self._give(worker, answer)

    def cancel(self, answer: Answer) -> None:
        """Nobody wants *answer* any more."""
        worker: _Worker | None = answer.worker
        if worker is None:
            self._waiting.remove(answer)
        elif answer.number in worker.answers and self._loop is not None:
            answer.left_at = self._loop.time()
            worker.channel.send([encode_frame(Cancel(answer.number))])

    def _free(self) -> _Worker | None:
        best: _Worker | None = None
        for worker in self._workers:
            load = len(worker.answers)
            if worker.ready and load < self._room and (best is None or load < len(best.answers)):
                best = worker
        return best

    def _free_for(self, caller: str | None) -> _Worker | None:
        """Where callers take turns within a worker, too, one who has nothing there need not wait outside."""
        if self._tells:
            for worker in self._workers:
                mine = worker.ready and len(worker.answers) < self._room + _GUESTS
                if mine and all(answer.caller != caller for answer in worker.answers.values()):
                    return worker
        return None

    def _give(self, worker: _Worker, answer: Answer) -> None:
        busy = bool(worker.answers)
        if not busy and self._loop is not None:
            worker.since = self._loop.time()
        answer.worker = worker
        worker.answers[answer.number] = answer
        worker.channel.send(answer.pieces, soon=busy)

    def _go_on(self) -> None:
        while self._waiting and (worker := self._free()) is not None:
            self._give(worker, self._waiting.take())

    def _refuse_waiting(self, error: ModelError) -> None:
        while self._waiting:
            self._waiting.take().fail(error)

    def _not_loaded(self) -> Overloaded:
        wait = 1.0 if self._loop is None else max(1.0, self._again - self._loop.time())
        return Overloaded(
            f"the model {self.name!r} is not loaded: its worker could not be started again (the server's log has the "
            "reason), and it is tried again soon",
            retry_after=wait,
        )

    # --- what workers say ---

    def _adopt(self, process: WorkerProcess) -> _Worker:
        assert self._loop is not None
        loop, worker = self._loop, _Worker(process)

        def on_frame(frame: FromWorker) -> None:
            self._hear(worker, frame)

        def on_broken(error: ProtocolError) -> None:
            worker.end(f"was ended, because {error}")

        worker.channel = Channel(loop, process.sock, on_frame, on_broken)
        self._workers.append(worker)
        ended = loop.create_future()
        self._ended.add(ended)

        def on_exit(code: int) -> None:
            self._bury(worker, code)
            self._ended.discard(ended)
            ended.set_result(None)

        process.exit.add_done_callback(lambda future: _tell(loop, on_exit, future.result()))
        return worker

    def _hear(self, worker: _Worker, frame: FromWorker) -> None:
        if type(frame) is Produced:
            if not frame.last:
                answer = worker.answers.get(frame.id)
                if answer is not None:
                    answer.feed(frame.events, last=False)
                return
            answer = worker.answers.pop(frame.id, None)
            if answer is not None:
                answer.feed(frame.events, last=True)
            self._failures = 0
            self._measure(worker)
        elif isinstance(frame, Failed):
            error = error_from_data(frame.error)
            if frame.trace:
                error.__cause__ = TraceInWorker(frame.trace)
            if frame.id is None:
                self._unloaded += 1
                _log(logging.ERROR, "%s could not be loaded by process %d: %s", self.name, worker.process.pid, error)
            elif (answer := worker.answers.pop(frame.id, None)) is not None:
                answer.fail(error)
        elif isinstance(frame, Begun):
            if self.batches is not None:
                self.batches[len(frame.ids)] = self.batches.get(len(frame.ids), 0) + 1
            for number in frame.ids:
                if (answer := worker.answers.get(number)) is not None:
                    answer.begun = True
        elif isinstance(frame, Ready):
            worker.ready = True
            self._unloaded, self._unloadable = 0, False
        if self._waiting:
            self._go_on()

    def _measure(self, worker: _Worker) -> None:
        """How many answers a lone worker may be given ahead, by how long they take."""
        if self._options.workers == 1 and not self._tells and self._loop is not None:
            now = self._loop.time()
            self._seconds += (now - worker.since - self._seconds) / 8
            worker.since = now
            self._room = self._calls + min(self._ahead, int(_AHEAD_SECONDS / (self._seconds + 1e-5)))

    # --- life and death ---

    def _begun(self, worker: _Worker) -> list[Answer]:
        """Those of its answers that it may have begun."""
        if self._tells:
            return [answer for answer in worker.answers.values() if answer.begun]
        return list(itertools.islice(worker.answers.values(), self._calls))

    def _spawn(self) -> None:
        loop = self._loop
        assert loop is not None
        if self._heir is not None:
            return
        options = self._options
        starting = spawn(self._spec, options, name=self.name)
        self._starting.add(starting)

        def on_started(future: "Future[WorkerProcess]") -> None:
            self._starting.discard(starting)
            error = future.exception()
            if error is not None:
                _log(logging.ERROR, "a worker of %s could not be started: %s", self.name, error)
                self._replace()
            else:
                process = self._adopt(future.result())
                if self._closing or self._heir is not None:
                    process.end("was ended because it is not needed any more")

        starting.add_done_callback(lambda future: _tell(loop, on_started, future))

    def _bury(self, worker: _Worker, code: int) -> None:
        worker.channel.finish()
        self._workers.remove(worker)
        cause = worker.reason or cause_of_death(code)
        if not self._closing:
            self.deaths += 1
            self._unloaded += not worker.ready
            self._unloadable = self._unloaded > 1
            what = "" if worker.ready else " before its model was loaded"
            _log(
                logging.WARNING,
                "a worker of %s (process %d) %s%s",
                self.name,
                worker.process.pid,
                cause.rstrip(","),
                what,
            )
        self._divide(worker, cause)
        if not self._closing:
            self._replace()

    def _divide(self, worker: _Worker, cause: str) -> None:
        """Those answers that may have been begun fail; the others are made elsewhere."""
        for answer in self._begun(worker):
            del worker.answers[answer.number]
            answer.fail(WorkerDied(f"the process of {self.name!r} {cause} while it was making this answer"))
        rest = list(worker.answers.values())
        worker.answers.clear()
        for answer in rest:
            answer.worker = None
        self._waiting.put_back(answer for answer in rest if not answer.done)
        self._pass_on()

    def _replace(self) -> None:
        assert self._loop is not None
        if self._heir is not None:
            return
        delay = min(self._options.backoff_most, self._options.backoff * 2.0 ** min(self._failures, _DOUBLED))
        self._failures += 1
        self._again = self._loop.time() + delay
        if self._unloadable and not self.ready:
            self._refuse_waiting(self._not_loaded())
        else:
            self._go_on()
        self._later(delay, self._spawn)

    def _tick(self) -> None:
        """Look for workers that hang."""
        assert self._loop is not None
        options, now = self._options, self._loop.time()
        for worker in self._workers:
            for answer in self._begun(worker):
                if answer.seen_at is None:
                    answer.seen_at = now
                elif now - answer.seen_at > options.timeout:
                    worker.end(f"was ended, because a call had not come back after {options.timeout:g} s,")
                left, patience = answer.left_at, options.patience
                if patience is not None and left is not None and now - left > patience:
                    worker.end(f"was ended, because a call went on for {patience:g} s after its caller had left,")
        every = min(1.0, options.timeout / 4, options.timeout if options.patience is None else options.patience / 4)
        self._later(every, self._tick)

    def _later(self, delay: float, work: Any) -> None:
        assert self._loop is not None

        def run() -> None:
            self._timers.discard(timer)
            if not self._closing:
                work()

        timer = self._loop.call_later(delay, run)
        self._timers.add(timer)


def _going_down() -> Overloaded:
    return Overloaded("the server is shutting down", retry_after=1.0)


def _tell(loop: asyncio.AbstractEventLoop, *call: Any) -> None:
    try:
        loop.call_soon_threadsafe(*call)
    except RuntimeError:
        return  # the loop was closed: nobody is there to be told


def _log(level: int, *message: Any) -> None:
    """What is rare is logged by a thread of its own: a log may be a full disk, or a pipe that nobody reads."""
    threading.Thread(target=logger.log, args=(level, *message), name="modelport-log", daemon=True).start()
