"""A chat for a terminal or a file of text. Knows no HTML."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelport.agents.iostream import IOConsole, IOStream, OutputStream, colored
from modelport.agents.transcript.facts import clock, facts, models_in_words, totals
from modelport.agents.transcript.view import Call, Image, Piece, Text, View, views
from modelport.agents.turns import Turn
from modelport.terminal import is_terminal

__all__ = ("break_line", "print_transcript")

_COLOURS = ("yellow", "cyan", "green", "magenta", "blue", "red")  # of agents, in the order in which they appear
_INDENT = "  "  # before all that an agent said: what it says cannot look like a line of ours
_NARROWEST = 20


def print_transcript(
    turns: Iterable[Turn],
    *,
    summary: object = None,
    cost: Mapping[str, Mapping[str, Any]] | None = None,
    stream: OutputStream | None = None,
    longest: int | None = None,
    width: int | None = None,
) -> None:
    """Print a chat to *stream* (the default stream): who said what to whom, what it took, and the totals.

    *summary* and *cost* are those of a ``ChatResult``. Texts are cut to *longest* characters. Lines are broken at
    *width* columns, but for those in code blocks; without it, at the terminal's on a terminal, and nowhere elsewhere.
    """
    turns = list(turns)
    printer = _Printer(IOStream.get_default() if stream is None else stream, width)
    for view in views(turns, longest=longest):
        printer.turn(view)
    if summary:
        printer.heading("summary")
        printer.text(str(summary))
        printer.line()
    printer.heading("in all")
    for label, value in totals(turns):
        printer.line(f"{_INDENT}{label:<8}{value}")
    for model, took in models_in_words(cost):
        printer.line(f"{_INDENT}{model}: {took}")


class _Printer:
    def __init__(self, stream: OutputStream, width: int | None) -> None:
        self._stream = stream
        self._no_colour = None if isinstance(stream, IOConsole) else True  # another stream may be no terminal at all
        self._columns = _columns(stream) if width is None else max(width, _NARROWEST)
        self._colours: dict[str, str] = {}

    def turn(self, view: View) -> None:
        took = self._coloured(" · ".join([clock(view.turn.time), *facts(view.turn)]), attrs=["dark"])
        self.line(self._agent(view.sender), " → ", self._agent(view.recipient), "  ", took)
        for piece in view.pieces:
            self._piece(piece)
        if not view.pieces:
            self.line(_INDENT, self._coloured("(no content)", attrs=["dark"]))
        self.line()

    def heading(self, text: str) -> None:
        self.line(self._coloured(text, attrs=["bold"]))

    def text(self, text: str, indent: str = _INDENT) -> None:
        room = None if self._columns is None else self._columns - len(indent)
        in_code = False
        for line in text.split("\n") if text else ():
            fence = line.lstrip().startswith("```")
            broken = [line] if room is None or in_code or fence else break_line(line, room)
            in_code ^= fence
            for each in broken:
                self.line(f"{indent}{each}" if each else "")

    def line(self, *objects: str) -> None:
        self._stream.print(*objects, sep="")

    def _piece(self, piece: Piece) -> None:
        if isinstance(piece, Text):
            self.text(piece.text)
        elif isinstance(piece, Image):
            self.line(f"{_INDENT}[{piece.caption}]")
        else:
            words, text = ("calls {}", piece.arguments) if isinstance(piece, Call) else ("{} gave", piece.text)
            self.line(_INDENT, self._coloured(words.format(piece.name), "green"))
            self.text(text, _INDENT * 2)

    def _agent(self, name: str) -> str:
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return self._coloured(name, colour, attrs=["bold"])

    def _coloured(self, text: str, colour: str | None = None, attrs: Iterable[str] = ()) -> str:
        return colored(text, colour, attrs=attrs, no_color=self._no_colour)


def _columns(stream: OutputStream) -> int | None:
    if not isinstance(stream, IOConsole) or sys.stdout is None or not is_terminal(sys.stdout):
        return None
    from shutil import get_terminal_size

    return max(get_terminal_size().columns, _NARROWEST)


def break_line(line: str, room: int) -> Iterator[str]:
    """*line* in lines of at most *room* columns, broken at spaces where there are some; no character is lost but those.

    Wide characters (Chinese, Japanese, Korean, emoji) take two columns, combining ones none.
    """
    from unicodedata import combining, east_asian_width

    start, space, used, at = 0, -1, 0, 0
    while at < len(line):
        character = line[at]
        used += 0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        if used > room and at > start:
            end = at if character == " " or space <= start else space
            yield line[start:end]
            start = end + (line[end] == " ")
            at, space, used = start, -1, 0
            continue
        if character == " ":
            space = at
        at += 1
    yield line[start:]
