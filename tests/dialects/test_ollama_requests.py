"""Ollama's requests: what reaches a model, what is refused by name, and that both ends agree."""

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from modelport.dialects import _ollama_asking as asking
from modelport.dialects.ollama import DIALECT as CHAT, FATES, OPTIONS
from modelport.dialects.ollama_generate import DIALECT as GENERATE, FATES as GENERATE_FATES
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.media import encode_png
from modelport.types import (
    ChatRequest,
    FunctionCall,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)

HELLO = [{"role": "user", "content": "hi"}]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


def chat(**fields: Any) -> Any:
    return CHAT.decode_request(msgspec.json.encode({"model": "m", "messages": HELLO, **fields}))


def generate(**fields: Any) -> Any:
    return GENERATE.decode_request(msgspec.json.encode({"model": "m", "prompt": "hi", **fields}))


# --- fields -----------------------------------------------------------------------------------------------------------


def test_a_stream_is_what_is_asked_unless_it_is_said_otherwise() -> None:
    assert (chat().stream, chat(stream=True).stream, chat(stream=None).stream, chat(stream=False).stream) == (
        True,
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("option", "value", "field", "kept"),
    [
        ("temperature", 0.5, "temperature", 0.5),
        ("top_p", 0.5, "top_p", 0.5),
        ("seed", 7, "seed", 7),
        ("stop", ["a", "b"], "stop", ("a", "b")),
        ("stop", "a", "stop", ("a",)),
        ("stop", [], "stop", None),
        ("presence_penalty", 1, "presence_penalty", 1),
        ("frequency_penalty", -1, "frequency_penalty", -1),
        ("num_predict", 9, "max_tokens", 9),
        ("num_predict", -1, "max_tokens", None),
        ("top_k", 3, "extra", {"top_k": 3}),
        ("min_p", 0.1, "extra", {"min_p": 0.1}),
        ("num_ctx", 4096, "extra", {"num_ctx": 4096}),
        ("penalize_newline", False, "extra", {"penalize_newline": False}),
        ("temperature", None, "temperature", None),
        ("num_gpu", None, "extra", None),
    ],
)
def test_an_option_reaches_the_model_under_its_name(option: str, value: Any, field: str, kept: Any) -> None:
    for ask in (chat, generate):
        assert getattr(ask(options={option: value}).request, field) == kept


@pytest.mark.parametrize("option", [name for name, fate in OPTIONS.items() if fate.startswith("rejected")])
def test_an_option_of_loading_is_refused_by_name(option: str) -> None:
    with pytest.raises(UnsupportedField, match="operator") as caught:
        chat(options={option: 1})

    assert caught.value.param == f"options.{option}"


def test_every_option_has_one_way_and_only_one() -> None:
    honoured = {name for name, fate in OPTIONS.items() if fate.startswith("honoured")}

    assert honoured == {*asking._OWN, *asking._Known.__struct_fields__}
    assert not set(asking._OWN) & set(asking._Known.__struct_fields__)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"no_such": 1}, "options.no_such"),
        ({"temperature": 3}, "options.temperature"),
        ({"temperature": "hot"}, "options.temperature"),
        ({"stop": [1]}, "options.stop[0]"),
        ({"num_predict": 0}, "options.num_predict"),
        ({"num_predict": -2}, "options.num_predict"),
        ({"top_k": 0.5}, "options.top_k"),
        ({"num_ctx": "4k"}, "options.num_ctx"),
        ({"mirostat_tau": {"a": 1}}, "options.mirostat_tau"),
        ("hot", "options"),
    ],
)
def test_an_option_that_is_wrong_is_refused_by_name(options: Any, param: str) -> None:
    for ask in (chat, generate):
        with pytest.raises(InvalidRequest) as caught:
            ask(options=options)
        assert caught.value.param == param


def test_forms_become_response_formats() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}

    assert chat(format="json").request.response_format == ResponseFormat("json_object")
    assert chat(format=schema).request.response_format == ResponseFormat("json_schema", "answer", schema)
    assert chat(format="").request.response_format is None
    with pytest.raises(InvalidRequest, match="format"):
        chat(format="xml")


@pytest.mark.parametrize(
    ("think", "effort", "thoughts"),
    [(None, None, True), (True, "medium", True), ("low", "low", True), ("high", "high", True), (False, None, False)],
)
def test_thinking_is_asked_for_and_can_be_left_out(think: Any, effort: str | None, thoughts: bool) -> None:
    asked = chat(think=think)

    assert (asked.request.reasoning_effort, asked.thoughts) == (effort, thoughts)


@pytest.mark.parametrize("keep", ["5m", "1h30m", "-1", -1, 300, "1.5s", "10", None])
def test_a_model_is_kept_for_as_long_as_anybody_asks(keep: Any) -> None:
    assert chat(keep_alive=keep).request == chat().request


@pytest.mark.parametrize("keep", [0, "0", "0s", 0.0, "0h0m", "soon", "", "5 m", "m", "1" * 1000 + "x"])
def test_a_model_is_not_unloaded_for_anybody(keep: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat(keep_alive=keep)

    assert caught.value.param == "keep_alive"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"suffix": "x"}, "suffix"),
        ({"template": "{{ .Prompt }}"}, "template"),
        ({"context": [1]}, "context"),
        ({"raw": True}, "raw"),
    ],
)
def test_a_rejected_field_is_refused_by_name_and_passes_where_it_asks_nothing(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(UnsupportedField) as caught:
        generate(**fields)

    assert caught.value.param == param
    [value] = fields.values()
    assert generate(**{param: type(value)()}).request == generate().request
    assert GENERATE_FATES[param].startswith("rejected: ")


def test_every_field_of_a_table_is_one_that_the_decoder_knows() -> None:
    for ask, fates in ((chat, FATES), (generate, GENERATE_FATES)):
        for field in fates:
            wrong = 5 if field == "options" else {"no": 5}
            try:
                ask(**{field: wrong})
            except InvalidRequest as error:
                said = error.message
            else:
                said = ""
            assert "known here" not in said


@pytest.mark.parametrize("field", ["no_such_field", "n", "tool_choice", "images", "prompt", "_debug"])
def test_a_field_of_no_row_is_refused_by_name(field: str) -> None:
    with pytest.raises(InvalidRequest, match=field) as caught:
        chat(**{field: 1})

    assert caught.value.param == field


def test_latest_is_part_of_no_name() -> None:
    assert chat(model="eliza:latest").request.model == "eliza"


# --- messages ---------------------------------------------------------------------------------------------------------


def test_pictures_come_before_the_text_and_tell_what_they_are() -> None:
    message = chat(messages=[{"role": "user", "content": "What?", "images": [PNG]}]).request.messages[0]

    assert message.content == (ImagePart(f"data:image/png;base64,{PNG}"), TextPart("What?"))
    assert generate(images=[PNG]).request.messages[0].content[0] == message.content[0]


@pytest.mark.parametrize("image", ["", "?", "AAAA", "https://example.org/x.png", f"data:image/png;base64,{PNG}"])
def test_what_is_no_picture_in_base64_is_refused(image: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat(messages=[{"role": "user", "content": "x", "images": [PNG, image]}])

    assert caught.value.param == "messages[0].images[1]"


def call(name: str, *, id: str | None = None, **arguments: Any) -> dict[str, Any]:  # noqa: A002
    made: dict[str, Any] = {"function": {"name": name, "arguments": arguments}}
    return made if id is None else {**made, "id": id}


def test_results_of_tools_find_their_calls() -> None:
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [call("a", x=1), call("b"), call("a", x=2)]},
        {"role": "tool", "content": "for b", "tool_name": "b"},
        {"role": "tool", "content": "for the first a"},
        {"role": "tool", "content": "for the second a", "tool_name": "a"},
        {"role": "assistant", "tool_calls": [call("a", id="mine")]},
        {"role": "tool", "content": "named", "tool_call_id": "mine"},
    ]

    read = chat(messages=messages).request.messages

    assert read[1].tool_calls == (
        ToolCall("call_1", FunctionCall("a", '{"x":1}')),
        ToolCall("call_2", FunctionCall("b", "{}")),
        ToolCall("call_3", FunctionCall("a", '{"x":2}')),
    )
    assert [message.tool_call_id for message in read if message.role == "tool"] == [
        "call_2",
        "call_1",
        "call_3",
        "mine",
    ]


def test_results_whose_calls_lost_their_ids_are_those_of_the_oldest_calls() -> None:
    messages = [
        {"role": "assistant", "content": "", "tool_calls": [call("a"), call("b"), call("c", id="mine")]},
        {"role": "tool", "content": "for a", "tool_call_id": "call_of_litellm"},
        {"role": "tool", "content": "for b", "tool_call_id": "another"},
    ]

    read = chat(messages=messages).request.messages

    assert [message.tool_call_id for message in read if message.role == "tool"] == ["call_1", "call_2"]
    with pytest.raises(InvalidRequest, match=r"messages\[3\] is the result of no call"):
        chat(messages=[*messages, {"role": "tool", "content": "for c", "tool_call_id": "not mine"}])


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "tool", "content": "x"}, "messages[1]"),
        ({"role": "tool", "content": "x", "tool_name": "a"}, "messages[1]"),
        ({"role": "tool", "content": "x", "tool_call_id": "a"}, "messages[1]"),
        ({"role": "user"}, "messages[1].content"),
        ({"role": "user", "content": "x", "tool_calls": [call("a")]}, "messages[1].tool_calls"),
        ({"role": "user", "content": "x", "thinking": "hm"}, "messages[1].thinking"),
        ({"role": "assistant", "content": "x", "images": [PNG]}, "messages[1].images"),
        ({"role": "user", "content": "x", "tool_name": "a"}, "messages[1].tool_name"),
        ({"role": "developer", "content": "x"}, "messages[1].role"),
        ({"role": "user", "content": [{"type": "text", "text": "x"}]}, "messages[1].content"),
        ({"role": "user", "content": "x", "name": "me"}, "messages[1].name"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}, None),
    ],
)
def test_a_message_that_is_wrong_is_refused_by_name(message: dict[str, Any], param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat(messages=[*HELLO, message])

    assert caught.value.param == (param or "messages[1].tool_calls[0].function.arguments")


def test_nothing_to_answer_is_refused() -> None:
    for ask, fields, param in ((chat, {"messages": []}, "messages"), (generate, {"prompt": ""}, "prompt")):
        with pytest.raises(InvalidRequest, match="loaded already") as caught:
            ask(**fields)
        assert caught.value.param == param


@pytest.mark.parametrize("name", ["", "x" * 257])
def test_a_tool_has_a_name(name: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 256"):
        chat(tools=[{"type": "function", "function": {"name": name}}])


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="two tools"):
        chat(tools=[{"type": "function", "function": {"name": "a"}}] * 2)


def test_thousands_of_calls_are_paired_in_a_moment() -> None:
    calls = [call("a") for _ in range(20_000)]
    results = [{"role": "tool", "content": "x", "tool_name": "a"} for _ in calls]

    read = chat(messages=[*HELLO, {"role": "assistant", "tool_calls": calls}, *results]).request.messages

    assert read[-1].tool_call_id == "call_20000"


# --- both ends --------------------------------------------------------------------------------------------------------

SAID = st.sampled_from(["system", "user", "assistant"])


@given(st.lists(st.builds(Message, SAID, TEXTS), min_size=1, max_size=4))
def test_a_conversation_is_read_as_it_was_asked(said: list[Message]) -> None:
    body = CHAT.encode_request(ChatRequest(messages=tuple(said), model="m"), stream=True)

    assert tuple(CHAT.decode_request(body).request.messages) == tuple(said)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "temperature": st.floats(0, 2),
            "top_p": st.floats(0, 1),
            "seed": st.integers(-(2**40), 2**40),
            "max_tokens": st.integers(1, 2**30),
            "stop": st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
            "presence_penalty": st.floats(-2, 2),
            "response_format": st.just(ResponseFormat("json_object")),
            "reasoning_effort": st.sampled_from(["low", "medium", "high"]),
            "extra": st.just({"top_k": 3, "min_p": 0.5}),
        },
    )
)
def test_settings_are_read_as_they_were_asked(fields: dict[str, Any]) -> None:
    request = ChatRequest(messages=(Message("user", "hi"),), model="m", **fields)

    for dialect in (CHAT, GENERATE):
        assert dialect.decode_request(dialect.encode_request(request, stream=False)).request == request


def test_a_whole_request_is_read_as_it_was_asked() -> None:
    picture = "data:image/png;base64," + base64.b64encode(encode_png_of()).decode()
    schema = {"type": "object"}
    request = ChatRequest(
        model="m",
        messages=(
            Message("system", "Be brief."),
            Message("user", (ImagePart(picture), TextPart("What?"))),
            Message("assistant", None, tool_calls=(ToolCall("c1", FunctionCall("look", '{"at":1}')),), reasoning="hm"),
            Message("tool", "a cat", tool_call_id="c1"),
        ),
        tools=(Tool("look", "Looks.", {"type": "object"}),),
        response_format=ResponseFormat("json_schema", "answer", schema),
    )

    read = CHAT.decode_request(CHAT.encode_request(request, stream=True)).request

    given = request.messages[2]
    assert read.messages[2] == Message("assistant", "", tool_calls=given.tool_calls, reasoning="hm")
    assert [read.messages[at] for at in (0, 1, 3)] == [request.messages[at] for at in (0, 1, 3)]
    assert (read.tools, read.response_format) == (request.tools, request.response_format)


def encode_png_of() -> bytes:
    import numpy as np

    return encode_png(np.zeros((2, 2, 3), np.uint8))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logit_bias": {"1": 1.0}}, "logit_bias"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"user": "me"}, "user"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"extra": {"verbosity": "low"}}, "verbosity"),
        ({"messages": (Message("user", "x", name="me"),)}, None),
        ({"messages": (Message("function", "x", name="f"),)}, None),
        ({"messages": (Message("user", (ImagePart("https://example.org/x.png"),)),)}, "messages[0].content[0]"),
    ],
)
def test_what_the_wire_has_no_place_for_is_not_asked(fields: dict[str, Any], param: str | None) -> None:
    request = ChatRequest(**{"messages": (Message("user", "hi"),), **fields})

    for dialect in (CHAT, GENERATE):
        with pytest.raises(UnsupportedField) as caught:
            dialect.encode_request(request, stream=False)
        assert param is None or caught.value.param == param


def test_a_prompt_is_no_conversation() -> None:
    two = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))

    with pytest.raises(UnsupportedField, match="/api/chat"):
        GENERATE.encode_request(ChatRequest(messages=two), stream=False)
    asked = GENERATE.decode_request(
        GENERATE.encode_request(ChatRequest(messages=(Message("system", "s"), Message("user", "u"))), stream=False)
    )
    assert tuple(asked.request.messages) == (Message("system", "s"), Message("user", "u"))
