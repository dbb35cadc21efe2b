"""The beginning of an answer, up to the first event that shows something: until then it may still be begun anew."""

from collections.abc import AsyncIterator

from modelport.model import ReadyEvents
from modelport.types import Emulated, Event, Started

__all__ = ("begin",)


async def begin(events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """The same events, of which the first that a reader would notice has come, or the end."""
    if type(events) is ReadyEvents:
        return events
    first: list[Event] = []
    async for event in events:
        first.append(event)
        if not isinstance(event, Started | Emulated):
            break
    else:
        return ReadyEvents(first)
    return _Begun(first, events)


class _Begun:
    __slots__ = ("_first", "_rest")

    def __init__(self, first: list[Event], rest: AsyncIterator[Event]) -> None:
        first.reverse()
        self._first = first
        self._rest = rest

    def __aiter__(self) -> "_Begun":
        return self

    async def __anext__(self) -> Event:
        return self._first.pop() if self._first else await anext(self._rest)
