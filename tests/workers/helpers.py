"""Models that do what their last message says, and workers that run them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from modelport.model import generate
from modelport.types import ChatRequest, Message
from modelport.workers import WorkerModel, WorkerOptions

__all__ = ("MODELS", "asked", "running", "said", "spec_of", "until")

MODELS = """
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

if os.path.exists(os.path.join(os.path.dirname(__file__), "broken")):
    raise RuntimeError("the weights are gone")


def does(messages, **params):
    what, _, argument = messages[-1]["content"].partition(" ")
    if what == "segfault":
        ctypes.string_at(0)
    elif what == "exit":
        os._exit(int(argument))
    elif what == "abort":
        os.abort()
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "hang":
        time.sleep(1000)
    elif what == "raise":
        raise RuntimeError(argument)
    elif what == "odd":
        from modelport.errors import ModelError

        raise ModelError("odd \\ud83d", param={1}, retry_after="soon")
    elif what == "note":
        folder, name = argument.split()
        with open(f"{folder}/notes", "a") as file:
            file.write(name + " ")
        while not os.path.exists(f"{folder}/go"):
            time.sleep(0.01)
    elif what == "pid":
        return str(os.getpid())
    elif what == "half":
        return "half \\ud83d"
    elif what == "print":
        for _ in range(int(argument)):
            print("x" * 99)
    elif what == "hold":
        import fcntl

        file = open(argument, "w")
        fcntl.flock(file, fcntl.LOCK_EX)
        pathlib.Path(argument + ".held").touch()
        time.sleep(1000)
    elif what == "leave":
        subprocess.Popen([sys.executable, "-c", f"import fcntl, time, pathlib\\nfile = open({argument!r}, 'w')\\n"
            f"fcntl.flock(file, fcntl.LOCK_EX)\\npathlib.Path({argument!r} + '.held').touch()\\ntime.sleep(1000)"])
        while not os.path.exists(argument + ".held"):
            time.sleep(0.01)
    return argument


def streams(messages, **params):
    what, _, argument = messages[-1]["content"].partition(" ")
    if what == "count":
        for number in range(int(argument)):
            yield f"{number} "
    elif what == "chunks":
        for number in range(int(argument)):
            yield "x" * 1000
    elif what == "die":
        yield "some "
        yield "words"
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "until":
        try:
            while True:
                yield "more "
                time.sleep(0.001)
        finally:
            pathlib.Path(argument).touch()
    else:
        yield argument


def listens(messages, cancel, **params):
    what, _, argument = messages[-1]["content"].partition(" ")
    if what != "wait":
        return argument
    pathlib.Path(argument + ".begun").touch()
    while not cancel.cancelled:
        time.sleep(0.001)
    pathlib.Path(argument).touch()


async def waits(messages, **params):
    import asyncio

    what, _, argument = messages[-1]["content"].partition(" ")
    if what == "wait":
        pathlib.Path(argument + ".begun").touch()
    try:
        await asyncio.sleep(1000 if what == "wait" else 0)
    finally:
        if what == "wait":
            pathlib.Path(argument).touch()
    return argument


def sees(messages, **params):
    [part] = messages[-1]["content"]
    image = part.get("image", part.get("image_url"))
    return f"{type(image).__name__} {getattr(image, 'shape', None) or getattr(image, 'size', None)} {_sum(image)}"


def _sum(image):
    if isinstance(image, bytes):
        return sum(image)
    if isinstance(image, pathlib.PurePath):
        return str(image)
    if isinstance(image, dict):
        return image["url"]
    import numpy

    return int(numpy.asarray(image).sum())


class Batches:
    name = "batches"
    max_batch_size = 8

    def stream(self, request):
        yield "alone"

    def generate_batch(self, requests):
        here = pathlib.Path(__file__).parent
        (here / "begun").touch()
        while not (here / "go").exists():
            time.sleep(0.05)
        return [f"one of {len(requests)}" for _ in requests]
"""


def spec_of(folder: Path, name: str) -> str:
    """The spec of a model of MODELS, which are written into *folder*."""
    path = folder / "worker_models.py"
    path.write_text(MODELS, encoding="utf-8")
    return f"{path}:{name}"


@asynccontextmanager
async def running(folder: Path, name: str = "does", **options: Any) -> AsyncIterator[WorkerModel]:
    """A model of MODELS in its worker."""
    model = await asyncio.to_thread(WorkerModel.load, spec_of(folder, name), WorkerOptions(**{"grace": 0.2, **options}))
    try:
        yield model
    finally:
        await model.aclose()


def asked(text: Any) -> ChatRequest:
    """A request with *text* as its only message."""
    return ChatRequest(messages=(Message("user", text),))


async def until(happened: Callable[[], object]) -> None:
    """Wait until it did."""
    limit = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < limit, "it did not happen"
        await asyncio.sleep(0.005)


async def said(model: WorkerModel, text: Any) -> str:
    """The text of the answer to *text*."""
    response = await generate(model, asked(text))
    return response.choices[0].message.text
