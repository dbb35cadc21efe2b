import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from modelport.agents.code_execution import (
    CODE_BLOCK_PATTERN,
    UNKNOWN,
    CodeBlock,
    MarkdownCodeExtractor,
    extract_code,
    infer_lang,
)

PIECES = ["```", "`", "python", " ", "\t", "\n", "\r\n", "\r", "x = 1", "é"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```python\nprint(1)\n```", [("python", "print(1)")]),
        ("Try:\n```sh\nls\n```\nthen\n``` py \nx\n  ```", [("sh", "ls"), ("py", "x")]),
        ("```\nls\n```", [("", "ls")]),
        ("```python\r\na\r\nb\r\n```", [("python", "a\r\nb")]),
        ("no code", [(UNKNOWN, "no code")]),
        ("```python\nnever closed", [(UNKNOWN, "```python\nnever closed")]),
        ("```python print(1)```", [(UNKNOWN, "```python print(1)```")]),
        ([{"type": "text", "text": "```sh\nls\n```"}], [("sh", "ls")]),
        (None, [(UNKNOWN, "")]),
    ],
)
def test_each_fenced_block_is_found(text: Any, found: list[tuple[str, str]]) -> None:
    assert extract_code(text) == found


def test_a_pattern_of_ones_own_is_used() -> None:
    assert extract_code("<sh>ls</sh>", r"<(\w+)>(.*?)</\1>") == [("sh", "ls")]


def test_inline_code_is_found_where_asked_for() -> None:
    text = "run `ls -l` or\n```sh\npwd\n```"

    assert extract_code(text, detect_single_line_code=True) == [("", "ls -l"), ("sh", "pwd")]
    assert extract_code("none", detect_single_line_code=True) == []


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_blocks_are_what_the_public_pattern_finds(text: str) -> None:
    assert extract_code(text) == (re.findall(CODE_BLOCK_PATTERN, text, re.DOTALL) or [(UNKNOWN, text)])


@pytest.mark.parametrize("text", ["```a\nz" * 100_000, "```" + " " * 300_000 + "x", "`" * 300_000, "\n   " * 100_000])
def test_a_long_hostile_text_takes_no_time(text: str) -> None:
    assert extract_code(text) == [(UNKNOWN, text)]


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("print(1)", "python"),
        ("", "python"),
        ("python script.py", "sh"),
        ("python3 script.py", "sh"),
        ("pip install numpy", "sh"),
        ("ls -l; echo done", UNKNOWN),
        ("return 1", UNKNOWN),
        ("x = '\0'", UNKNOWN),
        ("(" * 1000, UNKNOWN),
        ("'\\d'", "python"),  # a warning, and no error
        ("print(1) if True else exec('x')", "python"),
    ],
)
def test_a_language_is_guessed(code: str, language: str) -> None:
    assert infer_lang(code) == language


def test_the_extractor_guesses_where_a_fence_names_no_language() -> None:
    message = "```\nx = 1\n```\n```\necho hi there\n```\n```Bash\nls\n```"

    assert MarkdownCodeExtractor().extract_code_blocks(message) == [
        CodeBlock(code="x = 1", language="python"),
        CodeBlock(code="echo hi there", language=""),
        CodeBlock(code="ls", language="Bash"),
    ]


@pytest.mark.parametrize("message", ["no code", "", None, []])
def test_a_message_without_code_has_no_blocks(message: Any) -> None:
    assert MarkdownCodeExtractor().extract_code_blocks(message) == []
