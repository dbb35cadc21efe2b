"""Calls in tags, with each value as plain text: what it is, the tool's schema says."""

import json
from typing import Any

import pytest

from modelport.toolcalls.qwen_xml import QwenXmlParser
from modelport.types import Tool
from tests.toolcalls.reading import read

BARE = "<function=look>\n<parameter=city>\nOslo\n</parameter>\n</function>"
CALL = f"<tool_call>\n{BARE}\n</tool_call>"
OSLO = ("look", '{"city":"Oslo"}')


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CALL, [OSLO]),
        (BARE, [OSLO]),
        (f"I will look.\n{CALL}\n{CALL}", ["I will look.\n", OSLO, "\n", OSLO]),
        (f"I will look.\n{BARE}\nMore", ["I will look.\n", OSLO, "\nMore"]),
        ("<tool_call><function=look><parameter=city>Oslo</parameter></function></tool_call>", [OSLO]),
        ("<tool_call>\n<function=f>\n</function>\n</tool_call>", [("f", "{}")]),
        (CALL[:-3], [OSLO]),  # its end was cut off
        (CALL[: -len("</tool_call>") - 4], [OSLO]),
        (
            "<function=f>\n<parameter=code>\nif a < b:\n\n    print('</p>')\n\n</parameter>\n</function>",
            [("f", '{"code":"if a < b:\\n\\n    print(\'</p>\')\\n"}')],
        ),
        ("<function=f><parameter=a></parameter></function>", [("f", '{"a":""}')]),
        (f"<tool_call>{CALL}", ["<tool_call>", OSLO]),
    ],
)
def test_calls_are_found(text: str, found: list[Any]) -> None:
    assert read(QwenXmlParser, text) == found


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>',
        "<tool_call>",
        "<function=look",
        "<function=>\n</function>",
        "<function=look it up>\n</function>",
        "<function=look>\nOslo\n</function>",
        "<function=look>\n<parameter=city>\nOslo",
        "<function=look>\n<parameter=city>\nOslo\n</function>",
        "<function=look>\n<parameter=city\nOslo</parameter></function>",
        "<tool_call>\n<function=f>\n</function>\nand more\n</tool_call>",
        "</tool_call>",
    ],
)
def test_what_only_looks_like_a_call_is_given_back_untouched(text: str) -> None:
    assert read(QwenXmlParser, text) == read(QwenXmlParser, *text) == [text]


@pytest.mark.parametrize(
    ("schema", "written", "value"),
    [
        ({"type": "string"}, "12", "12"),
        ({"type": "string"}, '{"a": 1}', '{"a": 1}'),
        ({"type": "integer"}, "12", 12),
        ({"type": "integer"}, "twelve", "twelve"),
        ({"type": "number"}, "12", 12),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "True", True),
        ({"type": "array"}, '["a", {"b": null}]', ["a", {"b": None}]),
        ({"type": "object"}, '{\n  "a": 1\n}', {"a": 1}),
        ({"type": ["string", "null"]}, "null", None),
        ({"type": ["string", "null"]}, "12", "12"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "12", "12"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "None", None),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/x"}]}, "12", 12),
        ({}, "12", 12),
        ({}, "Oslo", "Oslo"),
        (None, "[1]", [1]),
        (True, "Oslo, Norway", "Oslo, Norway"),
    ],
)
def test_a_value_is_what_the_schema_says_it_is(schema: Any, written: str, value: Any) -> None:
    tools = [Tool("other"), Tool("f", parameters={} if schema is None else {"properties": {"a": schema}})]
    text = f"<function=f>\n<parameter=a>\n{written}\n</parameter>\n</function>"

    [(_, arguments)] = read(QwenXmlParser, *text, tools=tools)

    assert json.loads(arguments) == {"a": value}
    assert type(json.loads(arguments)["a"]) is type(value)


def test_a_number_beyond_every_float_stays_text() -> None:
    text = f"<function=f><parameter=a>{'9' * 5000}</parameter></function>"

    assert read(QwenXmlParser, text) == [("f", f'{{"a":"{"9" * 5000}"}}')]
