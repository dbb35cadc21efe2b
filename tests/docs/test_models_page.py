"""docs/models.md: what it says of each contract is what the adapters and the port do."""

from types import SimpleNamespace
from typing import Any

import pytest

from modelport import as_model
from modelport.errors import UnsupportedField
from modelport.model import generate
from modelport.sync import run
from modelport.types import ChatRequest, request_from_params
from modelport.wrappers.honouring import honour
from tests.docs.tables import code_in, table

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
ASKED: dict[str, dict[str, Any]] = {
    "n": {"n": 2},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "max_tokens": {"max_tokens": 5},
    "stop": {"stop": ["x"]},
    "seed": {"seed": 1},
    "presence_penalty": {"presence_penalty": 1},
    "frequency_penalty": {"frequency_penalty": 1},
    "logit_bias": {"logit_bias": {"1": 2}},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"top_logprobs": 2},
    "tools": {"tools": [TOOL]},
    "tool_choice": {"tools": [TOOL], "tool_choice": "auto"},
    "parallel_tool_calls": {"tools": [TOOL], "parallel_tool_calls": False},
    "response_format": {"response_format": {"type": "json_object"}},
    "reasoning_effort": {"reasoning_effort": "low"},
    "user": {"user": "me"},
    "metadata": {"metadata": {"a": "b"}},
    "extra": {"top_k": 40},
}
"""For each field of a request, parameters that really ask for it."""


TEXT = '{"a": "text"}'


def plain(messages: Any) -> str:
    return TEXT


def taking_all(messages: Any, **params: Any) -> str:
    return TEXT


class Studio:
    name = "studio"

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, int]]:
        return TEXT, {}


class Client:
    def create(self, params: dict[str, Any]) -> Any:
        choice = SimpleNamespace(message=SimpleNamespace(content=TEXT, function_call=None))
        return SimpleNamespace(choices=[choice] * (params.get("n") or 1), model="client")

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message.content for choice in response.choices]


class Native:
    name = "native"

    def stream(self, request: ChatRequest) -> Any:
        yield TEXT


COLUMNS = (plain, taking_all, Studio, Client, Native)


def outcome(thing: Any, field: str) -> str:
    """What becomes of *field*: given to the model, kept for it, or refused."""
    model = honour(as_model(thing))
    try:
        answer = run(generate(model, request_from_params({"messages": "hello", **ASKED[field]})), suspends=False)
    except UnsupportedField:
        return "refused"
    return "kept for it" if field in answer.emulated else "given"


def test_the_table_of_fields_names_every_field_of_a_request() -> None:
    fields = [code_in(row[0])[0] for row in table("models.md", "## Which fields reach a model")]

    assert fields == [name for name in ChatRequest.__struct_fields__ if name not in {"messages", "model"}]
    assert fields == list(ASKED)


@pytest.mark.parametrize("field", ASKED)
def test_the_table_of_fields_says_what_happens(field: str) -> None:
    [row] = [row for row in table("models.md", "## Which fields reach a model") if code_in(row[0]) == [field]]

    assert row[1:] == [outcome(thing, field) for thing in COLUMNS]
