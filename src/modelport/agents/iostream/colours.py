"""Coloured text for a terminal, as termcolor writes it. Knows no agent and writes nothing itself."""

import os
import sys
from collections.abc import Iterable
from typing import Final, Self

from modelport.terminal import Cleaner, is_terminal, knows_colours

__all__ = ("Coloured", "colored")

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "light_grey")
_LIGHT = ("dark_grey", "light_red", "light_green", "light_yellow", "light_blue", "light_magenta", "light_cyan", "white")
_FOREGROUND: Final[dict[str, int]] = {
    **{name: 30 + at for at, name in enumerate(_NAMES)},
    **{name: 90 + at for at, name in enumerate(_LIGHT)},
    "grey": 30,
}
_BACKGROUND: Final[dict[str, int]] = {f"on_{name}": code + 10 for name, code in _FOREGROUND.items()}
_ATTRIBUTES: Final[dict[str, int]] = {
    "bold": 1,
    "dark": 2,
    "italic": 3,
    "underline": 4,
    "blink": 5,
    "reverse": 7,
    "concealed": 8,
    "strike": 9,
}


class Coloured(str):
    """Text between its colours' codes. It remembers both, so that a console can tell the codes from the text."""

    __slots__ = ("_codes", "_plain")

    _codes: str
    _plain: str

    def __new__(cls, codes: str, plain: str) -> Self:
        made = super().__new__(cls, f"{codes}{plain}\x1b[0m")
        made._codes = codes
        made._plain = plain
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:  # a copy, or what another process gets, is text
        return str, (str(self),)

    def plain(self) -> str:
        """The text without its colours."""
        return self._plain

    def cleaned(self) -> str:
        """The text in its colours, without whatever else a terminal would obey."""
        return f"{self._codes}{Cleaner().feed(self._plain)}\x1b[0m"


def colored(
    text: object,
    color: str | None = None,
    on_color: str | None = None,
    attrs: Iterable[str] | None = None,
    *,
    no_color: bool | None = None,
    force_color: bool | None = None,
) -> str:
    """*text* in *color* on *on_color* with *attrs* (``bold``, ``underline``, …), where colours are shown.

    That is where stdout is a terminal, ``NO_COLOR`` is not set and ``TERM`` is not ``dumb``; ``FORCE_COLOR`` in the
    environment or *force_color* say yes, ``NO_COLOR``, ``ANSI_COLORS_DISABLED`` or *no_color* say no. Elsewhere, the
    text as it is.

    Raises:
        KeyError: there is no such colour or attribute. Only where colours are shown, as with termcolor.
    """
    plain = str(text)
    if not _wanted(no_color=no_color, force_color=force_color):
        return plain
    numbers = [_ATTRIBUTES[name] for name in reversed(list(attrs or ()))]
    if on_color is not None:
        numbers.append(_BACKGROUND[on_color])
    if color is not None:
        numbers.append(_FOREGROUND[color])
    return Coloured("".join(f"\x1b[{number}m" for number in numbers), plain)


def _wanted(*, no_color: bool | None, force_color: bool | None) -> bool:
    if no_color:
        return False
    if force_color:
        return True
    if os.environ.get("NO_COLOR") or os.environ.get("ANSI_COLORS_DISABLED"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(sys.stdout) and knows_colours()
