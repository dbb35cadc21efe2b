"""Ollama's answers: lines that its clients read, and what is read of them."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from modelport.dialects.ollama import DIALECT as CHAT
from modelport.dialects.ollama_generate import DIALECT as GENERATE
from modelport.errors import (
    ConnectionFailed,
    ContractBroken,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    ProtocolError,
    RateLimited,
)
from modelport.types import (
    ChatRequest,
    Emulated,
    Event,
    Finish,
    Message,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    fold,
)

ASK = ChatRequest(messages=(Message("user", "hi"),), model="m")
CALL = [ToolCallDelta(0, "c1", "look", '{"at":'), ToolCallDelta(0, arguments="1}")]


def lines(dialect: Any, events: Sequence[Event], **fields: Any) -> list[Any]:
    asked = dialect.decode_request(with_fields(dialect, fields))
    encoder = dialect.stream_encoder(asked, "m")
    data = encoder.encode(events) + encoder.finish()
    return [json.loads(line) for line in data.decode().splitlines()]


def whole(dialect: Any, events: Sequence[Event], **fields: Any) -> Any:
    asked = dialect.decode_request(with_fields(dialect, fields))
    return json.loads(dialect.encode_response(asked, fold(events, "m")))


def with_fields(dialect: Any, fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(dialect.encode_request(ASK, stream=True)), **fields})


def test_a_chat_is_lines_of_messages_and_a_last_one_that_is_done() -> None:
    first, second, last = lines(CHAT, [TextDelta("Hel"), TextDelta("lo"), Finish(), Usage(3, 2)])

    assert (first["message"], first["done"], first["model"]) == ({"role": "assistant", "content": "Hel"}, False, "m")
    assert second["message"]["content"] == "lo"
    assert (last["message"]["content"], last["done"], last["done_reason"]) == ("", True, "stop")
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 2)
    assert last["total_duration"] > 0
    assert first["created_at"].endswith("Z")


def test_a_prompt_is_answered_in_response() -> None:
    first, last = lines(GENERATE, [TextDelta("Hello"), Finish("length")])

    assert (first["response"], first["done"]) == ("Hello", False)
    assert (last["response"], last["done"], last["done_reason"]) == ("", True, "length")
    assert "message" not in first


def test_a_whole_answer_is_one_object() -> None:
    events: list[Event] = [
        ReasoningDelta("hm"),
        TextDelta("Hello"),
        *CALL,
        Finish("tool_calls"),
        Usage(3, 2, cost=0.5, estimated=True),
    ]

    body = whole(CHAT, events)

    assert body["message"] == {
        "role": "assistant",
        "content": "Hello",
        "thinking": "hm",
        "tool_calls": [{"id": "c1", "function": {"index": 0, "name": "look", "arguments": {"at": 1}}}],
    }
    assert (body["done"], body["done_reason"]) == (True, "stop")
    assert body["modelport"] == {"usage_estimated": True, "cost": 0.5}
    told = whole(GENERATE, events)
    assert (told["response"], told["thinking"]) == ("Hello", "hm")


def test_calls_of_tools_come_complete() -> None:
    events: list[Event] = [
        ToolCallDelta(0, "a", "x", "{"),
        ToolCallDelta(1, "b", "y"),
        ToolCallDelta(0, arguments="}"),
        Finish(),
    ]

    first, last = lines(CHAT, events)

    assert [call["function"]["arguments"] for call in first["message"]["tool_calls"]] == [{}, {}]
    assert "tool_calls" not in last["message"]


def test_thoughts_are_left_out_where_none_are_wanted() -> None:
    events: list[Event] = [ReasoningDelta("hm"), TextDelta("yes")]

    assert [line["message"]["content"] for line in lines(CHAT, events, think=False)] == ["yes", ""]
    assert "thinking" not in whole(CHAT, events, think=False)["message"]


def test_what_the_port_did_is_told_in_the_last_line() -> None:
    events: list[Event] = [
        Started(cached=True),
        Emulated(("stop",)),
        Emulated(("stop", "n")),
        TextDelta("x"),
        Usage(total_tokens=9),
    ]

    last = lines(CHAT, events)[-1]

    assert last["modelport"] == {"emulated": ["stop", "n"], "cached": True, "total_tokens": 9}
    assert whole(CHAT, events)["modelport"] == last["modelport"]
    assert "eval_count" not in last


@pytest.mark.parametrize("arguments", ["{", "[1]", "1", "x"])
def test_arguments_that_are_no_object_are_told(arguments: str) -> None:
    for tell in (lines, whole):
        with pytest.raises(ContractBroken, match="'look' with arguments that are no JSON object"):
            tell(CHAT, [ToolCallDelta(0, "c", "look", arguments), Finish()])


def test_silence_is_filled_with_a_line_that_says_nothing() -> None:
    encoder = CHAT.stream_encoder(CHAT.decode_request(CHAT.encode_request(ASK, stream=True)), "m")

    assert json.loads(encoder.keep_alive)["message"] == {"role": "assistant", "content": ""}
    decoder = CHAT.stream_decoder()
    assert decoder.feed(encoder.keep_alive + encoder.keep_alive) == [Started(model="m")]


# --- and back ---------------------------------------------------------------------------------------------------------


def test_what_ollama_itself_says_is_read() -> None:
    said = [
        {"model": "llama3.2", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": "The"}},
        {"model": "llama3.2", "message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
        {
            "model": "llama3.2",
            "message": {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"function": {"name": "a", "arguments": {"x": [1]}}},
                    {"function": {"name": "b", "arguments": {}}},
                ],
            },
            "done": False,
        },
        {
            "model": "llama3.2",
            "message": {"role": "assistant", "content": ""},
            "done_reason": "stop",
            "done": True,
            "total_duration": 5,
            "load_duration": 1,
            "prompt_eval_count": 26,
            "prompt_eval_duration": 2,
            "eval_count": 298,
        },
    ]
    decoder = CHAT.stream_decoder()

    answer = fold([*decoder.feed(b"".join(msgspec.json.encode(one) + b"\n" for one in said)), *decoder.finish()])

    assert (answer.model, answer.text, answer.message.reasoning) == ("llama3.2", "The", "hm")
    assert [(call.name, call.arguments) for call in answer.message.tool_calls or ()] == [
        ("a", '{"x":[1]}'),
        ("b", "{}"),
    ]
    assert all(call.id for call in answer.message.tool_calls or ())
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.usage == Usage(26, 298)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_told(data: bytes) -> None:
    decoder = CHAT.stream_decoder()
    try:
        decoder.feed(data)
        decoder.finish()
    except (ProtocolError, ConnectionFailed):
        return


def test_a_last_line_without_its_end_is_read() -> None:
    decoder = CHAT.stream_decoder()

    assert decoder.feed(b'{"model":"m","message":{"content":"x"},"done":true}') == []
    assert TextDelta("x") in decoder.finish()


@pytest.mark.parametrize("data", [b'{"model":"m","mess', b'{"model":"m","message":{"content":"x"}}\n', b""])
def test_what_breaks_off_is_told(data: bytes) -> None:
    decoder = CHAT.stream_decoder()
    decoder.feed(data)

    with pytest.raises(ConnectionFailed, match="broke off"):
        decoder.finish()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"model":"m","message":{"content":"x"}}'])
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        CHAT.decode_response(body)


def test_errors_are_told_as_ollama_does_and_read_again() -> None:
    body = CHAT.encode_error(InvalidRequest("so and so", param="messages"))

    read = CHAT.decode_error(400, body, {})

    assert json.loads(body)["error"] == "so and so"
    assert (type(read), read.message, read.param) == (InvalidRequest, "so and so", "messages")
    theirs = GENERATE.decode_error(404, b'{"error":"model \'x\' not found"}', {})
    assert (type(theirs), theirs.message) == (ModelNotFound, "model 'x' not found")
    late = GENERATE.decode_error(429, b'{"error":"slow down"}', {"Retry-After": "3"})
    assert (type(late), late.retry_after) == (RateLimited, 3.0)
    assert type(CHAT.decode_error(500, b"oh", {})) is ModelError
