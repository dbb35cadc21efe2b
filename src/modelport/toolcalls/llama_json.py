"""Calls as Llama 3.1 and its like write them: a JSON object with ``parameters``, at the beginning of a line.

::

    {"name": "look_up", "parameters": {"city": "Oslo"}}
    <function=look_up>{"city": "Oslo"}</function>

``<|python_tag|>`` may stand before it, and ``;`` between several. Nothing but its keys tells a call from other JSON: a
name and arguments that are an object, and ``type`` and ``id`` at most. The second form is the one that Llama 3.1 knows
beside it.

Source: https://github.com/meta-llama/llama-models/blob/main/models/llama3_1/prompt_format.md
"""

from collections.abc import Sequence
from typing import ClassVar

from modelport.toolcalls._json import arguments_or_text, bare_call_in, call_with, escaped, json_of, listed
from modelport.toolcalls._reading import Reader, Steps
from modelport.types import Tool

__all__ = ("PARSER", "LlamaJsonParser")

_TAG = "<|python_tag|>"
_FUNCTION, _FUNCTION_END = "<function=", "</function>"

_PROMPT = """\
You can call functions. These are the functions that there are, each as a JSON object with its name, what it does, and \
the JSON Schema of its parameters:
{tools}
To call a function, answer with a JSON object on a line of its own, like this:
{{"name": "the function's name", "parameters": {{"a parameter's name": "its value"}}}}
Write values, never variables. For several calls write several such lines, and no other text. You are given the \
results as JSON objects with an output. Where no function helps, answer in plain words."""


class LlamaJsonParser(Reader):
    """Reads one answer. JSON that is no call is given back as the text that it was."""

    TAGS: ClassVar[tuple[str, ...]] = (_TAG, _FUNCTION)
    LINE: ClassVar[str] = "{"

    def call(self, mark: str, /) -> Steps[None]:
        """Calls, between which there are semicolons."""
        if mark == _FUNCTION:
            yield from self._tagged()
            return
        if mark == _TAG:
            yield from self.space()
        while True:
            found = bare_call_in((yield from json_of(self, "{")))
            self.take([found])
            yield from self.space()
            if not (yield from self.literal(";")):
                return
            yield from self.space()

    def _tagged(self) -> Steps[None]:
        name = yield from self.name()
        yield from self.expect(">")
        yield from self.space()
        arguments = yield from json_of(self, "{")
        yield from self.space()
        yield from self.expect(_FUNCTION_END, may_be_cut=True)
        self.take([call_with(name, arguments)])

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        return _PROMPT.format(tools=listed(tools, "<"))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A call in its line."""
        return escaped({"name": name, "parameters": arguments_or_text(arguments)}, "<")

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON in one line, so that no text in it can end it early."""
        said = {"output": content} if name is None else {"name": name, "output": content}
        return escaped(said, "<")


PARSER = LlamaJsonParser
