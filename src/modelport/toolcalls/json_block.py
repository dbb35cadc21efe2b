"""Calls for models that have no way of their own: JSON in a fenced block, which most models can write.

::

    ```json
    {"tool": "look_up", "arguments": {"city": "Oslo"}}
    ```

A block with other JSON in it stays text: a call is a name and arguments that are an object, and nothing else. A list of
such objects is several calls. The form is this project's own; ``name`` and ``parameters`` are taken for its keys, too.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from msgspec import DecodeError, Raw, json

from modelport.toolcalls._json import arguments_or_text, bare_call_in, escaped, json_of, listed
from modelport.toolcalls._reading import Broken, Reader, Steps
from modelport.types import Tool, ToolCallDelta

__all__ = ("PARSER", "JsonBlockParser")

_FENCE = "```"
_KIND = re.compile(r"[a-z_]*+")
_BLANKS = re.compile(r"[ \t\r]*+")
_KINDS = frozenset({"json", "tool_call"})

_PROMPT = """\
You can call tools. These are the tools that there are, each as a JSON object with its name, what it does, and the \
JSON Schema of its arguments:
{tools}
To call a tool, write a block of JSON with the tool's name and its arguments, like this:
```json
{{"tool": "the tool's name", "arguments": {{"an argument's name": "its value"}}}}
```
Write one such block for each call, and nothing after the last. You are given the results in blocks like it, with \
what each tool gave as "result". Where no tool helps, answer in plain words."""


class JsonBlockParser(Reader):
    """Reads one answer. A block that is no call is given back as the text that it was."""

    LINE: ClassVar[str] = _FENCE

    def call(self, mark: str, /) -> Steps[None]:
        """A block with a call in it, or a list of calls."""
        yield from self.expect(mark)
        begin = self.place
        yield from self.run(_KIND)
        if self.passed(begin, self.place) not in _KINDS:
            raise Broken
        yield from self.run(_BLANKS)
        yield from self.expect("\n")
        yield from self.space()
        calls = _calls_in((yield from json_of(self)))
        yield from self.space()
        yield from self.expect(_FENCE, may_be_cut=True)
        self.take(calls)

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        return _PROMPT.format(tools=listed(tools, "`"))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A call in its block."""
        return f"```json\n{escaped({'tool': name, 'arguments': arguments_or_text(arguments)}, '`')}\n```"

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON, so that no text in it can end it early."""
        said = {"result": content} if name is None else {"tool": name, "result": content}
        return f"```json\n{escaped(said, '`')}\n```"


def _calls_in(text: str) -> list[ToolCallDelta]:
    if text.startswith("{"):
        return [bare_call_in(text)]
    try:
        items = json.decode(text, type=list[Raw])
    except (DecodeError, UnicodeError, RecursionError):
        raise Broken from None
    calls = [bare_call_in(bytes(item).decode()) for item in items]
    if not calls:
        raise Broken
    return calls


PARSER = JsonBlockParser
