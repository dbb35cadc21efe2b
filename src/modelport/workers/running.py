"""The two ways in which a worker makes answers: blocking code in threads, async code on an event loop.

In both, a thread of its own reads what the server says, so that it is heard while the model works that nobody waits
for an answer any more: then its generator is closed at its next delta, its task cancelled, its token told.
"""

import os
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Coroutine, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any

from modelport.errors import ContractBroken, ModelError, ModelportError, error_to_data
from modelport.model import AnswerStream, Model, ReadyEvents
from modelport.sync import CancelToken, hear_tokens, run
from modelport.types import Event
from modelport.workers.connection import Connection
from modelport.workers.frames import Ask, Cancel, Failed, FromServer, request_of, sendable
from modelport.workers.traces import trace_of
from modelport.wrappers.callers import caller

if TYPE_CHECKING:
    import asyncio

__all__ = ("LoopRunner", "ThreadRunner")


class _Runner:
    """Hears the server in a thread of its own."""

    def __init__(self, connection: Connection, model: Model) -> None:
        self._connection = connection
        self._model = model

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work*, which is the model's, to its end, where its answers are made."""
        run(work, suspends=False)

    def listen(self) -> None:
        """Begin to hear."""
        threading.Thread(target=self._listen, name="modelport-reader", daemon=True).start()

    def _listen(self) -> None:
        try:
            while self._take(*self._connection.read()):
                pass
        except BaseException as error:  # without this thread nobody would hear anything again
            traceback.print_exception(error)
            sys.stderr.flush()
            os._exit(1)

    def _take(self, frame: FromServer | None, failed: Exception | None) -> bool:
        if isinstance(frame, Ask):
            if failed is not None:
                self._fail(frame.id, failed)
            else:
                self._begin(frame)
        elif isinstance(frame, Cancel):
            self._leave(frame.id)
        elif frame is None:
            os._exit(1)  # the server is gone, and whatever the model does is for nobody
        else:
            self._stop()
            return False
        return True

    def _begin(self, ask: Ask) -> None:
        raise NotImplementedError

    def _leave(self, number: int) -> None:
        raise NotImplementedError

    def _stop(self) -> None:
        raise NotImplementedError

    def _fail(self, number: int, error: BaseException) -> None:
        self._connection.send(self._failed(number, self._known(error)))

    def _failed(self, number: int, error: ModelportError) -> Failed:
        return Failed(number, error_to_data(error), trace_of(error))

    def _known(self, error: BaseException) -> ModelportError:
        if isinstance(error, ModelportError):
            return error
        if isinstance(error, UnicodeEncodeError):
            return ContractBroken(
                "the model's answer holds half a character (a lone surrogate), which no wire can carry: "
                "join the halves, or leave them out with text.encode('utf-8', 'ignore').decode()"
            )
        traceback.print_exception(error)
        return ModelError(f"{self._model.name} failed unexpectedly; the server's log has the reason")


class ThreadRunner(_Runner):
    """Makes *threads* answers at a time, oldest first, one of them in the thread that runs it."""

    def __init__(self, connection: Connection, model: Model, threads: int) -> None:
        super().__init__(connection, model)
        self._threads = threads
        self._jobs: SimpleQueue[Ask | None] = SimpleQueue()
        self._left: set[int] = set()  # answers that nobody waits for
        self._tokens: dict[int, list[CancelToken]] = {}  # of those that are not ended

    def run(self) -> None:
        """Make answers until the server asks for no more."""
        self.listen()
        for _ in range(self._threads - 1):
            threading.Thread(target=self._work, name="modelport-worker", daemon=True).start()
        self._work()

    def _begin(self, ask: Ask) -> None:
        self._tokens[ask.id] = []
        self._jobs.put(ask)

    def _leave(self, number: int) -> None:
        if number in self._tokens:
            self._left.add(number)
            for token in self._tokens.get(number, ()):
                token.cancel()

    def _stop(self) -> None:
        self._jobs.put(None)

    def _work(self) -> None:
        while (ask := self._jobs.get()) is not None:
            self._answer(ask)
            del ask
        self._jobs.put(None)  # for the next thread

    def _answer(self, ask: Ask) -> None:
        number = ask.id

        def take(token: CancelToken) -> None:
            self._tokens[number].append(token)
            if number in self._left:
                token.cancel()

        hear_tokens(take)
        try:
            events = () if number in self._left else self._run(ask)
            self._connection.end(number, events)
        except BaseException as error:
            self._fail(number, error)
        finally:
            hear_tokens(None)
            del self._tokens[number]
            self._left.discard(number)

    def _run(self, ask: Ask) -> Sequence[Event]:
        """Sends the answer as it comes, and gives what may be sent together with its end."""
        answer = self._model.stream(request_of(ask))
        events = run(answer.__aenter__(), suspends=False)
        if type(events) is ReadyEvents:
            run(answer.__aexit__(None, None, None), suspends=False)
            return [sendable(event) for event in events.rest()]
        run(self._stream(ask.id, _Entered(answer, events)), suspends=False)
        return ()

    async def _stream(self, number: int, answer: "_Entered") -> None:
        """One run for all of the events: nothing here waits, and a run for each would cost as much as the event."""
        event_of, left = self._connection.event, self._left
        async with answer as events:
            async for event in events:
                event_of(number, sendable(event))
                if number in left:
                    break


class _Entered:
    """An answer that was entered already."""

    def __init__(self, answer: AnswerStream, events: AsyncIterator[Event]) -> None:
        self._answer = answer
        self._events = events

    async def __aenter__(self) -> AsyncIterator[Event]:
        return self._events

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        return await self._answer.__aexit__(kind, error, trace)


class LoopRunner(_Runner):
    """Makes any number of answers at a time, on an event loop in the thread that runs it."""

    def __init__(self, connection: Connection, model: Model) -> None:
        super().__init__(connection, model)
        import asyncio

        self._runner = asyncio.Runner()
        self._loop: asyncio.AbstractEventLoop
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work*, which is the model's, to its end, on the loop of its answers."""
        self._runner.run(work)

    def run(self) -> None:
        """Make answers until the server asks for no more."""
        self._runner.run(self._serve())

    async def _serve(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self.listen()
        await self._stopped.wait()
        for task in list(self._tasks.values()):
            task.cancel()

    def _begin(self, ask: Ask) -> None:
        self._loop.call_soon_threadsafe(self._start, ask)

    def _leave(self, number: int) -> None:
        self._loop.call_soon_threadsafe(self._cancel, number)

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)

    def _start(self, ask: Ask) -> None:
        number = ask.id
        task = self._tasks[number] = self._loop.create_task(self._answer(ask))
        # A task that is cancelled before its first step never runs; its end is told all the same.
        task.add_done_callback(lambda task: self._ended(number, task))

    def _cancel(self, number: int) -> None:
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    async def _answer(self, ask: Ask) -> None:
        caller.set(ask.caller)
        async with self._model.stream(request_of(ask)) as events:
            async for event in events:
                self._connection.event(ask.id, sendable(event))

    def _ended(self, number: int, task: "asyncio.Task[None]") -> None:
        del self._tasks[number]
        error = None if task.cancelled() else task.exception()
        if error is None:
            try:
                self._connection.end(number)
            except Exception as broken:  # what cannot be told is not plain data
                error = broken
        if error is not None:
            self._fail(number, error)
