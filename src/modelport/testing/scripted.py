"""A model that answers what it was told to, and remembers what it was asked."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from modelport.types import ChatRequest, Event, Finish, TextDelta

__all__ = ("ScriptedModel", "reply")


def reply(*texts: str, choice: int = 0) -> list[Event]:
    """The events of a plain answer in as many deltas as there are *texts*, with its end."""
    return [*(TextDelta(text, choice) for text in texts), Finish(choice=choice)]


class ScriptedModel:
    """Gives one script an answer, in order, and the last one over again.

    A script is a list of events; an exception in its place is raised when its turn comes. ``requests`` are those seen;
    ``open`` is how many answers have been entered and not left.
    """

    suspends: bool = False

    def __init__(
        self, *scripts: Iterable[Event | Exception], name: str = "scripted", accepts: Iterable[str] | None = None
    ) -> None:
        self.name: str = name
        self.accepts: frozenset[str] | None = None if accepts is None else frozenset(accepts)
        self.requests: list[ChatRequest] = []
        self.open: int = 0
        self._scripts: Sequence[Sequence[Event | Exception]] = [list(script) for script in scripts or ([],)]

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        """The next script, as an answer."""
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        self.open += 1
        events = _play(script)
        try:
            yield events
        finally:
            self.open -= 1
            await events.aclose()


async def _play(script: Sequence[Event | Exception]) -> AsyncGenerator[Event, None]:
    for item in script:
        if isinstance(item, Exception):
            raise item
        yield item
