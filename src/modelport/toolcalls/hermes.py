"""Calls as Hermes models write them, and many after them (Qwen among them): JSON between ``<tool_call>`` tags.

::

    <tool_call>
    {"name": "look_up", "arguments": {"city": "Oslo"}}
    </tool_call>

Source: https://github.com/NousResearch/Hermes-Function-Calling
"""

from collections.abc import Sequence
from typing import ClassVar

from modelport.toolcalls._json import arguments_or_text, call_in, escaped, json_of, listed
from modelport.toolcalls._reading import Reader, Steps
from modelport.types import Tool

__all__ = ("PARSER", "HermesParser")

_OPEN = "<tool_call>"
_CLOSE = "</tool_call>"

_PROMPT = """\
You can call tools. These are the tools that there are, each as a JSON object with its name, what it does, and the \
JSON Schema of its arguments:
<tools>
{tools}
</tools>
To call a tool, write a JSON object with its name and its arguments between tags, like this:
<tool_call>
{{"name": "the tool's name", "arguments": {{"an argument's name": "its value"}}}}
</tool_call>
Write one such block for each call, and nothing after the last. You are given the results in <tool_response> tags. \
Where no tool helps, answer in plain words."""


class HermesParser(Reader):
    """Reads one answer. What only looks like a call is given back as the text that it was."""

    TAGS: ClassVar[tuple[str, ...]] = (_OPEN,)

    def call(self, _mark: str, /) -> Steps[None]:
        """An object between tags, of which the last may be cut off."""
        yield from self.space()
        text = yield from json_of(self, "{")
        yield from self.space()
        yield from self.expect(_CLOSE, may_be_cut=True)
        self.take([call_in(text)])

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        return _PROMPT.format(tools=listed(tools, "<"))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A call in its tags. Arguments that are no JSON are shown as the text that they are."""
        value = arguments_or_text(arguments)
        return f"{_OPEN}\n{escaped({'name': name, 'arguments': value}, '<')}\n{_CLOSE}"

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON, so that no text in it can end it early."""
        said = {"content": content} if name is None else {"name": name, "content": content}
        return f"<tool_response>\n{escaped(said, '<')}\n</tool_response>"


PARSER = HermesParser
