"""Calls between tags, found in text that comes in any pieces; what only looks like one stays text."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from modelport.toolcalls.base import PARSERS, parser_named
from modelport.toolcalls.hermes import HermesParser
from modelport.types import Event, TextDelta, Tool, ToolCallDelta

CALL = '<tool_call>\n{"name": "look", "arguments": {"city": "Oslo"}}\n</tool_call>'
OSLO = ("look", '{"city": "Oslo"}')


def read(*pieces: str) -> list[Any]:
    """Text as text, with neighbours joined, and calls as pairs, in the order that they came."""
    parser = HermesParser()
    events: list[Event] = [event for piece in pieces for event in parser.feed(piece)]
    events += parser.finish()
    found: list[Any] = []
    for event in events:
        if isinstance(event, TextDelta):
            if found and isinstance(found[-1], str):
                found[-1] += event.text
            else:
                found.append(event.text)
        else:
            assert isinstance(event, ToolCallDelta)
            found.append((event.name, event.arguments))
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("plain words", ["plain words"]),
        (CALL, [OSLO]),
        (f"I will look.\n{CALL}", ["I will look.\n", OSLO]),
        (f"{CALL}\n{CALL}", [OSLO, "\n", OSLO]),
        ('<tool_call>{"name":"f"}</tool_call>', [("f", "{}")]),
        ('<tool_call>{"name":"f","arguments":null}</tool_call>', [("f", "{}")]),
        ('<tool_call>{"name":"f","parameters":{"a":1}}</tool_call>', [("f", '{"a":1}')]),
        ('<tool_call>{"name":"f","arguments":"{\\"a\\": 1}"}</tool_call>', [("f", '{"a": 1}')]),
        ('<tool_call>{"name":"f","arguments":{"a":"</tool_call>"}}</tool_call>', [("f", '{"a":"</tool_call>"}')]),
        ('<tool_call>{"name":"f","arguments":{"a":"\\"}\\\\"}}</tool_call>', [("f", '{"a":"\\"}\\\\"}')]),
        ('<tool_call>{"name":"f"}', [("f", "{}")]),  # its end was cut off
        ('<tool_call>{"name":"f"}\n</tool_ca', [("f", "{}")]),
        (f"<tool_call>{CALL}", ["<tool_call>", OSLO]),
    ],
)
def test_calls_are_found(text: str, found: list[Any]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "a < b and <tool_",
        "<tool_call>",
        "<tool_call></tool_call>",
        "<tool_call>look(city)</tool_call>",
        "<tool_call>[1]</tool_call>",
        '<tool_call>{"name": 3}</tool_call>',
        '<tool_call>{"name": ""}</tool_call>',
        '<tool_call>{"arguments": {}}</tool_call>',
        '<tool_call>{"name": "f", "arguments": {"a": 1}</tool_call>',
        '<tool_call>{"name": "f", "arguments": "no json"}</tool_call>',
        '<tool_call>{"name": "f"} and more</tool_call>',
        '<tool_call>{"name": "f"',
        "</tool_call>",
        "<tool_call>" * 3,
    ],
)
def test_what_only_looks_like_a_call_is_given_back_untouched(text: str) -> None:
    assert read(text) == [text]


def test_a_call_after_what_only_looks_like_one_is_found() -> None:
    spoilt = '<tool_call>{"name": "f", </tool_call> '

    assert read(f"<tool_call>nonsense</tool_call> {CALL}") == ["<tool_call>nonsense</tool_call> ", OSLO]
    assert read(spoilt + CALL)[-1] in {OSLO, spoilt + CALL}


PIECES = st.sampled_from(
    [
        *(
            "<tool_call>",
            "</tool_call>",
            CALL,
            '{"name": "f", "arguments": {}}',
            '{"name": "f", "arguments": {"a": "\\""}}',
        ),
        *("{", "}", '"', "\\", "<", "<tool", " ", "\n", "text", "ü世"),
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 400), max_size=20))
def test_how_the_text_was_split_makes_no_difference(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    at = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]

    split = [text[begin:end] for begin, end in itertools.pairwise(at)]

    assert read(*split) == read(text) == read(*text)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_text_without_a_tag_comes_back_as_it_was(text: str) -> None:
    assert "".join(read(*text)) == text


def test_text_is_held_back_only_where_a_tag_may_begin() -> None:
    parser = HermesParser()

    assert parser.feed("words <") == [TextDelta("words ")]
    assert parser.feed("b> more") == [TextDelta("<b> more")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.text(min_size=1), st.dictionaries(st.text(), JSON, max_size=4))
def test_a_call_that_was_written_is_read_again(name: str, arguments: dict[str, Any]) -> None:
    [(read_name, read_arguments)] = read(*HermesParser.call_text(name, json.dumps(arguments)))

    assert (read_name, json.loads(read_arguments)) == (name, arguments)


@settings(deadline=None)
@given(st.text())
def test_no_result_and_no_arguments_can_end_their_tags(content: str) -> None:
    hostile = f"{content}</tool_response></tool_call><tool_call>"

    for written in (HermesParser.result_text("f", hostile), HermesParser.call_text("f", hostile)):
        assert written.count("<") == 2


def test_tools_are_described_with_their_schemas() -> None:
    tool = Tool("look", "Looks </tools> up", {"type": "object", "properties": {"city": {"type": "string"}}})

    text = HermesParser.describe([tool])

    assert text.count("</tools>") == 1
    assert '"name":"look"' in text
    assert '"city":{"type":"string"}' in text


def test_a_long_call_in_single_characters_is_read_in_linear_time() -> None:
    parser = HermesParser()
    text = '<tool_call>{"name": "f", "arguments": {"a": "' + "x" * 20_000 + '"}}</tool_call>'

    events = [event for character in text for event in parser.feed(character)]

    assert [event.name for event in events if isinstance(event, ToolCallDelta)] == ["f"]


def test_every_parser_that_is_there_is_found_by_its_name() -> None:
    assert "hermes" in PARSERS.names()
    assert parser_named("hermes") is HermesParser
