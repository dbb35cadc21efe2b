from typing import Any

import pytest
from hypothesis import given, strategies as st

from modelport.model import generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    Message,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from modelport.wrappers.honouring import honour
from modelport.wrappers.shortening import first_bytes

ASK = ChatRequest(messages=(Message("user", "hi"),), max_tokens=2)  # of an estimated four bytes each


def ask(events: list[Event], **fields: Any) -> tuple[ChatResponse, ScriptedModel]:
    model = ScriptedModel(events, accepts=())
    request = ChatRequest(messages=ASK.messages, **{"max_tokens": 2, **fields})
    return run(generate(honour(model), request), suspends=False), model


def test_an_answer_is_cut_at_the_bound_and_says_so() -> None:
    answer, model = ask(reply("abcd", "efgh", "i"))

    assert answer.text == "abcdefgh"
    assert answer.choices[0].finish_reason == "length"
    assert answer.emulated == ("max_tokens",)
    assert model.requests[0].max_tokens is None
    assert model.open == 0


@pytest.mark.parametrize("text", ["", "a", "abcdefgh"])
def test_an_answer_within_the_bound_is_whole(text: str) -> None:
    answer, _ = ask(reply(text))

    assert (answer.text, answer.choices[0].finish_reason) == (text, "stop")


def test_no_character_is_cut_in_two() -> None:
    answer, _ = ask(reply("世界世界"))

    assert answer.text == "世界"


def test_thoughts_count() -> None:
    answer, _ = ask([ReasoningDelta("abcdef"), TextDelta("gh"), TextDelta("i"), Finish(), Usage(1, 1)])

    assert (answer.message.reasoning, answer.text) == ("abcdef", "gh")
    assert answer.choices[0].finish_reason == "length"


def test_a_call_of_a_tool_that_is_cut_is_not_an_ordinary_one() -> None:
    answer, _ = ask([ToolCallDelta(0, "c", "add", '{"a": 12345}'), Finish("tool_calls")])

    assert answer.message.tool_calls is not None
    assert answer.message.tool_calls[0].arguments == '{"a":'
    assert answer.choices[0].finish_reason == "length"


def test_each_choice_has_a_bound_of_its_own() -> None:
    answer, _ = ask(reply("abcdefghi"), n=2)

    assert [choice.message.text for choice in answer.choices] == ["abcdefgh", "abcdefgh"]
    assert set(answer.emulated) == {"max_tokens", "n"}


def test_a_stop_sequence_is_looked_for_first() -> None:
    answer, _ = ask(reply("abX", "defghijkl"), stop=("X",))

    assert (answer.text, answer.choices[0].finish_reason) == ("ab", "stop")


def test_nothing_is_cut_where_nobody_asks() -> None:
    answer, _ = ask(reply("abcdefghijkl"), max_tokens=None)

    assert (answer.text, answer.emulated) == ("abcdefghijkl", ())


@given(st.lists(st.text(max_size=5), max_size=6), st.integers(1, 5))
def test_what_is_kept_is_the_beginning_and_never_more_than_the_bound(texts: list[str], most: int) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]

    answer, _ = ask(reply(*texts), max_tokens=most)

    said = "".join(texts)
    assert said.startswith(answer.text)
    assert answer.text == first_bytes(said, most * 4)
    assert (answer.choices[0].finish_reason == "length") is (len(said.encode()) > most * 4)
