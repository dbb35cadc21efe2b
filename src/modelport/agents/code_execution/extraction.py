"""Code in text: fenced Markdown blocks, and a guess at what language a piece of code is in. Runs nothing."""

import re
import warnings
from typing import Any

from modelport.agents.code_execution.base import CodeBlock
from modelport.agents.content import text_of

__all__ = ("CODE_BLOCK_PATTERN", "PYTHON_VARIANTS", "UNKNOWN", "MarkdownCodeExtractor", "extract_code", "infer_lang")

# Three backticks and perhaps a language, the code, three backticks on a line of their own.
CODE_BLOCK_PATTERN: str = r"```[ \t]*(\w+)?[ \t]*\r?\n(.*?)\r?\n[ \t]*```"
UNKNOWN: str = "unknown"
PYTHON_VARIANTS: list[str] = ["python", "Python", "py"]

# The pattern in two halves that never go back over what they read: a hostile text of fences or blanks would keep the
# whole pattern busy for minutes.
_OPENING = re.compile(r"```[ \t]*+(\w++)?[ \t]*+\r?\n")
_CLOSING = re.compile(r"\r?\n[ \t]*+```")

# Here the code of a fenced block is one line: what AutoGen's pattern finds without its multi-line flag.
_ONE_LINE = re.compile(r"```[ \t]*+(\w++)?[ \t]*+\r?\n([^\n]*?)\r?\n[ \t]*+```|`([^`]+)`")
_SHELL_STARTS = ("python ", "python3 ", "pip")


def extract_code(
    text: str | list[Any] | None, pattern: str = CODE_BLOCK_PATTERN, detect_single_line_code: bool = False
) -> list[tuple[str, str]]:
    """``(language, code)`` of each fenced block of a message's content; ``[("unknown", text)]`` where there is none.

    The language is ``""`` where a fence names none. *pattern* must have two groups, the language and the code. With
    *detect_single_line_code* only fenced single lines and inline code are found, *pattern* is not used, and a text
    without either gives an empty list.
    """
    text = text_of(text)
    if detect_single_line_code:
        return _single_lines(text)
    if pattern == CODE_BLOCK_PATTERN:
        return _blocks(text) or [(UNKNOWN, text)]
    return re.findall(pattern, text, flags=re.DOTALL) or [(UNKNOWN, text)]


def _blocks(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while (opening := _OPENING.search(text, at)) and (closing := _CLOSING.search(text, opening.end())):
        found.append((opening[1] or "", text[opening.end() : closing.start()]))
        at = closing.end()
    return found


def _single_lines(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for language, fenced, inline in _ONE_LINE.findall(text):
        if fenced:
            found.append((language.strip(), fenced.strip()))
        elif inline:
            found.append(("", inline.strip()))
    return found


def infer_lang(code: str) -> str:
    """``"sh"`` for a call of python or pip, ``"python"`` for what compiles as Python, else ``"unknown"``."""
    if code.startswith(_SHELL_STARTS):
        return "sh"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a doubtful escape in the code is not this program's warning
        try:
            compile(code, "code", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # ValueError: a null byte
            return UNKNOWN
    return "python"


class MarkdownCodeExtractor:
    """Finds fenced blocks; guesses the language where a fence names none."""

    def extract_code_blocks(self, message: str | list[Any] | None) -> list[CodeBlock]:
        """The fenced blocks of a message's content, in order; ``language`` is ``""`` where it cannot be told."""
        blocks: list[CodeBlock] = []
        for named, code in _blocks(text_of(message)):
            language = named or infer_lang(code)
            blocks.append(CodeBlock(code=code, language="" if language == UNKNOWN else language))
        return blocks
