"""Calls between DeepSeek's marks, in the form of V3.1 and in that of V3 and R1."""

from typing import Any

import pytest

from modelport.toolcalls.deepseek import DeepSeekParser
from tests.toolcalls.reading import read

BEGIN, END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
NEW = '<｜tool▁call▁begin｜>look<｜tool▁sep｜>{"city": "Oslo"}<｜tool▁call▁end｜>'
OLD = '<｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n{"city": "Oslo"}\n```<｜tool▁call▁end｜>'
OSLO = ("look", '{"city": "Oslo"}')


@pytest.mark.parametrize("one", [NEW, OLD])
def test_calls_of_both_forms_are_found(one: str) -> None:
    assert read(DeepSeekParser, BEGIN + one + END) == [OSLO]
    assert read(DeepSeekParser, BEGIN + one + one + END) == [OSLO, OSLO]
    assert read(DeepSeekParser, f"{BEGIN}{one}\n{one}\n{END}") == [OSLO, OSLO]
    assert read(DeepSeekParser, f"{BEGIN}\n{one}{END}\nMore") == [OSLO, "\nMore"]
    assert read(DeepSeekParser, f"I will look.{BEGIN}{one}{END}") == ["I will look.", OSLO]
    assert read(DeepSeekParser, one) == [OSLO]
    assert read(DeepSeekParser, f"{one}\nMore") == [OSLO, "\nMore"]


@pytest.mark.parametrize("one", [NEW, OLD])
def test_the_last_marks_may_be_cut_off(one: str) -> None:
    whole = BEGIN + one + END

    assert [read(DeepSeekParser, whole[: -len(END) - cut]) for cut in range(len("<｜tool▁call▁end｜>"))] == [
        [OSLO]
    ] * 17
    assert read(DeepSeekParser, whole[:-1]) == [OSLO]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜>", [("f", "{}")]),
        (f"{BEGIN}{NEW}{NEW[:30]}{END}", [OSLO, f"{NEW[:30]}{END}"]),
        (f"{BEGIN}{BEGIN}{NEW}{END}", [BEGIN, OSLO]),
    ],
)
def test_calls_are_found(text: str, found: list[Any]) -> None:
    assert read(DeepSeekParser, text) == found


@pytest.mark.parametrize(
    "text",
    [
        BEGIN,
        BEGIN + END,
        f"{BEGIN}words{END}",
        "<｜tool▁call▁begin｜>look",
        "<｜tool▁call▁begin｜>look<｜tool▁sep｜>",
        "<｜tool▁call▁begin｜>look it up<｜tool▁sep｜>{}<｜tool▁call▁end｜>",
        "<｜tool▁call▁begin｜><｜tool▁sep｜>{}<｜tool▁call▁end｜>",
        '<｜tool▁call▁begin｜>look<｜tool▁sep｜>{"a": 1',
        '<｜tool▁call▁begin｜>look<｜tool▁sep｜>{"a": 1} and more<｜tool▁call▁end｜>',
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n{}<｜tool▁call▁end｜>",
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n[1]\n```<｜tool▁call▁end｜>",
        '<|tool_call_begin|>look<|tool_sep|>{"a": 1}<|tool_call_end|>',
    ],
)
def test_what_only_looks_like_a_call_is_given_back_untouched(text: str) -> None:
    assert read(DeepSeekParser, text) == read(DeepSeekParser, *text) == [text]
