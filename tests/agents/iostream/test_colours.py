"""Colours as termcolor writes them, where they are shown at all."""

import copy
import io
from typing import Any

import pytest

from modelport.agents.iostream import colored
from modelport.agents.iostream.colours import Coloured


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("NO_COLOR", "FORCE_COLOR", "ANSI_COLORS_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return monkeypatch


# What termcolor 3.3 gives for the same calls.
@pytest.mark.parametrize(
    ("color", "on_color", "attrs", "expected"),
    [
        ("red", None, None, "\x1b[31mx\x1b[0m"),
        ("grey", None, None, "\x1b[30mx\x1b[0m"),
        ("light_grey", None, None, "\x1b[37mx\x1b[0m"),
        ("white", None, None, "\x1b[97mx\x1b[0m"),
        ("light_cyan", "on_dark_grey", None, "\x1b[100m\x1b[96mx\x1b[0m"),
        ("red", "on_blue", ["bold", "underline"], "\x1b[4m\x1b[1m\x1b[44m\x1b[31mx\x1b[0m"),
        (None, "on_white", ["reverse", "strike"], "\x1b[9m\x1b[7m\x1b[107mx\x1b[0m"),
        (None, None, None, "x\x1b[0m"),
    ],
)
def test_the_codes_are_termcolors(
    color: str | None, on_color: str | None, attrs: list[str] | None, expected: str
) -> None:
    assert colored("x", color, on_color, attrs, force_color=True) == expected


@pytest.mark.parametrize(
    ("variables", "options", "terminal", "shown"),
    [
        ({}, {}, True, True),
        ({}, {}, False, False),
        ({"TERM": "dumb"}, {}, True, False),
        ({"NO_COLOR": "1"}, {}, True, False),
        ({"ANSI_COLORS_DISABLED": "1"}, {}, True, False),
        ({"FORCE_COLOR": "1"}, {}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, {}, True, False),
        ({"NO_COLOR": "1"}, {"force_color": True}, False, True),
        ({"FORCE_COLOR": "1"}, {"no_color": True}, True, False),
        ({}, {"no_color": False, "force_color": False}, True, True),
    ],
)
def test_colours_are_shown_where_a_person_sees_and_wants_them(
    variables: dict[str, str],
    options: dict[str, Any],
    terminal: bool,
    shown: bool,
    environment: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    environment.setattr("sys.stdout", Terminal() if terminal else io.StringIO())

    assert colored("x", "red", **options) == ("\x1b[31mx\x1b[0m" if shown else "x")


def test_a_colour_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match="mauve"):
        colored("x", "mauve", force_color=True)


def test_anything_is_coloured_as_its_text() -> None:
    assert colored(12, "red", force_color=True) == "\x1b[31m12\x1b[0m"
    assert colored(12, "red", no_color=True) == "12"


def test_a_copy_of_coloured_text_is_the_same_text() -> None:
    text = colored("x", "red", force_color=True)

    assert isinstance(text, Coloured)
    assert copy.deepcopy({"text": text}) == {"text": "\x1b[31mx\x1b[0m"}


def test_cleaned_text_keeps_its_colour_and_nothing_else() -> None:
    text = colored("a\x1b[2J\x1b[0mb\x07", "red", force_color=True)

    assert isinstance(text, Coloured)
    assert text.cleaned() == "\x1b[31mab\x1b[0m"
