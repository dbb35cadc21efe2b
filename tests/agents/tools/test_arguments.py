"""What a model wrote as arguments: read where it can be, answered where it cannot."""

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from modelport.agents.tools import parse_arguments

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(
    arguments=st.dictionaries(st.text(), VALUES, max_size=5),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
)
def test_any_json_object_survives(arguments: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(arguments, indent=indent, ensure_ascii=ascii_only)

    assert parse_arguments(text) == (arguments, None)


@given(text=st.text())
def test_any_text_gives_arguments_or_an_error_and_never_an_exception(text: str) -> None:
    arguments, error = parse_arguments(text)

    assert (arguments is None) != (error is None)
    assert error is None or error.startswith("Error: ")


@given(text=st.text(alphabet='{}[]":,\\ \n\t0123456789.eE+-truefalsn'))
@settings(max_examples=300)
def test_any_text_that_looks_like_json_gives_arguments_or_an_error(text: str) -> None:
    arguments, error = parse_arguments(text)

    assert isinstance(arguments, dict) if error is None else arguments is None


@given(value=st.text())
def test_line_breaks_and_tabs_may_stand_raw_inside_strings(value: str) -> None:
    text = json.dumps({"code": value}).replace("\\n", "\n").replace("\\t", "\t") if "\\" not in value else None
    if text is None:
        return

    assert parse_arguments(text) == ({"code": value}, None)


def test_a_backslash_before_a_closing_quote_does_not_confuse_the_line_breaks_after_it() -> None:
    text = '{"path": "C:\\\\",\n "lines": "a\nb"}'

    assert parse_arguments(text) == ({"path": "C:\\", "lines": "a\nb"}, None)


def test_broken_json_is_told_with_its_position() -> None:
    arguments, error = parse_arguments('{"a": 1 2}')

    assert arguments is None
    assert error is not None
    assert "line 1 column 9 (char 8)" in error
    assert error.endswith("\n The argument must be in JSON format.")


@pytest.mark.parametrize("text", ["", "  \n", "null", None, {}, "{}", b"{}"])
def test_nothing_means_no_arguments(text: object) -> None:
    assert parse_arguments(text) == ({}, None)


@pytest.mark.parametrize(
    ("text", "kind"), [("[1]", "an array"), ('"a"', "a string"), ("1", "a number"), ("true", "true or false")]
)
def test_json_that_is_no_object_is_told_what_it_is(text: str, kind: str) -> None:
    arguments, error = parse_arguments(text)

    assert arguments is None
    assert error is not None
    assert f"expected a JSON object with the parameters by name, got {kind}" in error


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 10_000 + "}", "\ud800", b"\xff"])
def test_hostile_text_is_an_error_like_any_other(text: str | bytes) -> None:
    arguments, error = parse_arguments(text)

    assert arguments is None
    assert error is not None
    assert error.startswith("Error: ")


def test_a_dict_is_taken_as_it_is() -> None:
    assert parse_arguments({"a": 1}) == ({"a": 1}, None)


def test_what_is_neither_text_nor_a_mapping_is_named() -> None:
    assert "got int" in str(parse_arguments(3)[1])
