"""Calls as Mistral's models write them, after ``[TOOL_CALLS]``: a JSON list, or, lately, one by one.

::

    [TOOL_CALLS][{"name": "look_up", "arguments": {"city": "Oslo"}}]
    [TOOL_CALLS]look_up[ARGS]{"city": "Oslo"}

Source: https://github.com/mistralai/mistral-common (its instruct tokenizers, versions 3 to 13)
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from msgspec import DecodeError, Raw, json

from modelport.toolcalls._json import arguments_or_text, call_in, call_with, json_of, listed
from modelport.toolcalls._reading import Broken, Reader, Steps
from modelport.types import Tool, ToolCallDelta

__all__ = ("PARSER", "MistralParser")

_TAG = "[TOOL_CALLS]"
_MARKED = re.compile(r"\[(?=/?[A-Z_]+\])")  # in JSON, it stands in strings only

_PROMPT = """\
You can call tools. These are the tools that there are, each as a JSON object with its name, what it does, and the \
JSON Schema of its arguments:
[AVAILABLE_TOOLS]
{tools}
[/AVAILABLE_TOOLS]
To call tools, write a mark and a JSON list of calls, each with the tool's name and its arguments, like this:
[TOOL_CALLS][{{"name": "the tool's name", "arguments": {{"an argument's name": "its value"}}}}]
Write nothing after it. You are given the results between [TOOL_RESULTS] and [/TOOL_RESULTS]. Where no tool helps, \
answer in plain words."""


class MistralParser(Reader):
    """Reads one answer. What only looks like a call is given back as the text that it was."""

    TAGS: ClassVar[tuple[str, ...]] = (_TAG,)

    def call(self, _mark: str, /) -> Steps[None]:
        """A list of calls, or one that is named before its arguments."""
        yield from self.space()
        while (yield from self.literal(_TAG)):  # twice is once
            yield from self.space()
        if (yield from self.ahead(1)) == "[":
            self.take(_calls_in((yield from json_of(self, "["))))
            return
        name = yield from self.name()
        if (yield from self.literal("[CALL_ID]")):
            yield from self.name()
        yield from self.literal("[ARGS]")
        yield from self.space()
        arguments = yield from json_of(self, "{")
        self.take([call_with(name, arguments)])

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        return _PROMPT.format(tools=_MARKED.sub("\\\\u005b", listed(tools, "<")))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A list of one call."""
        return _TAG + _unmarked([{"name": name, "arguments": arguments_or_text(arguments)}])

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON, so that no text in it can end it early."""
        said = {"content": content} if name is None else {"name": name, "content": content}
        return f"[TOOL_RESULTS]{_unmarked(said)}[/TOOL_RESULTS]"


def _calls_in(text: str) -> list[ToolCallDelta]:
    try:
        items = json.decode(text, type=list[Raw])
    except (DecodeError, UnicodeError, RecursionError):
        raise Broken from None
    if not items:
        raise Broken
    return [call_in(bytes(item).decode()) for item in items]


def _unmarked(value: object) -> str:
    return _MARKED.sub("\\\\u005b", json.encode(value).decode())


PARSER = MistralParser
