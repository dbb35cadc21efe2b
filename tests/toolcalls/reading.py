"""What a parser finds in a text that comes in pieces, in a form that is easy to compare."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from modelport.toolcalls.base import ToolCallParser
from modelport.types import Event, TextDelta, Tool, ToolCallDelta

__all__ = ("cut", "found_in", "read")


def read(parser: type[ToolCallParser], *pieces: str, tools: Sequence[Tool] = ()) -> list[Any]:
    """Text as text, with neighbours joined, and calls as pairs, in the order that they came."""
    reader = parser(tools)
    events: list[Event] = [event for piece in pieces for event in reader.feed(piece)]
    return found_in([*events, *reader.finish()])


def found_in(events: Iterable[Event]) -> list[Any]:
    """The same, of events."""
    found: list[Any] = []
    for event in events:
        if isinstance(event, TextDelta):
            assert event.text
            if found and isinstance(found[-1], str):
                found[-1] += event.text
            else:
                found.append(event.text)
        else:
            assert isinstance(event, ToolCallDelta)
            found.append((event.name, event.arguments))
    return found


def cut(text: str, cuts: Iterable[int]) -> list[str]:
    """*text* in pieces, cut at those of *cuts* that are within it."""
    at = [0, *sorted(each for each in cuts if each < len(text)), len(text)]
    return [text[begin:end] for begin, end in itertools.pairwise(at)]
