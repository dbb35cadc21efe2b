"""Python callers with wrong things in every place: one of modelport's errors, which says what to do."""

from typing import Any

import pytest

from modelport import Client, as_model, autogen, load
from modelport.errors import ModelportError

TURN = [{"role": "user", "content": "hi"}]
WRONG: dict[str, Any] = {
    "true": True,
    "minus one": -1,
    "nan": float("nan"),
    "infinity": float("inf"),
    "ten to 30": 10**30,
    "no text": "",
    "a word": "x",
    "a nul": "\0",
    "half a character": "\ud800",
    "an empty list": [],
    "a list of none": [None],
    "a list of numbers": [1],
    "a list of lists": [[]],
    "an empty dict": {},
    "a dict": {"a": 1},
    "a dict of numbers": {1: 2},
    "a tuple": (1,),
    "bytes": b"x",
    "an object": object(),
    "a set": {1},
    "a class": int,
    "an error": ValueError("e"),
}
FIELDS = [
    "messages",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "user",
    "metadata",
    "stream_options",
    "functions",
    "function_call",
    "context",
    "filter_func",
    "cache",
    "never_heard_of",
    "model",
]
ENTRY = [
    "provider",
    "spec",
    "base_url",
    "api_key",
    "api_type",
    "api_version",
    "price",
    "timeout",
    "max_retries",
    "api_rate_limit",
    "tags",
    "model_client_cls",
    "label",
    "temperature",
    "max_tokens",
    "n",
    "stop",
    "seed",
    "never_heard_of",
]


def fine(messages: Any, **params: Any) -> str:
    return "fine"


def is_ours(call: Any, what: str) -> None:
    """Whether *call* works, or fails with an error of ours that says something."""
    try:
        call()
    except ModelportError as error:
        said = error.message
    except FileNotFoundError as error:  # what AutoGen raises for a config list that is nowhere
        said = str(error)
        assert "list" in what
    else:
        return
    assert len(said) > 10, what


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a text may be taken for the name of a file


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_any_field_of_a_call(value: Any) -> None:
    client, plain = Client(model=fine), Client(model=as_model(lambda messages: "fine", name="plain"))

    for field in FIELDS:
        if (field == "cache" and value == "\ud800") or (field == "filter_func" and value is int):
            continue  # Python's own complaint, about a path and about the arguments of what the user gave
        is_ours(lambda field=field: client.create(**{"messages": TURN, field: value}), field)
        is_ours(lambda field=field: list(plain.create(**{"messages": TURN, field: value, "stream": True})), field)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_any_part_of_a_message(value: Any) -> None:
    client = Client(model="eliza")
    messages: dict[str, Any] = {
        "a message": value,
        "content": {"role": "user", "content": value},
        "a part": {"role": "user", "content": [value]},
        "role": {"role": value, "content": "hi"},
        "name": {"role": "user", "content": "hi", "name": value},
        "a url": {"role": "user", "content": [{"type": "image_url", "image_url": {"url": value}}]},
        "tool calls": {"role": "assistant", "content": None, "tool_calls": value},
    }

    for what, message in messages.items():
        is_ours(lambda message=message: client.create(messages=[message]), what)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_any_field_of_an_entry(value: Any) -> None:
    for field in ENTRY:
        is_ours(lambda field=field: Client(config_list=[{"model": fine, field: value}]).create(messages=TURN), field)


@pytest.mark.parametrize("value", [each for each in WRONG.values() if each != "\ud800"], ids=repr)
def test_any_config_list(value: Any) -> None:
    calls: dict[str, Any] = {
        "config_list": lambda: Client(config_list=value),
        "an entry of a config list": lambda: Client(config_list=[value]),
        "AutoGen's config_list": lambda: autogen.OpenAIWrapper(config_list=value),
        "a list to filter": lambda: autogen.filter_config(value, {"model": ["a"]}),
        "a filter of a list": lambda: autogen.filter_config([{"model": "a"}], value),
        "a value of a filter of a list": lambda: autogen.filter_config([{"model": "a"}], {"model": value}),
        "a list in a file": lambda: autogen.config_list_from_json(value),
    }

    for what, call in calls.items():
        is_ours(call, what)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_anything_as_a_model(value: Any) -> None:
    is_ours(lambda: as_model(value), "as_model")
    is_ours(lambda: load(value), "load")
    is_ours(lambda: Client(model=value).create(messages=TURN), "model")
    is_ours(lambda: Client(model=fine, fallback_on=value), "fallback_on")
    is_ours(lambda: Client(config_list=[{"model_client_cls": "X"}]).register_model_client(value), "a class")


def test_half_a_character_where_there_can_be_none_is_named_with_the_mend() -> None:
    with pytest.raises(ModelportError, match=r"^temperature holds half a character .* or leave them out with"):
        Client(model=fine).create(messages=TURN, temperature="\ud800")


def test_a_filter_that_cannot_be_called_is_named() -> None:
    with pytest.raises(ModelportError, match=r"filter_func must be callable as filter_func\(context=…, response=…\)"):
        Client(model=fine, filter_func=3).create(messages=TURN)  # type: ignore[arg-type]


def test_a_class_of_errors_that_is_none_is_named() -> None:
    with pytest.raises(ModelportError, match="fallback_on must be a class of errors, or several, got 3"):
        Client(model=fine, fallback_on=3)  # type: ignore[arg-type]
