"""Nothing that a caller sends is unbounded: each bound, a request past it, and the error that names it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, strategies as st

from modelport.errors import RequestTooLarge
from modelport.server import Limits, Options, create_app
from modelport.server.bounds import check_nodes
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import Client, ask, chat

SMALL = Limits(body=5000, messages=3, parts=2, tools=2, schema=200, depth=5, nodes=500, stops=2, stop_length=5)
APP = create_app([ScriptedModel(reply("ok"), name="m")], Options(limits=SMALL))
USER = {"role": "user", "content": "x"}
PART = {"type": "text", "text": "x"}


def tool(number: int = 0, parameters: Any = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": f"f{number}", "parameters": parameters or {}}}


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"messages": [USER] * 4}, 413, "messages"),
        ({"messages": [{"role": "user", "content": [PART] * 3}]}, 413, "messages[0].content"),
        ({"tools": [tool(number) for number in range(3)]}, 413, "tools"),
        ({"tools": [tool(0, {"x": "y" * 200})]}, 413, "tools[0].function.parameters"),
        ({"tools": [tool(0, nested(6))]}, 413, "tools[0].function.parameters"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": nested(6)}}},
            413,
            "response_format.json_schema.schema",
        ),
        ({"stop": ["a", "b", "c"]}, 413, "stop"),
        ({"stop": ["abcdef"]}, 400, "stop[0]"),
        ({"stop": ["a", ""]}, 400, "stop[1]"),
        ({"n": 129}, 400, "n"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_too_much_of_anything_is_refused_by_name(fields: dict[str, Any], status: int, param: str) -> None:
    answer = await ask(APP, body=chat(**fields))

    assert (answer.status, answer.error["param"]) == (status, param)


async def test_as_much_as_allowed_is_taken() -> None:
    answer = await ask(APP, body=chat(messages=[USER] * 3, stop=["abcde", "b"], tools=[tool(0, nested(3)), tool(1)]))

    assert answer.status == 200


async def test_a_body_is_measured_and_not_believed() -> None:
    told = await ask(APP, body=b"", headers=[(b"content-length", b"999999999")])
    absurd = await ask(APP, body=b"", headers=[(b"content-length", b"9" * 400)])
    untold = await ask(APP, body=b"x" * 5001)
    in_pieces = await Client(APP, pieces=[b"x" * 100] * 51).ask()
    lied = await Client(APP, pieces=[b"x" * 5001], headers=[(b"content-length", b"10")]).ask()

    assert [answer.status for answer in (told, absurd, untold, in_pieces, lied)] == [413] * 5
    assert "5000 bytes" in told.error["message"]


async def test_a_body_that_stops_coming_is_given_up() -> None:
    app = create_app([ScriptedModel(reply("ok"))], Options(limits=Limits(read=0.02)))

    answer = await Client(app, pieces=[b'{"messages":'], complete=False).ask()

    assert (answer.status, answer.error["code"], answer.headers["connection"]) == (408, "request_timeout", "close")


async def test_a_compressed_body_is_refused_before_it_is_looked_at() -> None:
    answer = await ask(APP, body=b"\x1f\x8b", headers=[(b"content-encoding", b"gzip")])

    assert answer.status == 415


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"\xff\xfe", b"\0", b'{"messages": ' + b"[" * 4000, b'{"a":' * 800 + b"}" * 800],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.parametrize("padding", [b"", b" " * 500])
async def test_what_is_not_json_is_the_callers_fault(body: bytes, padding: bytes) -> None:
    answer = await ask(APP, body=body + padding)

    assert answer.status in {400, 413}
    assert set(answer.error) == {"message", "type", "param", "code"}


# --- values of JSON, counted before they are made ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a,[{"\\:}]'), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.sampled_from(',"\\a'), max_size=4), inner),
    max_leaves=20,
)


@given(JSON)
def test_values_are_counted_outside_strings_only(value: Any) -> None:
    body = json.dumps(value).encode() + b" " * 1000
    marks = _marks(value)

    check_nodes(body, marks + 1)
    if marks > 1:
        with pytest.raises(RequestTooLarge):
            check_nodes(body, marks - 1)


def _marks(value: Any) -> int:
    """Commas and opening brackets of its JSON, outside strings."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(0, len(value) - 1) + sum(map(_marks, inner))
    return 0


@pytest.mark.parametrize(
    "body",
    [b"[" * 3_000_000, b'"",' * 1_000_000, b"\\" * 3_000_000, b'"' * 3_000_000, b'\\"' * 1_500_000, b"{}," * 1_000_000],
    ids=lambda body: repr(body[:6]),
)
def test_counting_takes_no_longer_for_what_is_made_to_take_long(body: bytes) -> None:
    begun = time.process_time()

    try:
        check_nodes(body, 1000)
    except RequestTooLarge as error:
        refused = error
        assert "1000 JSON values" in refused.message

    assert time.process_time() - begun < 20
