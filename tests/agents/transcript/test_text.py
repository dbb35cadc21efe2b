"""A chat as text: who said what to whom, what it took, and nothing that could be taken for more."""

import time
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from modelport.agents.iostream import IOStream
from modelport.agents.transcript import print_transcript
from modelport.agents.transcript.text import break_line
from modelport.agents.turns import Turn
from modelport.types import Usage
from tests.agents.transcript.chats import PNG, call, said, turn


class Paper:
    """A stream that only prints."""

    def __init__(self) -> None:
        self.text = ""

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        self.text += sep.join(map(str, objects)) + end


def printed(*turns: Turn, **options: Any) -> str:
    paper = Paper()
    print_transcript(turns, stream=paper, **options)
    return paper.text


def body(*turns: Turn, **options: Any) -> list[str]:
    """The lines of what was said, without heads and totals."""
    lines = printed(*turns, **options).split("in all\n")[0].rstrip("\n").split("\n")
    return [line for line in lines if line.startswith("  ") or not line]


def totals_of(*turns: Turn) -> dict[str, str]:
    lines = printed(*turns).split("in all\n")[1].splitlines()
    return {line[2:10].strip(): line[10:] for line in lines}


AT = time.strftime("%H:%M:%S", time.localtime(1_000_000))


def test_a_chat_reads_from_top_to_bottom() -> None:
    usage = Usage(prompt_tokens=1200, completion_tokens=34, cost=0.0012)

    text = printed(
        said("Hello,\n\nbob."),
        said("Hi.", sender="bob", recipient="ada", seconds=1.26, model="eliza", usage=usage),
        summary="They met.",
        cost={"usage_including_cached_inference": {"total_cost": 0.5, "eliza": {"cost": None, "prompt_tokens": 9}}},
    )

    assert text == (
        f"ada → bob  {AT}\n  Hello,\n\n  bob.\n\n"
        f"bob → ada  {AT} · 1.3 s · eliza · 1,200 tokens in, 34 out · cost $0.0012\n  Hi.\n\n"
        "summary\n  They met.\n\n"
        "in all\n  turns   2\n  time    1.3 s\n  tokens  1,234 (1,200 in, 34 out)\n  cost    $0.0012\n"
        "  eliza: 9 tokens in, unknown out, cost unknown\n"
    )


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (Usage(), "tokens unknown · cost unknown"),
        (Usage(prompt_tokens=3), "3 tokens in, unknown out · cost unknown"),
        (Usage(total_tokens=7, estimated=True, cost=0.0), "7 tokens (estimated) · cost $0.00"),
        (Usage(prompt_tokens=0, completion_tokens=0, cost=2e-7), "0 tokens in, 0 out · cost less than $0.000001"),
        (Usage(prompt_tokens=1, completion_tokens=2, cost=1234.5), "1 tokens in, 2 out · cost $1,234.50"),
        (Usage(prompt_tokens=1, completion_tokens=2, cost=0.1), "1 tokens in, 2 out · cost $0.10"),
    ],
)
def test_what_is_not_known_is_called_unknown_and_an_estimate_an_estimate(usage: Usage, words: str) -> None:
    assert printed(said("x", usage=usage)).splitlines()[0] == f"ada → bob  {AT} · {words}"


def test_a_turn_that_asked_no_model_speaks_of_no_tokens() -> None:
    assert printed(said("x")).splitlines()[0] == f"ada → bob  {AT}"
    assert totals_of(said("x")) == {"turns": "1", "time": "0.000 s"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0001, "under 1 ms"), (0.012, "0.012 s"), (4.24, "4.2 s"), (200.4, "3 min 20 s")],
)
def test_seconds_are_told_as_exactly_as_they_matter(seconds: float, words: str) -> None:
    assert printed(said("x", seconds=seconds)).splitlines()[0].endswith(f" · {words}")


def test_totals_tell_what_they_leave_out() -> None:
    known = said("x", usage=Usage(prompt_tokens=1, completion_tokens=2, cost=0.25))
    cached = said("x", usage=Usage(prompt_tokens=1, completion_tokens=2, cost=0.25), cached=True)
    unknown = said("x", usage=Usage())
    free = said("x", usage=Usage(prompt_tokens=1, completion_tokens=0, cost=0.0, estimated=True))

    assert totals_of(known, unknown)["tokens"] == "3, and unknown in 1 turn"
    assert totals_of(known, unknown)["cost"] == "$0.25, and unknown in 1 turn"
    assert totals_of(unknown, unknown)["tokens"] == "unknown"
    assert totals_of(unknown, unknown)["cost"] == "unknown"
    assert totals_of(free)["cost"] == "$0.00"
    assert totals_of(known, cached)["cost"] == "$0.50; not from the cache: $0.25"
    assert totals_of(known, free)["tokens"] == "4 (2 in, 2 out), 1 turn estimated"


def test_the_time_of_a_chat_runs_from_the_beginning_of_the_first_turn() -> None:
    assert totals_of(said("a", time=100.0, seconds=5.0), said("b", time=130.0))["time"] == "35.0 s"


def test_tools_are_called_with_arguments_and_answer_under_their_names() -> None:
    calls = [call("weather", '{"city":"Rome"}', "c1"), call("clock", "", "c2"), call("broken", '{"a": ', "c3")]
    asked = turn({"role": "assistant", "content": "Let me look.", "tool_calls": calls})
    results = [{"tool_call_id": "c1", "role": "tool", "content": "sunny"}, {"tool_call_id": "c9", "content": "lost"}]
    answered = turn({"role": "tool", "content": "sunny\n\nlost", "tool_responses": results})
    old = turn({"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": '{"x": 1}'}})
    old_answer = turn({"role": "function", "name": "f", "content": "2"})

    assert body(asked, answered, old, old_answer) == [
        *("  Let me look.", "  calls weather", '    {"city": "Rome"}', "  calls clock"),
        *("  calls broken", '    {"a": ', ""),
        *("  weather gave", "    sunny", "  c9 gave", "    lost", ""),
        *("  calls f", '    {"x": 1}', ""),
        *("  f gave", "    2"),
    ]


def test_long_arguments_take_a_line_each() -> None:
    arguments = {"city": "R" * 100, "days": 3}

    assert body(turn({"tool_calls": [call("weather", arguments)]})) == [
        *("  calls weather", "    {", f'      "city": "{"R" * 100}",', '      "days": 3', "    }"),
    ]


def test_pictures_are_named_by_what_they_are_and_never_poured_out() -> None:
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "image_url", "image_url": "data:image/svg+xml;base64," + "A" * 4_000_000},
        {"type": "image_url", "image_url": {"url": "https://example.org/" + "x" * 1000}},
        {"type": "input_audio", "input_audio": {"data": "A" * 2000}},
    ]

    lines = body(said(parts))

    assert lines[:3] == ["  Look:", "  [image/png, 8 bytes]", "  [image/svg+xml, 3.0 MB]"]
    assert lines[3] == f"  [image at https://example.org/{'x' * 100}…]"
    assert lines[4].startswith("  [input_audio: 2.1 kB]")


def test_things_that_are_no_text_are_named_and_never_opened() -> None:
    class Array:
        shape = (4, 3)

    assert body(said([PurePosixPath("/no/such.png"), Array(), 7])) == [
        "  [PurePosixPath /no/such.png]",
        "  [Array 4 × 3]",
        "  [int]",
    ]


def test_texts_are_cut_on_request_and_tell_how_much_is_missing() -> None:
    turns = [said("x" * 2010), turn({"tool_calls": [call("f", "y" * 20)]}), turn({"role": "tool", "content": "z" * 20})]

    assert body(*turns, longest=10) == [
        *(f"  {'x' * 10}… (2,000 more characters)", ""),
        *("  calls f", f"    {'y' * 10}… (10 more characters)", ""),
        *("  ? gave", f"    {'z' * 10}… (10 more characters)"),
    ]
    assert body(said("x" * 2010)) == [f"  {'x' * 2010}"]


def test_what_an_agent_says_cannot_pass_for_a_turn_of_another() -> None:
    text = printed(said(f"bye\n\nbob → ada  {AT}\nyes", sender="ada\nbob → ada"))

    assert [line for line in text.splitlines() if line.startswith(("ada", "bob"))] == [f"ada bob → ada → bob  {AT}"]


def test_words_that_are_only_passed_on_are_not_shown_again() -> None:
    message = {"role": "user", "name": "ada", "content": "hi"}

    turns = [turn(message), turn(message, sender="manager", recipient="bob", asks=False)]

    assert body(*turns) == ["  hi"]
    assert totals_of(*turns)["turns"] == "1"


def test_a_message_without_content_says_so() -> None:
    assert body(said(None), said("")) == ["  (no content)", "", "  (no content)"]


def test_an_odd_message_is_shown_and_breaks_nothing() -> None:
    odd = {"content": 7, "tool_calls": [3, {"function": None}, {"function": {}}], "tool_responses": "x"}

    assert body(turn(odd)) == ["  7", "  calls ?", "    None", "  calls ?"]


def test_the_default_stream_is_used_where_none_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    print_transcript([said("hi")])

    assert capsys.readouterr().out.startswith(f"ada → bob  {AT}\n  hi\n")


def test_only_the_console_is_coloured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")

    print_transcript([said("hi"), said("ho", sender="bob", recipient="ada")], stream=IOStream.get_global_default())

    assert "\x1b" not in printed(said("hi"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("\x1b[1m\x1b[33mada\x1b[0m → \x1b[1m\x1b[36mbob\x1b[0m")
    assert lines[3].startswith("\x1b[1m\x1b[36mbob\x1b[0m → \x1b[1m\x1b[33mada\x1b[0m")


# --- lines ---


def test_lines_are_broken_at_spaces_and_code_stays_whole() -> None:
    text = "one two three four five\n```\na line of code that is longer than that\n```\nsix seven eight nine ten"

    assert body(said(text), width=20) == [
        *("  one two three four", "  five"),
        *("  ```", "  a line of code that is longer than that", "  ```"),
        *("  six seven eight", "  nine ten"),
    ]


@pytest.mark.parametrize(
    ("line", "room", "expected"),
    [
        ("", 5, [""]),
        ("abcde", 5, ["abcde"]),
        ("abcdef", 5, ["abcde", "f"]),
        ("ab cdef", 5, ["ab", "cdef"]),
        ("abcde fg", 5, ["abcde", "fg"]),
        ("世界世界", 5, ["世界", "世界"]),
        ("e\u0301" * 5, 5, ["e\u0301" * 5]),
        ("世", 1, ["世"]),
    ],
)
def test_a_line_is_broken_by_the_columns_it_takes(line: str, room: int, expected: list[str]) -> None:
    assert list(break_line(line, room)) == expected


@given(st.text(alphabet="ab 世\u0301", max_size=60), st.integers(2, 20))
def test_breaking_a_line_loses_spaces_only(line: str, room: int) -> None:
    broken = list(break_line(line, room))

    assert "".join(broken).replace(" ", "") == line.replace(" ", "")
    assert len(line) - sum(map(len, broken)) <= len(broken) - 1
    assert all(len(each.replace("\u0301", "")) + each.count("世") <= room for each in broken)


def test_pictures_in_memory_are_named_and_not_looked_into() -> None:
    array = np.zeros((2, 3, 3), np.uint8)

    assert body(said(array)) == ["  [ndarray 2 × 3 × 3]"]
    assert body(said([{"type": "image", "image": array}, "a"])) == ["  [ndarray 2 × 3 × 3]", "  a"]
    assert body(said(Path("shot.png"))) == [f"  [{type(Path()).__name__} shot.png]"]
