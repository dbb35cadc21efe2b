"""Calls as Hermes models write them, and many after them (Qwen among them): JSON between ``<tool_call>`` tags.

::

    <tool_call>
    {"name": "look_up", "arguments": {"city": "Oslo"}}
    </tool_call>

Source: https://github.com/NousResearch/Hermes-Function-Calling
"""

import re
from collections.abc import Sequence

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from modelport.types import Event, TextDelta, Tool, ToolCallDelta

__all__ = ("PARSER", "HermesParser")

_OPEN = "<tool_call>"
_CLOSE = "</tool_call>"
_MARKS = re.compile(r'["{}]')  # outside of strings
_IN_STRING = re.compile(r'["\\]')
_SPACE = re.compile(r"\s*")

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


class _Call(Struct):
    name: str
    arguments: Raw = Raw(b"")
    parameters: Raw = Raw(b"")  # what some models call them


class HermesParser:
    """Reads one answer. What only looks like a call is given back as the text that it was."""

    def __init__(self) -> None:
        self._pending = ""  # where a call may have begun, or the beginning of a tag
        self._object = _Object()

    def feed(self, text: str) -> list[Event]:
        """The events that are certain, now that *text* has come."""
        self._pending += text
        return self._events(final=False)

    def finish(self) -> list[Event]:
        """Whatever is left: a call whose closing tag never came, or text."""
        return self._events(final=True)

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        lines = [
            _safe({"name": tool.name, "description": tool.description or "", "parameters": tool.parameters or {}})
            for tool in tools
        ]
        return _PROMPT.format(tools="\n".join(lines))

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A call in its tags. Arguments that are no JSON are shown as the text that they are."""
        try:
            value = Raw(arguments.encode() or b"{}")
            json.decode(value)
        except (DecodeError, UnicodeError, RecursionError):
            value = Raw(json.encode(arguments))
        return f"{_OPEN}\n{_safe({'name': name, 'arguments': value})}\n{_CLOSE}"

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, as JSON, so that no text in it can end it early."""
        said = {"content": content} if name is None else {"name": name, "content": content}
        return f"<tool_response>\n{_safe(said)}\n</tool_response>"

    def _events(self, *, final: bool) -> list[Event]:
        events: list[Event] = []
        while True:
            at = self._pending.find(_OPEN)
            if at < 0:
                kept = 0 if final else _overlap(self._pending, _OPEN)
                self._give(len(self._pending) - kept, events)
                return events
            self._give(at, events)
            end = self._object.end_in(self._pending)
            if end is None and not final:
                return events
            rest = None if end is None else self._closed(end, final=final)
            if rest == -1:
                return events
            call = None if end is None or rest is None else _call(self._pending[len(_OPEN) : end])
            if call is None or rest is None:
                self._give(len(_OPEN), events)
            else:
                events.append(call)
                self._pending = self._pending[rest:]
            self._object = _Object()

    def _give(self, count: int, events: list[Event]) -> None:
        if count:
            events.append(TextDelta(self._pending[:count]))
            self._pending = self._pending[count:]

    def _closed(self, end: int, *, final: bool) -> int | None:
        """Where the text goes on after the closing tag; None where there is none, -1 where that is not known yet."""
        space = _SPACE.match(self._pending, end)
        at = end if space is None else space.end()
        if self._pending.startswith(_CLOSE, at):
            return at + len(_CLOSE)
        if _CLOSE.startswith(self._pending[at:]):  # cut off, perhaps
            return len(self._pending) if final else -1
        return None


class _Object:
    """Finds the end of the JSON object that begins a call, without looking at any character twice."""

    def __init__(self) -> None:
        self._at = len(_OPEN)
        self._depth = 0
        self._in_string = False
        self._end: int | None = None

    def end_in(self, text: str) -> int | None:
        """Where the object ends in *text*, or where it is known to be none; None where more is to come."""
        while self._end is None:
            if self._depth == 0:
                space = _SPACE.match(text, self._at)
                self._at = self._at if space is None else space.end()
                if self._at < len(text) and text[self._at] != "{":
                    self._end = self._at
                    break
            mark = (_IN_STRING if self._in_string else _MARKS).search(text, self._at)
            if mark is None:
                self._at = len(text)
                return None
            if mark[0] == "\\":
                if mark.end() == len(text):  # what is escaped is to come
                    self._at = mark.start()
                    return None
                self._at = mark.end() + 1
                continue
            self._at = mark.end()
            self._see(mark[0])
        return self._end

    def _see(self, mark: str) -> None:
        if mark == '"':
            self._in_string = not self._in_string
        elif mark == "{":
            self._depth += 1
        else:
            self._depth -= 1
            if self._depth == 0:
                self._end = self._at


def _call(text: str) -> ToolCallDelta | None:
    try:
        call = json.decode(text, type=_Call)
        given = bytes(call.arguments) or bytes(call.parameters) or b"{}"
        arguments = given.decode()
        if arguments.startswith('"'):  # JSON within JSON, as some models write it
            arguments = json.decode(given, type=str)
            json.decode(arguments)
    except (DecodeError, ValidationError, UnicodeError, RecursionError):
        return None
    if not call.name:
        return None
    return ToolCallDelta(name=call.name, arguments="{}" if arguments == "null" else arguments)


def _overlap(text: str, tag: str) -> int:
    """How much of the end of *text* is the beginning of *tag*."""
    for size in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0


def _safe(value: object) -> str:
    """JSON in which no tag can stand: ``<`` is escaped, which within JSON it may be wherever it may be."""
    return json.encode(value).decode().replace("<", "\\u003c")


PARSER = HermesParser
