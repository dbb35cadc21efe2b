"""Regular expressions that come from strangers: which of them cannot hold up a program, and for how long a text.

Python's ``re`` tries one way after the other, so a pattern may take longer than the world for a short text. A pattern
is taken only where the number of ways can be told from its text: no group is repeated, nothing looks back or ahead.
"""

import re
from functools import lru_cache

__all__ = ("Cost", "cost_of")

_LONGEST = 1000  # characters of a pattern
_REPEATS = 1000  # that a pattern may demand of one character
_MOST = 20_000_000  # steps, about a fifth of a second
_SETS = ("--", "&&", "~~", "||")  # within a class, what Python warns of
_COUNTED = re.compile(r"\{(\d*)(,?)(\d*)\}")


class Cost:
    """How many ways there are to try: ``loops`` of the text's length each, times ``ways``."""

    def __init__(self, loops: int, ways: int) -> None:
        self.loops = loops
        self.ways = ways

    def allows(self, length: int) -> bool:
        """Whether a text of *length* characters is tried in bounded time."""
        return bool((length + 1) ** self.loops * self.ways <= _MOST)


@lru_cache(maxsize=512)
def cost_of(pattern: str) -> Cost:
    """What *pattern* may cost.

    Raises:
        ValueError: it is no pattern, or one whose cost cannot be bounded; says why.
    """
    if len(pattern) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters")
    cost = _Reader(pattern).read()
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return cost


class _Reader:
    """Walks over a pattern, one atom or quantifier at a time."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._loops = 0 if pattern.startswith("^") else 1
        self._ways = 1
        self._alternatives = [1]  # in each group that is open, and in the whole
        self._after_group = False

    def read(self) -> Cost:
        while self._at < len(self._pattern):
            self._step(self._pattern[self._at])
        for count in self._alternatives:
            self._ways *= count
        return Cost(self._loops, self._ways)

    def _step(self, character: str) -> None:
        closes = character == ")"
        if character == "\\":
            self._escape()
        elif character == "[":
            self._at = self._end_of_class()
        elif character == "(":
            self._open()
        elif closes:
            self._ways *= self._alternatives.pop() if len(self._alternatives) > 1 else 1
            self._at += 1
        elif character == "|":
            self._alternatives[-1] += 1
            self._at += 1
        elif character in "*+?{" and self._quantifier(character):
            pass
        else:
            self._at += 1
        self._after_group = closes

    def _escape(self) -> None:
        if self._pattern[self._at + 1 : self._at + 2].isdigit():
            raise ValueError("refers back to a group, which may take any time: leave that out")
        self._at += 2

    def _end_of_class(self) -> int:
        at = self._at + 1
        at += self._pattern[at : at + 1] == "^"
        at += self._pattern[at : at + 1] == "]"
        while at < len(self._pattern) and self._pattern[at] != "]":
            at += 2 if self._pattern[at] == "\\" else 1
        inside = self._pattern[self._at + 1 : at]
        if inside.startswith("[") or any(twice in inside for twice in _SETS):
            raise ValueError("has a class that could be taken for a set of sets: escape its [, -, &, ~ and |")
        return at + 1

    def _open(self) -> None:
        rest = self._pattern[self._at + 1 :]
        if rest.startswith("?") and not rest.startswith(("?:", "?P<")):
            raise ValueError("looks ahead or back, or sets flags: plain groups, (?:…) and (?P<name>…) are taken")
        self._alternatives.append(1)
        self._at += rest.startswith("?") + 1

    def _quantifier(self, character: str) -> bool:
        counted = _COUNTED.match(self._pattern, self._at) if character == "{" else None
        if character == "{" and (counted is None or not (counted[1] or counted[3])):
            return False
        if character == "?":
            self._ways *= 2
        elif self._after_group:
            raise ValueError("repeats a group, which may take any time: repeat single characters or classes only")
        elif counted is not None and max(int(number or 0) for number in (counted[1], counted[3])) > _REPEATS:
            raise ValueError(f"repeats something more than {_REPEATS} times")
        elif counted is None or (counted[2] and counted[1] != counted[3]):
            self._loops += 1
        self._at = counted.end() if counted else self._at + 1
        if self._pattern[self._at : self._at + 1] in {"?", "+"}:  # lazy, or possessive
            self._at += 1
        return True
