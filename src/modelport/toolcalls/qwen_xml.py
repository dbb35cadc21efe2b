"""Calls as Qwen3-Coder writes them: tags that hold the name, and each argument's value as plain text.

::

    <tool_call>
    <function=look_up>
    <parameter=city>
    Oslo
    </parameter>
    </function>
    </tool_call>

A value is what its tool's schema says it is; where that is not known, JSON if it can be read as such, or else text. The
outer tags may be missing, which they often are.

Source: https://huggingface.co/Qwen/Qwen3-Coder-30B-A3B-Instruct (``chat_template.jinja``)
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import DecodeError, json

from modelport.toolcalls._json import escaped, listed, object_or_none, plain_name
from modelport.toolcalls._reading import Broken, Reader, Steps
from modelport.types import Tool, ToolCallDelta

__all__ = ("PARSER", "QwenXmlParser")

_CALL, _CALL_END = "<tool_call>", "</tool_call>"
_FUNCTION, _FUNCTION_END = "<function=", "</function>"
_PARAMETER, _PARAMETER_END = "<parameter=", "</parameter>"
_KEY = re.compile(r"[^<>\n]*+")
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
_PYTHON = {"True": True, "False": False, "None": None}  # as templates write them, and so do models

_PROMPT = """\
You can call functions. These are the functions that there are, each as a JSON object with its name, what it does, and \
the JSON Schema of its parameters:
<tools>
{tools}
</tools>
To call a function, write its name and the value of each parameter between tags, like this:
<tool_call>
<function=the_function_s_name>
<parameter=a_parameter_s_name>
its value, as it is, on as many lines as it has
</parameter>
</function>
</tool_call>
Write one such block for each call, and nothing after the last. Values that are no text are written as JSON. You are \
given the results in <tool_response> tags. Where no function helps, answer in plain words."""


class QwenXmlParser(Reader):
    """Reads one answer. What only looks like a call is given back as the text that it was."""

    TAGS: ClassVar[tuple[str, ...]] = (_CALL, _FUNCTION)

    def call(self, mark: str, /) -> Steps[None]:
        """One call. The text may end within its last tags."""
        if mark == _CALL:
            yield from self.space()
            yield from self.expect(_FUNCTION)
        name = yield from self.name()
        yield from self.expect(">")
        given: dict[str, str] = {}
        yield from self.space()
        while (yield from self.literal(_PARAMETER)):
            begin = self.place
            key = self.passed(begin, (yield from self.run(_KEY)))
            yield from self.expect(">")
            begin = self.place
            given[key] = _trimmed(self.passed(begin, (yield from self.until(_PARAMETER_END))))
            yield from self.space()
        yield from self.expect(_FUNCTION_END, may_be_cut=True)
        call = self._made(name, given)
        if mark == _CALL:
            yield from self.space()
            yield from self.expect(_CALL_END, may_be_cut=True)
        self.take([call])

    def _made(self, name: str, given: Mapping[str, str]) -> ToolCallDelta:
        schema = next((tool.parameters for tool in self.tools if tool.name == name), None) or {}
        properties = schema.get("properties")
        known = properties if isinstance(properties, Mapping) else {}
        values = {key: _value(text, _types(known.get(key))) for key, text in given.items()}
        try:
            return ToolCallDelta(name=name, arguments=json.encode(values).decode())
        except (UnicodeError, OverflowError, RecursionError):
            raise Broken from None

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        return _PROMPT.format(tools=listed(tools, "<"))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A call in its tags. What would be a tag within a value is broken by a space; so nothing ends early."""
        values = object_or_none(arguments)
        if values is None:
            values = {"arguments": arguments}
        written = "".join(
            f"{_PARAMETER}{_KEY_ODD.sub('_', key)}>\n{_written(value)}\n{_PARAMETER_END}\n"
            for key, value in values.items()
        )
        return f"{_CALL}\n{_FUNCTION}{plain_name(name)}>\n{written}{_FUNCTION_END}\n{_CALL_END}"

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON, so that no text in it can end it early."""
        said = {"content": content} if name is None else {"name": name, "content": content}
        return f"<tool_response>\n{escaped(said, '<')}\n</tool_response>"


_KEY_ODD = re.compile(r"[<>\n]")
_OURS = re.compile(r"<(?=/?(?:tool_call|function|parameter|tool_response)\b)")


def _written(value: object) -> str:
    if not isinstance(value, str):
        return escaped(value, "<")
    return _OURS.sub("< ", value)


def _trimmed(text: str) -> str:
    """Without the line breaks that stand between a value and its tags."""
    return text.removeprefix("\n").removesuffix("\n")


def _types(schema: object) -> frozenset[str]:
    """The types that a schema allows; none where it does not say."""
    if not isinstance(schema, Mapping):
        return frozenset()
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset({said})
    if isinstance(said, Sequence):
        return frozenset(each for each in said if isinstance(each, str))
    several = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(several, Sequence):
        return frozenset()
    each_says = [_types(each) if isinstance(each, Mapping) and "type" in each else None for each in several]
    return frozenset().union(*(each for each in each_says if each)) if all(each_says) else frozenset()


def _value(text: str, types: frozenset[str]) -> Any:
    if types == {"string"}:
        return text
    try:
        value: Any = _PYTHON[text.strip()] if text.strip() in _PYTHON else json.decode(text)
    except (DecodeError, UnicodeError, RecursionError):
        return text
    kind = _TYPES.get(type(value), "null")
    fits = not types or kind in types or (kind == "integer" and "number" in types)
    return value if fits else text


PARSER = QwenXmlParser
