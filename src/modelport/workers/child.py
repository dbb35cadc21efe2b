"""A worker: the process that a model lives in. Started as ``python -m modelport.workers.child FD`` by ``process``.

Three kinds of threads. The main one runs the model (with more than one call at a time, further ones beside it). One
reads what the server says, so that a cancellation is heard while the model works. One sends on what was held back for
a moment: a delta that follows another closely waits up to a millisecond for company.

What the model prints goes where the process's output goes, never into the connection, which has a socket of its own.
"""

import faulthandler
import io
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from modelport.config.spec import load
from modelport.errors import ContractBroken, ModelError, ModelportError, error_to_data
from modelport.model import AnswerStream, Model, ReadyEvents, accepts, identity, suspends
from modelport.sync import iterate, run
from modelport.types import Event
from modelport.workers.frames import (
    Ask,
    Cancel,
    Failed,
    FromServer,
    Images,
    Load,
    Produced,
    Ready,
    decode_from_server,
    encode_frame,
    request_of,
    sendable,
)
from modelport.workers.payloads import revive
from modelport.wrappers.base import close
from modelport.wrappers.roles import declared_rules

__all__ = ("main",)

_TOGETHER = 0.0005  # seconds; an event that comes sooner after the last sending waits for company
_MOST = 128  # events held back

Job = Ask | None


class _Connection:
    """The worker's end of the socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = io.BufferedReader(socket.SocketIO(sock, "r"), 65536)
        self._lock = threading.Lock()
        self._held: dict[int, list[Event]] = {}
        self._broken: dict[int, UnicodeEncodeError] = {}
        self._count = 0
        self._sent = 0.0
        self._holds = threading.Event()
        threading.Thread(target=self._send_on, name="modelport-sender", daemon=True).start()

    def read(self) -> tuple[FromServer | None, Exception | None]:
        """The next frame, None when the server is gone; and why the images that belong to it could not be made."""
        images: list[Any] = []
        failed: Exception | None = None
        while True:
            head = self._file.read(4)
            if len(head) < 4:
                return None, None
            frame = decode_from_server(self._file.read(int.from_bytes(head, "big")), images)
            if not isinstance(frame, Images):
                return frame, failed
            for payload in frame.payloads:
                data = self._bytes(payload.size)
                try:
                    images.append(revive(payload, data))
                except Exception as error:
                    images.append(None)
                    failed = error

    def _bytes(self, size: int) -> bytearray:
        data = bytearray(size)
        if self._file.readinto(data) < size:
            raise EOFError("the server went away within an image")
        return data

    def send(self, frame: Any) -> None:
        """*frame*, at once, after what was held back."""
        data = encode_frame(frame)
        with self._lock:
            self._flush()
            self._put(data)

    def event(self, number: int, event: Event) -> None:
        """One event of an answer: at once, unless the last one was only just sent."""
        now = time.perf_counter()
        with self._lock:
            if now - self._sent >= _TOGETHER and not self._held:
                self._put(encode_frame(Produced(number, [event])))
                self._sent = now
                return
            self._held.setdefault(number, []).append(event)
            self._count += 1
            if self._count >= _MOST or now - self._sent >= _TOGETHER:
                self._flush()
                self._sent = now
            elif self._count == 1:
                self._holds.set()
            if self._broken:
                self._complain(number)

    def end(self, number: int, events: Sequence[Event] = ()) -> None:
        """The worker is done with an answer; *events*, and what was held back of it, go in the same frame."""
        with self._lock:
            held = self._held.pop(number, [])
            self._count -= len(held)
            if self._broken:
                self._complain(number)
            self._put(encode_frame(Produced(number, [*held, *events], last=True)))

    def _complain(self, number: int) -> None:
        error = self._broken.pop(number, None)
        if error is not None:
            raise error

    def _flush(self) -> None:
        held, self._held, self._count = self._held, {}, 0
        for number, events in held.items():
            try:
                data = encode_frame(Produced(number, events))
            except UnicodeEncodeError as error:  # it is the fault of that answer, whoever happens to send
                self._broken[number] = error
            else:
                self._put(data)

    def _put(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError:  # the server is gone, as the reading thread sees too
            os._exit(1)

    def _send_on(self) -> None:
        while True:
            self._holds.wait()
            self._holds.clear()
            time.sleep(2 * _TOGETHER)
            with self._lock:
                self._flush()


class _Worker:
    """Runs a model's calls, oldest first."""

    def __init__(self, connection: _Connection, model: Model) -> None:
        self._connection = connection
        self._model = model
        self._suspends = suspends(model)
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._left: set[int] = set()  # answers that nobody waits for
        self._open: set[int] = set()

    def listen(self) -> None:
        """Takes what the server says until it says no more."""
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
                self._connection.send(Failed(frame.id, error_to_data(self._known(failed))))
            else:
                self._open.add(frame.id)
                self._jobs.put(frame)
        elif isinstance(frame, Cancel):
            if frame.id in self._open:
                self._left.add(frame.id)
        elif frame is None:
            os._exit(1)  # the server is gone, and whatever the model does is for nobody
        else:
            self._jobs.put(None)
            return False
        return True

    def work(self) -> None:
        """Takes calls until there are no more to come."""
        while (job := self._jobs.get()) is not None:
            self._answer(job)
            del job
        self._jobs.put(None)  # for the next thread

    def _answer(self, ask: Ask) -> None:
        number = ask.id
        try:
            events = () if number in self._left else self._run(ask)
            self._connection.end(number, events)
        except BaseException as error:
            self._connection.send(Failed(number, error_to_data(self._known(error))))
        finally:
            self._open.discard(number)
            self._left.discard(number)

    def _run(self, ask: Ask) -> Sequence[Event]:
        """Sends the answer as it comes, and gives what may be sent together with its end."""
        answer = self._model.stream(request_of(ask))
        if not self._suspends:
            events = run(answer.__aenter__(), suspends=False)
            if type(events) is ReadyEvents:
                run(answer.__aexit__(None, None, None), suspends=False)
                return [sendable(event) for event in events.rest()]
            answer = _Entered(answer, events)
        self._stream(ask.id, iterate(answer, suspends=self._suspends))
        return ()

    def _stream(self, number: int, events: Any) -> None:
        event_of, left = self._connection.event, self._left
        try:
            for event in events:
                event_of(number, sendable(event))
                if number in left:
                    break
        finally:
            events.close()

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


def main(number: int) -> int:
    """Loads what it is told to over the socket with this file descriptor, and answers until the server ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its workers when it is time
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    sock = socket.socket(fileno=number)
    os.set_inheritable(number, False)
    connection = _Connection(sock)
    order, _ = connection.read()
    if not isinstance(order, Load):
        return 1
    _end_with(order.parent)
    sys.path[:] = order.path
    try:
        model = load(order.spec, models_dir=order.models_dir)
        ready = _described(model)
    except (Exception, SystemExit) as error:
        shown = error.__cause__ if isinstance(error, ModelportError) else error  # our own words go to whoever asked
        if shown is not None:
            traceback.print_exception(shown)
        known = error if isinstance(error, ModelportError) else ModelError(f"{type(error).__name__}: {error}")
        connection.send(Failed(None, error_to_data(known)))
        return 1
    connection.send(ready)
    _work(_Worker(connection, model), order.threads)
    _close(model)
    return 0


def _work(worker: _Worker, threads: int) -> None:
    threading.Thread(target=worker.listen, name="modelport-reader", daemon=True).start()
    for _ in range(threads - 1):
        threading.Thread(target=worker.work, name="modelport-worker", daemon=True).start()
    worker.work()


def _close(model: Model) -> None:
    step = close(model)
    try:
        step.send(None)
    except StopIteration:
        return
    except Exception as error:
        traceback.print_exception(error)
    else:
        step.close()  # it would wait on a loop; the process ends anyway


def _described(model: Model) -> Ready:
    return Ready(model.name, identity(model), suspends(model), accepts(model), declared_rules(model))


def _end_with(parent: int) -> None:
    """See to it that this process does not outlive its server, even where the model never lets another thread run."""
    if sys.platform == "linux":
        import ctypes

        die_with_parent = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None, use_errno=True).prctl(die_with_parent, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
