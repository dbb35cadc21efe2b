"""OpenAI's Responses on the wire: what items become, what is refused, and what a stream's events agree on."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from openai.types import completion_create_params
from openai.types.responses import response_create_params

from modelport.dialects.openai_completions import FATES as COMPLETION_FATES
from modelport.dialects.openai_responses import DIALECT, FATES, OpenAIResponses, after, turns
from modelport.errors import ConnectionFailed, InvalidRequest, ModelError, ProtocolError, RateLimited, UnsupportedField
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    Emulated,
    Event,
    Finish,
    FunctionCall,
    ImagePart,
    Message,
    NamedTool,
    ReasoningDelta,
    ResponseFormat,
    Started,
    TextDelta,
    TextPart,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
    fold,
)

PNG = "data:image/png;base64,AAAA"
TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


def decoded(**fields: Any) -> ChatRequest:
    return DIALECT.decode_request(json.dumps({"input": "hi", **fields}).encode()).request


def messages(*items: Any) -> tuple[Message, ...]:
    return tuple(decoded(input=list(items)).messages)


def refusal(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**fields)
    return caught.value


# --- requests ---------------------------------------------------------------------------------------------------------


def test_the_published_fields_all_have_a_fate() -> None:
    response = set(response_create_params.ResponseCreateParamsBase.__annotations__)
    completion = set(completion_create_params.CompletionCreateParamsBase.__annotations__)

    assert response | {"stream", "timeout"} == set(FATES)
    assert completion | {"stream", "timeout"} == set(COMPLETION_FATES)


def test_text_is_a_users_turn_after_the_instructions() -> None:
    assert tuple(decoded(instructions="be").messages) == (Message("system", "be"), Message("user", "hi"))


def test_what_one_turn_of_the_assistant_is_made_of_is_one_message() -> None:
    said = messages(
        {"role": "user", "content": "add"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok", "annotations": []}]},
        CALL,
        {**CALL, "call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": "3"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "4"}]},
        {"role": "assistant", "content": "3 and 4"},
    )

    calls = tuple(ToolCall(name, FunctionCall("add", "{}")) for name in ("c1", "c2"))
    assert said == (
        Message("user", "add"),
        Message("assistant", "ok", tool_calls=calls, reasoning="hm"),
        Message("tool", "3", tool_call_id="c1"),
        Message("tool", (TextPart("4"),), tool_call_id="c2"),
        Message("assistant", "3 and 4"),
    )


def test_two_messages_of_the_assistant_stay_two() -> None:
    one, two = {"role": "assistant", "content": "one"}, {"role": "assistant", "content": "two"}

    assert messages(one, two) == (Message("assistant", "one"), Message("assistant", "two"))


def test_a_developer_is_the_system_and_images_are_parts() -> None:
    parts = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": PNG, "detail": "low"}]

    said = messages({"role": "developer", "content": "be"}, {"role": "user", "content": parts})

    assert said == (Message("system", "be"), Message("user", (TextPart("see"), ImagePart(PNG, detail="low"))))


def test_settings_have_the_names_that_models_know() -> None:
    request = decoded(
        max_output_tokens=5,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "f", "schema": {"type": "object"}}, "verbosity": "low"},
        tools=[TOOL],
        tool_choice={"type": "function", "name": "add"},
        safety_identifier="me",
    )

    assert (request.max_tokens, request.reasoning_effort, request.user) == (5, "low", "me")
    assert request.response_format == ResponseFormat("json_schema", "f", {"type": "object"})
    assert request.tools == (Tool("add", None, {"type": "object"}, True),)
    assert request.tool_choice == NamedTool("add")
    assert request.extra == {"verbosity": "low"}


def test_a_model_is_shown_the_allowed_tools_alone() -> None:
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "sub"}]}

    request = decoded(tools=[TOOL, {**TOOL, "name": "sub"}], tool_choice=allowed)

    assert [tool.name for tool in request.tools or ()] == ["sub"]
    assert request.tool_choice == "required"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": [3]}, "input[0]"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
        ({"input": [{"type": ["message"]}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": "x", "colour": "red"}]}, "input[0].colour"),
        ({"input": [{"role": "king", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": []}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "refusal", "refusal": "no"}]}]},
            "input[0].content",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://x/y.png"}]}]},
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:text/plain,x"}]}]},
            "input[0].content[0].image_url",
        ),
        ({"input": [{"type": "reasoning", "encrypted_content": "xyz"}]}, "input[0].encrypted_content"),
        ({"input": [{**CALL, "call_id": ""}]}, "input[0].call_id"),
        ({"tools": [{"type": "mcp"}]}, "tools[0].type"),
        ({"tools": [TOOL, TOOL]}, "tools[1].name"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "sub"}}, "tool_choice.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"reasoning": {"summary": "detailed"}}, "reasoning.summary"),
        ({"stream_options": {}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
        ({"temperature": 3}, "temperature"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
)
def test_what_is_wrong_or_not_kept_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    error = refusal(**fields)

    assert error.param == param
    assert error.message.startswith(param)


@pytest.mark.parametrize("field", [name for name, fate in FATES.items() if fate.startswith("rejected")])
def test_each_refused_field_passes_as_null_and_is_refused_with_its_reason(field: str) -> None:
    given: Any = {"truncation": "auto", "background": True, "top_logprobs": 1}.get(field, {"x": 1})

    error = refusal(**{field: given})

    assert decoded(**{field: None}) == decoded()
    assert isinstance(error, UnsupportedField)
    assert error.param == field


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"input":' + b"[" * 5000, b"null"])
def test_what_is_no_request_is_an_error(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(body)


def test_a_server_that_keeps_answers_takes_their_ids() -> None:
    dialect = OpenAIResponses(keeps=True)
    body = json.dumps({"input": "and?", "instructions": "be", "previous_response_id": "resp_1"}).encode()

    asked = dialect.decode_request(body)
    whole = after(asked, (Message("user", "one"), Message("assistant", "two")))

    assert (asked.previous, asked.store) == ("resp_1", True)
    assert turns(asked) == (Message("user", "and?"),)
    assert [message.content for message in whole.request.messages] == ["be", "one", "two", "and?"]
    assert turns(whole) == tuple(whole.request.messages)[1:]


WORDS = st.builds(Message, st.sampled_from(["user", "system"]), TEXT | st.tuples(st.builds(TextPart, TEXT)))
CALLS = st.lists(st.builds(ToolCall, TEXT, st.builds(FunctionCall, TEXT, TEXT)), max_size=2).map(tuple)
SPOKEN = st.builds(
    lambda text, calls, thought, no: Message(
        "assistant", text, tool_calls=calls or None, reasoning=thought, refusal=no
    ),
    TEXT,
    CALLS,
    st.none() | TEXT,
    st.none() | TEXT,
)
RESULTS = st.builds(lambda text, call: Message("tool", text, tool_call_id=call), TEXT, TEXT)
REQUESTS = st.builds(
    ChatRequest,
    messages=st.lists(WORDS | SPOKEN | RESULTS, min_size=1, max_size=5).map(tuple),
    model=st.none() | TEXT,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    max_tokens=st.none() | st.integers(1, 99),
    tools=st.sampled_from([None, (Tool("add", "adds", {"type": "object"}, True), Tool("sub"))]),
    parallel_tool_calls=st.none() | st.booleans(),
    response_format=st.sampled_from([None, ResponseFormat("text"), ResponseFormat("json_schema", "f", {"a": 1}, True)]),
    reasoning_effort=st.sampled_from([None, "low"]),
    user=st.none() | TEXT,
    metadata=st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
    extra=st.sampled_from([None, {"verbosity": "low"}]),
)


@given(request=REQUESTS, stream=st.booleans())
def test_a_request_is_read_as_it_was_written(request: ChatRequest, stream: bool) -> None:
    asked = DIALECT.decode_request(DIALECT.encode_request(request, stream=stream))

    assert asked.request == request
    assert asked.stream is stream


@pytest.mark.parametrize("field", [{"n": 2}, {"stop": ("x",)}, {"seed": 1}, {"logit_bias": {"1": 1.0}}])
def test_a_client_is_told_what_the_wire_has_no_place_for(field: dict[str, Any]) -> None:
    request = ChatRequest(messages=(Message("user", "hi"),), **field)

    with pytest.raises(UnsupportedField) as caught:
        DIALECT.encode_request(request, stream=False)

    assert caught.value.param == next(iter(field))


RICH: dict[str, Any] = {
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": PNG, "detail": "low"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok", "annotations": []}]},
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "3"}]},
    ],
    "tools": [TOOL],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "add"}]},
    "text": {"format": {"type": "json_schema", "name": "f", "schema": {}}},
    "reasoning": {"effort": "low"},
}
JUNK = st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=2) | st.just({"x": 1})


@given(data=st.data())
def test_whatever_stands_deep_in_a_request_is_taken_or_refused_by_name(data: st.DataObject) -> None:
    body = json.loads(json.dumps(RICH))
    at: Any = body
    keys = data.draw(st.sampled_from(list(RICH)))
    root = keys
    while True:
        inner = at[keys]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        at = inner
        keys = data.draw(st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner))))
    at[keys] = data.draw(JUNK)

    param: str | None = root
    try:
        DIALECT.decode_request(json.dumps(body).encode())
    except InvalidRequest as error:
        param = error.param

    assert param is not None
    assert param.partition("[")[0].partition(".")[0] in {root, "tool_choice", "input"}


# --- answers ----------------------------------------------------------------------------------------------------------

ASKED = DIALECT.decode_request(b'{"input": "hi", "stream": true, "metadata": {"a": "b"}}')


def told(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream; each says its kind twice."""
    events = []
    for block in data.decode().strip().split("\n\n"):
        kind, _, body = block.partition("\ndata: ")
        events.append(json.loads(body))
        assert kind == f"event: {events[-1]['type']}"
    return events


def streamed(*events: Event) -> list[dict[str, Any]]:
    encoder = DIALECT.stream_encoder(ASKED, "m")
    return told(b"".join(encoder.encode([event]) for event in events) + encoder.finish())


MIXED: st.SearchStrategy[Event] = (
    st.builds(TextDelta, TEXT)
    | st.builds(ReasoningDelta, TEXT)
    | st.builds(lambda at, piece: ToolCallDelta(at, f"c{at}", "add", piece), st.integers(0, 2), TEXT)
)


@given(st.lists(MIXED, max_size=8))
def test_a_streams_events_agree_with_the_answer_at_its_end(events: list[Event]) -> None:
    stream = streamed(*events, Usage(1, 2))

    final = stream[-1]["response"]
    added = {one["output_index"]: one["item"]["id"] for one in stream if one["type"].endswith("item.added")}
    done = {one["output_index"]: one["item"] for one in stream if one["type"].endswith("item.done")}
    assert [one["sequence_number"] for one in stream] == list(range(len(stream)))
    assert [item["id"] for item in final["output"]] == [added[at] for at in sorted(added)]
    assert final["output"] == [done[at] for at in sorted(done)]
    assert all(added[one["output_index"]] == one["item_id"] for one in stream if "item_id" in one)
    assert {one["response"]["id"] for one in stream if "response" in one} == {final["id"]}
    for at, item in done.items():
        pieces = [one["delta"] for one in stream if "delta" in one and one["output_index"] == at]
        assert "".join(pieces) == (item["arguments"] if "arguments" in item else item["content"][0]["text"])


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [("stop", "completed", None), ("length", "incomplete", "max_output_tokens"), ("content_filter",) * 2 + (None,)],
)
def test_why_an_answer_ended_is_its_status(reason: Any, status: str, why: str | None) -> None:
    if reason == "content_filter":
        status, why = "incomplete", "content_filter"
    events: list[Event] = [TextDelta("so"), Finish(reason)]

    last = streamed(*events)[-1]
    whole = json.loads(DIALECT.encode_response(ASKED, fold(events)))

    for answer in (last["response"], whole):
        assert answer["status"] == answer["output"][0]["status"] == status
        assert answer["incomplete_details"] == (None if why is None else {"reason": why})
        assert answer["metadata"] == {"a": "b"}
    assert last["type"] == f"response.{status}"
    assert DIALECT.decode_response(json.dumps(whole).encode()).choices[0].finish_reason == reason


def test_facts_that_openai_has_no_name_for_are_under_modelport() -> None:
    events: list[Event] = [Started("m", cached=True), Emulated(("stop",)), TextDelta("x"), Usage(1, 2, estimated=True)]

    facts = {"emulated": ["stop"], "cached": True, "usage_estimated": True}
    assert json.loads(DIALECT.encode_response(ASKED, fold(events)))["modelport"] == facts
    assert streamed(*events)[-1]["response"]["modelport"] == facts


def test_usage_is_null_where_only_a_total_is_known() -> None:
    assert streamed(Usage(total_tokens=3))[-1]["response"]["usage"] is None


def test_a_refusal_is_a_part_of_its_own() -> None:
    said = Message("assistant", "well", refusal="no")
    response = ChatResponse(id="x", model="m", created=1, choices=(Choice(0, said, "stop"),))

    body = DIALECT.encode_response(ASKED, response)

    assert [part["type"] for part in json.loads(body)["output"][0]["content"]] == ["output_text", "refusal"]
    assert DIALECT.decode_response(body).message == said


def test_an_upstreams_id_is_kept_unless_answers_are_kept_by_it() -> None:
    response = fold([Started("m", id="resp_up"), TextDelta("x")])
    keeping = OpenAIResponses(keeps=True).decode_request(b'{"input": "hi"}')

    assert json.loads(DIALECT.encode_response(ASKED, response))["id"] == "resp_up"
    assert json.loads(DIALECT.encode_response(keeping, response))["id"] != "resp_up"


def test_a_failure_is_told_as_an_error_and_as_an_answer_that_failed() -> None:
    encoder = DIALECT.stream_encoder(ASKED, "m")

    stream = told(encoder.encode([TextDelta("hal")]) + encoder.fail(RateLimited("slower")))

    error, failed = stream[-2:]
    assert (error["type"], error["code"], error["message"]) == ("error", "rate_limited", "slower")
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slower"}


def test_errors_name_fields_as_this_wire_does() -> None:
    error = UnsupportedField("response_format: the model 'm' does not keep it", param="response_format")

    body = json.loads(DIALECT.encode_error(error))["error"]

    assert (body["param"], body["message"]) == ("text.format", "text.format: the model 'm' does not keep it")
    assert told(DIALECT.stream_encoder(ASKED, "m").fail(error))[-2]["error"] == body
    assert error.param == "response_format"  # of the error itself nothing changes


# --- other people's servers -------------------------------------------------------------------------------------------


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


RESPONSE = {"id": "resp_1", "object": "response", "model": "m", "created_at": 1.5, "status": "completed", "output": []}


def read(*events: dict[str, Any]) -> ChatResponse:
    decoder = DIALECT.stream_decoder()
    taken = decoder.feed(sse({"type": "response.created", "response": RESPONSE}, *events))
    return fold([*taken, *decoder.finish()])


def test_a_stream_without_deltas_is_read_by_what_is_done() -> None:
    at = {"output_index": 0, "content_index": 0}

    answer = read(
        {"type": "response.output_text.done", **at, "text": "hi"},
        {"type": "response.output_item.done", "output_index": 1, "item": {**CALL, "arguments": '{"a": 1}'}},
        {"type": "response.function_call_arguments.done", "output_index": 1, "arguments": '{"a": 1}'},
        {"type": "response.completed", "response": RESPONSE},
    )

    assert (answer.text, answer.choices[0].finish_reason) == ("hi", "tool_calls")
    assert [call.arguments for call in answer.message.tool_calls or ()] == ['{"a": 1}']


def test_summaries_of_thoughts_are_thoughts_where_nothing_else_is_told() -> None:
    parts = [
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": at, "delta": text}
        for at, text in enumerate(["one", "two"])
    ]
    items = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": text} for text in ("one", "two")]}]

    streamed = read(*parts, {"type": "response.completed", "response": RESPONSE})
    whole = DIALECT.decode_response(json.dumps({**RESPONSE, "output": items}).encode())

    assert streamed.message.reasoning == whole.message.reasoning == "one\n\ntwo"


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([{"type": "error", "message": "m", "code": "rate_limited"}], RateLimited),
        ([{"type": "error", "error": {"message": "m", "code": "other"}}], ModelError),
        ([{"type": "response.failed", "response": {**RESPONSE, "error": {"message": "m"}}}], ModelError),
        ([{"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "x"}], ProtocolError),
        ([{"type": "response.output_text.delta", "delta": 3}], ProtocolError),
        ([{"type": "response.output_text.delta", "delta": "half"}], ConnectionFailed),
    ],
)
def test_a_stream_that_fails_raises_what_it_says(events: list[dict[str, Any]], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read(*events)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"output": None}, ProtocolError),
        ({"status": "in_progress"}, ProtocolError),
        ({"error": {"message": "m", "code": "rate_limited"}}, RateLimited),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(change: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        DIALECT.decode_response(json.dumps({**RESPONSE, **change}).encode())
