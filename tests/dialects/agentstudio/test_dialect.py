"""AgentStudio's wire: requests to values, answers to what AgentStudio reads, and both back."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, strategies as st

from modelport.dialects.agentstudio import DIALECT, FATES
from modelport.dialects.base import Asked
from modelport.errors import InvalidRequest, ModelError, ProtocolError, UnsupportedField
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    ImagePart,
    Message as ChatMessage,
    Messages,
    TextPart,
    Usage,
)
from tests.dialects.agentstudio.studio import Message, packed, studio_installed, unpacked

PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.from_regex(r"\w+", fullmatch=True).filter(lambda name: name not in FATES)


@pytest.fixture(autouse=True)
def studio() -> Iterator[None]:
    with studio_installed():
        yield


def asked(messages: Any, **fields: Any) -> ChatRequest:
    return DIALECT.decode_request(msgspec.json.encode({"model": "m", "messages": packed(messages), **fields})).request


def answer(text: str | None = "hello", usage: Usage | None = None, **fields: Any) -> ChatResponse:
    message = ChatMessage("assistant", text)
    return ChatResponse(id="x", model="m", created=1, choices=(Choice(0, message, "stop"),), usage=usage, **fields)


def told(response: ChatResponse) -> tuple[Any, Any]:
    body = json.loads(DIALECT.encode_response(Asked(request=asked([Message("user", "hi")])), response))
    return unpacked(body["message"]), unpacked(body["info"])


# --- requests ---------------------------------------------------------------------------------------------------------


def test_messages_become_turns_and_neighbours_of_one_role_are_one() -> None:
    said = [Message("system", "Look."), Message("user", "What is"), Message("user", PICTURE), Message("assistant", "?")]

    request = asked(said)

    assert request.model == "m"
    assert [message.role for message in request.messages] == ["system", "user", "assistant"]
    assert request.messages[0].content == "Look."
    parts = request.messages[1].content
    assert isinstance(parts, tuple)
    assert parts[0] == TextPart("What is")
    assert isinstance(parts[1], ImagePart)
    assert np.array_equal(parts[1].image, PICTURE)


def test_messages_may_be_dicts() -> None:
    request = asked([{"role": "user", "content": "hi"}])

    assert tuple(request.messages) == (ChatMessage("user", "hi"),)


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("hi", "messages"),
        (None, "messages"),
        ({"role": "user"}, "messages"),
        (["hi"], "messages[0]"),
        ([{"role": "user"}], "messages[0]"),
        ([{"role": "user", "content": "x", "name": "y"}], "messages[0]"),
        ([Message("user", "x"), Message("nobody", "x")], "messages[1].role"),
        ([Message(["user"], "x")], "messages[0].role"),  # type: ignore[arg-type]
        ([Message("user", None)], "messages[0].content"),
        ([Message("user", ["x"])], "messages[0].content"),
        ([Message("user", pathlib.Path("/etc/passwd"))], "messages[0].content"),
        ([Message("user", print)], "messages"),
    ],
)
def test_other_messages_are_refused_by_name(messages: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(messages)

    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"model": "m"}', b'{"messages": ""}', b"[" * 100_000])
def test_other_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(body)


@pytest.mark.parametrize("messages", ["", "?", "AA", "gASVBQ==\n", packed([1])[:-4]])
def test_what_is_no_whole_pickle_in_base64_is_refused(messages: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.decode_request(msgspec.json.encode({"model": "m", "messages": messages}))

    assert caught.value.param == "messages"


@given(st.dictionaries(NAMES, st.none() | st.integers(), min_size=1))
def test_every_field_that_is_in_no_row_is_refused_by_name(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked([{"role": "user", "content": "hi"}], **fields)

    assert caught.value.param in fields


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), TEXTS), min_size=1))
def test_a_request_that_is_asked_is_the_one_that_is_read(said: list[tuple[str, str]]) -> None:
    messages = tuple(ChatMessage(role, text) for role, text in said if role)  # type: ignore[arg-type]

    body = DIALECT.encode_request(ChatRequest(messages=messages, model="m"), stream=False)

    assert unpacked(json.loads(body)["messages"]) == [Message(*one) for one in said]
    read = DIALECT.decode_request(body).request.messages
    flat = [
        (turn.role, part)
        for turn in read
        for part in ([turn.content] if isinstance(turn.content, str) else texts(turn))
    ]
    assert flat == said


def texts(turn: ChatMessage) -> list[str]:
    return [part.text for part in turn.content or () if isinstance(part, TextPart)]


@pytest.mark.parametrize("array", [PICTURE, np.float32(1) * PICTURE.T, np.array(5), np.zeros((0, 3)), PICTURE > 3])
def test_arrays_that_are_asked_about_are_numpys_own_again(array: Any) -> None:
    array = np.asarray(array)
    request = ChatRequest(messages=(ChatMessage("user", (ImagePart(array), TextPart("x"))),), model="m")

    body = DIALECT.encode_request(request, stream=False)

    sent = unpacked(json.loads(body)["messages"])[0].content
    content = DIALECT.decode_request(body).request.messages[0].content
    assert isinstance(content, tuple)
    assert isinstance(content[0], ImagePart)
    for read in (sent, content[0].image):
        assert read.dtype == array.dtype
        assert np.array_equal(read, array)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (ChatRequest(messages=(ChatMessage("user", "x"),), temperature=1.0), "temperature"),
        (ChatRequest(messages=(ChatMessage("user", "x"),), stop=("x",)), "stop"),
        (ChatRequest(messages=(ChatMessage("user", "x", name="me"),)), "messages[0].name"),
        (ChatRequest(messages=(ChatMessage("user", (ImagePart(pathlib.Path("x")),)),)), "messages[0].content[0]"),
        (ChatRequest(messages=Messages([{"role": "user", "content": "x", "name": "me"}])), "messages[0].name"),
    ],
)
def test_what_the_wire_has_no_place_for_is_not_asked(request_: ChatRequest, param: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        DIALECT.encode_request(request_, stream=False)

    assert caught.value.param == param


def test_there_are_no_streams() -> None:
    request = ChatRequest(messages=(ChatMessage("user", "x"),))

    for use in (
        lambda: DIALECT.encode_request(request, stream=True),
        lambda: DIALECT.stream_encoder(Asked(request=request), "m"),
        DIALECT.stream_decoder,
    ):
        with pytest.raises(UnsupportedField, match="no streams"):
            use()


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_answer_is_text_and_counts_that_can_be_summed() -> None:
    text, info = told(answer(usage=Usage(3, 4, cost=0.5)))

    assert text == "hello"
    assert info == {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
        "estimated": False,
        "model": "m",
        "cost": 0.5,
    }


def test_a_count_that_is_not_known_is_an_estimate_of_none() -> None:
    text, info = told(answer(text=None))

    assert text == ""
    assert (info["total_tokens"], info["estimated"]) == (0, True)


def test_what_a_model_tells_of_itself_goes_along_where_it_is_plain() -> None:
    own = {
        "total_tokens": 9,
        "score": 1.5,
        "tags": ["a", {"b": b"c"}],
        "big": 2**70,
        "thing": object(),
        "none": None,
        5: 6,
    }
    own["itself"] = own

    _, info = told(answer(usage=Usage(total_tokens=9), raw=("hello", own)))

    assert info["total_tokens"] == 9
    assert (info["score"], info["tags"], info["big"]) == (1.5, ["a", {"b": b"c"}], 2**70)
    assert set(info) & {"thing", "none", "itself", 5} == set()


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**1000), 2**1000) | st.floats(allow_nan=False) | TEXTS | st.binary(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(TEXTS, st.dictionaries(st.just("own") | TEXTS, PLAIN))
def test_python_reads_what_is_answered_as_it_was_meant(text: str, own: dict[str, Any]) -> None:
    said, info = told(answer(text=text, raw=(text, own)))

    assert said == text
    counted = {"prompt_tokens", "completion_tokens", "total_tokens", "estimated", "model", "cost"}
    assert {name: info.get(name) for name in own if name not in counted} == {
        name: value for name, value in own.items() if name not in counted
    }


@given(
    TEXTS, st.none() | st.builds(Usage, st.integers(0, 2**40), st.integers(0, 2**40), cost=st.none() | st.floats(0, 9))
)
def test_an_answer_that_is_read_is_the_one_that_was_given(text: str, usage: Usage | None) -> None:
    body = DIALECT.encode_response(Asked(request=asked([Message("user", "hi")])), answer(text=text, usage=usage))

    read = DIALECT.decode_response(body)

    assert (read.text, read.model) == (text, "m")
    assert read.usage == (Usage(0, 0, estimated=True) if usage is None else usage)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        msgspec.json.encode({"message": packed("x"), "info": "?"}),
        msgspec.json.encode({"message": packed(1), "info": packed({})}),
        msgspec.json.encode({"message": packed("x"), "info": packed([])}),
        msgspec.json.encode({"message": packed("x"), "info": packed({"x": print})}),
    ],
)
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"one of AgentStudio's"):
        DIALECT.decode_response(body)


def test_errors_are_told_and_read_again() -> None:
    body = DIALECT.encode_error(InvalidRequest("so and so", param="messages"))

    read = DIALECT.decode_error(400, body, {})

    assert (type(read), read.message, read.param) == (InvalidRequest, "so and so", "messages")
    assert type(DIALECT.decode_error(500, b"oh", {})) is ModelError
