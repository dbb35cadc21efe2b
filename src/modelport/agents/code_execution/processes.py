"""Programs run to their end, or to the end of their time: the one place where code execution starts a process.

Each command is the head of a process group of its own. At the time limit, on Ctrl-C and when its asyncio task is
cancelled, the whole group is killed; on Linux also whatever left the group, found by a mark in its environment.
Standard input is closed, output is bounded. Knows no language, no file and no container.

What a command leaves running in the background with its output redirected goes on, as a server for the next block
does, until :func:`end_marked` or the end of this program.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

import msgspec

from modelport.sync import offload

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ("OUTPUT_LIMIT", "Command", "Finished", "Stop", "Stopped", "a_stoppable", "end_marked", "new_mark", "run")

OUTPUT_LIMIT: int = 1_000_000  # bytes kept of each of a command's two streams

_MARK = "MODELPORT_COMMAND"
_TICK = 0.05  # seconds between looks at the clock and at Stop
_PIECE = 65_536

P = ParamSpec("P")
T = TypeVar("T")


class Stopped(Exception):
    """The command was ended by :meth:`Stop.stop`: whoever asked for it has left."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. ``env`` None: all of this process's environment, for programs that are trusted with it."""

    argv: tuple[str, ...]
    cwd: str | None = None
    env: dict[str, str] | None = None
    timeout: float | None = None  # seconds
    output_limit: int = OUTPUT_LIMIT  # bytes kept of each stream
    merged: bool = False  # standard error into ``stdout``, in the order of arrival
    mark: str | None = None  # of :func:`new_mark`, to find again what it leaves running; needs ``env``


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """How it went. ``exit_code`` is negative for a signal's number; of a command out of time it means nothing."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool


class Stop:
    """Ends, from any thread, the command that runs with it now and every one that comes after."""

    def __init__(self) -> None:
        self.stopped: bool = False
        self._process: Popen[bytes] | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Kill the running command's group, at once."""
        with self._lock:
            self.stopped = True
            if self._process is not None:
                _kill_group(self._process)

    def attach(self, process: "Popen[bytes] | None") -> None:
        """From now on *process* is the one to kill; None: there is none."""
        with self._lock:
            self._process = process
            if self.stopped and process is not None:
                _kill_group(process)


_STOP: ContextVar[Stop | None] = ContextVar("modelport-stop", default=None)


async def a_stoppable(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args, **kwargs)`` in a thread; when the awaiting task is cancelled, the command that it runs ends."""
    stop = Stop()
    before = _STOP.set(stop)
    try:
        return await offload(function, *args, **kwargs)
    except BaseException:
        stop.stop()
        raise
    finally:
        _STOP.reset(before)


def run(command: Command, *, cleanup: bool = False) -> Finished:
    """Run *command* and wait for it and for its output, at most ``timeout`` seconds.

    *cleanup*: run it even where :func:`a_stoppable` is leaving.

    Raises:
        OSError: it could not be started.
        Stopped: the task that waits for it was cancelled.
    """
    stop = Stop() if cleanup else _STOP.get() or Stop()
    if stop.stopped:
        raise Stopped
    _own_mark()  # so that an end of the program in the midst of it is taken care of
    process = _start(command)
    sinks = [_Sink(pipe, command.output_limit) for pipe in (process.stdout, process.stderr) if pipe is not None]
    _LIVE.add((process, command.mark))
    try:
        stop.attach(process)
        timed_out = not _attend(process, sinks, command.timeout, stop)
        if timed_out or stop.stopped:
            _kill(process, command.mark)
    except BaseException:  # Ctrl-C above all
        _kill(process, command.mark)
        raise
    finally:
        stop.attach(None)
        _LIVE.discard((process, command.mark))
    if stop.stopped:
        raise Stopped
    for sink in sinks:
        sink.join(1.0)  # a process out of our reach may hold the pipe open; its reader is left to it
    texts = [*(sink.text() for sink in sinks), ""]
    return Finished(exit_code=process.returncode, stdout=texts[0], stderr=texts[1], timed_out=timed_out)


def _start(command: Command) -> "Popen[bytes]":
    import subprocess

    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    else:
        options["start_new_session"] = True  # a group of its own, and no terminal to ask anything at
    env = command.env
    if env is not None and command.mark is not None:
        env = {**env, _MARK: command.mark}
    return subprocess.Popen(  # noqa: S603 - running what it is given is what this is for
        command.argv,
        cwd=command.cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if command.merged else subprocess.PIPE,
        bufsize=0,
        **options,
    )


def _attend(process: "Popen[bytes]", sinks: "list[_Sink]", timeout: float | None, stop: Stop) -> bool:
    """Wait for *process* and its output; False when time is up."""
    deadline = None if timeout is None else time.monotonic() + timeout
    waiting = list(sinks)
    while not stop.stopped:
        left = _TICK if deadline is None else min(_TICK, deadline - time.monotonic())
        if left <= 0:
            return False
        if waiting:
            waiting[0].join(left)
            waiting = [sink for sink in waiting if not sink.done]
        elif _ended(process, left):
            return True
    return True


def _ended(process: "Popen[bytes]", seconds: float) -> bool:
    from subprocess import TimeoutExpired

    try:
        process.wait(seconds)
    except TimeoutExpired:
        return False
    return True


class _Sink:
    """Reads a pipe to its end in a thread, and keeps the first and the last half of ``limit`` bytes."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0
        self.done: bool = False
        self._thread = threading.Thread(target=self._read, args=(pipe,), name="modelport-output", daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes]) -> None:
        try:
            with pipe:
                while piece := pipe.read(_PIECE):
                    self._take(piece)
        finally:
            self.done = True

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:] if room else piece
        if len(self._tail) > 2 * self._half + _PIECE:
            del self._tail[: -self._half]

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def text(self) -> str:
        """What was read, line ends as ``\\n``; a note stands where something was left out."""
        head, tail = bytes(self._head), bytes(self._tail)
        left_out = self._size - len(head) - self._half
        if left_out > 0:
            tail = tail[-self._half :]
            note = f"\n[modelport: {left_out} bytes of output left out here; output_limit is {2 * self._half} bytes]\n"
            text = head.decode("utf-8", "replace") + note + tail.decode("utf-8", "replace")
        else:
            text = (head + tail).decode("utf-8", "replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")


# --- killing ---


def _kill_group(process: "Popen[bytes]") -> None:
    if process.returncode is not None:
        return  # it was waited for: its number may be another's by now
    if sys.platform == "win32":
        from subprocess import DEVNULL, Popen

        argv = ("taskkill", "/F", "/T", "/PID", str(process.pid))
        Popen(argv, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL).wait()  # noqa: S603 - our own process's number
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # PermissionError: macOS, of a group of zombies
        process.kill()


def _kill(process: "Popen[bytes]", mark: str | None) -> None:
    _kill_group(process)
    if mark is not None:
        end_marked(mark)
    _ended(process, 5.0)


def end_marked(mark: str) -> int:
    """Kill every process with *mark*, or a mark made from it, in its environment (Linux; elsewhere none is found).

    Gives how many there were.
    """
    killed: set[int] = set()
    for _ in range(5):  # one that was being started while we looked is found the next time
        found = set(_marked(mark))
        if not found - killed:
            break
        for pid in found:
            try:
                os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            except OSError:
                continue
        killed |= found
    return len(killed)


def _marked(mark: str) -> Iterator[int]:
    try:
        names = [each.name for each in Path("/proc").iterdir()]
    except OSError:
        return
    wanted = f"\0{_MARK}={mark}".encode()
    for name in names:
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            environ = b"\0" + Path("/proc", name, "environ").read_bytes() + b"\0"
        except OSError:  # another user's, or gone
            continue
        at = environ.find(wanted)
        if at >= 0 and environ[at + len(wanted) : at + len(wanted) + 1] in {b"\0", b"."}:
            yield int(name)


_LIVE: "set[tuple[Popen[bytes], str | None]]" = set()
_marks = count(1)
_own: dict[int, str] = {}  # this process's number and its mark, made when first asked for; a fork makes its own


def new_mark() -> str:
    """A mark that no other command in the world has. Marks of commands inside a marked command begin with its mark."""
    return f"{_own_mark()}.{next(_marks)}"


def _own_mark() -> str:
    pid = os.getpid()
    if pid not in _own:
        outer = os.environ.get(_MARK)
        own = os.urandom(8).hex()
        _own[pid] = f"{outer}.{own}" if outer else own
        atexit.register(_end_all, pid)
    return _own[pid]


def _end_all(pid: int) -> None:
    """At the end of the program: nothing that it started in the background goes on without it."""
    if os.getpid() != pid:
        return
    for process, _ in list(_LIVE):
        _kill_group(process)
    end_marked(_own[pid])
