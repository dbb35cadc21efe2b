"""What many requests leave behind: nothing, wherever the model runs and however its answer ends."""

import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport.adapters import as_model
from modelport.model import Model
from modelport.server import App, create_app
from modelport.workers import SUPPORTED
from tests.server.helpers import Client, ask, chat
from tests.workers.helpers import running

FEW, MANY = 30, 200
SPARE = 100  # objects: a pool that fills, a set that is made larger; one a request would be twice as many
_ASYNCIO_S_OWN = {"TimerHandle", "Context", "hamt", "hamt_bitmap_node"}  # cancelled timers, of which it keeps a hundred


def blocking(messages: Any) -> Iterator[str]:
    yield "one "
    yield "two"


async def waiting(messages: Any) -> AsyncIterator[str]:
    yield "one "
    yield "two"


def failing(messages: Any) -> str:
    raise RuntimeError("no weights")


@pytest.fixture(autouse=True)
def nothing_logged() -> Iterator[None]:
    """The records that pytest keeps of a test's log are not what is looked for."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def counted() -> int:
    gc.collect()
    return sum(type(each).__name__ not in _ASYNCIO_S_OWN for each in gc.get_objects())


async def left_behind(app: App, once: Callable[[App], Awaitable[Any]]) -> int:
    """How many objects there are more, after many requests, than there were after a few."""
    for _ in range(FEW):
        await once(app)
    before = counted()
    for _ in range(MANY):
        await once(app)
    return counted() - before


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", [blocking, waiting, failing])
async def test_many_answers_leave_nothing_behind(model: Any, stream: bool) -> None:
    app = create_app([as_model(model, name="m")])

    left = await left_behind(app, lambda app: ask(app, body=chat(stream=stream)))

    assert left < SPARE


async def test_nor_do_many_that_were_cut_off() -> None:
    async def cut_off(app: App) -> None:
        client = Client(app, pieces=[chat(stream=True)])
        client.leave()
        await client.ask()

    left = await left_behind(create_app([as_model(waiting, name="m")]), cut_off)

    assert left < SPARE


@pytest.mark.skipif(not SUPPORTED, reason="worker processes need a system that lets a process inherit a socket")
@pytest.mark.parametrize("stream", [True, False])
async def test_nor_do_many_of_a_worker(stream: bool, tmp_path: Path) -> None:
    body = chat(stream=stream, messages=[{"role": "user", "content": "say hello"}])
    async with running(tmp_path) as model:
        served: Model = model
        left = await left_behind(create_app([served]), lambda app: ask(app, body=body))

    assert left < SPARE
