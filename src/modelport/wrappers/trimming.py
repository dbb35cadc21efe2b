"""``stop`` for a model that does not keep it: its text is cut where a stop sequence begins, across delta borders."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from modelport.model import ReadyEvents
from modelport.types import ChatRequest, Event, Finish, TextDelta, ToolCallDelta
from modelport.wrappers.base import Wrapper

__all__ = ("StopTrimmer", "Trimming")


class StopTrimmer:
    """The text of one choice, cut before the one of *stops* that is complete first, as while it is being written.

    Text that may yet turn out to be the beginning of a stop sequence is held back until it is known not to be.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.stopped: str | None = None  # the stop sequence that was found

    def feed(self, text: str) -> str:
        """What may be given out now that *text* has come."""
        if self.stopped is not None:
            return ""
        text = self._held + text
        found = [(at + len(stop), at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            _, at, self.stopped = min(found)
            self._held = ""
            return text[:at]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back and was no stop sequence after all."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How much of the end of *text* is the beginning of *stop*."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if stop.startswith(text[-size:]):
            return size
    return 0


class Trimming(Wrapper):
    """A model whose text is cut at the request's stop sequences."""

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        """The model's events, each choice's text cut before the first stop sequence, and that choice finished there."""
        async with self.model.stream(request) as events:
            # Nobody needs the rest of a text that was cut; but an answer that came at once still has its usage to tell.
            leave = (request.n or 1) == 1 and type(events) is not ReadyEvents
            cut = _cut(events, request.stop or (), leave=leave)
            try:
                yield cut
            finally:
                await cut.aclose()


async def _cut(events: AsyncIterator[Event], stops: Sequence[str], *, leave: bool) -> AsyncGenerator[Event, None]:
    trimmers: dict[int, StopTrimmer] = {}
    async for event in events:
        if not isinstance(event, TextDelta | Finish | ToolCallDelta):
            yield event
            continue
        trimmer = trimmers.setdefault(event.choice, StopTrimmer(stops))
        before = trimmer.stopped
        if before is not None:
            continue
        if isinstance(event, TextDelta):
            if text := trimmer.feed(event.text):
                yield TextDelta(text, event.choice)
            if trimmer.stopped is not None:
                yield Finish("stop", event.choice, trimmer.stopped)
                if leave:
                    return
        else:
            if held := trimmer.finish():
                yield TextDelta(held, event.choice)
            yield event
    for choice, trimmer in trimmers.items():
        if held := trimmer.finish():
            yield TextDelta(held, choice)
