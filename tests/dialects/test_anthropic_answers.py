"""Answers in Anthropic's Messages: whole, streamed, errors; each end tested with the other, and with recorded bytes."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from modelport.dialects.anthropic_messages import DIALECT
from modelport.dialects.anthropic_messages.asking import MessagesAsked
from modelport.errors import (
    ConnectionFailed,
    ContextLengthExceeded,
    ContractBroken,
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
)

ASKED = MessagesAsked(request=ChatRequest(messages=(Message("user", "hi"),)), stream=True)
SILENT = replace(ASKED, thoughts=False)


def stream(events: Sequence[Event], asked: MessagesAsked = ASKED, *, at_once: int = 1000) -> bytes:
    encoder = DIALECT.stream_encoder(asked, "m")
    pieces = [encoder.encode(events[at : at + at_once]) for at in range(0, len(events), at_once)]
    return b"".join([*pieces, encoder.finish()])


def parsed(data: bytes) -> list[Any]:
    """The wire's events; the name of each must be its type."""
    result = []
    for block in data.decode().split("\n\n"):
        if block:
            name, _, value = block.partition("\ndata: ")
            result.append(json.loads(value))
            assert name == f"event: {result[-1]['type']}"
    return result


def read(data: bytes, size: int = 10_000) -> list[Event]:
    decoder = DIALECT.stream_decoder()
    events = [event for at in range(0, len(data), size) for event in decoder.feed(data[at : at + size])]
    return events + decoder.finish()


def whole(events: Sequence[Event], asked: MessagesAsked = ASKED) -> Any:
    return json.loads(DIALECT.encode_response(asked, fold(events, "m")))


# --- the order of a stream ------------------------------------------------------------------------------------------


def test_a_stream_is_written_in_the_published_order() -> None:
    events: list[Event] = [
        Started(model="mine", id="chatcmpl-1"),
        ReasoningDelta("h"),
        ReasoningDelta("m"),
        TextDelta("Grüße"),
        TextDelta(""),
        TextDelta(", 世界"),
        ToolCallDelta(0, "c1", "add", '{"a"'),
        ToolCallDelta(0, arguments=": 1}"),
        ToolCallDelta(1, "c2", "sub"),
        Finish("tool_calls"),
        Usage(7, 5, cached_tokens=3, reasoning_tokens=2),
    ]

    start, *blocks, last, stop = parsed(stream(events))

    assert start["message"] == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "mine",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "modelport": {"usage_unknown": ["input_tokens", "output_tokens"]},
    }
    delta = "content_block_delta"
    assert [
        (block["type"], block["index"], *list(block.get("content_block", {}).values())[:1]) for block in blocks
    ] == [
        ("content_block_start", 0, "thinking"),
        (delta, 0),
        (delta, 0),
        ("content_block_stop", 0),
        ("content_block_start", 1, "text"),
        (delta, 1),
        (delta, 1),
        ("content_block_stop", 1),
        ("content_block_start", 2, "tool_use"),
        (delta, 2),
        (delta, 2),
        ("content_block_stop", 2),
        ("content_block_start", 3, "tool_use"),
        ("content_block_stop", 3),
    ]
    assert blocks[8]["content_block"] == {"type": "tool_use", "id": "c1", "name": "add", "input": {}}
    assert [block["delta"] for block in blocks if "delta" in block] == [
        {"type": "thinking_delta", "thinking": "h"},
        {"type": "thinking_delta", "thinking": "m"},
        {"type": "text_delta", "text": "Grüße"},
        {"type": "text_delta", "text": ", 世界"},
        {"type": "input_json_delta", "partial_json": '{"a"'},
        {"type": "input_json_delta", "partial_json": ": 1}"},
    ]
    assert last["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert last["usage"] == {
        "input_tokens": 4,
        "output_tokens": 5,
        "cache_read_input_tokens": 3,
        "output_tokens_details": {"thinking_tokens": 2},
    }
    assert stop == {"type": "message_stop"}


def test_an_empty_answer_is_a_message_all_the_same() -> None:
    assert [event["type"] for event in parsed(stream([]))] == ["message_start", "message_delta", "message_stop"]
    assert fold(read(stream([]))).message == Message("assistant", None)


def test_a_stream_begins_with_an_estimate_that_says_so_and_ends_with_the_count() -> None:
    asked = replace(ASKED, prompt_tokens=9)

    start, *_, last, _ = parsed(stream([TextDelta("x"), Finish(), Usage(8, 1)], asked))

    assert start["message"]["usage"] == {"input_tokens": 9, "output_tokens": 0}
    assert start["message"]["modelport"] == {"usage_estimated": True}
    assert last["usage"] == {"input_tokens": 8, "output_tokens": 1}
    assert "modelport" not in last


@st.composite
def interleaved(draw: st.DrawFn) -> list[Event]:
    """Tool calls, their arguments in pieces of any size and mixed with each other and with words."""
    wanted = draw(
        st.lists(st.sampled_from(["", "{}", '{"a": {"b": "}"}}', '{"x": [1, 2]} ', ' {"é": null}']), max_size=3)
    )
    queues: list[list[Event]] = []
    for index, arguments in enumerate(wanted):
        cuts = sorted(draw(st.lists(st.integers(0, len(arguments)), max_size=3)))
        pieces = [arguments[a:b] for a, b in zip([0, *cuts], [*cuts, len(arguments)], strict=True)]
        begin: Event = ToolCallDelta(index, f"c{index}", f"f{index}", pieces[0])
        queues.append([begin, *[ToolCallDelta(index, arguments=piece) for piece in pieces[1:]]])
    words = st.one_of(
        st.builds(TextDelta, st.text("ab", max_size=2)), st.builds(ReasoningDelta, st.text("cd", max_size=2))
    )
    queues.append(draw(st.lists(words, max_size=4)))
    events: list[Event] = [TextDelta("go")]
    begun = 0
    while any(queues):
        # calls begin in the order of their indexes, as a Minter has them
        ready = [at for at, queue in enumerate(queues) if queue and (at <= begun or at == len(wanted))]
        at = draw(st.sampled_from(ready))
        begun = max(begun, at + 1) if at < len(wanted) else begun
        events.append(queues[at].pop(0))
    return [*events, Finish("tool_calls" if wanted else "stop"), Usage(1, 2)]


@given(interleaved(), st.integers(1, 5), st.sampled_from([1, 2, 7, 10_000]))
def test_calls_that_were_written_at_once_are_read_one_after_the_other(
    events: list[Event], at_once: int, size: int
) -> None:
    data = stream(events, at_once=at_once)

    answer = fold(read(data, size), "m")

    open_block: int | None = None
    for event in parsed(data):
        if event["type"] == "content_block_start":
            assert open_block is None
            open_block = event["index"]
        elif event["type"] in {"content_block_delta", "content_block_stop"}:
            assert event["index"] == open_block
            open_block = None if event["type"] == "content_block_stop" else open_block
    expected = DIALECT.decode_response(DIALECT.encode_response(ASKED, fold(events, "m")))
    assert _values(answer) == _values(expected)
    assert answer.message.text == expected.message.text
    assert (answer.message.reasoning, answer.usage) == (expected.message.reasoning, expected.usage)


def _values(answer: ChatResponse) -> list[Any]:
    return [(call.id, call.name, json.loads(call.arguments)) for call in answer.message.tool_calls or ()]


def test_a_second_call_is_written_as_soon_as_the_first_is_complete() -> None:
    encoder = DIALECT.stream_encoder(ASKED, "m")
    encoder.encode([ToolCallDelta(0, "c1", "add", '{"a": 1}')])

    written = parsed(encoder.encode([ToolCallDelta(1, "c2", "sub", '{"b"')]))

    assert [event["type"] for event in written] == ["content_block_stop", "content_block_start", "content_block_delta"]


def test_words_within_a_call_wait_for_its_end() -> None:
    encoder = DIALECT.stream_encoder(ASKED, "m")
    encoder.encode([ToolCallDelta(0, "c1", "add", '{"a"')])

    written = encoder.encode([TextDelta("so")])

    assert written == b""
    assert b'"so"' in encoder.encode([ToolCallDelta(0, arguments=": 1}"), TextDelta("!")])


def test_thoughts_that_nobody_wants_to_read_are_left_out() -> None:
    events: list[Event] = [ReasoningDelta("hm"), TextDelta("x"), Finish(), Usage(1, 2)]

    assert fold(read(stream(events, SILENT))).message == Message("assistant", "x")
    assert [block["type"] for block in whole(events, SILENT)["content"]] == ["text"]


# --- arguments that are no object -----------------------------------------------------------------------------------

BROKEN = ["[1]", "nonsense", '{"a": ', '{"a": 1} {"b": 2}', '"x"', "NaN"]


@pytest.mark.parametrize("arguments", BROKEN)
def test_a_call_without_an_object_is_an_error_whole_and_streamed(arguments: str) -> None:
    events: list[Event] = [ToolCallDelta(0, "c1", "add", arguments), Finish("tool_calls"), Usage(1, 2)]

    with pytest.raises(ContractBroken, match="'add'"):
        whole(events)
    with pytest.raises(ContractBroken, match="'add'"):
        stream(events)


def test_arguments_that_go_on_after_their_end_are_an_error() -> None:
    first = ToolCallDelta(0, "c1", "add", "{}")

    with pytest.raises(ContractBroken, match="'add'"):
        stream([first, ToolCallDelta(1, "c2", "sub", "{}"), ToolCallDelta(0, arguments="{}"), Finish("tool_calls")])


def test_a_call_that_was_cut_by_the_answers_length_keeps_what_came() -> None:
    events: list[Event] = [TextDelta("x"), ToolCallDelta(0, "c1", "add", '{"a": "b'), Finish("length"), Usage(1, 2)]

    body = whole(events)

    assert body["content"][1]["input"] == {}
    assert body["modelport"]["partial_inputs"] == {"c1": '{"a": "b'}
    assert body["stop_reason"] == "max_tokens"
    for answer in (DIALECT.decode_response(json.dumps(body).encode()), fold(read(stream(events)))):
        assert answer.message.tool_calls == (ToolCall("c1", FunctionCall("add", '{"a": "b')),)
        assert answer.choices[0].finish_reason == "length"


# --- whole answers --------------------------------------------------------------------------------------------------


def test_a_whole_answer_has_the_published_form() -> None:
    events: list[Event] = [
        Started(model="mine", id="chatcmpl-7", cached=True),
        Emulated(("stop",)),
        ReasoningDelta("hm"),
        TextDelta("x"),
        ToolCallDelta(0, "c1", "add", '{"a":  1.0}'),
        Finish("tool_calls"),
        Usage(7, 5, total_tokens=20, cost=0.5, estimated=True),
    ]

    assert whole(events) == {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": "mine",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "x"},
            {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1.0}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 5},
        "modelport": {
            "emulated": ["stop"],
            "cached": True,
            "usage_estimated": True,
            "total_tokens": 20,
            "cost": 0.5,
        },
    }


def test_arguments_arrive_as_the_model_wrote_them() -> None:
    body = DIALECT.encode_response(ASKED, fold([ToolCallDelta(0, "c1", "add", '{"a":  1.0, "é":1e3}'), Usage(1, 2)]))

    assert DIALECT.decode_response(body).message.tool_calls == (
        ToolCall("c1", FunctionCall("add", '{"a":  1.0, "é":1e3}')),
    )


def test_older_forms_of_an_answer_are_carried_too() -> None:
    call = Message("assistant", None, function_call=FunctionCall("add", "{}"))
    no = Message("assistant", None, refusal="I will not")

    for message, reason, kind in ((call, "function_call", "tool_use"), (no, "content_filter", "text")):
        response = ChatResponse(id="x", model="m", created=1, choices=(Choice(0, message, reason),))  # type: ignore[arg-type]
        body = json.loads(DIALECT.encode_response(ASKED, response))
        assert [block["type"] for block in body["content"]] == [kind]
        assert body["stop_reason"] in {"tool_use", "refusal"}


@pytest.mark.parametrize(
    ("reason", "name"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("tool_calls", "tool_use")],
)
def test_each_end_has_its_word(reason: FinishReason, name: str) -> None:
    events: list[Event] = [TextDelta("x"), Finish(reason), Usage(1, 2)]

    assert whole(events)["stop_reason"] == parsed(stream(events))[-2]["delta"]["stop_reason"] == name
    assert fold(read(stream(events))).choices[0].finish_reason == reason


def test_the_stop_sequence_that_ended_an_answer_is_told() -> None:
    events: list[Event] = [TextDelta("x"), Finish("stop", stop_sequence="END"), Usage(1, 2)]

    body = whole(events)

    told = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert {name: body[name] for name in told} == parsed(stream(events))[-2]["delta"] == told
    for answer in (DIALECT.decode_response(json.dumps(body).encode()), fold(read(stream(events)))):
        assert (answer.choices[0].finish_reason, answer.choices[0].stop_sequence) == ("stop", "END")


COUNTS = st.none() | st.integers(0, 10**6)
USAGES = st.builds(
    Usage,
    prompt_tokens=st.none() | st.integers(100, 10**6),
    completion_tokens=COUNTS,
    total_tokens=COUNTS,
    reasoning_tokens=COUNTS,
    cost=st.none() | st.floats(0, 9),
    estimated=st.booleans(),
)


@given(USAGES, st.none() | st.integers(0, 100))
def test_usage_arrives_as_it_was_and_nothing_unknown_becomes_nought(usage: Usage, cached: int | None) -> None:
    if usage.prompt_tokens is not None:
        usage = replace(usage, cached_tokens=cached)
    events: list[Event] = [TextDelta("x"), Finish(), usage]
    expected = None if usage == Usage() else usage

    assert fold(read(stream(events))).usage == expected
    assert DIALECT.decode_response(json.dumps(whole(events)).encode()).usage == expected


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"content": 5}', b"\xff", b'{"content": [{}]}'])
def test_what_is_no_message_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        DIALECT.decode_response(body)


# --- what anthropic sends -------------------------------------------------------------------------------------------


def test_an_answer_of_anthropics_is_read() -> None:
    body = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "a", "citations": []},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "text", "text": "b"},
            {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}, "caller": {"type": "direct"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 4,
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 3,
            "output_tokens": 5,
            "service_tier": "standard",
        },
        "container": None,
    }

    answer = DIALECT.decode_response(json.dumps(body).encode())

    call = ToolCall("t1", FunctionCall("add", '{"a": 1}'))
    assert answer.message == Message("assistant", "ab", tool_calls=(call,), reasoning="hm")
    assert answer.usage == Usage(9, 5, cached_tokens=3)
    assert answer.choices[0].finish_reason == "tool_calls"


RECORDED = b"""\
event: message_start
data: {"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude",\
"content":[],"stop_reason":null,"usage":{"input_tokens":4,"cache_read_input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Gr\xc3\xbc\xc3\x9fe"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"now","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"""


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_a_stream_of_anthropics_is_read_in_any_split(size: int) -> None:
    answer = fold(read(RECORDED, size))

    call = ToolCall("t1", FunctionCall("now", "{}"))
    assert answer.message == Message("assistant", "Grüße", tool_calls=(call,), reasoning="hm")
    assert (answer.id, answer.model, answer.usage) == ("msg_01", "claude", Usage(7, 15, cached_tokens=3))
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_stream_that_breaks_off_is_not_an_answer() -> None:
    with pytest.raises(ConnectionFailed):
        read(RECORDED.partition(b"event: message_stop")[0])


@pytest.mark.parametrize("data", [b"data: nonsense\n\n", b"data: []\n\n", b'data: {"type": 5}\n\n'])
def test_a_stream_of_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        DIALECT.stream_decoder().feed(data)


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("bad", param="system"), "invalid_request_error"),
        (UnsupportedField("no", param="container"), "invalid_request_error"),
        (ContextLengthExceeded("long"), "invalid_request_error"),
        (RequestTooLarge("big"), "request_too_large"),
        (Unauthorized("who?"), "authentication_error"),
        (Forbidden("no"), "permission_error"),
        (ModelNotFound("none", param="model"), "not_found_error"),
        (ModelError("broke"), "api_error"),
        (ModelTimeout("late"), "timeout_error"),
        (RateLimited("slow", retry_after=2.5), "rate_limit_error"),
        (Overloaded("full"), "overloaded_error"),
    ],
    ids=lambda value: value.code if isinstance(value, ModelportError) else "",
)
def test_an_error_arrives_as_what_it_was(error: ModelportError, kind: str) -> None:
    body = DIALECT.encode_error(error, "req_1")

    for came in (DIALECT.decode_error(error.status, body, {}), _streamed(error)):
        assert (type(came), came.message, came.param) == (type(error), error.message, error.param)
        assert came.retry_after == error.retry_after
    given = json.loads(body)
    assert (given["type"], given["error"], given["request_id"]) == (
        "error",
        {"type": kind, "message": error.message},
        "req_1",
    )


def _streamed(error: ModelportError) -> ModelportError:
    encoder = DIALECT.stream_encoder(replace(ASKED, request_id="req_1"), "m")
    data = encoder.encode([TextDelta("half")]) + encoder.fail(error)
    assert parsed(data)[-1]["request_id"] == "req_1"
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
        (429, RateLimited),
        (500, ModelError),
        (529, Overloaded),
    ],
)
def test_an_error_of_anthropics_is_known_by_its_status(status: int, kind: type[ModelportError]) -> None:
    body = b'{"type": "error", "error": {"type": "their_error", "message": "theirs"}, "request_id": "r"}'

    error = DIALECT.decode_error(status, body, {"Retry-After": "3"})

    assert (type(error), error.message, error.retry_after) == (kind, "theirs", 3.0)


def test_an_error_of_anthropics_within_a_stream_is_known_by_its_type() -> None:
    data = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'

    with pytest.raises(Overloaded, match="Overloaded"):
        read(data)


@pytest.mark.parametrize("body", [b"", b"<html>nope</html>", b"[]", b'{"error": 5}', b"\xff", b'{"detail": "x"}'])
def test_an_error_without_a_known_form_still_says_its_status(body: bytes) -> None:
    error = DIALECT.decode_error(502, body, {"Retry-After": "soon"})

    assert type(error) is ModelError
    assert error.message.startswith("HTTP 502")
    assert error.retry_after is None


def test_a_field_is_named_by_its_name_on_this_wire() -> None:
    body = json.loads(DIALECT.encode_error(UnsupportedField("stop: the model does not keep it", param="stop")))

    assert body["error"]["message"] == "stop_sequences: the model does not keep it"
    assert body["modelport"] == {"code": "unsupported_field", "param": "stop_sequences"}
