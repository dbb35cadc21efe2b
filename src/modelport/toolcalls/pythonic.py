"""Calls as Llama 3.2 and later, and others, write them: a list of Python calls, at the beginning of a line.

::

    [look_up(city="Oslo"), wait(seconds=3)]

``<|python_start|>`` and ``<|python_end|>`` may stand around it. Arguments have names and are literals; nothing is run.

Source: https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_2/ and …/llama3_3/
"""

import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, ClassVar

from msgspec import json

from modelport.toolcalls._json import escaped, listed, object_or_none, plain_name
from modelport.toolcalls._reading import Broken, Reader, Steps
from modelport.types import Tool, ToolCallDelta

__all__ = ("PARSER", "PythonicParser")

_TAG, _TAG_END = "<|python_start|>", "<|python_end|>"
_DEEPEST = 64
_PLAIN = re.compile(r"[\w.+-]*+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,400}\.[0-9]{0,400}|\.[0-9]{1,400}|[0-9]{1,400}(?=[eE]))(?:[eE][+-]?[0-9]{1,4})?")
_WORDS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_STRINGS = {quote: re.compile(rf"[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+", re.DOTALL) for quote in "'\""}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(\n)|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}
_KEYS = re.compile(r"[^\W\d]\w*")

_PROMPT = """\
You can call functions. These are the functions that there are, each as a JSON object with its name, what it does, and \
the JSON Schema of its parameters:
{tools}
To call functions, answer with a list of calls as in Python, with the parameters' names, like this:
[a_function(a_parameter="its value", another=1), another_function()]
Write values, never variables, and no other text. You are given the results as JSON objects with an output. Where no \
function helps, answer in plain words."""


class PythonicParser(Reader):
    """Reads one answer. A list that is not one of calls is given back as the text that it was."""

    TAGS: ClassVar[tuple[str, ...]] = (_TAG,)
    LINE: ClassVar[str] = "["

    def call(self, mark: str, /) -> Steps[None]:
        """A list of calls."""
        if mark == _TAG:
            yield from self.space()
        yield from self.expect("[")
        calls: list[ToolCallDelta] = []
        while True:
            yield from self.space()
            name = yield from self.name()
            arguments = yield from self._arguments()
            calls.append(_made(name, arguments))
            yield from self.space()
            if not (yield from self.literal(",")):
                break
        yield from self.expect("]")
        if mark == _TAG:
            yield from self.literal(_TAG_END, may_be_cut=True)
        self.take(calls)

    def _arguments(self) -> Steps[dict[str, Any]]:
        given: dict[str, Any] = {}
        yield from self.expect("(")
        yield from self.space()
        while not (yield from self.literal(")")):
            if (yield from self.literal("**")):
                if (yield from self.ahead(1)) != "{":
                    raise Broken
                given |= yield from self._value(0)
            else:
                key = yield from self.name()
                yield from self.space()
                yield from self.expect("=")
                yield from self.space()
                given[key] = yield from self._value(0)
            yield from self.space()
            if not (yield from self.literal(",")):
                yield from self.expect(")")
                break
            yield from self.space()
        return given

    def _value(self, depth: int) -> Steps[Any]:
        char = yield from self.ahead(1)
        if depth > _DEEPEST:
            raise Broken
        if char in {"'", '"'}:
            return (yield from self._string(char))
        if char == "[":
            return (yield from self._items("]", depth))
        if char == "(":
            return (yield from self._items(")", depth))
        if char == "{":
            return (yield from self._pairs(depth))
        begin = self.place
        yield from self.run(_PLAIN)
        return _plain(self.passed(begin, self.place))

    def _items(self, end: str, depth: int) -> Steps[list[Any]]:
        items: list[Any] = []
        yield from self.expect("[" if end == "]" else "(")
        yield from self.space()
        while not (yield from self.literal(end)):
            items.append((yield from self._value(depth + 1)))
            yield from self.space()
            if not (yield from self.literal(",")):
                yield from self.expect(end)
                break
            yield from self.space()
        return items

    def _pairs(self, depth: int) -> Steps[dict[str, Any]]:
        pairs: dict[str, Any] = {}
        yield from self.expect("{")
        yield from self.space()
        while not (yield from self.literal("}")):
            quote = yield from self.ahead(1)
            if quote not in {"'", '"'}:
                raise Broken
            key = yield from self._string(quote)
            yield from self.space()
            yield from self.expect(":")
            yield from self.space()
            pairs[key] = yield from self._value(depth + 1)
            yield from self.space()
            if not (yield from self.literal(",")):
                yield from self.expect("}")
                break
            yield from self.space()
        return pairs

    def _string(self, quote: str) -> Steps[str]:
        mark = quote * 3 if (yield from self.ahead(3)) == quote * 3 else quote
        yield from self.expect(mark)
        begin = self.place
        while True:
            yield from self.run(_STRINGS[quote])
            end = self.place
            if (yield from self.literal(mark)):
                return _unescaped(self.passed(begin, end))
            skipped = yield from self.ahead(2 if (yield from self.ahead(1)) == "\\" else 1)
            if not skipped:
                raise Broken
            yield from self.expect(skipped)

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        return _PROMPT.format(tools=listed(tools, "<"))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A list of one call."""
        values = object_or_none(arguments)
        if values is None:
            values = {"arguments": arguments}
        if all(_KEYS.fullmatch(key) for key in values):
            given = ", ".join(f"{key}={_literal(value)}" for key, value in values.items())
        else:
            given = f"**{_literal(values)}"
        return f"[{plain_name(name)}({given})]"

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON in one line, so that no text in it can end it early."""
        said = {"output": content} if name is None else {"name": name, "output": content}
        return escaped(said, "<")


def _made(name: str, arguments: dict[str, Any]) -> ToolCallDelta:
    try:
        return ToolCallDelta(name=name, arguments=json.encode(arguments).decode())
    except (UnicodeError, OverflowError, ValueError, RecursionError):
        raise Broken from None


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if isfinite(number):
            return number
    raise Broken


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_meant, text) if "\\" in text else text


def _meant(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else found[0]
    if found[4]:
        return ""
    char = found[5]
    return _ESCAPES.get(char, char if char in "'\"\\" else found[0])


def _literal(value: object) -> str:
    """*value* as Python writes it, with no mark in it."""
    return repr(value).replace("<", "\\x3c")


PARSER = PythonicParser
