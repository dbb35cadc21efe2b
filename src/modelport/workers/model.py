"""A model that lives in processes of its own, as a model like any other. Knows no HTTP."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from modelport.errors import LoadError, ProtocolError, error_from_data
from modelport.model import AnswerStream
from modelport.types import ChatRequest
from modelport.workers.answers import Answer
from modelport.workers.frames import Failed, FrameReader, Ready
from modelport.workers.options import WorkerOptions
from modelport.workers.pool import Pool
from modelport.workers.process import WorkerProcess, cause_of_death, spawn

__all__ = ("Loading", "WorkerModel", "load_workers")

_LAST_LINES = 1.0  # seconds for what a worker printed to get into the log


class WorkerModel:
    """The model of *spec*, made and asked in worker processes.

    It belongs to the event loop on which it is started, or first asked. A worker that dies costs the answer that it was
    making a ``WorkerDied``, and is replaced.
    """

    suspends: bool = True

    def __init__(self, ready: Ready, pool: Pool) -> None:
        self.name: str = ready.name
        self.accepts: frozenset[str] | None = ready.accepts
        self.role_rules: tuple[str, ...] | None = ready.role_rules or None
        self.tool_parser: str | None = ready.tool_parser
        self.identity: str = ready.identity
        self.embeds: bool = ready.embeds
        self.counts: bool = ready.counts
        self.inner_suspends: bool = ready.suspends
        self.pool: Pool = pool

    @classmethod
    def load(cls, spec: str, options: WorkerOptions | None = None) -> "WorkerModel":
        """Start a worker for *spec*, and wait until it has loaded it.

        Raises:
            ModelportError: what loading it raised, there.
            LoadError: the process ended while it loaded.
        """
        [model] = load_workers([spec], options)
        return model

    @property
    def ready(self) -> bool:
        """Whether a worker is there that has the model loaded."""
        return self.pool.ready

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The answer that a worker makes.

        Raises, when it is entered:
            Overloaded: too many wait already, or no worker could be started again.
        And while it is read:
            WorkerDied: the process that made it ended; says how.
        """
        return Answer(self.pool, request)

    async def start(self) -> None:
        """Begin, on the running loop; asking does so, too."""
        self.pool.start()

    async def aclose(self) -> None:
        """End the workers."""
        await self.pool.aclose()


def load_workers(
    specs: Sequence[str], options: WorkerOptions | None = None, *, meanwhile: Callable[[], object] | None = None
) -> list[WorkerModel]:
    """A model for each of *specs*; they load at the same time, and while they do, *meanwhile* is called.

    Raises as :meth:`WorkerModel.load` does.
    """
    options = options or WorkerOptions()
    loading = [Loading(spec, options) for spec in specs]
    try:
        if meanwhile is not None:
            meanwhile()
        return [each.result() for each in loading]
    except BaseException:
        for each in loading:
            each.cancel()
        for each in loading:
            each.join()
        raise


class Loading:
    """A worker for *spec* that was told to load it."""

    def __init__(self, spec: str, options: WorkerOptions) -> None:
        self._spec = spec
        self._options = options
        self._process = spawn(spec, options)

    def result(self) -> WorkerModel:
        """The model, as soon as it is loaded; raises what :meth:`WorkerModel.load` does."""
        process = self._process.result()
        ready = _first_word(self._spec, process)
        return WorkerModel(ready, Pool(self._spec, ready, self._options, process))

    def cancel(self) -> None:
        """End it, wherever it stands; whoever waits for the result gets a ``LoadError``. Waits for nothing."""
        self._process.add_done_callback(_kill)

    def join(self) -> None:
        """Wait until a cancelled one has ended, and free what it held."""
        if self._process.exception() is None:
            process = self._process.result()
            process.exit.result()
            process.sock.close()


def _kill(started: "Future[WorkerProcess]") -> None:
    if started.exception() is None:
        started.result().kill()


def _first_word(spec: str, process: WorkerProcess) -> Ready:
    reader = FrameReader()
    while data := _receive(process.sock):
        for frame in reader.feed(data):
            if isinstance(frame, Ready):
                return frame
            if isinstance(frame, Failed):
                process.exit.result()
                process.output.join(_LAST_LINES)
                raise error_from_data(frame.error)
            raise ProtocolError(f"the worker of {spec} began with a {type(frame).__name__}")
    code = process.exit.result()
    process.output.join(_LAST_LINES)
    raise LoadError(f"{spec}: the process that loaded it {cause_of_death(code)}")


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except ConnectionError:
        return b""
