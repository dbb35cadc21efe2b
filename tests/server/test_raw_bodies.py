"""Bodies that no client means to send, at every route: refused by name, or answered; never an error of ours.

What a body may be is read from the server's own description: what that does not allow is not answered, and what nobody
knows is named in the refusal.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from modelport import as_model
from modelport.dialects.agentstudio import DIALECT as AGENTSTUDIO
from modelport.dialects.port import DIALECT as PORT
from modelport.server import App, Options, create_app
from modelport.server.app import ROUTES
from modelport.types import ChatRequest, Message
from tests.server.described import asked, complaints, described
from tests.server.dutiful import Dutiful
from tests.server.helpers import Answer, ask

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
URL = f"data:image/png;base64,{PICTURE}"
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
FUNCTION = {"name": "look", "description": "looks", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
BLOCK = {"type": "text", "text": "so"}
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {"x": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "c1", "content": [BLOCK]}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
MESSAGES = [{"role": "user", "content": [BLOCK, IMAGE]}, {"role": "assistant", "content": [BLOCK, USE]}]
OPTIONS = {"temperature": 0.5, "top_k": 3, "stop": ["x"], "num_predict": 9}
COMMON = {"model": "dutiful", "stream": False, "format": SCHEMA, "options": OPTIONS, "think": "low", "keep_alive": "5m"}

WHOLE: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "model": "dutiful",
        "messages": [
            {"role": "system", "content": "be brief", "name": "op"},
            {"role": "user", "content": [BLOCK, {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "hm"},
            {"role": "tool", "content": "found", "tool_call_id": "c1"},
        ],
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": False}},
        "stream": True,
        "stream_options": {"include_usage": True},
        "stop": ["x"],
        "logit_bias": {"1": 5},
        "metadata": {"a": "b"},
        "temperature": 0.5,
        "n": 2,
        "seed": 3,
    },
    "/v1/responses": {
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "so"}, {"type": "input_image", "image_url": URL}],
            },
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "found"},
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        ],
        "instructions": "be brief",
        "tools": [{"type": "function", "name": "look", "parameters": SCHEMA}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look"}]},
        "text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}, "verbosity": "low"},
        "reasoning": {"effort": "low"},
        "max_output_tokens": 9,
        "metadata": {"a": "b"},
        "stream": True,
    },
    "/v1/completions": {
        "prompt": ["so", "and so"],
        "n": 2,
        "stop": ["x"],
        "echo": True,
        "logit_bias": {"1": 5},
        "seed": 3,
    },
    "/v1/messages": {
        "max_tokens": 9,
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "messages": [*MESSAGES, {"role": "user", "content": [RESULT, BLOCK]}],
        "tools": [{"name": "look", "input_schema": SCHEMA, "description": "looks"}],
        "tool_choice": {"type": "tool", "name": "look"},
        "thinking": {"type": "enabled", "budget_tokens": 9, "display": "summarized"},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
        "metadata": {"user_id": "me"},
        "stop_sequences": ["x"],
        "stream": True,
    },
    "/v1/messages/count_tokens": {"messages": MESSAGES, "system": "be brief", "tool_choice": {"type": "auto"}},
    "/v1/embeddings": {"input": ["so", "and so"], "encoding_format": "float", "dimensions": 3, "user": "me"},
    "/api/chat": {
        **COMMON,
        "messages": [
            {"role": "user", "content": "so", "images": [PICTURE]},
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look", "arguments": {"x": 1}}}]},
            {"role": "tool", "content": "found", "tool_name": "look"},
        ],
        "tools": [TOOL],
    },
    "/api/generate": {**COMMON, "prompt": "so", "system": "be brief", "images": [PICTURE]},
    "/api/embed": {"input": ["so"], "dimensions": 3, "keep_alive": 5},
    "/api/embeddings": {"prompt": "so", "options": {"seed": None}},
    "/api/show": {"model": "dutiful", "verbose": True},
}
PLAIN = {route.path for route in ROUTES if route.method == "POST"} - {PORT.path, AGENTSTUDIO.path}

Post = Callable[..., Answer]


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    """Post these bytes there, with these headers."""
    loop = asyncio.new_event_loop()
    app: App = create_app([as_model(Dutiful)], Options(agentstudio_pickle=True))

    def posted(path: str, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
        return loop.run_until_complete(ask(app, "POST", path, body, headers=headers))

    yield posted
    loop.close()


def test_every_route_that_takes_json_is_asked() -> None:
    assert set(WHOLE) == PLAIN


@pytest.mark.parametrize("path", WHOLE)
def test_what_is_whole_is_described_and_answered(post: Post, path: str) -> None:
    answer = post(path, json.dumps(WHOLE[path]).encode())

    assert complaints(asked(path), WHOLE[path]) == []
    assert answer.status == 200, answer.body


# --- spoiling ---------------------------------------------------------------------------------------------------------


class Raw(NamedTuple):
    """JSON, or what looks like it, that is written down as it is."""

    text: str


def written(value: Any) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        pairs = [
            f"{name.text if isinstance(name, Raw) else json.dumps(name)}:{written(one)}" for name, one in value.items()
        ]
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return json.dumps(value)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in *value*, the whole of it first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*path, name))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


ODD = [
    Raw("1e999"),
    Raw("-1e999"),
    Raw("1" * 400),
    Raw("-0.0"),
    Raw("1.0"),
    Raw("NaN"),
    Raw("Infinity"),
    Raw("[" * 200 + "]" * 200),
    Raw("[" * 20_000 + "]" * 20_000),
    Raw('{"a":' * 200 + "1" + "}" * 200),
    Raw('"\\ud800"'),
    Raw('"\\udc00\\ud800"'),
    Raw('"\\u0000"'),
    Raw("\ufeff1"),
    Raw("'so'"),
    Raw("1 // so"),
    Raw("{so:1}"),
    Raw(""),
    2**63,
    -(2**63) - 1,
    2**31,
    1e308,
    -1,
    0,
    True,
    None,
    "",
    "x" * 300,
    [],
    {},
    [None],
    {"": None},
]
VALUES = (
    st.sampled_from(ODD).map(deepcopy)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)


@st.composite
def spoilt(draw: st.DrawFn, path: str) -> bytes:
    """What is whole, with one to three things wrong in it; seldom with none."""
    value = json.loads(json.dumps(WHOLE[path]))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([*places(value)][1:] or [()]))
        if not place:
            break
        home, name = at(value, place[:-1]), place[-1]
        how = draw(st.sampled_from(["other", "missing", "twice", "renamed", "elsewhere"]))
        if how == "missing":
            del home[name]
        elif how == "twice" and isinstance(home, dict):
            home[Raw(json.dumps(name))] = draw(VALUES)
        elif how == "renamed" and isinstance(home, dict):
            home[draw(st.sampled_from([str(name).upper(), f"{name} ", f"{name}\ud800"]))] = home.pop(name)
        elif how == "elsewhere":
            home[name] = json.loads(json.dumps(WHOLE[draw(st.sampled_from(sorted(WHOLE)))]))
        else:
            home[name] = draw(VALUES)
    return draw(coded(written(value)))


@st.composite
def coded(draw: st.DrawFn, text: str) -> bytes:
    """*text* as bytes, most often as they should be."""
    how = draw(st.sampled_from(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "latin-1", "cut", "more", "broken"]))
    body = text.encode("utf-8", "surrogatepass")
    if how == "cut":
        return body[: draw(st.integers(0, len(body)))]
    if how == "more":
        return body + draw(st.sampled_from([b"x", b"{}", b"\0", b",", b" \n "]))
    if how == "broken":
        middle = draw(st.integers(0, len(body)))
        return body[:middle] + draw(st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0"])) + body[middle:]
    return text.encode(how, "replace") if how in {"utf-8-sig", "utf-16", "latin-1"} else body


def refuse(constant: str) -> None:
    raise ValueError(constant)


def read(body: bytes) -> tuple[bool, Any]:
    """What the standard library reads in *body*, if it is JSON at all and could be sent on as such."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False, None
    return True, value


def blamed(refusal: Any) -> Any:
    """The field that the refusal is about, in whatever wire."""
    return refusal["modelport"].get("param") if "modelport" in refusal else refusal["error"]["param"]


@pytest.mark.parametrize("path", WHOLE)
@settings(max_examples=120)
@given(data=st.data())
def test_what_is_spoilt_is_refused_in_the_right_form_and_never_an_error_of_ours(
    post: Post, path: str, data: st.DataObject
) -> None:
    body = data.draw(spoilt(path))

    answer = post(path, body)

    assert answer.status in {200, 400, 404, 413}, (body[:2000], answer.body)
    is_json, value = read(body)
    if answer.status == 200:
        assert is_json, body
        assert complaints(asked(path), value) == [], body
    else:
        response = described()["paths"][path]["post"]["responses"][str(answer.status)]
        assert complaints(response["content"][answer.headers["content-type"]]["schema"], answer.json) == []
        assert blamed(answer.json) or not is_json or b"\\ud" in body, (body[:2000], answer.body)


@pytest.mark.parametrize("charset", ["utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("path", WHOLE)
def test_text_in_another_charset_is_refused_and_not_misread(post: Post, path: str, charset: str) -> None:
    body = json.dumps({**WHOLE[path], "model": "é"}, ensure_ascii=False).encode(charset)

    answer = post(path, body, (b"content-type", f"application/json; charset={charset}".encode()))

    assert answer.status == 400
    assert "the body is not" in answer.body.decode()


# --- what nobody knows ------------------------------------------------------------------------------------------------

UNKNOWN = "no_such_field"


def named(each: str | tuple[Any, ...]) -> str:
    return each if isinstance(each, str) else ".".join(map(str, each))


OBJECTS = [
    (path, place) for path, whole in WHOLE.items() for place in places(whole) if isinstance(at(whole, place), dict)
]


@pytest.mark.parametrize(("path", "place"), OBJECTS, ids=named)
def test_a_field_that_nobody_knows_is_refused_by_name_wherever_the_description_has_no_place_for_it(
    post: Post, path: str, place: tuple[Any, ...]
) -> None:
    value = json.loads(json.dumps(WHOLE[path]))
    at(value, place)[UNKNOWN] = 1 if place == ("logit_bias",) else "so"
    free = complaints(asked(path), value) == []

    answer = post(path, json.dumps(value).encode())

    assert (answer.status == 200) is free, answer.body
    assert free or UNKNOWN in answer.body.decode()


# --- wires that are no JSON -------------------------------------------------------------------------------------------

ASK = ChatRequest(messages=(Message("user", "hi"),), model="dutiful")


@pytest.mark.parametrize("dialect", [PORT, AGENTSTUDIO], ids=lambda each: each.name)
@settings(max_examples=150)
@given(data=st.data())
def test_bytes_that_are_spoilt_are_refused_and_never_an_error_of_ours(
    post: Post, dialect: Any, data: st.DataObject
) -> None:
    body = bytearray(dialect.encode_request(ASK, stream=False))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        body[start : start + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))

    answer = post(dialect.path, bytes(body))

    assert answer.status in {200, 400, 404, 409, 413}, (bytes(body), answer.body)
