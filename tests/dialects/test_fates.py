"""Every field that a provider publishes is honoured, emulated or rejected, as the tables of fates say; none is lost.

The fields come from the providers' own packages: one that a newer version adds fails here by its name.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec
import pytest

from modelport.dialects.base import urls_are_fetched
from modelport.errors import InvalidRequest, UnsupportedField
from tests.dialects.published import PUBLISHED, Published, example, fate_of, paths

IMAGE = "data:image/png;base64,iVBORw0KGgo="
ADDRESS = "https://example.org/cat.png"
BESIDE: dict[str, dict[str, dict[str, Any]]] = {
    "openai_chat": {
        "stream_options": {"stream": True},
        "tool_choice": {"tools": [{"type": "function", "function": {"name": "x"}}]},
        "function_call": {"functions": [{"name": "none"}]},
    },
    "openai_completions": {"stream_options": {"stream": True}},
    "openai_responses": {
        "stream_options": {"stream": True},
        "tool_choice": {"tools": [{"type": "function", "name": "x"}]},
    },
    "anthropic_messages": {"tool_choice": {"tools": [{"name": "x", "input_schema": {"type": "object"}}]}},
}
"""What must stand beside a field for it to mean anything."""

VALUES: dict[str, dict[str, Any]] = {
    "openai_chat": {
        "messages[].content[image_url].image_url.url": IMAGE,
        "verbosity": "low",
        "tool_choice": "required",
    },
    "openai_completions": {"best_of": 3},
    "openai_responses": {
        "input[message].content[input_image].image_url": IMAGE,
        "input[function_call_output].call_id": "c",
        "input[reasoning].content[reasoning_text].text": "y",
        "reasoning.mode": "standard",
        "tool_choice[allowed_tools].tools": [{"type": "function", "name": "x"}],
        "text.verbosity": "low",
        "tool_choice": "required",
        "include": ["reasoning.encrypted_content"],
    },
    "openai_embeddings": {"encoding_format": "base64"},
    "anthropic_messages": {
        "tool_choice": {"type": "none"},
        "messages[].content[image].source[base64].data": "iVBORw0KGgo=",
        "messages[].content[image].source[url].url": ADDRESS,
    },
}
"""Values that the types alone do not tell."""

ONLY_A_PLACE = "asks for nothing"
"""What a row says where the type alone is taken, and changes nothing."""


def tables(dialect: str) -> dict[str, str]:
    module = import_module(f"modelport.dialects.{dialect}")
    return {**module.FATES, **getattr(module, "WITHIN", {})}


def request_with(published: Published, path: str) -> dict[str, Any]:
    values = dict(VALUES.get(published.dialect, {}))
    if published.dialect == "anthropic_messages" and re.match(r"messages\[\].content\[(tool_use|thinking)", path):
        values["messages[].role"] = "assistant"
    if path.startswith("input[function_call_output].output[input_image]"):
        values["input[function_call_output].output"] = [{"type": "input_image", "image_url": IMAGE}]
        path = "input[function_call_output].output"
    made = example(published, path, values.get)
    assert made is not None, f"no example of {path}"
    if path.startswith("response_format[json_schema]"):
        made["response_format"]["json_schema"].setdefault("schema", {})
    if path.startswith("thinking[") and path.endswith("display"):
        made["thinking"]["display"] = "omitted"
    if path.startswith("input[message].content[input_image]"):
        made["input"][0]["content"][0].setdefault("image_url", IMAGE)
    if path.startswith("input[function_call_output]"):
        made["input"][0].setdefault("call_id", "c")
    return {**BESIDE.get(published.dialect, {}).get(path.partition("[")[0].partition(".")[0], {}), **made}


def without(request: dict[str, Any], path: str) -> dict[str, Any]:
    """*request* without what is at *path*."""
    copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(request))
    steps = path.split(".")
    at: Any = copy
    for step in steps[:-1]:
        at = at[step.partition("[")[0]]
        at = at[0] if isinstance(at, list) else at
    del at[steps[-1].partition("[")[0]]
    return copy


def value_at(request: dict[str, Any], path: str) -> Any:
    """What stands at *path*."""
    at: Any = request
    for step in path.split("."):
        at = at[0] if isinstance(at, list) else at
        at = at[step.partition("[")[0]]
    return at


def read(dialect: str, request: dict[str, Any]) -> Any:
    return import_module(f"modelport.dialects.{dialect}").DIALECT.decode_request(msgspec.json.encode(request))


@pytest.fixture(autouse=True)
def addresses_are_taken() -> Iterator[None]:
    before = urls_are_fetched.set(True)
    yield
    urls_are_fetched.reset(before)


FIELDS = [(one, path) for one in PUBLISHED for path in paths(one, tables(one.dialect))]
IDS = [f"{one.dialect}-{path}" for one, path in FIELDS]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one.dialect)
def test_every_field_that_is_published_has_a_fate(published: Published) -> None:
    fates = tables(published.dialect)

    assert [path for path in paths(published, fates) if fate_of(path, fates) is None] == []


@pytest.mark.parametrize(("published", "path"), FIELDS, ids=IDS)
def test_a_field_meets_its_fate(published: Published, path: str) -> None:
    fate, _, note = (fate_of(path, tables(published.dialect)) or "").partition(": ")
    request = request_with(published, path)

    if fate == "rejected":
        with pytest.raises(UnsupportedField) as caught:
            read(published.dialect, request)
        assert _bare(caught.value.param or "").startswith(_bare(path))
        return
    if path in {"previous_response_id", "store"}:  # by a server that keeps answers
        with pytest.raises(UnsupportedField, match=path):
            read(published.dialect, request)
        return
    asked = read(published.dialect, request)

    try:
        bare = read(published.dialect, without(request, path))
    except InvalidRequest:
        return  # it is demanded
    if note.startswith("advice"):
        assert asked.request == bare.request
    elif not note.startswith(ONLY_A_PLACE) and value_at(request, path) != {}:
        assert asked != bare


def _bare(path: str) -> str:
    return re.sub(r"\[[^]]*\]", "", path)


OLLAMAS = {
    "ollama": "model messages tools format options stream think keep_alive truncate shift logprobs top_logprobs",
    "ollama_generate": "model prompt suffix system template context raw images format options stream think keep_alive "
    "truncate shift logprobs top_logprobs width height steps",
    "ollama_embed": "model input truncate options keep_alive dimensions",
    "ollama_embeddings": "model prompt options keep_alive",
}
"""What the package ollama 0.6.3 and https://docs.ollama.com/api name of each request."""

OPTIONS = (
    "numa num_ctx num_batch num_gpu main_gpu low_vram f16_kv logits_all vocab_only use_mmap use_mlock embedding_only "
    "num_thread num_keep seed num_predict top_k top_p min_p tfs_z typical_p repeat_last_n temperature repeat_penalty "
    "presence_penalty frequency_penalty mirostat mirostat_tau mirostat_eta penalize_newline stop"
)
MESSAGE = "role content images thinking tool_calls tool_name"


@pytest.mark.parametrize("dialect", OLLAMAS)
def test_every_field_that_ollama_names_has_a_fate(dialect: str) -> None:
    named = OLLAMAS[dialect].split()
    if dialect in {"ollama", "ollama_generate"}:
        named += [f"options.{name}" for name in OPTIONS.split()]
    if dialect == "ollama":
        named += [f"messages[].{name}" for name in MESSAGE.split()]

    assert set(named) <= set(tables(dialect))


def test_count_tokens_takes_the_same_fields_as_a_message_as_far_as_a_model_reads_them() -> None:
    dialect = import_module("modelport.dialects.anthropic_messages").DIALECT
    messages = next(one for one in PUBLISHED if one.dialect == "anthropic_messages")
    counting = messages._replace(requests=messages.requests[-1:])
    fates = tables("anthropic_messages")

    for path in paths(counting, fates):
        request = request_with(counting, path)
        body = msgspec.json.encode({name: value for name, value in request.items() if name != "max_tokens"})
        if (fate_of(path, fates) or "").startswith("rejected"):
            with pytest.raises(UnsupportedField):
                dialect.decode_count(body)
        else:
            assert dialect.decode_count(body).messages
