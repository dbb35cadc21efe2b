"""Nothing that a caller sends is lost: what no table knows is refused by its path, the rest reaches the model."""

import copy
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from modelport.dialects.base import urls_are_fetched
from modelport.errors import InvalidRequest
from tests.dialects.published import fate_of
from tests.dialects.test_fates import FIELDS, request_with, tables, without

PNG = "iVBORw0KGgo="
HELLO = {"role": "user", "content": "hi", "images": [PNG]}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"x": 1}, "index": 0, "description": "d"}}
OTHER = {"id": "d", "function": {"name": "g"}}
LAST = {"id": "e", "function": {"name": "h"}}
OPTIONS: dict[str, Any] = {
    **dict.fromkeys(("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "num_predict"), 1),
    **dict.fromkeys(("top_k", "repeat_last_n", "mirostat", "num_ctx", "num_keep"), 1),
    **dict.fromkeys(("min_p", "typical_p", "tfs_z", "repeat_penalty", "mirostat_tau", "mirostat_eta"), 0.5),
    "penalize_newline": True,
    "stop": ["x"],
}
SETTINGS = {"model": "m", "format": "json", "options": OPTIONS, "stream": False, "think": "low", "keep_alive": "5m"}
RICH: dict[str, dict[str, Any]] = {
    "ollama": {
        **SETTINGS,
        "messages": [
            HELLO,
            {"role": "assistant", "content": "x", "thinking": "hm", "tool_calls": [CALL, OTHER, LAST]},
            {"role": "tool", "content": "y", "tool_call_id": "d"},
            {"role": "tool", "content": "z", "tool_name": "h"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
        ],
    },
    "ollama_generate": {**SETTINGS, "prompt": "hi", "system": "be", "images": [PNG]},
    "ollama_embed": {"model": "m", "input": "hi", "dimensions": 3, "keep_alive": "5m"},
}
"""Requests with all that is taken, for wires whose fields no package tells."""

UNTYPED = {"tools": "custom", "input": "message"}
"""What is meant where the type may be left out."""

FREE = {
    "metadata",
    "logit_bias",
    "format",
    "messages[].content[tool_use].input",
    "messages[].tool_calls[].function.arguments",
}
"""Where any name may stand."""

HONOURED = [
    (one.dialect, path) for one, path in FIELDS if not (fate_of(path, tables(one.dialect)) or "").startswith("rej")
]
KEPT = {"previous_response_id", "store"}  # by a server that keeps answers
REQUESTS = [
    (one.dialect, request_with(one, path))
    for one, path in FIELDS
    if (one.dialect, path) in HONOURED and path not in KEPT
]
REQUESTS += list(RICH.items())


@pytest.fixture(autouse=True)
def addresses_are_taken() -> Iterator[None]:
    before = urls_are_fetched.set(True)
    yield
    urls_are_fetched.reset(before)


def read(dialect: str, request: dict[str, Any]) -> Any:
    return import_module(f"modelport.dialects.{dialect}").DIALECT.decode_request(msgspec.json.encode(request))


def objects(value: dict[str, Any], fates: dict[str, str], row: str = "", path: str = "") -> Iterator[tuple[str, Any]]:
    """Every object in a request whose names are all known, with its path."""
    yield path, value
    for name, inner in value.items():
        below = f"{row}.{name}".lstrip(".")
        note = (fates.get(below) or "").partition(": ")[2]
        if below in FREE or note.startswith(("advice", "a JSON Schema")):
            continue
        items = inner if isinstance(inner, list) else [inner]
        for at, item in enumerate(items):
            if isinstance(item, dict):
                kind = f"{below}[{item.get('type', UNTYPED.get(below))}]"
                there = kind if kind in fates else f"{below}[]" if isinstance(inner, list) else below
                number = f"[{at}]" if isinstance(inner, list) else ""
                yield from objects(item, fates, there, f"{path}.{name}".lstrip(".") + number)


NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).map(lambda name: f"zz_{name}")
ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just({}) | st.just(["x"])
)


PLACES = [
    (number, at)
    for number, (dialect, request) in enumerate(REQUESTS)
    for at, _ in enumerate(objects(request, tables(dialect)))
]


def refusal(place: tuple[int, int], name: str, value: Any) -> tuple[str, InvalidRequest]:
    """Where *name* was put, and what was said of it."""
    number, at = place
    dialect, request = copy.deepcopy(REQUESTS[number])
    path, there = list(objects(request, tables(dialect)))[at]
    there[name] = value
    with pytest.raises(InvalidRequest) as caught:
        read(dialect, request)
    return f"{path}.{name}".lstrip("."), caught.value


def test_a_field_that_is_in_no_table_is_refused_wherever_it_stands() -> None:
    for place in PLACES:
        where, error = refusal(place, "zz_unknown", 1)

        assert error.param == where


@given(st.sampled_from(PLACES), NAMES, ANYTHING)
def test_an_unknown_field_is_refused_by_its_path_whatever_it_is(place: tuple[int, int], name: str, value: Any) -> None:
    where, error = refusal(place, name, value)

    assert error.param == where
    assert name in error.message


REJECTED = [
    (dialect, field)
    for dialect in sorted({dialect for dialect, _ in REQUESTS})
    for field, fate in import_module(f"modelport.dialects.{dialect}").FATES.items()
    if fate.startswith("rejected")
]


@pytest.mark.parametrize("value", [True, 7, "x", {"a": 1}, ["x"]])
@pytest.mark.parametrize(("dialect", "field"), REJECTED)
def test_whatever_a_rejected_field_asks_for_it_is_refused_by_name(dialect: str, field: str, value: Any) -> None:
    request = next(request for name, request in REQUESTS if name == dialect)

    with pytest.raises(InvalidRequest) as caught:
        read(dialect, {**request, field: value})

    assert (caught.value.param or "").startswith(field)
    assert field in caught.value.message


TOLD = [(dialect, path) for dialect in RICH for path, fate in tables(dialect).items() if fate.startswith("honoured")]


@pytest.mark.parametrize(("dialect", "path"), TOLD)
def test_ollamas_fields_make_a_difference_or_are_called_advice(dialect: str, path: str) -> None:
    request = RICH[dialect]
    whole = read(dialect, request)

    try:
        bare = read(dialect, less(request, path))
    except InvalidRequest:
        return  # it is demanded

    if tables(dialect)[path].startswith("honoured: advice"):
        assert whole.request == bare.request
    else:
        assert (whole.request, whole.stream, whole.thoughts) != (bare.request, bare.stream, bare.thoughts)


def less(request: dict[str, Any], path: str) -> dict[str, Any]:
    """*request* without what is at *path*, in whichever of its messages that is."""
    copied = copy.deepcopy(request)
    for number, message in enumerate(copied.get("messages", ())):
        inner = path.removeprefix("messages[].")
        if inner != path and inner.partition("[")[0].partition(".")[0] in message:
            copied["messages"][number] = without(message, inner)
            return copied
    return without(copied, path)
