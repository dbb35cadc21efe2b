"""``max_tokens`` for a model that does not keep it: its answer is cut where an estimate of its tokens says so."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from modelport.model import ReadyEvents
from modelport.types import ChatRequest, Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from modelport.wrappers.base import Wrapper

__all__ = ("BYTES_A_TOKEN", "Shortening", "first_bytes")

BYTES_A_TOKEN = 4
"""As wherever tokens are estimated here."""


def first_bytes(text: str, most: int) -> str:
    """As much of the beginning of *text* as *most* bytes of UTF-8 hold."""
    if len(text) * 4 <= most:  # no character takes more than four
        return text
    return text.encode("utf-8", "surrogatepass")[: max(0, most)].decode("utf-8", "ignore")


class Shortening(Wrapper):
    """A model whose answers are cut after about ``max_tokens`` tokens, thoughts and calls of tools counted, too."""

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        """The model's events; a choice that is cut finishes with the reason ``length``."""
        async with self.model.stream(replace(request, max_tokens=None)) as events:
            if request.max_tokens is None:
                yield events
                return
            # Nobody needs the rest of a text that was cut; but an answer that came at once still has its usage to tell.
            leave = (request.n or 1) == 1 and type(events) is not ReadyEvents
            cut = _cut(events, request.max_tokens * BYTES_A_TOKEN, leave=leave)
            try:
                yield cut
            finally:
                await cut.aclose()


async def _cut(events: AsyncIterator[Event], most: int, *, leave: bool) -> AsyncGenerator[Event, None]:
    rest: dict[int, int] = {}  # choice → the bytes that it may still have; below 0 once it was cut
    async for event in events:
        if not isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta | Finish):
            yield event
            continue
        left = rest.get(event.choice, most)
        if left < 0:
            continue
        if isinstance(event, Finish):
            yield event
            continue
        shorter, left = _shortened(event, left)
        rest[event.choice] = left
        if shorter is not None:
            yield shorter
        if left < 0:
            yield Finish("length", event.choice)
            if leave:
                return


def _shortened(event: TextDelta | ReasoningDelta | ToolCallDelta, left: int) -> tuple[Event | None, int]:
    """As much of *event* as *left* bytes hold, and what is left then: less than 0 where not all of it fits."""
    if isinstance(event, ToolCallDelta):
        after = left - _size(event.name or "") - _size(event.arguments)
        if after >= 0:
            return event, after
        fits = first_bytes(event.arguments, left - _size(event.name or ""))
        return replace(event, arguments=fits) if fits or event.name else None, after
    after = left - _size(event.text)
    if after >= 0:
        return event, after
    text = first_bytes(event.text, left)
    return replace(event, text=text) if text else None, after


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
