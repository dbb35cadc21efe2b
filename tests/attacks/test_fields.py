"""Every field of a chat request with every kind of wrong value, through the whole server: taken, or refused by name."""

import json
from typing import Any

import pytest

from modelport import as_model
from modelport.server import App, create_app
from tests.server.helpers import ask

TURN = [{"role": "user", "content": "hi"}]
DEEP: Any = json.loads("[" * 500 + "]" * 500)
FIELDS = [
    "messages",
    "model",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "user",
    "metadata",
    "stream",
    "stream_options",
    "timeout",
    "store",
    "functions",
    "function_call",
    "verbosity",
    "safety_identifier",
    "modalities",
    "audio",
    "prediction",
    "service_tier",
    "web_search_options",
    "never_heard_of",
]
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "a fraction": 0.5,
    "2 to 63": 2**63,
    "ten to 30": 10**30,
    "minus ten to 30": -(10**30),
    "near infinity": 1e308,
    "no text": "",
    "a word": "x",
    "a nul": "a\0b",
    "long text": "x" * 10_000,
    "an empty list": [],
    "a list of null": [None],
    "a list of lists": [[]],
    "a list of words": ["a", ""],
    "many": [""] * 5000,
    "deep": DEEP,
    "an empty object": {},
    "an object": {"a": {"b": None}},
    "an odd type": {"type": "wat"},
    "half a tool": [{"type": "function"}],
    "a tool of wrong types": [{"type": "function", "function": {"name": 3, "parameters": []}}],
    "a schema that leads to itself": [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "#"}}}],
    "a message without content": [{"role": "user"}],
    "a message of nobody": [{"role": "wizard", "content": "x"}],
    "a message of a number": [{"role": "user", "content": 3}],
    "a message of a part of nothing": [{"role": "user", "content": [{}]}],
    "a call to nowhere": [{"role": "assistant", "tool_calls": [{"id": 3}]}],
}


@pytest.fixture(scope="module")
def app() -> App:
    return create_app([as_model(lambda messages, **params: "fine", name="m")])


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_any_value_in_any_field_is_taken_or_refused_by_name(app: App, value: Any) -> None:
    for field in FIELDS:
        answer = await ask(app, body=json.dumps({"messages": TURN, field: value}).encode())

        if answer.status != 200:
            assert answer.status in {400, 404, 413}, (field, answer)
            assert set(answer.error) == {"message", "type", "param", "code"}
            assert (answer.error["param"] or "").startswith(field) or field in answer.error["message"], (field, answer)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"null", "must be an object, got null"),
        (b"[]", "must be an object, got a list"),
        (b'{"messages":', "not JSON"),
        (b'{"messages": [{"role": "user", "content": "hi"}]} {}', "not JSON"),
        (b'{"messages": [{"role": "user", "content": "hi"}], "temperature": NaN}', "not JSON"),
        (b'{"messages": [{"role": "user", "content": "hi"}], "temperature": 1e999}', "temperature"),
        (b'{"messages": [{"role": "user", "content": "hi"}], "seed": ' + b"9" * 5000 + b"}", "seed"),
        (b'{"messages": [{"role": "user", "content": "\xff"}]}', "UTF-8"),
        (b'{"messages": [{"role": "user", "content": "a\0b"}]}', "not JSON"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "not JSON"),
        (b'\xef\xbb\xbf{"messages": []}', "not JSON"),
        ('{"messages": []}'.encode("utf-16"), "not JSON"),
        (b"\0" * 100, "not JSON"),
        (b'{"messages": [{"role": "user", "content": "hi"}], "n": 1, "n": "x"}', "n must be a whole number"),
        (b'{"messages": ' + b"[" * 100_000, "messages[0]"),
    ],
    ids=lambda part: repr(part[:60]),
)
async def test_what_is_no_request_is_refused_with_the_reason(app: App, body: bytes, says: str) -> None:
    answer = await ask(app, body=body)

    assert answer.status == 400
    assert says in answer.error["message"]
