"""Answers on the wire: whole ones, streams, errors; each end tested with the other, and with recorded bytes."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat import DIALECT
from modelport.errors import (
    ConnectionFailed,
    ContextLengthExceeded,
    Forbidden,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    ModelportError,
    ModelTimeout,
    Overloaded,
    ProtocolError,
    RateLimited,
    RequestTooLarge,
    Unauthorized,
    UnsupportedField,
    error_from_data,
)
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    Emulated,
    Event,
    Finish,
    FinishReason,
    FunctionCall,
    Message,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    fold,
    unfold,
)

ASKED = Asked(request=ChatRequest(messages=(Message("user", "hi"),)), stream=True)
WITH_USAGE = replace(ASKED, include_usage=True)
LEGACY = DIALECT.decode_request(
    b'{"messages": [{"role": "user", "content": "x"}], "functions": [{"name": "f"}], "stream": true}'
)
CALLS: list[Event] = [
    ToolCallDelta(0, "c1", "add", '{"a"'),
    ToolCallDelta(1, "c2", "sub", "{}"),
    ToolCallDelta(0, arguments=": 1}"),
    Finish("tool_calls"),
]


def stream(events: Sequence[Event], asked: Asked = ASKED, *, at_once: int = 1000) -> bytes:
    encoder = DIALECT.stream_encoder(asked, "m")
    pieces = [encoder.encode(events[at : at + at_once]) for at in range(0, len(events), at_once)]
    return b"".join([*pieces, encoder.finish()])


def chunks(data: bytes) -> list[Any]:
    *pieces, end = data.decode().split("\n\n")
    assert end == ""
    assert pieces.pop() == "data: [DONE]"
    return [json.loads(piece.removeprefix("data: ")) for piece in pieces]


def read(data: bytes, cuts: Sequence[int] = ()) -> list[Event]:
    decoder = DIALECT.stream_decoder()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    events = [event for start, end in itertools.pairwise(edges) for event in decoder.feed(data[start:end])]
    return events + decoder.finish()


def whole(response: ChatResponse, asked: Asked = ASKED) -> Any:
    return json.loads(DIALECT.encode_response(asked, response))


# --- chunks ---


def test_every_chunk_has_what_the_official_clients_expect() -> None:
    first, second, last = chunks(stream([TextDelta("Hel"), TextDelta("lo"), Finish()]))

    assert first["object"] == "chat.completion.chunk"
    assert first["model"] == "m"
    assert first["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "logprobs": None, "finish_reason": None}
    ]
    assert second["choices"] == [{"index": 0, "delta": {"content": "lo"}, "logprobs": None, "finish_reason": None}]
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    assert first["id"] == second["id"] == last["id"]
    assert "usage" not in first


def test_usage_comes_last_without_choices_and_is_null_until_then_if_asked_for() -> None:
    *others, last = chunks(stream([TextDelta("x"), Finish(), Usage(3, 5, cached_tokens=2)], WITH_USAGE))

    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 2},
    }


def test_usage_is_not_sent_unasked() -> None:
    assert all(chunk["choices"] for chunk in chunks(stream([TextDelta("x"), Finish(), Usage(3, 5)])))


def test_parallel_tool_calls_are_told_apart_by_index_and_named_once() -> None:
    first, second, third, last = (chunk["choices"][0] for chunk in chunks(stream(CALLS)))

    assert first["delta"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"index": 0, "function": {"name": "add", "arguments": '{"a"'}, "id": "c1", "type": "function"}],
    }
    assert second["delta"]["tool_calls"][0]["index"] == 1
    assert third["delta"] == {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}
    assert last["finish_reason"] == "tool_calls"


def test_who_speaks_of_functions_is_answered_in_functions() -> None:
    first, second, last = (chunk["choices"][0] for chunk in chunks(stream(CALLS, LEGACY)))
    message = whole(fold(CALLS), LEGACY)["choices"][0]

    assert first["delta"]["function_call"] == {"name": "add", "arguments": '{"a"'}
    assert second["delta"] == {"function_call": {"arguments": ": 1}"}}
    assert last["finish_reason"] == message["finish_reason"] == "function_call"
    assert message["message"]["function_call"] == {"name": "add", "arguments": '{"a": 1}'}


def test_what_the_port_kept_in_the_models_stead_is_told_once() -> None:
    events: list[Event] = [
        Emulated(("stop",)),
        TextDelta("a"),
        TextDelta("b"),
        Finish(),
        Usage(1, 1, cost=0.5, estimated=True),
    ]

    first, *rest, last = chunks(stream(events, WITH_USAGE))

    assert first["modelport"] == {"emulated": ["stop"]}
    assert all("modelport" not in chunk for chunk in rest)
    assert last["modelport"] == {"usage_estimated": True, "cost": 0.5}
    assert whole(fold(events))["modelport"] == {"emulated": ["stop"], "usage_estimated": True, "cost": 0.5}


def test_an_end_that_the_model_left_out_is_supplied() -> None:
    assert chunks(stream([TextDelta("x")]))[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks(stream(CALLS[:1]))[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks(stream([]))[-1]["choices"][0]["finish_reason"] == "stop"


def test_several_choices_may_be_interleaved() -> None:
    events: list[Event] = [
        TextDelta("a", 0),
        TextDelta("b", 1),
        TextDelta("A", 0),
        TextDelta("B", 1),
        Finish(choice=1),
        Finish(),
    ]

    assert [choice.message.content for choice in fold(read(stream(events))).choices] == ["aA", "bB"]


def test_text_is_escaped_as_json_wherever_it_stands() -> None:
    text = 'quote " backslash \\ newline \n nul \0 line separator \u2028 世界 data: [DONE]\n\n'

    assert fold(read(stream([TextDelta(text), TextDelta(text), Finish()]))).text == text * 2


# --- both ways ---

TEXT = st.text(st.characters(codec="utf-8"), max_size=15)
NAME = st.text("abcxyz_-09", min_size=1, max_size=8)
COUNT = st.integers(0, 10**9)
CALL = st.builds(ToolCall, NAME, st.builds(FunctionCall, NAME, TEXT))
MESSAGES = st.builds(
    Message,
    st.just("assistant"),
    st.none() | TEXT,
    tool_calls=st.none() | st.lists(CALL, min_size=1, max_size=3).map(tuple),
    reasoning=st.none() | st.text("xyz ", min_size=1, max_size=8),
)
REASONS: st.SearchStrategy[FinishReason] = st.sampled_from(["stop", "length", "content_filter"])
USAGE = st.builds(
    Usage,
    COUNT,
    COUNT,
    cached_tokens=st.none() | COUNT,
    reasoning_tokens=st.none() | COUNT,
    cost=st.none() | st.floats(0, 100),
    estimated=st.booleans(),
)


@st.composite
def responses(draw: st.DrawFn) -> ChatResponse:
    messages = draw(st.lists(MESSAGES, min_size=1, max_size=3))
    choices = tuple(
        Choice(number, message, "tool_calls" if message.tool_calls else draw(REASONS))
        for number, message in enumerate(messages)
    )
    return ChatResponse(
        id=draw(NAME),
        model=draw(NAME),
        created=draw(COUNT),
        choices=choices,
        usage=draw(st.none() | USAGE),
        emulated=tuple(draw(st.lists(st.sampled_from(["n", "stop"]), unique=True, max_size=2))),
        cached=draw(st.booleans()),
    )


@given(responses())
def test_a_whole_answer_that_is_written_is_read_as_the_same(response: ChatResponse) -> None:
    assert DIALECT.decode_response(DIALECT.encode_response(ASKED, response)) == response


@given(responses())
def test_one_choice_is_written_as_it_is_among_several(response: ChatResponse) -> None:
    first = response.choices[0]

    one = whole(replace(response, choices=(first,)))
    several = whole(replace(response, choices=(first, first)))

    assert one | {"choices": one["choices"] * 2} == several
    assert list(one) == list(several)


@given(responses(), st.integers(1, 7), st.lists(st.integers(0, 10_000), max_size=20))
def test_a_stream_folds_to_the_whole_answer_however_it_is_split(
    response: ChatResponse, at_once: int, cuts: list[int]
) -> None:
    events = [piece for event in unfold(response) for piece in _in_letters(event)]

    folded = fold(read(stream(events, WITH_USAGE, at_once=at_once), cuts))

    assert replace(folded, created=response.created) == response


def _in_letters(event: Event) -> Sequence[Event]:
    if isinstance(event, TextDelta) and event.text:
        return [replace(event, text=letter) for letter in event.text]
    if isinstance(event, ToolCallDelta):
        rest = [replace(event, id=None, name=None, arguments=letter) for letter in event.arguments]
        return [replace(event, arguments=""), *rest]
    return [event]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_are_a_stream_or_a_typed_error(data: bytes, cuts: list[int]) -> None:
    try:
        read(data + b"\n\ndata: " + data + b"\n\n", cuts)
    except ModelportError as error:
        refused = error
        assert refused.message


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_typed_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        DIALECT.decode_response(data)


# --- other people's servers ---


def test_a_stream_of_the_real_thing_is_understood() -> None:
    recorded = (
        b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-x",'
        b'"service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},'
        b'"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"a8"}\r\n\r\n'
        b": keep-alive\r\n\r\n"
        b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\r\n\r\n'
        b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\r\n\r\n'
        b'data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,'
        b'"total_tokens":10}}\r\n\r\n'
        b"data: [DONE]\r\n\r\n"
    )

    events = read(recorded)

    assert events[0] == Started(model="gpt-x", id="chatcmpl-1")
    assert fold(events).text == "Hi"
    assert fold(events).usage == Usage(9, 1)


def test_reasoning_is_understood_under_either_name() -> None:
    for name in ("reasoning_content", "reasoning"):
        chunk = {"choices": [{"index": 0, "delta": {name: "hm"}, "finish_reason": "stop"}]}

        assert read(f"data: {json.dumps(chunk)}\n\n".encode())[0] == ReasoningDelta("hm")


def test_the_mark_of_the_end_may_be_missing_but_not_the_end() -> None:
    ended = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'
    broken = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n'

    assert read(ended) == [TextDelta("x"), Finish()]
    with pytest.raises(ConnectionFailed, match="broke off"):
        read(broken)
    with pytest.raises(ConnectionFailed, match="broke off"):
        read(b"")


def test_what_is_not_json_in_a_stream_is_named() -> None:
    with pytest.raises(ProtocolError, match="not a chat-completion chunk"):
        read(b"data: <html>\n\n")


# --- errors ---


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("bad", param="n"),
        UnsupportedField("no", param="audio"),
        ContextLengthExceeded("long"),
        RequestTooLarge("big"),
        Unauthorized("who?"),
        Forbidden("no"),
        ModelNotFound("none", param="model"),
        ModelError("broke"),
        ModelTimeout("late"),
        RateLimited("slow"),
        Overloaded("full"),
    ],
    ids=lambda error: error.code,
)
def test_an_error_arrives_as_what_it_was(error: ModelportError) -> None:
    body = DIALECT.encode_error(error)

    for came in (DIALECT.decode_error(error.status, body, {}), _streamed(error)):
        assert (type(came), came.message, came.param) == (type(error), error.message, error.param)
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}


def _streamed(error: ModelportError) -> ModelportError:
    encoder = DIALECT.stream_encoder(ASKED, "m")
    data = encoder.encode([TextDelta("half")]) + encoder.fail(error)
    with pytest.raises(ModelportError) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, ModelNotFound),
        (413, RequestTooLarge),
        (422, InvalidRequest),
        (429, RateLimited),
        (500, ModelError),
        (503, Overloaded),
        (504, ModelTimeout),
        (529, Overloaded),
    ],
)
def test_a_foreign_error_is_known_by_its_status(status: int, kind: type[ModelportError]) -> None:
    body = b'{"error": {"message": "theirs", "type": "t", "param": null, "code": "their_code"}}'

    error = DIALECT.decode_error(status, body, {})

    assert (type(error), error.message) == (kind, "theirs")


@pytest.mark.parametrize("body", [b"", b"<html>nope</html>", b"[]", b'{"error": 5}', b"\xff", b'{"detail": "x"}'])
def test_an_error_without_a_known_form_still_says_its_status(body: bytes) -> None:
    error = DIALECT.decode_error(502, body, {"Retry-After": "soon"})

    assert type(error) is ModelError
    assert error.message.startswith("HTTP 502")
    assert error.retry_after is None


def test_how_long_to_wait_is_read_from_the_header() -> None:
    error = DIALECT.decode_error(429, b'{"error": "slow down"}', {"retry-after": "2.5"})

    assert (type(error), error.message, error.retry_after) == (RateLimited, "slow down", 2.5)


def test_a_hostile_code_cannot_make_more_than_an_error() -> None:
    error = DIALECT.decode_error(400, b'{"error": {"message": null, "code": ["x"], "param": {}}}', {})

    assert (type(error), error.param) == (InvalidRequest, None)
    assert type(error_from_data({"code": "x", "message": ""})) is ModelError


@given(TEXT, REASONS, USAGE)
def test_the_simplest_answer_is_written_alike_from_its_events(text: str, reason: FinishReason, usage: Usage) -> None:
    events: list[Event] = [TextDelta(text), Finish(reason), usage]

    quick = DIALECT.encode_events(ASKED, "m", events)

    if usage.cost is None:
        assert quick is not None
        written, expected = json.loads(quick), whole(fold(events, "m"))
        assert abs(written["created"] - expected["created"]) <= 1
        for answer in (written, expected):
            del answer["id"], answer["created"]
        assert written == expected
    else:
        assert quick is None


@pytest.mark.parametrize(
    "events",
    [
        [],
        [TextDelta("x"), Finish()],
        [TextDelta("x", 1), Finish(choice=1), Usage(1, 1)],
        [Started(id="x"), TextDelta("x"), Finish(), Usage(1, 1)],
        [ToolCallDelta(0, "c", "f", "{}"), Finish("tool_calls"), Usage(1, 1)],
        [Emulated(("stop",)), Finish(), Usage(1, 1)],
    ],
)
def test_any_other_answer_is_not(events: list[Event]) -> None:
    assert DIALECT.encode_events(ASKED, "m", events) is None
