"""What a chat-completions request may say, and how it is told what it may not."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat import DIALECT
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import (
    ChatRequest,
    FunctionCall,
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)

USER = {"role": "user", "content": "hi"}
PNG = "data:image/png;base64,iVBORw0KGgo="
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}


def ask(**fields: Any) -> Asked:
    return DIALECT.decode_request(json.dumps({"messages": [USER], **fields}).encode())


def refusal(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        ask(**fields)
    return caught.value


# --- honoured ---


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"model": "m"}, "model", "m"),
        ({"n": 3}, "n", 3),
        ({"temperature": 0}, "temperature", 0.0),
        ({"top_p": 0.5}, "top_p", 0.5),
        ({"max_tokens": 7}, "max_tokens", 7),
        ({"max_completion_tokens": 7}, "max_tokens", 7),
        ({"max_completion_tokens": 7, "max_tokens": 7}, "max_tokens", 7),
        ({"stop": "END"}, "stop", ("END",)),
        ({"stop": ["a", "b"]}, "stop", ("a", "b")),
        ({"stop": []}, "stop", None),
        ({"seed": -5}, "seed", -5),
        ({"presence_penalty": -2}, "presence_penalty", -2.0),
        ({"frequency_penalty": 1.5}, "frequency_penalty", 1.5),
        ({"logit_bias": {"50256": -100}}, "logit_bias", {"50256": -100.0}),
        ({"logprobs": False}, "logprobs", False),
        ({"tools": [TOOL]}, "tools", (Tool("add", parameters={"type": "object"}),)),
        ({"tools": []}, "tools", None),
        ({"tools": [TOOL], "tool_choice": "required"}, "tool_choice", "required"),
        ({"tool_choice": "auto"}, "tool_choice", "auto"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
            "tool_choice",
            NamedTool("add"),
        ),
        ({"tools": [TOOL], "parallel_tool_calls": False}, "parallel_tool_calls", False),
        ({"functions": [{"name": "add"}]}, "tools", (Tool("add"),)),
        ({"functions": [{"name": "add"}], "function_call": {"name": "add"}}, "tool_choice", NamedTool("add")),
        ({"functions": [{"name": "add"}], "function_call": "none"}, "tool_choice", "none"),
        ({"response_format": {"type": "text"}}, "response_format", ResponseFormat("text")),
        ({"response_format": {"type": "json_object"}}, "response_format", ResponseFormat("json_object")),
        ({"response_format": FORMAT}, "response_format", ResponseFormat("json_schema", "n", {"type": "object"}, True)),
        ({"reasoning_effort": "high"}, "reasoning_effort", "high"),
        ({"verbosity": "low"}, "extra", {"verbosity": "low"}),
        ({"user": "u"}, "user", "u"),
        ({"safety_identifier": "s"}, "user", "s"),
        ({"metadata": {"k": "v"}}, "metadata", {"k": "v"}),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else None,
)
def test_a_field_reaches_the_model(fields: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(ask(**fields).request, name) == value


def test_a_schemas_description_is_not_lost() -> None:
    inner = {"name": "n", "schema": {"type": "object"}, "description": "a thing"}

    form = ask(response_format={"type": "json_schema", "json_schema": inner}).request.response_format

    assert form is not None
    assert form.json_schema == {"description": "a thing", "type": "object"}


def test_streaming_and_its_options_are_told_apart_from_the_request() -> None:
    asked = ask(stream=True, stream_options={"include_usage": True, "include_obfuscation": False}, timeout=2.5)

    assert (asked.stream, asked.include_usage, asked.timeout) == (True, True, 2.5)
    assert asked.request == ChatRequest(messages=(Message("user", "hi"),))


@pytest.mark.parametrize(
    "fields",
    [
        {"store": False},
        {"store": None},
        {"modalities": ["text"]},
        {"service_tier": "auto"},
        {"service_tier": "default"},
        {"verbosity": "medium"},
        {"prompt_cache_key": "k"},
        {"prompt_cache_retention": "in_memory"},
        {"stream": False},
        {"stream": None},
        dict.fromkeys(("n", "audio", "prediction", "moderation", "tools", "stop", "logprobs", "web_search_options")),
    ],
    ids=json.dumps,
)
def test_a_field_that_asks_for_nothing_passes(fields: dict[str, Any]) -> None:
    asked = ask(**fields)

    assert asked.request == ask().request
    assert not asked.stream


# --- refused, by name ---


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"audio": {"voice": "x", "format": "wav"}}, "audio"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"prompt_cache_options": {"mode": "implicit"}}, "prompt_cache_options"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"store": True}, "store"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
        ({"messages": [{"role": "assistant", "content": "x", "audio": {"id": "a"}}]}, "messages[0].audio"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_that_cannot_be_kept_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    error = refusal(**fields)

    assert isinstance(error, UnsupportedField)
    assert error.param == param
    assert param in error.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"wat": 1}, "wat"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user", "content": "x", "wat": 1}]}, "messages[0].wat"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, "messages[0].content[0].type"),
        ({"messages": [USER, {"role": "assistant"}]}, "messages[1].content"),
        ({"messages": [USER, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].name"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": "x",
                        "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": ""}}],
                    }
                ]
            },
            "messages[0].tool_calls",
        ),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": -1}, "n"),
        ({"n": 129}, "n"),
        ({"n": 2.5}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"seed": 2**63}, "seed"),
        ({"stop": 5}, "stop"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"logit_bias": {"1": 101}}, "logit_bias[...]"),
        ({"logit_bias": [1]}, "logit_bias"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"modalities": ["text", "audio"]}, "modalities[1]"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"prompt_cache_retention": "24h"}, "prompt_cache_retention"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"verbosity": "loud"}, "verbosity"),
        ({"timeout": 0}, "timeout"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"wat": True}}, "stream_options.wat"),
        ({"stream": "yes"}, "stream"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        ({"tools": [TOOL, TOOL]}, "tools[1].function.name"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "sub"}}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": "always"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "functions": [{"name": "f"}]}, "functions"),
        ({"tools": [TOOL], "tool_choice": "auto", "function_call": "auto"}, "function_call"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}},
            "response_format.json_schema.name",
        ),
    ],
    ids=lambda value: json.dumps(value)[:70] if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    error = refusal(**fields)

    assert error.param == param
    assert param in error.message
    assert error.status == 400


@pytest.mark.parametrize(
    "url", ["data:image/png,raw", "data:text/html;base64,PGI+", "data:image/png;base64", "data:", "data:,"]
)
def test_an_image_must_be_an_image(url: str) -> None:
    error = refusal(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])

    assert error.param == "messages[0].content[0].image_url.url"
    assert "data:image/png;base64" in error.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}',
        b'{"messages": [{"role": "user", "content": "a\x00b"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": 1e999}',
        b'{"messages": [{"role": "user", "content": "x"}]} trailing',
        b'{"messages": ' + b"[" * 100_000,
        b'{"metadata": ' + b'{"a":' * 100_000,
        b'{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "f", '
        b'"parameters": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}]}",
        b"\x00" * 100,
        "{}".encode("utf-16"),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_not_a_request_is_refused_and_never_a_crash(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.decode_request(body)

    assert caught.value.status == 400
    assert caught.value.message


def test_a_nul_within_a_json_string_is_text_like_any_other() -> None:
    assert ask(messages=[{"role": "user", "content": "a\0b"}]).request.messages[0].content == "a\0b"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    try:
        DIALECT.decode_request(body)
    except InvalidRequest as error:
        refused = error
        assert refused.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *("messages", "model", "n", "stop", "tools", "tool_choice", "functions", "function_call", "response_format"),
        *("logit_bias", "metadata", "stream_options", "modalities", "audio", "timeout", "max_tokens", "seed"),
    ]
)


@given(st.dictionaries(FIELDS, JSON, max_size=4))
def test_any_value_in_any_field_is_taken_or_refused(fields: dict[str, Any]) -> None:
    try:
        ask(**fields)
    except InvalidRequest as error:
        refused = error
        assert refused.message


# --- messages ---


def test_the_role_developer_is_the_systems() -> None:
    assert ask(messages=[{"role": "developer", "content": "be brief"}]).request.messages == (
        Message("system", "be brief"),
    )


def test_an_answer_may_be_sent_back_as_the_official_client_dumps_it() -> None:
    dumped = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
        "reasoning_content": "hm",
    }

    messages = ask(messages=[USER, dumped, {"role": "tool", "tool_call_id": "c1", "content": "3"}]).request.messages

    assert messages[1] == Message("assistant", tool_calls=(ToolCall("c1", FunctionCall("add", "{}")),), reasoning="hm")
    assert messages[2] == Message("tool", "3", tool_call_id="c1")


def test_an_answer_may_be_sent_back_as_litellm_dumps_it() -> None:
    dumped = {"role": "assistant", "content": "hi", "provider_specific_fields": {"refusal": None}}

    assert ask(messages=[USER, dumped, USER]).request.messages[1] == Message("assistant", "hi")


def test_parts_keep_their_order_and_a_refusal_finds_its_place() -> None:
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        {"type": "refusal", "refusal": "no"},
    ]

    [message] = ask(messages=[{"role": "assistant", "content": parts}]).request.messages

    assert message.content == (TextPart("look"), ImagePart(PNG, detail="low"))
    assert message.refusal == "no"


# --- both ways ---

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NAME = st.text("abcXYZ_-09", min_size=1, max_size=10)
SCHEMA = st.dictionaries(NAME, TEXT | st.integers(-(2**40), 2**40) | st.lists(st.booleans(), max_size=2), max_size=3)
PART = (
    st.builds(TextPart, TEXT)
    | st.builds(ImagePart, st.just(PNG), detail=st.sampled_from([None, "low", "high"]))
    | st.builds(ReasoningPart, TEXT)
)
CONTENT = TEXT | st.lists(PART, min_size=1, max_size=3).map(tuple)
CALLS = st.lists(st.builds(ToolCall, NAME, st.builds(FunctionCall, NAME, TEXT)), min_size=1, max_size=3).map(tuple)
MESSAGE = (
    st.builds(Message, st.sampled_from(["system", "user"]), CONTENT, name=st.none() | NAME)
    | st.builds(Message, st.just("assistant"), CONTENT, tool_calls=st.none() | CALLS, reasoning=st.none() | TEXT)
    | st.builds(Message, st.just("assistant"), st.none(), tool_calls=CALLS)
    | st.builds(Message, st.just("tool"), CONTENT, tool_call_id=NAME)
)
TOOLS = st.lists(
    st.builds(Tool, NAME, st.none() | TEXT, st.none() | SCHEMA, st.none() | st.booleans()),
    min_size=1,
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)
FORMATS = st.just(ResponseFormat("text")) | st.builds(
    ResponseFormat, st.just("json_schema"), NAME, SCHEMA, st.none() | st.booleans()
)
UNIT = st.floats(0, 1)
REQUEST = st.builds(
    ChatRequest,
    messages=st.lists(MESSAGE, min_size=1, max_size=4).map(tuple),
    model=st.none() | TEXT,
    n=st.none() | st.integers(1, 128),
    temperature=st.none() | UNIT,
    top_p=st.none() | UNIT,
    max_tokens=st.none() | st.integers(1, 2**31 - 1),
    stop=st.none() | st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    seed=st.none() | st.integers(-(2**63), 2**63 - 1),
    presence_penalty=st.none() | UNIT,
    logit_bias=st.none() | st.dictionaries(NAME, UNIT, max_size=2),
    tools=st.none() | TOOLS,
    tool_choice=st.none() | st.sampled_from(["none", "auto"]),
    parallel_tool_calls=st.none() | st.booleans(),
    response_format=st.none() | FORMATS,
    reasoning_effort=st.none() | st.sampled_from(["low", "high"]),
    user=st.none() | TEXT,
    metadata=st.none() | st.dictionaries(NAME, TEXT, max_size=3),
)


@given(REQUEST, st.booleans())
def test_a_request_that_is_written_is_read_as_the_same(request: ChatRequest, stream: bool) -> None:
    asked = DIALECT.decode_request(DIALECT.encode_request(request, stream=stream))

    assert asked.request == request
    assert asked.stream is stream


def test_an_image_that_is_no_url_cannot_be_written_here() -> None:
    request = ChatRequest(messages=(Message("user", (ImagePart(b"\x89PNG"),)),))

    with pytest.raises(InvalidRequest, match=r"messages\[0\].content holds an image as bytes"):
        DIALECT.encode_request(request, stream=False)


# --- the quick way ---

ROLE = st.sampled_from(["system", "user", "assistant", "developer", "tool"])
PLAIN = st.fixed_dictionaries(
    {"messages": st.lists(st.fixed_dictionaries({"role": ROLE, "content": TEXT}, optional={"name": NAME}), max_size=3)},
    optional={"model": TEXT, "n": st.integers(0, 130), "temperature": UNIT, "seed": st.integers(), "stop": TEXT},
)


@given(PLAIN)
def test_plain_requests_are_read_alike_on_both_ways(fields: dict[str, Any]) -> None:
    body = json.dumps(fields).encode()
    outcomes: list[Any] = []

    for given_body in (body, body + b" " * 70_000):  # the quick way, and past its bound
        try:
            asked = DIALECT.decode_request(given_body)
            outcomes.append((asked.request, asked.stream, asked.include_usage, asked.timeout))
        except InvalidRequest as error:
            outcomes.append((error.message, error.param))

    assert outcomes[0] == outcomes[1]
