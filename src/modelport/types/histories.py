"""How much is said in a conversation of text, without reading all of it again at every turn.

A conversation is sent again whole at each turn: the same dicts, and a few more. What was read once is remembered by the
dicts' identity, and only what is new is read. Dicts can be changed: of those remembered, 128 are looked at again at
every turn, in rotation, so that a conversation of up to 128 messages is always known exactly, and a change far back in
a longer one a few turns later. Knows no tokens.
"""

import threading
from collections import OrderedDict
from operator import itemgetter
from typing import Any

__all__ = ("SHORT", "written_in")

SHORT = 64
"""Conversations of so few messages are read anew; it costs less than remembering them."""

_AGAIN = 128
_KEPT = 16  # conversations
_content = itemgetter("content")


class _Known:
    __slots__ = ("at", "contents", "given", "size")

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.contents: list[Any] = []
        self.size = 0
        self.at = 0  # what is looked at again next begins here

    def grow(self, given: list[Any]) -> bool:
        """Take *given*, which begins with what is known; False where some message has more than text and calls."""
        for message in given[len(self.given) :]:
            size = _written(message)
            if size is None:
                return False
            self.contents.append(message["content"])
            self.size += size
        self.given = given
        return True

    def begins(self, given: list[Any]) -> bool:
        """Whether *given* begins with what is known, as far as is looked at."""
        known, count = self.given, len(self.given)
        # Lists are compared by identity first: fast, and users' objects are asked only where somebody swapped them.
        if count > len(given) or given[count - 1] is not known[-1] or given[:count] != known:
            return False
        end = self.at + _AGAIN
        if list(map(_content, given[self.at : min(end, count)])) != self.contents[self.at : end]:
            return False
        self.at = 0 if end >= count else end
        return True


_lock = threading.Lock()
_known: OrderedDict[tuple[int, int], _Known] = OrderedDict()  # by the ids of the first two, which are kept alive by it


def written_in(given: list[Any]) -> int | None:
    """The bytes of UTF-8 that the messages *given* say and call functions with; None where some have other content.

    *given* must not be changed afterwards: it is remembered.
    """
    if not _lock.acquire(blocking=False):
        return _read(given)  # somebody else is looking something up
    try:
        return _looked_up(given)
    except Exception:  # a message lost its content, or a user's object was asked whether it is equal
        return _read(given)
    finally:
        _lock.release()


def _looked_up(given: list[Any]) -> int | None:
    if len(given) <= SHORT:
        return _read(given)
    key = (id(given[0]), id(given[1]))
    known = _known.get(key)
    if known is None or not known.begins(given):
        known = _Known()
    else:
        _known.move_to_end(key)
    if not known.grow(given):
        _known.pop(key, None)
        return None
    _known[key] = known
    if len(_known) > _KEPT:
        _known.popitem(last=False)
    return known.size


def _read(given: list[Any]) -> int | None:
    total = 0
    for message in given:
        size = _written(message)
        if size is None:
            return None
        total += size
    return total


def _written(message: Any) -> int | None:
    if type(message) is not dict:
        return None
    content = message.get("content")
    if type(content) is str:
        size = _size(content)
    elif content is None and "content" in message:
        size = 0
    else:
        return None
    calls = message.get("tool_calls")
    if calls is None:
        return size
    if type(calls) is not list:
        return None
    for call in calls:
        function = call.get("function") if type(call) is dict else None
        if type(function) is not dict:
            return None
        name, arguments = function.get("name"), function.get("arguments")
        if type(name) is not str or type(arguments) is not str:
            return None
        size += _size(name) + _size(arguments)
    return size


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
