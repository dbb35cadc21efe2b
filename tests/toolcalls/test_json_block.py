"""Calls as JSON in fenced blocks, told from other blocks by nothing but their keys."""

from typing import Any

import pytest

from modelport.toolcalls.json_block import JsonBlockParser
from tests.toolcalls.reading import read

CALL = '```json\n{"tool": "look", "arguments": {"city": "Oslo"}}\n```'
OSLO = ("look", '{"city": "Oslo"}')


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CALL, [OSLO]),
        (f"I will look:\n\n{CALL}\n", ["I will look:\n\n", OSLO, "\n"]),
        (f"{CALL}\n\n{CALL}", [OSLO, "\n\n", OSLO]),
        ('```json \r\n{"name": "look", "parameters": {"city": "Oslo"}}```', [OSLO]),
        ('```tool_call\n{"tool": "look", "arguments": {"city": "Oslo"}}\n```', [OSLO]),
        ('  ```json\n  {"tool": "f", "arguments": {}}\n  ```', ["  ", ("f", "{}")]),
        ('```json\n[{"tool": "f", "arguments": {}}, {"tool": "g", "arguments": {}}]\n```', [("f", "{}"), ("g", "{}")]),
        (CALL[:-4], [OSLO]),  # its end was cut off
        (CALL[:-1], [OSLO]),
        ('```json\n{"tool": "f", "arguments": {"a": "```"}}\n```', [("f", '{"a": "```"}')]),
        (f"```python\nx = {{}}\n```\n{CALL}", ["```python\nx = {}\n```\n", OSLO]),
        ('```json\n{"rain": true}\n```\n' + CALL, ['```json\n{"rain": true}\n```\n', OSLO]),
    ],
)
def test_calls_are_found(text: str, found: list[Any]) -> None:
    assert read(JsonBlockParser, text) == found


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "look", "arguments": {"city": "Oslo"}}',
        f"Write {CALL}",
        '```json\n{"rain": true}\n```',
        '```json\n{"tool": "hammer"}\n```',
        '```json\n{"name": "Ada", "arguments": ["x"]}\n```',
        '```json\n{"tool": "f", "arguments": {}, "thought": "hm"}\n```',
        '```json\n[{"tool": "f", "arguments": {}}, 1]\n```',
        "```json\n[]\n```",
        "```json\n3\n```",
        "```json\n```",
        "```json",
        "```",
        '```json {"tool": "f", "arguments": {}}\n```',
        '```\n{"tool": "f", "arguments": {}}\n```',
        '````json\n{"tool": "f", "arguments": {}}\n````',
        '```jsonc\n{"tool": "f", "arguments": {}}\n```',
        '```json\n{"tool": "f", "arguments": {}} // call\n```',
        '```json\n{"tool": "f", "arguments": {',
    ],
)
def test_what_only_looks_like_a_call_is_given_back_untouched(text: str) -> None:
    assert read(JsonBlockParser, text) == read(JsonBlockParser, *text) == [text]


def test_no_fence_stands_in_what_is_written() -> None:
    assert JsonBlockParser.call_text("f", '{"a": "\\n```\\n"}').count("```") == 2
    assert JsonBlockParser.result_text("f", "\n```\n").count("```") == 2
