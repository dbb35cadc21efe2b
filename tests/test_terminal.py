"""A model's text must not be able to drive a terminal."""

import pytest
from hypothesis import given, strategies as st

from modelport.terminal import Cleaner, knows_colours

HARMFUL = [
    "\x1b[31m",
    "\x1b[2J",
    "\x1b[?1049h",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1bP1$r0m\x1b\\",
    "\x1b_payload\x1b\\",
    "\x1bc",
    "\x1b(0",
    "\x1b#8",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x90payload\x9c",
    "\x07",
    "\x08",
    "\r",
    "\x0e",
    "\x7f",
    "\x85",
    "\x00",
    "\x1b[12\x1b[3m",
]


@pytest.mark.parametrize("sequence", HARMFUL)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_sequence_is_taken_out_wherever_it_is_split(sequence: str, size: int) -> None:
    text, cleaner = f"before {sequence}after", Cleaner()

    shown = "".join(cleaner.feed(text[at : at + size]) for at in range(0, len(text), size))

    assert shown == "before after"


def test_text_newlines_tabs_and_every_script_stay() -> None:
    text = "a\tb\nGrüße 世界 🙂 ←\n"

    assert Cleaner().feed(text) == text


def test_a_sequence_without_an_end_does_not_swallow_the_rest_of_the_answer() -> None:
    cleaner = Cleaner()

    shown = cleaner.feed("\x1b]0;" + "x" * 10_000)

    assert 5_000 < len(shown) < 10_000


@given(st.lists(st.text(st.characters(max_codepoint=0x2FF))))
def test_nothing_that_a_terminal_obeys_comes_through(pieces: list[str]) -> None:
    cleaner = Cleaner()

    shown = "".join(map(cleaner.feed, pieces))

    assert all(character in "\n\t" or " " <= character <= "~" or character >= "\xa0" for character in shown)


@given(st.text(st.characters(max_codepoint=0x2FF)), st.integers(1, 7))
def test_how_text_is_split_makes_no_difference(text: str, size: int) -> None:
    whole, cleaner = Cleaner().feed(text), Cleaner()

    assert "".join(cleaner.feed(text[at : at + size]) for at in range(0, len(text), size)) == whole


@pytest.mark.parametrize(
    ("platform", "environment", "colours"),
    [
        ("linux", {}, True),
        ("linux", {"NO_COLOR": "1"}, False),
        ("linux", {"TERM": "dumb"}, False),
        ("win32", {}, False),
        ("win32", {"WT_SESSION": "x"}, True),
    ],
)
def test_colours_are_used_only_where_they_are_known_and_wanted(
    platform: str, environment: dict[str, str], colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TERM", "WT_SESSION", "ANSICON"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)

    assert knows_colours() is colours
