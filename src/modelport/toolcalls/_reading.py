"""What the parsers share: text in any pieces, of which a call is a stretch that begins with a mark.

A parser's :meth:`Reader.call` is a generator that walks on from the mark and pauses where more text is needed, so it is
written as if the whole text were there. Where it raises :class:`Broken`, what it walked over is text. Every character
is looked at a bounded number of times, and no more than ``LONGEST`` of them are held. Knows no format.
"""

import re
from collections.abc import Generator, Sequence
from typing import ClassVar, TypeAlias, TypeVar

from modelport.types import Event, TextDelta, Tool, ToolCallDelta

LONGEST = 1 << 20  # characters of one call; what is longer is text
_SLICE = 1 << 12  # what is gone through at a time: text full of marks that begin nothing costs no more than this each
_SPACE = re.compile(r"[ \t\r\n]*+")
_NAME = re.compile(r"[\w.-]*+")

_T = TypeVar("_T")
Steps: TypeAlias = Generator[None, None, _T]


class Broken(Exception):
    """What began like a call is none."""


class Reader:
    """Reads one answer. *tools* are those that the model was told of, where that is known."""

    TAGS: ClassVar[tuple[str, ...]] = ()  # begin a call, wherever they stand
    LINE: ClassVar[str] = ""  # begins a call where nothing but blanks stands before it in its line

    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self.tools: Sequence[Tool] = tools
        self.final: bool = False  # nothing more will come
        self._text = ""  # from the last piece that was walked over
        self._at = 0  # how far it was walked over
        self._held: list[str] = []  # of the call that is being read, what stood before ``_text``
        self._held_size = 0
        self._steps: Steps[None] | None = None  # the call that is being read
        self._moved = False  # since its mark, something was given
        self._fresh = True  # nothing but blanks since the line began
        self._events: list[Event] = []

    def feed(self, text: str) -> list[Event]:
        """The events that are certain, now that *text* has come."""
        for begin in range(0, len(text), _SLICE):
            if self._at:
                self._held.append(self._text[: self._at])
                self._held_size += self._at
            self._text = self._text[self._at :] + text[begin : begin + _SLICE]
            self._at = 0
            self._go()
        return self._given()

    def finish(self) -> list[Event]:
        """Whatever is left."""
        self.final = True
        self._go()
        self._give_text(len(self._text))
        return self._given()

    def call(self, mark: str, /) -> Steps[None]:
        """Walk over a call, or some, whose *mark* was found and passed; a mark of a line is still ahead."""
        raise NotImplementedError

    # What a parser walks with.

    def more(self) -> Steps[None]:
        """Pause until there is more.

        Raises:
            Broken: there will be none.
        """
        if self.final:
            raise Broken
        yield

    def ahead(self, count: int) -> Steps[str]:
        """The next *count* characters, fewer only at the end; none is passed."""
        while len(self._text) - self._at < count and not self.final:
            yield
        return self._text[self._at : self._at + count]

    def run(self, pattern: re.Pattern[str]) -> Steps[int]:
        """Pass all that *pattern* matches, which goes on where it was left off; where that ends."""
        while True:
            found = pattern.match(self._text, self._at)
            self._at = self._at if found is None else found.end()
            if self._at < len(self._text) or self.final:
                return self.place
            yield

    def space(self) -> Steps[int]:
        """Pass white space."""
        return (yield from self.run(_SPACE))

    def literal(self, word: str, *, may_be_cut: bool = False) -> Steps[bool]:
        """Pass *word*, if it is next; where it may be cut, also what the end of the text left of it."""
        while True:
            have = self._text[self._at : self._at + len(word)]
            if have == word:
                self._at += len(word)
                return True
            if not word.startswith(have):
                return False
            if self.final:
                self._at += len(have) if may_be_cut else 0
                return may_be_cut
            yield

    def expect(self, word: str, *, may_be_cut: bool = False) -> Steps[None]:
        """Pass *word*, which must be next."""
        if not (yield from self.literal(word, may_be_cut=may_be_cut)):
            raise Broken

    def until(self, word: str) -> Steps[int]:
        """Pass everything before *word*, and *word*; where it began."""
        while True:
            found = self._text.find(word, self._at)
            if found >= 0:
                self._at = found + len(word)
                return self.place - len(word)
            self._at = max(self._at, len(self._text) - len(word) + 1)
            yield from self.more()

    def name(self) -> Steps[str]:
        """Pass the name of a tool."""
        begin = self.place
        yield from self.run(_NAME)
        if self.place == begin:
            raise Broken
        return self.passed(begin, self.place)

    @property
    def place(self) -> int:
        """How far it was walked since the mark, or since the last call that was taken."""
        return self._held_size + self._at

    def passed(self, begin: int, end: int) -> str:
        """The text between two places."""
        if begin >= self._held_size:
            return self._text[begin - self._held_size : end - self._held_size]
        pieces, start = [self._text[: self._at]], self._held_size
        for piece in reversed(self._held):  # from the end: what was begun long ago is asked for once in a call
            if start <= begin:
                break
            pieces.append(piece)
            start -= len(piece)
        return "".join(reversed(pieces))[begin - start : end - start]

    def take(self, calls: Sequence[ToolCallDelta]) -> None:
        """All that was walked over is *calls*.

        Raises:
            Broken: it is too long.
        """
        if self.place > LONGEST:
            raise Broken
        self._events += calls
        self._forget(self._at)
        self._fresh = True

    # How the text is gone through.

    def _go(self) -> None:
        while True:
            if self._steps is None and not self._find():
                return
            assert self._steps is not None
            try:
                next(self._steps)
            except StopIteration:
                self._end()
            except Broken:
                self._end()
            else:
                if self.place <= LONGEST:
                    return
                self._end()

    def _end(self) -> None:
        """What was walked over since the last call is text."""
        self._steps = None
        count = min(self.place, LONGEST) or (0 if self._moved else 1)
        if self._held:
            self._text = "".join([*self._held, self._text])
        self._held, self._held_size, self._at = [], 0, 0
        self._give_text(count)

    def _find(self) -> bool:
        """Give the text before the next mark; whether there is one."""
        found = self._first()
        if found is None:
            kept = 0 if self.final else max((_overlap(self._text, mark) for mark in (*self.TAGS, self.LINE)), default=0)
            self._give_text(len(self._text) - kept)
            return False
        begin, mark = found
        self._give_text(begin)
        self._at = 0 if mark == self.LINE else len(mark)
        self._moved = False
        self._steps = self.call(mark)
        return True

    def _first(self) -> tuple[int, str] | None:
        places = [(at, tag) for tag in self.TAGS if (at := self._text.find(tag)) >= 0]
        if self.LINE and (at := self._first_line()) >= 0:
            places.append((at, self.LINE))
        return min(places, default=None)

    def _first_line(self) -> int:
        at = self._text.find(self.LINE)
        while at >= 0:
            line = self._text.rfind("\n", 0, at) + 1
            if (line or self._fresh) and not self._text[line:at].strip(" \t"):
                return at
            at = self._text.find("\n", at)  # the line has another beginning
            at = -1 if at < 0 else self._text.find(self.LINE, at)
        return -1

    def _give_text(self, count: int) -> None:
        if not count:
            return
        text = self._text[:count]
        line = text.rfind("\n") + 1
        self._fresh = (self._fresh or line > 0) and not text[line:].strip(" \t")
        self._events.append(TextDelta(text))
        self._forget(count)

    def _forget(self, count: int) -> None:
        self._text = self._text[count:]
        self._held, self._held_size, self._at = [], 0, 0
        self._moved = True

    def _given(self) -> list[Event]:
        events, self._events = self._events, []
        return events


def _overlap(text: str, mark: str) -> int:
    """How much of the end of *text* is the beginning of *mark*."""
    at = text.find(mark[:1], max(0, len(text) - len(mark) + 1)) if mark else -1
    while at >= 0:
        if mark.startswith(text[at:]):
            return len(text) - at
        at = text.find(mark[0], at + 1)
    return 0
