"""An answer on a terminal as it comes, thoughts dim where they can be. Knows no model."""

import sys
from typing import TextIO

from modelport.terminal import Cleaner, is_terminal, knows_colours

__all__ = ("Screen",)


class Screen:
    """Writes an answer as it comes. Thoughts are dim on a terminal, and left out elsewhere."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._is_terminal = is_terminal(self._out)
        self._colours = self._is_terminal and knows_colours()
        self._cleaner = Cleaner()
        self._thinks = False
        self._at_line_start = True

    def text(self, piece: str) -> None:
        """More of what is said."""
        self._think(on=False)
        self._write(self._cleaner.feed(piece))

    def thought(self, piece: str) -> None:
        """More of what is thought."""
        if self._is_terminal:
            self._think(on=True)
            self._write(self._cleaner.feed(piece))

    def note(self, line: str) -> None:
        """A line of our own, dim, below whatever is there."""
        self.end()
        shown = Cleaner().feed(line)
        self._out.write(f"\x1b[2m{shown}\x1b[0m\n" if self._colours else f"{shown}\n")
        self._out.flush()

    def end(self) -> None:
        """The answer is over: back to the start of a line, in plain letters."""
        self._think(on=False)
        self._cleaner = Cleaner()
        if not self._at_line_start:
            self._write("\n")

    def _think(self, *, on: bool) -> None:
        if on == self._thinks:
            return
        self._thinks = on
        self._cleaner = Cleaner()
        if self._colours and on:
            self._out.write("\x1b[2m")
        elif self._colours:
            self._out.write("\x1b[0m")
        if not on and not self._at_line_start:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()
            self._at_line_start = text.endswith("\n")
