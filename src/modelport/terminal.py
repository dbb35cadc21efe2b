"""What a terminal may be told: text of models and files made harmless. Knows no model and writes nothing."""

import os
import re
import sys
from typing import TextIO

__all__ = ("Cleaner", "is_terminal", "knows_colours", "one_line")

# Everything below space but tab and newline, delete, and the C1 range, which old terminals take for escapes.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_OPENS_STRING = frozenset("]PX^_")  # after ESC: a title, a clipboard, a device string; ends at BEL or ESC \
_C1_STRING = frozenset("\x90\x98\x9d\x9e\x9f")
_LONGEST = 4096  # characters of one sequence; what is longer was none


class Cleaner:
    """Takes terminal escape sequences and control characters out of text that comes in pieces.

    A sequence may be split anywhere between pieces. One for each stream.
    """

    def __init__(self) -> None:
        self._state = ""  # in "" text, "escape" after ESC, "csi", "string", "string escape"
        self._length = 0

    def feed(self, text: str) -> str:
        """What of *text* may be shown."""
        if not self._state and not _CONTROL.search(text):
            return text
        return "".join(character for character in text if self._shows(character))

    def _shows(self, character: str) -> bool:
        if not self._state:
            return self._begins(character)
        self._length += 1
        if self._length > _LONGEST:
            self._state = ""
        elif self._state == "escape":
            self._after_escape(character)
        elif self._state == "csi":
            if "@" <= character <= "~" or character in "\x18\x1a":
                self._state = ""
            elif character == "\x1b":
                self._state = "escape"
        elif self._state == "string escape":
            self._state = "" if character == "\\" else "string"
        elif character in "\x07\x9c\x18\x1a":
            self._state = ""
        elif character == "\x1b":
            self._state = "string escape"
        return False

    def _begins(self, character: str) -> bool:
        if not _CONTROL.match(character):
            return True
        self._length = 0
        if character == "\x1b":
            self._state = "escape"
        elif character == "\x9b":
            self._state = "csi"
        elif character in _C1_STRING:
            self._state = "string"
        return False

    def _after_escape(self, character: str) -> None:
        if character == "[":
            self._state = "csi"
        elif character in _OPENS_STRING:
            self._state = "string"
        elif not " " <= character <= "/" and character != "\x1b":  # those come before the character that ends it
            self._state = ""


def one_line(text: str) -> str:
    """*text*, which a model, a file or a server may have made up, as one line that a terminal only shows."""
    return " ".join(Cleaner().feed(text).split())


def knows_colours() -> bool:
    """Whether a terminal here is to be given colours, as the environment has it."""
    if "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return False
    # Older consoles of Windows print escape sequences instead of obeying them; these say that they do not.
    return sys.platform != "win32" or not {"WT_SESSION", "ANSICON", "TERM"}.isdisjoint(os.environ)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at *stream*."""
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False
