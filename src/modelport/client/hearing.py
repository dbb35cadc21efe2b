"""Answers that are told to a callback while they come, and given back whole. Knows streams, and no client."""

from collections.abc import Callable, Iterable
from typing import Any

from modelport.client.responses import Answer, AsyncStream, Chunk, Stream
from modelport.errors import InvalidRequest
from modelport.types import Emulated, Event, Started
from modelport.types.complaints import shown

__all__ = ("Hearer", "OnChunk", "ahear", "hear", "tell")

OnChunk = Callable[[Chunk], object]
"""Called with each :class:`Chunk` of an answer as it comes. Where it is awaited, it may be ``async``."""

_SAYS_NOTHING = (Started, Emulated)


class Hearer:
    """A caller's ``on_chunk``. ``begun`` is true once it was told of something that cannot be unsaid, or has failed."""

    __slots__ = ("_on_chunk", "begun")

    def __init__(self, on_chunk: Any) -> None:
        if not callable(on_chunk):
            raise InvalidRequest(f"on_chunk must be a function of one chunk, got {shown(on_chunk)}", param="on_chunk")
        self._on_chunk: OnChunk = on_chunk
        self.begun: bool = False

    async def told(self, chunk: Chunk) -> None:
        """Tell it, and wait for it where it is async."""
        before, self.begun = self.begun, True
        given: Any = self._on_chunk(chunk)
        if hasattr(given, "__await__"):
            await given
        self.begun = before or not isinstance(chunk.event, _SAYS_NOTHING)

    def tell(self, chunk: Chunk) -> None:
        """Tell it, in this thread."""
        before, self.begun = self.begun, True
        given: Any = self._on_chunk(chunk)
        if hasattr(given, "__await__"):
            getattr(given, "close", _nothing)()
            raise InvalidRequest(
                "on_chunk is async, and this call is not: await acreate(), or give a plain function", param="on_chunk"
            )
        self.begun = before or not isinstance(chunk.event, _SAYS_NOTHING)


def _nothing() -> None:
    """There was nothing to close."""


def hear(stream: Stream, hearer: Hearer) -> Answer:
    """The whole answer of *stream*, told to *hearer* piece by piece. Where that fails, the model is left."""
    with stream:
        for chunk in stream:
            hearer.tell(chunk)
    return stream.response


async def ahear(stream: AsyncStream, hearer: Hearer) -> Answer:
    """As :func:`hear`, awaited."""
    async with stream:
        async for chunk in stream:
            await hearer.told(chunk)
    return stream.response


async def tell(hearer: Hearer, events: Iterable[Event], *, waits: bool) -> None:
    """Tell *hearer* of an answer that was there as a whole; where it may be ``async``, the call *waits*."""
    for event in events:
        if waits:
            await hearer.told(Chunk(event))
        else:
            hearer.tell(Chunk(event))
