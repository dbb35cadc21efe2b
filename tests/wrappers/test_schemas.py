"""Schemas from strangers: what is taken, what is refused by name, and that none takes longer than it may."""

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from modelport.errors import InvalidRequest
from modelport.wrappers._patterns import cost_of
from modelport.wrappers.schemas import schema_of

NODE: dict[str, Any] = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "at": {"$ref": "#whole"}}}},
    "definitions": {"a/b": {"$anchor": "whole", "type": "integer"}},
}


def nested(depth: int) -> Any:
    return {"properties": {"a": nested(depth - 1)}} if depth else {}


def branching(depth: int) -> dict[str, Any]:
    levels = {f"l{at}": {"anyOf": [{"$ref": f"#/$defs/l{at + 1}"}] * 2} for at in range(depth)}
    return {"$ref": "#/$defs/l0", "$defs": {**levels, f"l{depth}": False}}


def test_violations_are_told_with_their_places() -> None:
    schema = schema_of(NODE, "schema")

    assert schema.problems({"next": {"next": {"at": 3}}}) == []
    assert sorted(schema.problems({"next": {"at": "x", "next": 3}})) == [
        "$.next.at: 'x' is not of type 'integer'",
        "$.next.next: 3 is not of type 'object'",
    ]


def test_only_the_first_few_violations_are_told_and_none_at_length() -> None:
    problems = schema_of({"items": {"type": "integer"}}, "schema").problems(["x" * 10_000] * 100)

    assert len(problems) == 5
    assert max(map(len, problems)) < 1000


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (3, "must be a JSON Schema, an object, got int"),
        ([], "must be a JSON Schema, an object, got list"),
        ({"type": "strange"}, r"is no valid JSON Schema: \$\.type"),
        ({"$ref": "https://example.org/schema"}, "nothing is fetched, so a \\$ref must begin with #"),
        ({"$ref": "other.json#/a"}, "nothing is fetched"),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"$ref": "#/nowhere"}, r"\$ref '#/nowhere' leads nowhere"),
        ({"$ref": "#nowhere"}, "leads nowhere"),
        ({"properties": {"a": {"$id": "https://example.org/"}}}, r"has \$id within"),
        ({"$dynamicRef": "#a"}, r"has \$dynamicRef within"),
        (nested(70), "nested deeper than 64 levels"),
        ({"properties": {f"p{at}": {} for at in range(3000)}}, "more than 2000 parts"),
        ({"enum": ["x" * 100_000]}, "100013 bytes long; at most 65536 are taken"),
        ({"pattern": "(a+)+$"}, r"the pattern '\(a\+\)\+\$' repeats a group"),
        ({"patternProperties": {"(": {}}}, r"the pattern '\(' is no regular expression"),
        ({"const": float}, "must be a JSON Schema of plain JSON values"),
    ],
)
def test_what_is_not_taken_is_refused_by_name(schema: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as caught:
        schema_of(schema, "tools[0].parameters")

    assert caught.value.param == "tools[0].parameters"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (branching(60), {}),
        ({"$ref": "#"}, {}),
        ({"allOf": [{"$ref": "#"}]}, {}),
        ({"pattern": "^[a-z]*[a-z]*[a-z]*[a-z]*$"}, "a" * 50_000 + "!"),
        ({"patternProperties": {"a*a*a*b": {}}}, {"a" * 50_000: 1}),
    ],
    ids=["branching", "circle", "circle within", "pattern", "pattern of names"],
)
def test_no_schema_takes_longer_than_it_may(schema: Any, value: Any) -> None:
    began = time.thread_time()

    with pytest.raises(InvalidRequest, match="takes too much work"):
        schema_of(schema, "schema").problems(value)

    assert time.thread_time() - began < 3


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{4}-\d{2}-\d{2}$",
        r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$",
        r"^(red|green|blue)$",
        r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
        r"^(?P<year>\d+)\{x\}[\]^{]$",
        r"a{,3}b{x}c",
        r"a+?b",
    ],
)
def test_usual_patterns_are_taken(pattern: str) -> None:
    assert cost_of(pattern).allows(60)


@pytest.mark.parametrize(
    "pattern",
    [r"(a*)*", r"(a|a)*$", r"(?:a+){10}", r"(a)\1", r"(?=a)a", r"(?i)a", r"a{100000}", "a" * 2000, "[", "*", r"(?P=x)"],
)
def test_patterns_whose_cost_cannot_be_told_are_not(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cost_of(pattern)


@settings(deadline=None)
@given(st.text(alphabet="ab*+?|()[]{}^$\\,12.", max_size=16), st.text(alphabet="ab", max_size=40))
def test_no_pattern_that_is_taken_holds_anybody_up(pattern: str, text: str) -> None:
    try:
        cost = cost_of(pattern)
    except ValueError:
        return
    if not cost.allows(len(text)):
        return

    began = time.thread_time()
    re.search(pattern, text)

    assert time.thread_time() - began < 3


def test_one_schema_in_two_places_is_named_by_each_of_them() -> None:
    schema = {"$ref": "#"}

    for where in ("tools[0].function.parameters", "response_format.json_schema.schema"):
        with pytest.raises(InvalidRequest) as caught:
            schema_of(schema, where).problems({})
        assert caught.value.param == where
