"""Calls as JSON on lines of their own, told from other JSON by nothing but their keys."""

from typing import Any

import pytest

from modelport.toolcalls.llama_json import LlamaJsonParser
from tests.toolcalls.reading import read

CALL = '{"name": "look", "parameters": {"city": "Oslo"}}'
OSLO = ("look", '{"city": "Oslo"}')


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CALL, [OSLO]),
        (f"<|python_tag|>{CALL}", [OSLO]),
        (f"I will look. <|python_tag|>{CALL}", ["I will look. ", OSLO]),
        (f"{CALL}; {CALL}", [OSLO, OSLO]),
        (f"<|python_tag|>{CALL};{CALL}", [OSLO, OSLO]),
        (f"{CALL}\n{CALL}", [OSLO, "\n", OSLO]),
        (f"  {CALL}", ["  ", OSLO]),
        (f"I will look:\n\n{CALL}", ["I will look:\n\n", OSLO]),
        ('{"type": "function", "name": "look", "parameters": {"city": "Oslo"}}', [OSLO]),
        ('<|python_tag|>{"type": "function", "function": "look", "parameters": {"city": "Oslo"}}', [OSLO]),
        ('{"name": "look", "arguments": {"city": "Oslo"}}', [OSLO]),
        ('{"name": "look", "parameters": "{\\"city\\": \\"Oslo\\"}"}', [OSLO]),
        ('{\n  "name": "f",\n  "parameters": {}\n}', [("f", "{}")]),
        ('{"name": "f", "parameters": null}', [("f", "{}")]),
        (
            '<|python_tag|>{\n    "type": "function",\n    "name": "f",\n    "parameters": {\n    }\n}',
            [("f", "{\n    }")],
        ),
        ('<function=look>{"city": "Oslo"}</function>', [OSLO]),
        ('I will look. <function=look>\n{"city": "Oslo"}\n</functi', ["I will look. ", OSLO]),
        (f"{CALL}; and that is all", [OSLO, "; and that is all"]),
        ("{" + CALL, ["{" + CALL]),  # not at the beginning of its line
        ("{\n" + CALL, ["{\n", OSLO]),
    ],
)
def test_calls_are_found(text: str, found: list[Any]) -> None:
    assert read(LlamaJsonParser, text) == found


@pytest.mark.parametrize(
    "text",
    [
        f"Write {CALL} to look.",
        '{"name": "Ada", "age": 36}',
        '{"name": "Ada"}',
        '{"name": "Ada", "parameters": [1]}',
        '{"name": "f", "parameters": {}, "more": 1}',
        '{"name": "f", "function": "f", "parameters": {}}',
        '{"name": "f", "parameters": {}, "arguments": {}}',
        '{"name": "", "parameters": {}}',
        '{"name": 3, "parameters": {}}',
        '{"type": "object", "name": "f", "parameters": {}}',
        '{"type": 1, "name": "f", "parameters": {}}',
        '{"name": "f", "parameters": {"a": 1}',
        '{"name": "f", "parameters": {"a": 01}}',
        '{"name": "f", "parameters": {"a": NaN}}',
        '{"name": "f", "parameters": {"a": "\\ud800"}}',
        '{"name": "f", "parameters": {"a": 1,}}',
        "{'name': 'f', 'parameters': {}}",
        '<|python_tag|>brave_search.call(query="rain in Oslo")',
        "<|python_tag|>print(1)",
        "<function=look>Oslo</function>",
        '<function=look up>{"city": "Oslo"}</function>',
        '<function=look>{"city": "Oslo"}</functions>',
        "<|python_tag|>",
        "if (x) {\n  y();\n}",
        "{" * 2000,
        '{"a":' * 2000,
    ],
)
def test_what_only_looks_like_a_call_is_given_back_untouched(text: str) -> None:
    assert read(LlamaJsonParser, text) == read(LlamaJsonParser, *text) == [text]


def test_a_call_after_other_json_is_found() -> None:
    other = '{"name": "Ada", "of": [{"name": "Byron"}]}\n'

    assert read(LlamaJsonParser, *(other + CALL)) == [other, OSLO]
