"""Calls as DeepSeek's models write them: V3.1 with the arguments after a mark, V3 and R1 with a kind and a fence.

::

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>wait<｜tool▁sep｜>{"hours": 3}<｜tool▁call▁end｜><｜tool▁calls▁end｜>

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look_up
    ```json
    {"city": "Oslo"}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>

Source: https://huggingface.co/deepseek-ai/DeepSeek-V3.1 (its model card and ``assets/chat_template.jinja``),
https://huggingface.co/deepseek-ai/DeepSeek-V3-0324 (``tokenizer_config.json``)
"""

from collections.abc import Sequence
from typing import ClassVar

from modelport.toolcalls._json import arguments_or_text, call_with, escaped, json_of, listed, plain_name
from modelport.toolcalls._reading import Reader, Steps
from modelport.types import Tool, ToolCallDelta

__all__ = ("PARSER", "DeepSeekParser")

_ALL, _ALL_END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_ONE, _ONE_END = "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"
_SEPARATOR = "<｜tool▁sep｜>"
_OUTPUT, _OUTPUT_END = "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>"

_PROMPT = f"""\
You can call tools. These are the tools that there are, each as a JSON object with its name, what it does, and the \
JSON Schema of its arguments:
{{tools}}
To call a tool, write its name and a JSON object of its arguments between marks, like this:
{_ALL}{_ONE}the tool's name{_SEPARATOR}{{{{"an argument's name": "its value"}}}}{_ONE_END}{_ALL_END}
For several calls, write several one after another, each from {_ONE} to {_ONE_END}, and nothing after the last. You \
are given the results in marks of their own. Where no tool helps, answer in plain words."""


class DeepSeekParser(Reader):
    """Reads one answer. What only looks like a call is given back as the text that it was."""

    TAGS: ClassVar[tuple[str, ...]] = (_ALL, _ONE)

    def call(self, mark: str, /) -> Steps[None]:
        """Calls, one after another, and the mark at their end."""
        if mark == _ALL:
            yield from self.space()
            yield from self.expect(_ONE)
        while True:
            found = yield from self._one()
            self.take([found])
            yield from self.space()
            if not (yield from self.literal(_ONE)):
                break
        if (yield from self.literal(_ALL_END, may_be_cut=True)):
            self.take([])

    def _one(self) -> Steps[ToolCallDelta]:
        name = yield from self.name()
        yield from self.expect(_SEPARATOR)
        yield from self.space()
        is_fenced = (yield from self.ahead(1)) != "{"
        if is_fenced:  # what came before was the kind of tool
            name = yield from self.name()
            yield from self.space()
            yield from self.expect("```json")
            yield from self.space()
        arguments = yield from json_of(self, "{")
        yield from self.space()
        if is_fenced:
            yield from self.expect("```", may_be_cut=True)
            yield from self.space()
        yield from self.expect(_ONE_END, may_be_cut=True)
        return call_with(name, arguments)

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        return _PROMPT.format(tools=listed(tools, "<"))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A call in its marks."""
        value = escaped(arguments_or_text(arguments), "<")
        return f"{_ALL}{_ONE}{plain_name(name)}{_SEPARATOR}{value}{_ONE_END}{_ALL_END}"

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON, so that no text in it can end it early."""
        said = {"content": content} if name is None else {"name": name, "content": content}
        return f"{_OUTPUT}{escaped(said, '<')}{_OUTPUT_END}"


PARSER = DeepSeekParser
