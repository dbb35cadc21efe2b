"""Honour, emulate or reject: no field of a request is ever taken and then ignored.

A model says by ``accepts`` which fields it keeps. Of the others, ``stop``, ``max_tokens``, ``n`` and
``response_format`` are kept in its stead, and the answer says so; a value that asks for nothing (``n=1``, a
``response_format`` of type text) is let through; anything else is refused by name. So it is with the order of messages:
a model that declares role rules gets what keeps them. And so with tools: one that declares how it writes its calls is
told of them in words.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from modelport.errors import ContractBroken, UnsupportedField
from modelport.model import AnswerStream, Model, accepts, tool_parser as declared_parser
from modelport.toolcalls.base import parser_named
from modelport.types import ChatRequest, Emulated, Event, NamedTool, ToolCallDelta
from modelport.wrappers.base import Wrapper
from modelport.wrappers.choices import more_choices
from modelport.wrappers.roles import RoleRules, declared_rules
from modelport.wrappers.shortening import Shortening
from modelport.wrappers.structured import Structured
from modelport.wrappers.tool_parsing import ToolParsing
from modelport.wrappers.trimming import Trimming

__all__ = ("Honouring", "honour")

_JUDGED = tuple(name for name in ChatRequest.__struct_fields__ if name not in {"messages", "model"})
_EMULATED = frozenset({"max_tokens", "n", "response_format", "stop"})
_SAY_SO_THEMSELVES = frozenset({"n", "response_format"})  # those who keep them label the answer, when they did
_MEND = "leave it out, or let the model take it (name it in the signature, or in the class's `accepts`)"


def honour(model: Model, role_rules: Iterable[str] | None = None, tool_parser: str | None = None) -> Model:
    """*model* behind this rule; one that judges whole requests itself (``accepts`` is None) is given back as it is.

    It gets messages that keep *role_rules*, and tools in words where *tool_parser* names how it writes its calls; None
    stands for what it declares itself.

    Raises:
        ConfigError: there is no such rule, or no such parser.
    """
    rules = declared_rules(model) if role_rules is None else tuple(role_rules)
    parser = declared_parser(model) if tool_parser is None else tool_parser
    if parser is not None:
        model = ToolParsing(model, parser_named(parser))
    fields = accepts(model)
    honoured = model if fields is None else Honouring(model, fields)
    return RoleRules(honoured, rules) if rules else honoured


class Honouring(Wrapper):
    """A model that keeps every field of a request, or refuses the request."""

    def __init__(self, model: Model, fields: frozenset[str]) -> None:
        super().__init__(model)
        self.accepts: frozenset[str] | None = None  # whatever is set is judged here
        self._fields = fields
        self._foreign = tuple(name for name in _JUDGED if name not in fields)
        judged = {*self._foreign, "n", "tool_choice"}
        self._judged = attrgetter(*judged)
        self._unset = (None,) * len(judged)

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer, with what the model does not keep kept for it.

        Raises:
            UnsupportedField: a field is neither kept by the model nor by the port.
        """
        if self._judged(request) == self._unset:  # nearly always
            return self.model.stream(request)
        emulated: list[str] = []
        for name in self._foreign:
            value = getattr(request, name)
            if value is None or _asks_nothing(name, value, request):
                continue
            if name not in _EMULATED:
                raise self._refusal(name, value)
            emulated.append(name)
        request = _without_what_is_not_asked(request, self._foreign)
        if not emulated and (request.n or 1) == 1 and not _must_call(request):
            return self.model.stream(request)
        return self._emulating(request, emulated)

    def _refusal(self, name: str, value: Any) -> UnsupportedField:
        if name == "extra":
            name = next(iter(value))
        return UnsupportedField(f"{name}: the model {self.name!r} does not keep it; {_MEND}", param=name)

    @asynccontextmanager
    async def _emulating(self, request: ChatRequest, emulated: list[str]) -> AsyncIterator[AsyncIterator[Event]]:
        model = Trimming(self.model) if "stop" in emulated else self.model
        model = Shortening(model) if "max_tokens" in emulated else model
        # Who looks into an answer looks at one choice at a time.
        alone = "response_format" in emulated or (request.tools is not None and isinstance(self.model, ToolParsing))
        model = Structured(model) if "response_format" in emulated else model
        events = more_choices(model, request, honoured="n" in self._fields and not alone)
        labelled = _labelled(events, tuple(name for name in emulated if name not in _SAY_SO_THEMSELVES))
        try:
            yield _calling(labelled, model.name, request) if _must_call(request) else labelled
        finally:
            await events.aclose()


def _asks_nothing(name: str, value: Any, request: ChatRequest) -> bool:
    """Whether leaving the field out would ask for the same."""
    if name == "response_format":
        return bool(value.type == "text")
    if name in {"tools", "parallel_tool_calls"}:
        return request.tool_choice == "none" or not request.tools
    if name == "tool_choice":
        return value == "none" or (value == "auto" and not request.tools)
    if name in {"stop", "logit_bias", "metadata", "extra"}:
        return not value
    if name == "n":
        return bool(value == 1)
    return (name, value) in {
        ("logprobs", False),
        ("top_p", 1),
        ("presence_penalty", 0),
        ("frequency_penalty", 0),
    }


def _without_what_is_not_asked(request: ChatRequest, foreign: tuple[str, ...]) -> ChatRequest:
    """Fields that the model does not know must not reach it, even where they ask for nothing; ``stop`` may help it."""
    unset = {name: None for name in foreign if name not in _EMULATED and getattr(request, name) is not None}
    if "response_format" in foreign and request.response_format is not None and request.response_format.type == "text":
        unset["response_format"] = None
    return replace(request, **unset) if unset else request


def _must_call(request: ChatRequest) -> bool:
    return request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool)


async def _calling(events: AsyncIterator[Event], model: str, request: ChatRequest) -> AsyncIterator[Event]:
    """A tool call that was demanded and did not come is a broken promise, not an answer."""
    named = request.tool_choice.name if isinstance(request.tool_choice, NamedTool) else None
    called = False
    async for event in events:
        if isinstance(event, ToolCallDelta) and (named is None or event.name == named):
            called = True
        yield event
    if not called:
        what = f"a call of {named!r}" if named else "a tool call"
        raise ContractBroken(
            f"tool_choice asked {model} for {what}, but its answer has none: "
            "use tool_choice='auto', or a model that keeps tool_choice",
            param="tool_choice",
        )


async def _labelled(events: AsyncIterator[Event], fields: tuple[str, ...]) -> AsyncIterator[Event]:
    if fields:
        yield Emulated(fields)
    async for event in events:
        yield event
