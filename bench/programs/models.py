"""The models that the server under measurement serves: they do nothing, so that what is seen is the port."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

DELTAS = 100
PIECE = "word " * 3000


async def noop(messages: list[dict[str, Any]], **_: Any) -> str:  # noqa: ARG001
    """A short answer, at once."""
    return "ok"


async def ready(messages: list[dict[str, Any]], **_: Any) -> AsyncIterator[str]:  # noqa: ARG001
    """A hundred deltas, all there at once."""
    for _number in range(DELTAS):
        yield "word "


async def turns(messages: list[dict[str, Any]], **_: Any) -> AsyncIterator[str]:  # noqa: ARG001
    """A hundred deltas, each in a turn of the event loop of its own, as from a network."""
    for _number in range(DELTAS):
        await asyncio.sleep(0)
        yield "word "


async def quiet(messages: list[dict[str, Any]], **_: Any) -> AsyncIterator[str]:  # noqa: ARG001
    """One delta, and then nothing any more."""
    yield "word "
    await asyncio.Event().wait()


async def pushing(messages: list[dict[str, Any]], **_: Any) -> AsyncIterator[str]:  # noqa: ARG001
    """An answer without an end, as fast as it is taken."""
    while True:
        yield PIECE


def blocking_pushing(messages: list[dict[str, Any]], **_: Any) -> Iterator[str]:  # noqa: ARG001
    """The same, of a model that is not async."""
    while True:
        yield PIECE


def blocking_noop(messages: list[dict[str, Any]], **_: Any) -> str:  # noqa: ARG001
    """A short answer, at once, of a model that is not async."""
    return "ok"


def blocking_ready(messages: list[dict[str, Any]], **_: Any) -> Iterator[str]:  # noqa: ARG001
    """A hundred deltas, all there at once, of a model that is not async."""
    for _number in range(DELTAS):
        yield "word "
