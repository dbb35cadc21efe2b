"""The events of one answer that its reader has not taken yet. Knows no process.

A worker never waits for the reader of one answer, because the others share its connection. So what piles up is kept
small: neighbouring pieces of text become one, and past a bound the answer is given up.
"""

from typing import Any

from modelport.types import Event, ReasoningDelta, TextDelta, ToolCallDelta

__all__ = ("Inbox",)

_LOOSE = 256  # events that lie here as they came; of more, neighbours are merged
_LONG = 16 * 1024  # characters; a text so long is merged with no further one, which would copy it again and again
_AN_EVENT = 64  # bytes that an event takes besides its text, roughly


class Inbox:
    """Events in order, of at most *most* bytes (about) when they wait."""

    __slots__ = ("_limit", "_most", "events", "size")

    def __init__(self, most: int) -> None:
        self.events: list[Event] = []
        self.size: int = 0
        self._most = most
        self._limit = _LOOSE

    def put(self, events: list[Event]) -> bool:
        """Add *events*; False where they are too much, and left out."""
        if not self.events:
            self.events = events
            return True
        self.size = (self.size or sum(map(_size, self.events))) + sum(map(_size, events))
        if self.size > self._most:
            return False
        self.events += events
        if len(self.events) > self._limit:
            self.events = _merged(self.events)
            self.size = sum(map(_size, self.events))
            self._limit = max(_LOOSE, 2 * len(self.events))
        return True

    def take(self) -> list[Event]:
        """All of them, at once."""
        events, self.events = self.events, []
        self._limit = _LOOSE
        self.size = 0
        return events


def _size(event: Event) -> int:
    if isinstance(event, TextDelta | ReasoningDelta):
        return _AN_EVENT + len(event.text)
    return _AN_EVENT + (len(event.arguments) if isinstance(event, ToolCallDelta) else 0)


def _merged(events: list[Event]) -> list[Event]:
    merged: list[Event] = []
    texts: list[str] = []
    run: Any = None  # the first event of those whose texts are collected
    length = 0
    for event in events:
        kind = type(event)
        if kind is TextDelta or kind is ReasoningDelta:
            text: str = event.text  # type: ignore[union-attr]
            if run is not None and kind is type(run) and event.choice == run.choice and length < _LONG:  # type: ignore[union-attr]
                texts.append(text)
                length += len(text)
                continue
            if run is not None:
                merged.append(type(run)("".join(texts), run.choice))
            run, texts, length = event, [text], len(text)
            continue
        if run is not None:
            merged.append(type(run)("".join(texts), run.choice))
            run = None
        merged.append(event)
    if run is not None:
        merged.append(type(run)("".join(texts), run.choice))
    return merged
