"""Schemas that would hold up a server: each is a plain error, soon, and the server goes on."""

from typing import Any

import pytest

from modelport.server import App, create_app
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import ask, chat

LEVELS = 50
BRANCHING = {
    "$ref": "#/$defs/l0",
    "$defs": {
        **{f"l{at}": {"anyOf": [{"$ref": f"#/$defs/l{at + 1}"}] * 2} for at in range(LEVELS)},
        f"l{LEVELS}": False,
    },
}
HOSTILE: dict[str, Any] = {
    "a branch of branches": BRANCHING,
    "a circle": {"$ref": "#"},
    "a repeated group": {"properties": {"a": {"pattern": "^(a+)+$"}}},
    "a pattern with many loops": {"properties": {"a": {"pattern": "a*a*a*a*a*a*b"}}},
    "an address": {"$ref": "http://169.254.169.254/latest/meta-data"},
    "a file": {"$ref": "file:///etc/passwd"},
    "a wide one": {"properties": {f"p{at}": {"type": "string"} for at in range(2500)}},
}
OBJECT = '{"a": "%s!"}' % ("a" * 3000)
CALL = f'<tool_call>{{"name": "f", "arguments": {OBJECT}}}</tool_call>'


@pytest.fixture(params=["response_format", "tools"])
def served(request: pytest.FixtureRequest) -> tuple[App, str]:
    """A server whose model answers so that the schema is looked at, and where the schema is sent."""
    model = ScriptedModel(reply(OBJECT if request.param == "response_format" else CALL), accepts=())
    model.tool_parser = "hermes"  # type: ignore[attr-defined]
    return create_app([model]), request.param


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_schema_costs_its_sender_an_error_and_others_nothing(
    served: tuple[App, str], name: str
) -> None:
    (app, place), schema = served, HOSTILE[name]
    fields: dict[str, Any] = {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    }
    if place == "tools":
        fields = {"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}

    answer = await ask(app, body=chat(**fields))  # ends: without bounds the first of them takes longer than the world

    assert answer.status in {400, 413}, answer.body
    assert (await ask(app, path="/health", method="GET")).status == 200
