"""Tokens: estimated and marked so, counted where a tokenizer was given, and no window is a KeyError."""

from collections.abc import Iterator
from typing import Any

import pytest

from modelport.agents import tokens
from modelport.agents.tokens import (
    count_token,
    describe_model,
    get_max_token_limit,
    num_tokens_from_functions,
    percentile_used,
    token_left,
)
from modelport.errors import ConfigError

MESSAGES = [{"role": "user", "name": "ann", "content": "one two three", "tool_calls": [{"a": 1}], "refusal": None}]


@pytest.fixture(autouse=True)
def _nothing_is_described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tokens, "_described", {})
    monkeypatch.setattr(tokens, "_warned", set())
    return iter([None])


@pytest.mark.parametrize(
    ("model", "limit"),
    [("gpt-4", 8192), ("gpt4", 8192), ("gpt-35-turbo", 16_385), ("gpt35-turbo-16k", 16_385), ("gpt-4o-mini", 128_000)],
)
def test_windows_of_autogens_models_are_known(model: str, limit: int) -> None:
    assert get_max_token_limit(model) == limit
    assert not getattr(get_max_token_limit(model), "estimated", None)


def test_r10_the_window_of_an_own_model_is_assumed_and_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    limits = [get_max_token_limit("my-model") for _ in range(3)]

    assert limits == [4096] * 3
    assert getattr(limits[0], "estimated", None) is True
    assert [record.message for record in caplog.records] == [
        "the window of my-model is not known and taken for 4096 tokens: call describe_model(max_tokens=…)"
    ]


def test_a_described_model_is_known(caplog: pytest.LogCaptureFixture) -> None:
    describe_model("my-model", max_tokens=100)
    describe_model("my-model", encode=str.split)

    assert get_max_token_limit("my-model") == 100
    assert count_token("one two three", "my-model") == 3
    assert token_left("one two three", "my-model") == 97
    assert percentile_used("one two three", "my-model") == 0.03
    assert str(count_token("one two three", "my-model")) == repr(count_token("one two three", "my-model")) == "3"
    assert caplog.records == []


def test_no_window_is_less_than_one_token() -> None:
    with pytest.raises(ConfigError, match="max_tokens of mine must be a positive number of tokens, got 0"):
        describe_model("mine", max_tokens=0)


def test_r11_an_estimate_says_so() -> None:
    count = count_token("x" * 400)

    assert count == 100
    assert repr(count) == "100 (estimated)"
    assert f"{count} {count:d}" == "100 100"
    assert getattr(token_left("x" * 400), "estimated", None) is True
    assert count + 1 == 101


def test_text_of_other_alphabets_takes_more() -> None:
    assert count_token("世界世界") > count_token("abcd")


def test_messages_are_counted_with_what_is_around_them() -> None:
    describe_model("mine", encode=str.split)

    # 3 around the message, 1 for the name, 3 for the answer; "user", "ann", 3 words, and the calls as JSON
    assert count_token(MESSAGES, "mine") == 7 + 1 + 1 + 3 + 2
    assert count_token(MESSAGES[0], "mine") == count_token(MESSAGES, "mine")


def test_what_has_no_text_is_not_counted() -> None:
    describe_model("mine", encode=str.split)

    assert count_token([{"content": object()}], "mine") == 6


@pytest.mark.parametrize("wrong", [None, 5, ["text"], {1, 2}])
def test_what_is_no_message_is_a_value_error(wrong: object) -> None:
    with pytest.raises(ValueError, match="input must be str, list or dict, but we got"):
        count_token(wrong)


def test_functions_are_counted_as_autogen_does() -> None:
    describe_model("gpt-4", encode=str.split)
    functions: list[dict[str, Any]] = [
        {
            "name": "f x",
            "description": "a b c",
            "parameters": {
                "type": "object",
                "properties": {
                    "q": {"type": "string", "description": "d d d"},
                    "e": {"type": "string", "enum": ["a", "b"]},
                },
            },
        },
        {"name": "g", "description": "h"},
        {"name": "g", "description": "h", "parameters": {"properties": {}}},
    ]

    assert num_tokens_from_functions(functions, "gpt-4") == 53  # AutoGen's own number, with the same tokenizer
