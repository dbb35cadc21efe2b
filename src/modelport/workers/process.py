"""One worker's process: started, told what to load, watched, ended. Knows no event loop and no request.

Processes are started by one thread that lives as long as this process: on Linux a worker is told to end with the
*thread* that started it, and any other thread might end before its time. (Starting also takes milliseconds, which an
event loop should not spend.)
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from modelport.errors import ConfigError
from modelport.workers.frames import Load, encode_frame
from modelport.workers.options import WorkerOptions
from modelport.workers.output import Output

__all__ = ("SUPPORTED", "WorkerProcess", "cause_of_death", "spawn")

SUPPORTED: bool = os.name == "posix"
"""Whether worker processes can be had here: they inherit a socket, which Windows does not offer."""

_SIGNALS = {
    "SIGSEGV": "crashed (SIGSEGV, a segmentation fault)",
    "SIGBUS": "crashed (SIGBUS, memory that could not be reached)",
    "SIGABRT": "crashed (SIGABRT, it aborted itself)",
    "SIGILL": "crashed (SIGILL, an illegal instruction)",
    "SIGFPE": "crashed (SIGFPE, a forbidden calculation)",
    "SIGKILL": "was killed (SIGKILL; often by the system, because memory ran out)",
    "SIGTERM": "was ended from outside (SIGTERM)",
}


class WorkerProcess:
    """A process that has been started; ``sock`` is our end of its connection.

    ``exit`` has the exit code once the process has ended, and whatever it had started itself has, too.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", sock: socket.socket, output: Output) -> None:
        self.pid: int = process.pid
        self.sock: socket.socket = sock
        self.output: Output = output
        self.exit: Future[int] = Future()
        self._process = process
        self._lock = threading.Lock()
        self._reaped = False
        threading.Thread(target=self._reap, name="modelport-reaper", daemon=True).start()

    def kill(self) -> None:
        """End it, at once, with all that it has started."""
        with self._lock:
            self._kill_group()

    def _kill_group(self) -> None:
        if not self._reaped:
            with contextlib.suppress(OSError):  # there is nobody left
                os.killpg(self.pid, signal.SIGKILL)

    def _reap(self) -> None:
        if hasattr(os, "waitid"):  # it is looked at first: as long as it is not reaped, its number means nobody else
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS before Python 3.13; whatever it started lives, if at all, in the group of its number
            self._process.wait()
        with self._lock:
            self._kill_group()
            code = self._process.wait()
            self._reaped = True
        self.exit.set_result(code)


def cause_of_death(code: int) -> str:
    """What an exit code says, as the rest of a sentence that begins with the process."""
    if code >= 0:
        return f"ended by itself, with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"was ended by signal {-code}"
    return _SIGNALS.get(name, f"was ended by {name}")


def spawn(spec: str, options: WorkerOptions, *, name: str | None = None) -> "Future[WorkerProcess]":
    """A new process that loads *spec* as *options* say. *name* is what it is called in the log.

    Raises:
        ConfigError: there are no worker processes on this system.
    """
    if not SUPPORTED:
        raise ConfigError("worker processes are not supported on Windows: use --isolation thread")
    order = Load(
        spec,
        tuple(sys.path),
        os.getpid(),
        options.models_dir,
        options.threads,
        options.only_blocking,
        options.max_batch_size,
        options.batch_window,
    )
    return _starter.submit(lambda: _start(order, name or spec))


def _start(order: Load, name: str) -> WorkerProcess:
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(  # noqa: S603  (ourselves, and no shell)
            [sys.executable, "-P", "-m", "modelport.workers.child", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            process_group=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    assert process.stdout is not None
    started = WorkerProcess(process, ours, Output(process.stdout, f"{name}[{process.pid}]"))
    with contextlib.suppress(OSError):  # it ended already; whoever waits for its answer will see
        ours.sendall(encode_frame(order))
    return started


class _Starter:
    """The thread that starts processes."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="modelport-starter", daemon=True)
                self._thread.start()
        self._jobs.put((job, future))
        return future

    def _run(self) -> None:
        while True:
            job, future = self._jobs.get()
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
            del job, future


_starter = _Starter()


def _forget_starter() -> None:
    global _starter  # noqa: PLW0603  (threads do not survive a fork)
    _starter = _Starter()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_starter)
