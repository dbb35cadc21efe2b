"""The server's description of itself: complete, true, and OpenAPI."""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from modelport import as_model
from modelport.server import App, Options, create_app
from modelport.server.app import ROUTES, Route
from modelport.server.http import Exchange
from modelport.server.openapi import PATH, SHAPES, describe
from tests.server.described import answered, complaints, described, identified, operation_of, strict
from tests.server.dutiful import Dutiful
from tests.server.helpers import Answer, ask
from tests.workshop.test_project_rules import modules_after

KEY = (b"authorization", b"Bearer sesame")
SPOKEN = (b"anthropic-version", b"2023-06-01")
HELLO = [{"role": "user", "content": "hello"}]
FUNCTION = {"name": "look", "parameters": {"type": "object"}}


# --- the document -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [False, True])
def test_the_document_is_openapi(keys: bool) -> None:
    validate(described(keys=keys))


def test_every_route_is_told_of_and_nothing_else() -> None:
    told = {name for each in SHAPES.names() for name in SHAPES.load(each).routes}

    assert told == {identified(route) for route in ROUTES}
    assert sum(len(methods) for methods in described()["paths"].values()) == len(ROUTES)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=identified)
def test_what_is_asked_is_told_field_by_field_or_said_to_be_binary(route: Route) -> None:
    body = operation_of(route)["requestBody"]
    schema = body["content"][route.dialect.request_type].get("schema")

    if schema is None:
        assert body["description"]
        return
    component = described()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert component["additionalProperties"] is False
    if route.path == getattr(route.dialect, "path", None):
        fates = import_module(type(route.dialect).__module__).FATES
        assert {name: field.get("description") for name, field in component["properties"].items()} == fates


@pytest.mark.parametrize("route", ROUTES, ids=identified)
def test_errors_are_told_in_the_form_of_their_dialect(route: Route) -> None:
    responses = operation_of(route)["responses"]

    for status, response in responses.items():
        assert "x-request-id" in response["headers"]
        assert status == "200" or route.dialect.response_type in response["content"]
    assert "retry-after" in responses["503"]["headers"]
    assert ("401" in responses) is not route.open


def test_keys_are_asked_for_only_where_there_are_keys() -> None:
    for route in ROUTES:
        schemes: list[Any] = [] if route.open else [{"bearer": []}, {"x-api-key": []}]
        assert operation_of(route)["security"] == schemes

    assert "security" not in json.dumps(described(keys=False)["paths"])


async def nothing(app: App, exchange: Exchange) -> None:
    """Does nothing at all.

    More of it.
    """


def test_a_route_that_nobody_told_of_joins_by_itself() -> None:
    document = describe([*ROUTES, Route(path="/new/", method="POST", endpoint=nothing)], keys=True)

    operation = document["paths"]["/new/{id}"]["post"]
    assert operation["summary"] == "Does nothing at all"
    assert {"200", "400", "401", "404", "413", "502"} <= set(operation["responses"])
    validate(document)


def test_nothing_of_it_is_loaded_before_it_is_asked_for() -> None:
    loaded = modules_after("import modelport.server.run, modelport.server.app")

    assert {name for name in loaded if name.startswith("modelport.server.shapes")} == set()


# --- over the wire ----------------------------------------------------------------------------------------------------


async def test_it_is_given_to_who_has_a_key_and_made_once() -> None:
    app = create_app([as_model(Dutiful)], Options(keys={"ann": "sesame"}))

    refused = await ask(app, "GET", PATH)
    given = [await ask(app, "GET", PATH, headers=[KEY]) for _ in range(2)]

    assert (refused.status, refused.error["code"]) == (401, "unauthorized")
    assert [answer.status for answer in given] == [200, 200]
    assert given[0].body == given[1].body
    assert given[0].headers["content-type"] == "application/json"
    assert given[0].json == described()


async def test_without_keys_it_says_so() -> None:
    answer = await ask(create_app([as_model(Dutiful)]), "GET", PATH)

    assert answer.json == described(keys=False)


# --- what is answered -------------------------------------------------------------------------------------------------

TEXT: dict[str, Any] = {"model": "dutiful", "messages": HELLO}
TOOLED: dict[str, Any] = {**TEXT, "tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "required"}
OLLAMA_TOOL = {"type": "function", "function": FUNCTION}
ANTHROPIC: dict[str, Any] = {**TEXT, "max_tokens": 9}
ANTHROPIC_TOOLED = {
    **ANTHROPIC,
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any"},
}
RESPONSES_TOOLED = {"input": "hi", "tools": [{"type": "function", "name": "look"}], "tool_choice": "required"}

ASKED: list[tuple[str, str, Any]] = [
    ("POST", "/v1/chat/completions", TEXT),
    ("POST", "/v1/chat/completions", {**TOOLED, "n": 2}),
    ("POST", "/v1/chat/completions", {**TEXT, "functions": [FUNCTION], "function_call": {"name": "look"}}),
    ("POST", "/v1/completions", {"prompt": ["a", "b"], "echo": True, "n": 2}),
    ("POST", "/v1/responses", {"input": "hi", "include": ["reasoning.encrypted_content"]}),
    ("POST", "/v1/responses", RESPONSES_TOOLED),
    ("POST", "/v1/messages", ANTHROPIC),
    ("POST", "/v1/messages", ANTHROPIC_TOOLED),
    ("POST", "/api/chat", TEXT),
    ("POST", "/api/chat", {**TEXT, "tools": [OLLAMA_TOOL]}),
    ("POST", "/api/generate", {"prompt": "hi"}),
]
ASIDE: list[tuple[str, str, Any]] = [
    ("POST", "/v1/embeddings", {"input": ["a", "b"]}),
    ("POST", "/v1/embeddings", {"input": "a", "encoding_format": "base64"}),
    ("POST", "/api/embed", {"input": ["a"]}),
    ("POST", "/api/embeddings", {"prompt": "a"}),
    ("POST", "/v1/messages/count_tokens", TEXT),
    ("POST", "/api/show", {"model": "dutiful"}),
    *(("GET", path, None) for path in ("/api/tags", "/api/ps", "/api/version", "/v1/models", "/v1/models/dutiful")),
    *(("GET", path, None) for path in ("/health", "/ready", "/port/v1/hello", PATH)),
]


@pytest.mark.parametrize(
    ("method", "path", "body"), [*ASKED, *ASIDE], ids=lambda each: each if type(each) is str else ""
)
async def test_a_whole_answer_is_as_told_and_has_no_field_beside(method: str, path: str, body: Any) -> None:
    if body is not None and path.startswith(("/api/chat", "/api/generate")):
        body = {**body, "stream": False}

    answer = await ask(
        create_app([as_model(Dutiful)]), method, path, b"" if body is None else json.dumps(body).encode()
    )

    assert answer.status == 200, answer.body
    assert complaints(answered(method, path, answer)["schema"], answer.json, strict()) == []


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/dutiful"])
async def test_a_list_of_models_in_the_other_form_is_as_told(path: str) -> None:
    answer = await ask(create_app([as_model(Dutiful)]), "GET", path, headers=[SPOKEN])

    assert complaints(answered("GET", path, answer)["schema"], answer.json, strict()) == []


def pieces(answer: Answer) -> Iterator[Any]:
    for line in answer.body.decode().splitlines():
        data = line.removeprefix("data: ")
        if data.startswith("{"):
            yield json.loads(data)


@pytest.mark.parametrize(("method", "path", "body"), ASKED, ids=lambda each: each if type(each) is str else "")
async def test_every_piece_of_a_stream_is_as_told_and_has_no_field_beside(method: str, path: str, body: Any) -> None:
    more = (
        {}
        if path.startswith(("/api", "/v1/messages", "/v1/responses"))
        else {"stream_options": {"include_usage": True}}
    )

    answer = await ask(
        create_app([as_model(Dutiful)]), method, path, json.dumps({**body, **more, "stream": True}).encode()
    )

    content = answered(method, path, answer)
    found = list(pieces(answer))
    assert len(found) > 2
    assert [each for piece in found for each in complaints(content["x-itemSchema"], piece, strict())] == []


@pytest.mark.parametrize("route", ROUTES, ids=identified)
@pytest.mark.parametrize("headers", [[], [SPOKEN]], ids=["own", "anthropic"])
async def test_an_error_is_as_told(route: Route, headers: list[Any]) -> None:
    app = create_app([as_model(Dutiful)], Options(hosts=()))

    answer = await ask(app, route.method, route.path + "x" * route.path.endswith("/"), headers=headers)

    content = operation_of(route)["responses"]["403"]["content"][answer.headers["content-type"]]
    if "schema" in content:
        assert complaints(content["schema"], answer.json, strict()) == []
    else:
        assert msgspec.msgpack.decode(answer.body)["code"] == "forbidden"
