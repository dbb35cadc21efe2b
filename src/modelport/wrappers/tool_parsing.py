"""Tools for a model that knows text only: it is told in words which there are, and its calls are read from its text.

Every call is held against its tool's schema before anybody sees it. Calls that are wrong are given back to the model
with what is wrong, a bounded number of times. Text is passed on while it comes; calls come at the end, each whole.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from msgspec import DecodeError, json
from msgspec.structs import replace

from modelport.errors import ContractBroken
from modelport.model import AnswerStream, Model
from modelport.toolcalls.base import ToolCallParser
from modelport.types import (
    ChatRequest,
    Emulated,
    Event,
    Finish,
    FinishReason,
    Message,
    NamedTool,
    TextDelta,
    Tool,
    ToolCallDelta,
    Usage,
    messages_from,
    mint_id,
)
from modelport.wrappers._tool_history import has_calls, in_words
from modelport.wrappers.asking import asked_again, sum_of, with_first
from modelport.wrappers.base import Wrapper
from modelport.wrappers.schemas import Schema, compiled

__all__ = ("ToolParsing",)

_LONGEST = 4000  # characters of a complaint
_FIELDS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
_AGAIN = (
    "Your calls of tools were not carried out: {problem}.\nWrite all calls again, mended, in the form that you were "
    "told, and nothing else."
)


class ToolParsing(Wrapper):
    """A model with tools, by what *parser* reads in its text; it is asked again up to *repairs* times."""

    def __init__(self, model: Model, parser: type[ToolCallParser], *, repairs: int = 2) -> None:
        super().__init__(model)
        self.accepts: frozenset[str] | None = None if self.accepts is None else self.accepts | _FIELDS
        self.tool_parser: object = None  # nobody around it is to do the same again
        self.parser: type[ToolCallParser] = parser
        self.repairs = repairs

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer.

        Raises, when it is entered:
            InvalidRequest: the schema of a tool is none, or too much.
        """
        tools = () if request.tool_choice == "none" else request.tools or ()
        rendered = has_calls(request.messages)
        if not tools and not rendered and request.tools is None and request.parallel_tool_calls is None:
            return self.model.stream(request if request.tool_choice is None else replace(request, tool_choice=None))
        messages: Sequence[Message] = request.messages
        if rendered:
            messages = in_words(messages, self.parser)
        bare = replace(request, messages=messages, tools=None, tool_choice=None, parallel_tool_calls=None)
        if not tools:
            return self.model.stream(bare)
        return self._parsed(bare, _Offer(tools, request))

    @asynccontextmanager
    async def _parsed(self, bare: ChatRequest, offer: "_Offer") -> AsyncIterator[AsyncIterator[Event]]:
        await offer.check()
        messages = with_first(messages_from(bare.messages), offer.described(self.parser))
        events = _Answer(self, replace(bare, messages=messages, n=None), offer).events()
        try:
            yield events
        finally:
            await events.aclose()


class _Offer:
    """The tools of a request, and which of them must be called."""

    def __init__(self, tools: Sequence[Tool], request: ChatRequest) -> None:
        choice = request.tool_choice
        self.named = choice.name if isinstance(choice, NamedTool) else None
        self.must = self.named is not None or choice == "required"
        self.one_at_most = request.parallel_tool_calls is False
        self._offered = [(number, tool) for number, tool in enumerate(tools) if self.named in {None, tool.name}]
        self.tools = [tool for _, tool in self._offered]
        self._schemas: dict[str, Schema | None] = {}
        self.labels = tuple(
            name
            for name, is_set in (
                ("tools", True),
                ("tool_choice", self.must),
                ("parallel_tool_calls", self.one_at_most),
            )
            if is_set
        )

    async def check(self) -> None:
        """Compile the tools' schemas."""
        for number, tool in self._offered:
            where = f"tools[{number}].function.parameters"
            self._schemas[tool.name] = await compiled(tool.parameters, where) if tool.parameters else None

    def described(self, parser: type[ToolCallParser]) -> str:
        text = parser.describe(self.tools)
        if self.named is not None:
            text += f"\nYou must call {self.named}."
        elif self.must:
            text += "\nYou must call at least one of these tools."
        return f"{text}\nCall one tool at most." if self.one_at_most else text

    def problem_of(self, calls: Sequence[ToolCallDelta]) -> str:
        """What is wrong with *calls*, all of them; empty where nothing is."""
        if not calls and self.must:
            return f"there is no call of {self.named or 'a tool'}, and there must be one"
        return "; ".join(problem for call in calls for problem in self._problems(call))[:_LONGEST]

    def _problems(self, call: ToolCallDelta) -> list[str]:
        name = call.name or ""
        if name not in self._schemas:
            return [f"there is no tool named {name[:100]!r} (there are: {', '.join(self._schemas) or 'none'})"]
        try:
            value: Any = json.decode(call.arguments)
        except (DecodeError, RecursionError, UnicodeError):
            return [f"the arguments of {name} are not JSON"]
        if not isinstance(value, dict):
            return [f"the arguments of {name} are not a JSON object"]
        schema = self._schemas[name]
        return [] if schema is None else [f"in the arguments of {name}, {each}" for each in schema.problems(value)]


class _Answer:
    """One answer: the first try's text as it comes, and the calls of the first try whose calls are right."""

    def __init__(self, parsing: ToolParsing, request: ChatRequest, offer: _Offer) -> None:
        self._parsing = parsing
        self._request = request
        self._offer = offer
        self._usages: list[Usage | None] = []
        self._text = ""  # that this try wrote, calls and all
        self._blank = ""  # white space that is held back: between calls it is nothing anybody says
        self._said = False
        self._labelled = False
        self._calls: list[ToolCallDelta] = []
        self._reason: FinishReason = "stop"

    async def events(self) -> AsyncGenerator[Event, None]:
        """All the events, ending with the calls, the end and the usage."""
        messages: Sequence[Message] = self._request.messages
        while True:
            again = bool(self._usages)
            held: list[Event] = []
            tried = self._try(messages)
            try:
                async for event in tried:
                    if again:
                        held.append(event)
                        continue
                    for out in self._labelling(event):
                        yield out
            finally:
                await tried.aclose()
            if self._offer.one_at_most:
                del self._calls[1:]
            problem = self._offer.problem_of(self._calls)
            if not problem:
                for out in self._ending(held):
                    yield out
                return
            self._check(problem)
            messages = asked_again(messages, self._text, _AGAIN.format(problem=problem))

    async def _try(self, messages: Sequence[Message]) -> AsyncGenerator[Event, None]:
        """What the model says besides calls, which are noted."""
        parser = self._parsing.parser(self._offer.tools)
        self._text, self._blank, self._calls, self._reason = "", "", [], "stop"
        usage: Usage | None = None
        async with self._parsing.model.stream(replace(self._request, messages=messages)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    self._text += event.text
                    for found in self._sorted(parser.feed(event.text)):
                        yield found
                elif isinstance(event, Finish):
                    self._reason = event.reason
                elif isinstance(event, Usage):
                    usage = event
                elif isinstance(event, ToolCallDelta):  # it can, after all
                    self._note(event)
                else:
                    yield event
        for found in self._sorted(parser.finish()):
            yield found
        self._usages.append(usage)

    def _note(self, call: ToolCallDelta) -> None:
        if call.name is None and self._calls:
            last = self._calls[-1]
            self._calls[-1] = replace(last, arguments=last.arguments + call.arguments)
        else:
            self._calls.append(call)

    def _sorted(self, found: list[Event]) -> list[Event]:
        """The text of what a parser found; its calls are noted."""
        said: list[Event] = []
        for event in found:
            if isinstance(event, ToolCallDelta):
                self._calls.append(event)
            elif isinstance(event, TextDelta):
                text = self._blank + event.text
                words = text.rstrip()
                self._blank = text[len(words) :]
                if words:
                    said.append(TextDelta(words))
            else:
                said.append(event)
        return said

    def _labelling(self, event: Event) -> list[Event]:
        self._said = self._said or isinstance(event, TextDelta)
        if self._labelled:
            return [event]
        self._labelled = True
        return [Emulated(self._offer.labels), event]

    def _ending(self, held: list[Event]) -> list[Event]:
        """What is left to be given: of a later try that calls nothing, its text; the calls, the end, the usage."""
        events: list[Event] = []
        if not self._calls:
            late = [event for event in held if isinstance(event, TextDelta)]
            if late and self._said:
                events.append(TextDelta("\n\n"))
            events += late
            if self._blank:
                events.append(TextDelta(self._blank))
        if not self._labelled:
            events.insert(0, Emulated(self._offer.labels))
        for index, call in enumerate(self._calls):
            events.append(ToolCallDelta(index=index, id=mint_id("call_"), name=call.name, arguments=call.arguments))
        is_call = bool(self._calls) and self._reason == "stop"
        events.append(Finish("tool_calls" if is_call else self._reason))
        usage = sum_of(self._usages)
        return events if usage is None else [*events, usage]

    def _check(self, problem: str) -> None:
        """Whether it may be asked once more."""
        name, tries = self._parsing.name, len(self._usages)
        if self._reason == "length":
            raise ContractBroken(
                f"tools: the answer of {name} was cut off before its calls were whole: raise max_tokens", param="tools"
            )
        if tries > self._parsing.repairs:
            raise ContractBroken(
                f"tools: none of {tries} answers of {name} had calls that can be carried out; of the last: {problem}",
                param="tool_choice" if self._offer.must and not self._calls else "tools",
            )
