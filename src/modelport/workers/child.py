"""A worker: the process that a model lives in. Started as ``python -m modelport.workers.child FD`` by ``process``."""

import faulthandler
import os
import signal
import socket
import sys
import traceback

from modelport.config.spec import load
from modelport.errors import ModelError, ModelportError, error_to_data
from modelport.model import Model, accepts, counts, embeds, identity, suspends
from modelport.workers.batches import BatchRunner
from modelport.workers.connection import Connection
from modelport.workers.frames import Failed, Load, Ready
from modelport.workers.running import LoopRunner, ThreadRunner
from modelport.wrappers.base import close, start
from modelport.wrappers.batching import Batching, batched
from modelport.wrappers.roles import declared_rules

__all__ = ("main",)

_SWITCH = 0.001  # seconds that a thread which hears or sends may wait for the model's Python code to let it
_MANY = 256  # answers at a time of an async model


def main(number: int) -> int:
    """Loads what it is told to over the socket with this file descriptor, and answers until the server ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its workers when it is time
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    sock = socket.socket(fileno=number)
    os.set_inheritable(number, False)
    connection = Connection(sock)
    order, _ = connection.read()
    if not isinstance(order, Load):
        return 1
    _end_with(order.parent)
    sys.path[:] = order.path
    try:
        loaded = load(order.spec, models_dir=order.models_dir)
        model = batched(loaded, max_batch_size=order.max_batch_size, batch_window=order.batch_window)
        ready = _described(loaded, model, order.threads)
        runner = _runner(connection, loaded, model, order.threads)
        if not (suspends(loaded) and order.only_blocking):
            runner.do(start(model))
    except (Exception, SystemExit) as error:
        shown = error.__cause__ if isinstance(error, ModelportError) else error  # our own words go to whoever asked
        if shown is not None:
            traceback.print_exception(shown)
        known = error if isinstance(error, ModelportError) else ModelError(f"{type(error).__name__}: {error}")
        connection.send(Failed(None, error_to_data(known)))
        return 1
    connection.send(ready)
    runner.run()
    try:
        runner.do(close(model))
    except (Exception, SystemExit) as error:
        traceback.print_exception(error)
    return 0


def _runner(
    connection: Connection, loaded: Model, model: Model, threads: int
) -> BatchRunner | LoopRunner | ThreadRunner:
    if not suspends(loaded):
        sys.setswitchinterval(_SWITCH)
        return (
            BatchRunner(connection, model) if isinstance(model, Batching) else ThreadRunner(connection, model, threads)
        )
    return LoopRunner(connection, model)


def _described(loaded: Model, model: Model, threads: int) -> Ready:
    calls = threads
    if isinstance(model, Batching):
        calls = 2 * model.max_batch_size  # one batch is made while the next gathers
    elif suspends(model):
        calls = max(_MANY, threads)
    return Ready(
        name=model.name,
        identity=identity(loaded),
        suspends=suspends(loaded),
        calls=calls,
        accepts=accepts(model),
        embeds=embeds(loaded),
        counts=counts(loaded),
        tells=isinstance(model, Batching) and not suspends(loaded),
        role_rules=declared_rules(model),
        tool_parser=_tool_parser(loaded),
    )


def _tool_parser(model: Model) -> str | None:
    """The name of the parser that the model, or what it was made of, says reads its text."""
    for thing in (model, getattr(model, "target", None)):
        name = getattr(thing, "tool_parser", None)
        if isinstance(name, str):
            return name
    return None


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
