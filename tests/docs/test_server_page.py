"""docs/server.md: its routes, fields, limits and codes are those of the code."""

import re
from typing import Any

import msgspec
import pytest

from modelport.dialects.openai_chat import DIALECT
from modelport.dialects.openai_chat.wire import WireRequest
from modelport.errors import ModelportError, UnsupportedField
from modelport.server.app import ROUTES
from modelport.server.limits import Limits
from modelport.types import ChatRequest
from tests.docs.tables import code_in, table

FIELDS = "## Fields of a chat completion"
HELLO = [{"role": "user", "content": "hello"}]
FUNCTION = {"name": "look", "parameters": {"type": "object"}}
ASKED: dict[str, dict[str, Any]] = {
    "messages": {},
    "n": {"n": 2},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "max_tokens": {"max_tokens": 5},
    "max_completion_tokens": {"max_completion_tokens": 5},
    "stop": {"stop": "x"},
    "seed": {"seed": 1},
    "presence_penalty": {"presence_penalty": 1},
    "frequency_penalty": {"frequency_penalty": 1},
    "logit_bias": {"logit_bias": {"1": 2}},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"top_logprobs": 2},
    "tools": {"tools": [{"type": "function", "function": FUNCTION}]},
    "tool_choice": {"tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "required"},
    "parallel_tool_calls": {"parallel_tool_calls": False},
    "functions": {"functions": [FUNCTION]},
    "function_call": {"functions": [FUNCTION], "function_call": {"name": "look"}},
    "response_format": {"response_format": {"type": "json_object"}},
    "reasoning_effort": {"reasoning_effort": "low"},
    "verbosity": {"verbosity": "low"},
    "user": {"user": "me"},
    "safety_identifier": {"safety_identifier": "me"},
    "metadata": {"metadata": {"a": "b"}},
    "prompt_cache_key": {"prompt_cache_key": "k"},
    "prompt_cache_retention": {"prompt_cache_retention": "in_memory"},
    "modalities": {"modalities": ["text"]},
    "service_tier": {"service_tier": "auto"},
    "store": {"store": True},
    "audio": {"audio": {"voice": "x", "format": "mp3"}},
    "moderation": {"moderation": {}},
    "prediction": {"prediction": {}},
    "prompt_cache_options": {"prompt_cache_options": {}},
    "web_search_options": {"web_search_options": {}},
}


def decoded(**fields: Any) -> ChatRequest:
    return DIALECT.decode_request(msgspec.json.encode({"messages": HELLO, **fields})).request


def test_every_route_is_listed() -> None:
    rows = table("server.md", "## Routes")

    listed = [(code_in(row[0])[0], code_in(row[1])[0], row[2]) for row in rows]

    assert listed == [(route.path, route.method, "open" if route.open else "yes") for route in ROUTES]


def test_every_field_of_a_request_is_listed() -> None:
    assert [code_in(row[0])[0] for row in table("server.md", FIELDS)] == list(WireRequest.__struct_fields__)


@pytest.mark.parametrize("row", table("server.md", FIELDS), ids=lambda row: code_in(row[0])[0])
def test_a_field_becomes_what_its_row_says(row: list[str]) -> None:
    [field], becomes = code_in(row[0]), row[1]

    if becomes == "refused":
        with pytest.raises(UnsupportedField) as caught:
            decoded(**ASKED[field])
        assert caught.value.param == field
    elif becomes == "advice":
        assert decoded(**ASKED[field]) == decoded()
    elif becomes == "server":
        assert field in {"model", "stream", "stream_options", "timeout"}
    else:
        target = code_in(becomes)[0] if becomes.startswith("as ") else field
        assert becomes in {"model", f"as `{target}`"}
        assert getattr(decoded(**ASKED[field]), target) is not None


def test_every_limit_is_listed_with_its_default() -> None:
    units = {"": 1, "KiB": 1024, "MiB": 1024**2, "s": 1}

    listed = {}
    for row in table("server.md", "## Limits"):
        number, unit = re.fullmatch(r"(\d+) ?(\w*)", row[1]).groups()  # type: ignore[union-attr]
        listed[code_in(row[0])[0]] = int(number) * units[unit]

    assert listed == msgspec.structs.asdict(Limits())


def test_every_code_that_a_client_may_meet_is_listed_with_its_status() -> None:
    listed = {code: int(row[0]) for row in table("server.md", "## Errors") for code in code_in(row[1])}

    known = {kind.code: kind.status for kind in _kinds(ModelportError) if "code" in vars(kind)}

    assert {code: known.get(code) for code in listed} == listed
    ours_only = {"answer_rejected", "parts_missing", "client_gone", "answer_cancelled"}  # never in OpenAI's form
    assert {code for code, status in known.items() if status != 500} - ours_only == set(listed)


def _kinds(kind: type[ModelportError]) -> list[type[ModelportError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _kinds(child))]
