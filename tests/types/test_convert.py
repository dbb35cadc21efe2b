from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from modelport.errors import InvalidRequest
from modelport.types import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    message_to_dict,
    messages_from,
    messages_to_dicts,
    params_from_request,
    request_from_params,
)

ASK = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def test_the_callers_own_dicts_come_back_by_reference() -> None:
    theirs = {"role": "user", "content": "hi", "their_key": object()}

    messages = messages_from([theirs])

    assert messages_to_dicts(messages)[0] is theirs
    assert messages[0].extra == {"their_key": theirs["their_key"]}


def test_the_list_that_a_model_gets_is_not_the_callers_list() -> None:
    theirs = [{"role": "user", "content": "hi"}]

    messages_to_dicts(messages_from(theirs)).append({"role": "assistant", "content": "added by the model"})

    assert len(theirs) == 1


@pytest.mark.parametrize(
    "image",
    [Path("shot.png"), np.zeros((2, 3, 3), np.uint8), Image.new("RGB", (2, 2)), b"\x89PNG"],
    ids=lambda image: type(image).__name__,
)
@pytest.mark.parametrize("shape", ["bare", "in a list", "as a part", "as a value"])
def test_an_image_is_taken_in_every_shape_and_held_by_reference(image: Any, shape: str) -> None:
    content = {
        "bare": image,
        "in a list": [image],
        "as a part": [{"type": "image", "image": image}],
        "as a value": [ImagePart(image)],
    }[shape]

    [message] = messages_from([{"role": "user", "content": content}])

    assert isinstance(message.content, tuple)
    [part] = message.content
    assert isinstance(part, ImagePart)
    assert part.image is image


def test_openais_image_part_keeps_its_url_and_detail() -> None:
    given_part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}

    [message] = messages_from([{"role": "user", "content": [{"type": "text", "text": "see"}, given_part]}])

    assert message.content == (TextPart("see"), ImagePart("data:image/png;base64,AA==", detail="low"))
    assert message_to_dict(message)["content"] == [{"type": "text", "text": "see"}, given_part]


def test_one_text_is_a_users_turn() -> None:
    assert messages_from("hi") == (Message("user", "hi"),)


def test_a_message_may_be_any_object_with_a_role() -> None:
    assert messages_from([SimpleNamespace(role="user", content="hi")]) == (Message("user", "hi"),)


@pytest.mark.parametrize(
    ("params", "param", "text"),
    [
        ({}, "messages", "messages is missing: give a list of {'role': …, 'content': …}"),
        ({"messages": []}, "messages", "messages is empty: give at least one message"),
        ({"messages": 5}, "messages", "messages must be a list of messages, got int"),
        ({"messages": {"role": "user"}}, "messages", "messages must be a list of messages, got dict"),
        ({"messages": [5]}, "messages[0]", "messages[0] must be a dict with role and content, got int"),
        (
            {"messages": [{"role": "usr", "content": "x"}]},
            "messages[0].role",
            "messages[0].role must be one of system, developer, user, assistant, tool, function, got 'usr'",
        ),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "messages[0].role is missing"),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "messages[0].content",
            "messages[0].content must be text, an image or a list of parts, got int",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
            "messages[0].content[0]",
            (
                "messages[0].content[0] is not a content part: expected text, image_url, image, reasoning, or a Path, "
                "NumPy array or PIL image; got type 'video'"
            ),
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
            "messages[0].content[0].text",
            "messages[0].content[0].text must be text, got 5",
        ),
        ({"messages": ASK, "temperature": "hot"}, "temperature", "temperature must be a number, got text"),
        ({"messages": ASK, "temperature": -1}, "temperature", "temperature must be a number >= 0.0, got -1"),
        ({"messages": ASK, "n": 0}, "n", "n must be a whole number >= 1, got 0"),
        ({"messages": ASK, "n": 10**9}, "n", "n must be a whole number <= 128, got 1000000000"),
        ({"messages": ASK, "max_tokens": -5}, "max_tokens", "max_tokens must be a whole number >= 1, got -5"),
        ({"messages": ASK, "stop": 5}, "stop", "stop must be a list, got 5"),
        ({"messages": ASK, "tools": [{"type": "function"}]}, "tools[0].function", "tools[0].function is missing"),
        (
            {"messages": ASK, "tool_choice": "maybe"},
            "tool_choice",
            "tool_choice must be none, auto, required or one function, got 'maybe'",
        ),
    ],
)
def test_a_wrong_field_is_named_with_what_came(params: dict[str, Any], param: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        list(request_from_params(params).messages)

    assert caught.value.message == text
    assert caught.value.param == param


def test_openais_shapes_become_values_and_come_back() -> None:
    params = {
        "messages": ASK,
        "stop": "END",
        "max_completion_tokens": 9,
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        "top_k": 40,
    }

    request = request_from_params(params)

    assert request.stop == ("END",)
    assert request.max_tokens == 9
    assert request.tools == (Tool("add", parameters={"type": "object"}),)
    assert request.tool_choice == NamedTool("add")
    assert request.response_format == ResponseFormat("json_schema", "a", {"type": "object"})
    assert request.extra == {"top_k": 40}
    assert params_from_request(request) == {
        "stop": ["END"],
        "max_tokens": 9,
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        "top_k": 40,
    }


def test_messages_are_only_looked_into_when_they_are_read() -> None:
    theirs = {"role": "of their own", "content": object()}

    request = request_from_params({"messages": [theirs]})

    assert messages_to_dicts(request.messages) == [theirs]
    with pytest.raises(InvalidRequest):
        list(request.messages)


def test_none_means_not_set() -> None:
    assert request_from_params({"messages": ASK, "temperature": None, "n": None}) == request_from_params(
        {"messages": ASK}
    )


PLAIN_MESSAGES = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.text() | st.lists(st.builds(TextPart, st.text()), max_size=3).map(tuple),
    name=st.none() | st.text(),
    tool_call_id=st.none() | st.text(),
    reasoning=st.none() | st.text(),
    extra=st.none() | st.dictionaries(st.text(min_size=1).map("x_".__add__), st.integers(), min_size=1, max_size=2),
)


@given(st.lists(PLAIN_MESSAGES, min_size=1, max_size=4))
def test_messages_survive_becoming_dicts_and_coming_back(messages: list[Message]) -> None:
    dicts = [message_to_dict(message) for message in messages]

    assert messages_from(dicts) == tuple(messages)


@given(
    st.builds(
        ChatRequest,
        messages=st.just((Message("user", "hi"),)),
        n=st.none() | st.integers(1, 128),
        temperature=st.none() | st.floats(0, 2),
        stop=st.none() | st.lists(st.text(), max_size=3).map(tuple),
        seed=st.none() | st.integers(-(2**31), 2**31),
        tool_choice=st.sampled_from([None, "auto", NamedTool("f")]),
        parallel_tool_calls=st.none() | st.booleans(),
    )
)
def test_requests_survive_becoming_params_and_coming_back(request: ChatRequest) -> None:
    params = params_from_request(request)

    assert request_from_params({"messages": request.messages, **params}) == request
