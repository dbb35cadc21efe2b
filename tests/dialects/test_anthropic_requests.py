"""Requests in Anthropic's Messages: what becomes of each field, and the way there and back."""

import json
from typing import Any

import msgspec
import pytest
from anthropic.types import message_create_params
from hypothesis import given, strategies as st
from msgspec.structs import replace

from modelport.dialects.anthropic_messages import DIALECT, FATES
from modelport.dialects.anthropic_messages.asking import MessagesAsked
from modelport.dialects.anthropic_messages.wire import CountRequest, WireRequest
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import (
    ChatRequest,
    FunctionCall,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
ASK = ChatRequest(messages=(Message("user", "hello"),), model="m", max_tokens=9)
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
PNG = "iVBORw0KGgo="


def asked(**fields: Any) -> MessagesAsked:
    return DIALECT.decode_request(json.dumps({"max_tokens": 9, "messages": HELLO, **fields}).encode())


def decoded(**fields: Any) -> ChatRequest:
    return asked(**fields).request


def turns(*messages: Any) -> tuple[Message, ...]:
    return tuple(decoded(messages=messages).messages)


def refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        asked(**fields)
    return caught.value


# --- fates ----------------------------------------------------------------------------------------------------------


def test_the_table_of_fates_has_every_field_that_the_decoder_knows() -> None:
    assert set(FATES) == set(WireRequest.__struct_fields__)
    assert set(CountRequest.__struct_fields__) < set(FATES)


def test_the_table_of_fates_has_every_field_that_anthropic_publishes() -> None:
    published = set(message_create_params.MessageCreateParamsNonStreaming.__annotations__)
    for base in (message_create_params.MessageCreateParamsBase, message_create_params.MessageCreateParamsStreaming):
        published |= set(base.__annotations__)
    headers = {"user_profile_id", "workspace_id"}

    assert published - headers <= set(FATES)


@pytest.mark.parametrize("field", [name for name, fate in FATES.items() if fate.startswith("rejected")])
@pytest.mark.parametrize("value", [{}, "x", 1, ["x"], True])
def test_a_rejected_field_is_named_with_its_reason(field: str, value: Any) -> None:
    error = refused(**{field: value})

    assert type(error) is UnsupportedField
    assert error.param == field
    assert FATES[field].removeprefix("rejected: ") in error.message


@pytest.mark.parametrize("field", [name for name, fate in FATES.items() if fate.startswith("rejected")])
def test_null_in_a_rejected_field_asks_for_nothing(field: str) -> None:
    assert decoded(**{field: None}) == decoded()


@pytest.mark.parametrize(
    "fields",
    [
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"service_tier": "standard_only"},
        {"speed": "standard"},
        {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "adaptive", "display": "summarized"}},
        {"tools": []},
        {"stop_sequences": []},
        {"metadata": {"user_id": None}},
        {"output_config": {}},
    ],
    ids=str,
)
def test_advice_changes_nothing(fields: dict[str, Any]) -> None:
    assert decoded(**fields) == decoded()


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"temperature": 0.5}, "temperature", 0.5),
        ({"top_p": 0.5}, "top_p", 0.5),
        ({"top_k": 5}, "extra", {"top_k": 5}),
        ({"stop_sequences": ["a", "b"]}, "stop", ("a", "b")),
        ({"metadata": {"user_id": "me"}}, "user", "me"),
        ({"max_tokens": 3}, "max_tokens", 3),
        ({"model": "x"}, "model", "x"),
        ({"output_config": {"effort": "xhigh"}}, "reasoning_effort", "xhigh"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            "response_format",
            ResponseFormat("json_schema", json_schema=SCHEMA),
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            "extra",
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        ),
    ],
    ids=str,
)
def test_an_honoured_field_becomes_one_of_ours(fields: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(decoded(**fields), name) == value


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": HELLO}, "max_tokens"),
        ({"max_tokens": 9}, "messages"),
        ({"max_tokens": 9, "messages": []}, "messages"),
        ({"max_tokens": 0, "messages": HELLO}, "max_tokens"),
        ({"max_tokens": 9, "messages": HELLO, "temperature": 1.5}, "temperature"),
        ({"max_tokens": 9, "messages": HELLO, "stop_sequences": "x"}, "stop_sequences"),
        ({"max_tokens": 9, "messages": HELLO, "metadata": {"team": "x"}}, "metadata.team"),
        ({"max_tokens": 9, "messages": HELLO, "service_tier": "priority"}, "service_tier"),
        ({"max_tokens": 9, "messages": HELLO, "speed": "fast"}, "speed"),
        ({"max_tokens": 9, "messages": HELLO, "n": 2}, "n"),
        ({"max_tokens": 9, "messages": HELLO, "system": [{"type": "image"}]}, "system[0].type"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.decode_request(json.dumps(body).encode())

    assert caught.value.param == param


def calling(arguments: bytes) -> bytes:
    """A request in which an assistant called a tool with these *arguments*."""
    block = b'{"type": "tool_use", "id": "t", "name": "f", "input": ' + arguments + b"}"
    return b'{"max_tokens": 9, "messages": [{"role": "assistant", "content": [' + block + b"]}]}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b"\xff\xfe",
        b'{"max_tokens": 9, "messages": [{"role": "user", "content": "\xed\xa0\x80"}]}',
        b'{"max_tokens": 9, "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"max_tokens": 9, "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        calling(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        calling(b'{"a": "\\ud800"}'),
        calling(b'{"a": "\xed\xa0\x80"}'),
    ],
    ids=lambda body: str(body[:120]),
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.decode_request(body)

    assert len(caught.value.message) < 500


# --- messages -------------------------------------------------------------------------------------------------------


def test_the_system_prompt_is_the_first_message() -> None:
    blocks = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}]

    assert decoded(system="be kind").messages[0] == Message("system", "be kind")
    assert decoded(system=blocks[:1]).messages[0] == Message("system", "a")
    assert decoded(system=blocks).messages[0] == Message("system", (TextPart("a"), TextPart("b")))
    assert len(decoded(system=[]).messages) == len(decoded(system="").messages) == 1


def test_an_image_is_a_data_url() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}

    [message] = turns({"role": "user", "content": [{"type": "text", "text": "what?"}, image]})

    assert message.content == (TextPart("what?"), ImagePart(f"data:image/png;base64,{PNG}"))


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"type": "image", "source": {"type": "url", "url": "http://169.254.169.254/"}}, ".source"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, ".source"),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}, ".type"),
        ({"type": "redacted_thinking", "data": "x"}, ".type"),
        ({"type": "web_search_tool_result", "tool_use_id": "t", "content": []}, ".type"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else value,
)
def test_what_no_model_here_can_read_is_refused_by_name(block: Any, param: str) -> None:
    error = refused(messages=[{"role": "user", "content": [{"type": "text", "text": "x"}, block]}])

    assert type(error) is UnsupportedField
    assert error.param == f"messages[0].content[1]{param}"


def test_results_of_tools_become_messages_before_the_rest() -> None:
    result: Any = {"type": "tool_result", "tool_use_id": "t1", "content": "5"}
    wrong = {"type": "tool_result", "tool_use_id": "t2", "is_error": True, "content": [{"type": "text", "text": "no"}]}
    nothing = {"type": "tool_result", "tool_use_id": "t3"}

    messages = turns({"role": "user", "content": [result, wrong, nothing, {"type": "text", "text": "and?"}]})

    assert messages == (
        Message("tool", "5", tool_call_id="t1"),
        Message("tool", "no", tool_call_id="t2", extra={"is_error": True}),
        Message("tool", "", tool_call_id="t3"),
        Message("user", "and?"),
    )


def test_an_assistants_turn_is_one_message() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "let me see", "citations": None},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {"x": 1}, "caller": {"type": "direct"}},
    ]

    [message] = turns({"role": "assistant", "content": blocks})

    call = ToolCall("t1", FunctionCall("add", '{"x": 1}'))
    assert message == Message("assistant", "let me see", tool_calls=(call,), reasoning="hm")


def test_signed_thoughts_go_on_to_a_model_that_asks_anthropic_in_its_turn() -> None:
    signed = {"type": "thinking", "thinking": "hm", "signature": "s"}

    [message] = turns({"role": "assistant", "content": [signed, {"type": "text", "text": "x"}]})

    assert (message.reasoning, message.extra) == ("hm", {"thinking_blocks": [signed]})
    sent = json.loads(DIALECT.encode_request(ChatRequest(messages=(message,)), stream=False))
    assert sent["messages"][0]["content"][0] == signed


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("user", {"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        ("user", {"type": "thinking", "thinking": "x", "signature": ""}),
        ("assistant", {"type": "tool_result", "tool_use_id": "t", "content": "x"}),
        ("assistant", {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}),
        ("system", {"type": "tool_result", "tool_use_id": "t", "content": "x"}),
        ("system", {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}),
    ],
)
def test_content_of_another_role_is_refused(role: str, block: Any) -> None:
    error = refused(messages=[{"role": role, "content": [block]}])

    assert error.param == "messages[0].content[0]"


@pytest.mark.parametrize("value", ["[]", "1", '"x"', "null"])
def test_a_calls_input_is_an_object(value: str) -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": json.loads(value)}

    error = refused(messages=[{"role": "assistant", "content": [block]}])

    assert error.param == "messages[0].content[0].input"


def test_a_result_after_words_is_refused() -> None:
    blocks = [{"type": "text", "text": "x"}, {"type": "tool_result", "tool_use_id": "t", "content": "x"}]

    assert refused(messages=[{"role": "user", "content": blocks}]).param == "messages[0].content[1]"
    assert refused(messages=[{"role": "user", "content": []}]).param == "messages[0].content"


# --- tools ----------------------------------------------------------------------------------------------------------

TOOL = {"name": "add", "description": "adds", "input_schema": SCHEMA}


def test_tools_are_functions() -> None:
    request = decoded(tools=[TOOL, {**TOOL, "name": "sub", "type": "custom", "strict": True}])

    assert request.tools == (Tool("add", "adds", SCHEMA), Tool("sub", "adds", SCHEMA, strict=True))


@pytest.mark.parametrize(
    ("choice", "becomes", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any"}, "required", None),
        ({"type": "none"}, "none", None),
        ({"type": "tool", "name": "add"}, NamedTool("add"), None),
        ({"type": "auto", "disable_parallel_tool_use": True}, "auto", False),
        ({"type": "any", "disable_parallel_tool_use": False}, "required", None),
    ],
    ids=str,
)
def test_a_choice_of_tools_is_ours(choice: Any, becomes: Any, parallel: bool | None) -> None:
    request = decoded(tools=[TOOL], tool_choice=choice)

    assert (request.tool_choice, request.parallel_tool_calls) == (becomes, parallel)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]}, "tools[0].type"),
        ({"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, "tools[1].type"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [{**TOOL, "input_examples": [{"x": 1}]}]}, "tools[0].input_examples"),
        ({"tools": [{**TOOL, "allowed_callers": ["code_execution_20260120"]}]}, "tools[0].allowed_callers"),
        ({"tools": [{"name": "x"}]}, "tools[0].input_schema"),
        ({"tools": [TOOL, TOOL]}, "tools[1].name"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "sub"}}, "tool_choice"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
    ],
    ids=str,
)
def test_a_tool_that_cannot_be_kept_is_named(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).param == param


# --- counting -------------------------------------------------------------------------------------------------------


def test_what_is_counted_needs_no_max_tokens() -> None:
    body = json.dumps({"model": "m", "messages": HELLO, "system": "be kind", "tools": [TOOL]}).encode()

    request = DIALECT.decode_count(body)

    assert request == ChatRequest(
        messages=(Message("system", "be kind"), *ASK.messages), model="m", tools=(Tool("add", "adds", SCHEMA),)
    )
    assert json.loads(DIALECT.encode_count(5, estimated=True)) == {
        "input_tokens": 5,
        "modelport": {"usage_estimated": True},
    }
    assert json.loads(DIALECT.encode_count(5, estimated=False)) == {"input_tokens": 5}


def test_a_field_that_says_nothing_about_a_prompt_is_refused_when_counting() -> None:
    with pytest.raises(InvalidRequest, match="temperature"):
        DIALECT.decode_count(json.dumps({"messages": HELLO, "temperature": 0}).encode())


# --- there and back -------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
TEXTS = TEXT | st.lists(st.builds(TextPart, TEXT), min_size=2, max_size=3).map(tuple)
IMAGES = st.builds(ImagePart, st.sampled_from([f"data:image/png;base64,{PNG}", "data:image/webp;base64,AAAA"]))
PARTS: st.SearchStrategy[tuple[Part, ...]] = st.tuples(st.builds(TextPart, TEXT), IMAGES)
ARGUMENTS = st.dictionaries(TEXT, st.integers() | TEXT, max_size=2).map(json.dumps)
CALLS = st.builds(ToolCall, TEXT, st.builds(FunctionCall, TEXT, ARGUMENTS))
MESSAGES = st.one_of(
    st.builds(Message, st.just("user"), TEXTS | PARTS),
    st.builds(Message, st.just("system"), TEXTS),
    st.builds(
        Message,
        st.just("assistant"),
        TEXTS,
        tool_calls=st.none() | st.lists(CALLS, min_size=1, max_size=2).map(tuple),
        reasoning=st.none() | TEXT,
    ),
    st.builds(
        Message,
        st.just("tool"),
        TEXTS | PARTS,
        tool_call_id=TEXT,
        extra=st.none() | st.just({"is_error": True}),
    ),
)
NAMES = st.sampled_from(["add", "sub", "mul"])
TOOLS = st.lists(NAMES, min_size=1, max_size=3, unique=True).map(
    lambda names: tuple(Tool(name, "does it", SCHEMA) for name in names)
)
SETTINGS = st.fixed_dictionaries(
    {"max_tokens": st.integers(1, 2**31 - 1)},
    optional={
        "model": TEXT,
        "temperature": st.floats(0, 1),
        "top_p": st.floats(0, 1),
        "stop": st.lists(TEXT, min_size=1, max_size=3).map(tuple),
        "tools": TOOLS,
        "user": TEXT,
        "reasoning_effort": st.sampled_from(["low", "max"]),
        "response_format": st.just(ResponseFormat("json_schema", json_schema=SCHEMA)),
        "extra": st.fixed_dictionaries({"top_k": st.integers(0, 9)}),
    },
)


@given(st.lists(MESSAGES, min_size=1, max_size=5), SETTINGS, st.booleans())
def test_a_request_is_read_as_it_was_written(messages: list[Message], settings: dict[str, Any], stream: bool) -> None:
    request = ChatRequest(messages=tuple(messages), **settings)

    if tuple(message.role for message in messages) == ("system",):
        return  # the wire has no conversation without a turn
    there = DIALECT.decode_request(DIALECT.encode_request(request, stream=stream))

    assert there.request == request
    assert there.stream is stream


@pytest.mark.parametrize("choice", ["auto", "none", "required", NamedTool("add")])
@pytest.mark.parametrize("parallel", [None, False])
def test_a_choice_of_tools_is_read_as_it_was_written(choice: Any, parallel: bool | None) -> None:
    request = replace(ASK, tools=(Tool("add", None, SCHEMA),), tool_choice=choice, parallel_tool_calls=parallel)

    there = DIALECT.decode_request(DIALECT.encode_request(request, stream=False)).request

    assert there.tool_choice == choice
    assert there.parallel_tool_calls == (None if choice == "none" else parallel)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"seed": 1},
        {"presence_penalty": 1.0},
        {"frequency_penalty": 1.0},
        {"logit_bias": {"1": 2.0}},
        {"logprobs": True},
        {"top_logprobs": 2},
        {"metadata": {"a": "b"}},
        {"temperature": 1.5},
        {"reasoning_effort": "minimal"},
        {"response_format": ResponseFormat("json_object")},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_the_wire_has_no_place_for_is_refused_by_name(fields: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedField) as caught:
        DIALECT.encode_request(replace(ASK, **fields), stream=False)

    assert caught.value.param == next(iter(fields))


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (Message("user", "x", name="ann"), "messages[0].name"),
        (Message("function", "x"), "messages[0].role"),
        (Message("assistant", None, function_call=FunctionCall("f", "{}")), "messages[0].function_call"),
        (Message("tool", "x"), "messages[0].tool_call_id"),
        (Message("user", None), "messages[0].content"),
        (Message("user", (ImagePart(b"bytes"),)), "messages[0].content"),
        (Message("user", (ImagePart("data:text/plain,x"),)), "messages[0].content"),
        (
            Message("assistant", None, tool_calls=(ToolCall("t", FunctionCall("f", "nonsense")),)),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_that_the_wire_cannot_carry_is_refused_by_name(message: Message, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.encode_request(replace(ASK, messages=(message,)), stream=False)

    assert caught.value.param == param


def test_what_asks_for_nothing_is_left_out() -> None:
    asks_nothing = replace(ASK, n=1, logprobs=False, presence_penalty=0, metadata={}, max_tokens=None)

    body = json.loads(DIALECT.encode_request(asks_nothing, stream=False))

    assert body == {"max_tokens": DIALECT.max_tokens, "model": "m", "messages": HELLO}


def test_an_image_elsewhere_is_asked_for_by_its_url() -> None:
    message = Message("user", (ImagePart("https://example.org/a.png"), ReasoningPart("hm")))

    body = msgspec.json.decode(DIALECT.encode_request(replace(ASK, messages=(message,)), stream=False))

    assert body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "thinking", "thinking": "hm", "signature": ""},
    ]


def test_a_tool_that_is_wrong_is_told_of_where_the_body_holds_a_number_that_nobody_can_read_too() -> None:
    body = b'{"max_tokens":9,"messages":[],"tools":[{"name":"a","input_schema":{},"description":1e999}]}'

    with pytest.raises(InvalidRequest) as caught:
        DIALECT.decode_request(body)

    assert caught.value.param == "tools[0].description"
