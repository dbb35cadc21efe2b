"""Keys of requests."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace
from PIL import Image

from modelport.storage.keys import Uncacheable, content_key, conversation_key, key_of
from modelport.types import ChatRequest, ImagePart, Message, Tool, request_from_params

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
requests = st.builds(
    ChatRequest,
    messages=st.lists(st.builds(Message, st.just("user"), st.text()), min_size=1, max_size=3).map(tuple),
    model=st.none() | st.text(),
    temperature=st.none() | st.floats(0, 2),
    n=st.none() | st.integers(1, 8),
    stop=st.none() | st.lists(st.text(), max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 1000),
    extra=st.none() | st.dictionaries(st.text(), plain, max_size=3),
)
CHANGES: dict[str, Any] = {
    "messages": (Message("user", "quite another thing"),),
    "model": "another \x00 model",
    "n": 77,
    "temperature": 1.987654321,
    "top_p": 0.987654321,
    "max_tokens": 123_456,
    "stop": ("\x01stop",),
    "seed": 123_456_789,
    "presence_penalty": 1.2345,
    "frequency_penalty": 1.2345,
    "logit_bias": {"50256": -100.0},
    "logprobs": True,
    "top_logprobs": 19,
    "tools": (Tool("f"),),
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {"type": "json_object"},
    "reasoning_effort": "high",
    "user": "somebody",
    "metadata": {"k": "v"},
    "extra": {"\x02": 1},
}


def copied(value: Any) -> Any:
    """The same content in other objects, dicts in the other order."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in reversed(value.items())}
    return [copied(item) for item in value] if isinstance(value, list) else value


@given(requests)
def test_the_same_content_has_the_same_key(request: ChatRequest) -> None:
    again = replace(request, messages=list(request.messages), extra=copied(request.extra))

    assert key_of(request, "m") == key_of(again, "m")


@given(request=requests, field=st.sampled_from(sorted(CHANGES)))
def test_any_changed_field_has_another_key(request: ChatRequest, field: str) -> None:
    assert key_of(request, "m") != key_of(replace(request, **{field: CHANGES[field]}), "m")


def test_every_field_of_a_request_is_among_those_changed() -> None:
    assert set(CHANGES) == set(ChatRequest.__struct_fields__)


@given(requests)
def test_another_model_has_another_key(request: ChatRequest) -> None:
    assert key_of(request, "m") != key_of(request, "m2")


@given(one=plain, other=plain)
def test_only_equal_content_shares_a_key(one: Any, other: Any) -> None:
    if repr(copied(one)) != repr(copied(other)) and one != other:
        assert content_key(one) != content_key(other)


def test_dicts_and_values_have_one_key() -> None:
    given_dicts = request_from_params({"messages": [{"role": "user", "content": "hi"}], "temperature": 1})

    assert key_of(given_dicts, "m") == key_of(ChatRequest(messages=(Message("user", "hi"),), temperature=1.0), "m")


def image_key(image: Any) -> bytes:
    return key_of(ChatRequest(messages=(Message("user", (ImagePart(image),)),)), "m")


def test_an_array_counts_by_its_content() -> None:
    one = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)

    assert image_key(one) == image_key(one.copy())
    assert image_key(one) == image_key(np.asfortranarray(one))
    assert image_key(one) != image_key(one + 1)
    assert image_key(one) != image_key(one.reshape(4, 1, 3))
    assert image_key(one) != image_key(one.astype(np.int8))


def test_an_image_counts_by_its_content() -> None:
    red, blue = Image.new("RGB", (2, 2), "red"), Image.new("RGB", (2, 2), "blue")

    assert image_key(red) == image_key(red.copy())
    assert len({image_key(each) for each in (red, blue, red.convert("L"), red.resize((4, 1)))}) == 4


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    one, same, other = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    one.write_bytes(b"a")
    same.write_bytes(b"a")
    other.write_bytes(b"b")

    assert image_key(one) == image_key(same)
    assert image_key(one) != image_key(other)
    assert image_key(one) != image_key(b"a")


def test_a_missing_file_has_no_key(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        image_key(tmp_path / "nothing")


@pytest.mark.parametrize("thing", [object(), np.array([object()]), print, {1j}], ids=repr)
def test_what_has_no_content_has_no_key(thing: Any) -> None:
    with pytest.raises(Uncacheable):
        image_key(thing)


def said(count: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{number} {'x' * 500}"} for number in range(count)]


@pytest.mark.parametrize("count", [14, 15, 16, 100, 3000])
def test_a_conversation_that_goes_on_has_the_key_of_one_that_is_new(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = said(count)
    keys = [conversation_key(history, "m")]
    for more in ("a", "b"):
        history.append({"role": "user", "content": more})
        keys.append(conversation_key(history, "m"))

    monkeypatch.setattr("modelport.storage.keys._lately", ())
    anew = [conversation_key(history[: count + more], "m") for more in (0, 1, 2)]

    assert keys == anew
    assert len(set(keys)) == 3


@pytest.mark.parametrize("at", [0, 50, -1])
def test_a_message_that_was_changed_changes_the_key(at: int) -> None:
    history = said(100)
    before = conversation_key(history, "m")

    history[at]["content"] += "!"

    assert conversation_key(history, "m") != before
    history[at]["content"] = history[at]["content"][:-1]
    assert conversation_key(history, "m") == before


def test_where_the_messages_end_is_part_of_the_key() -> None:
    assert conversation_key(["a", "b"], "m") != conversation_key(["a"], "m")
    assert conversation_key([], ["a"]) != conversation_key(["a"], [])
    assert conversation_key(["a"], "m") != conversation_key(["a"], "n")
