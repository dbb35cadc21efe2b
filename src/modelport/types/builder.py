"""Folding events into a whole answer, unfolding one, and the one place where tool calls get ids and indexes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from modelport.types.content import FunctionCall, Message, ToolCall
from modelport.types.events import (
    Emulated,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from modelport.types.ids import mint_id
from modelport.types.response import ChatResponse, Choice

__all__ = ("Minter", "ResponseBuilder", "fold", "unfold")


class Minter:
    """Settles what models leave open: ids and indexes of tool calls, and finish reasons that follow from them.

    One for each answer. A call begins with every delta that has a name and no index, or an index not seen before;
    a delta with neither continues the call begun last in its choice. ``stop`` after a tool call becomes ``tool_calls``;
    ``length`` stays, because a truncated call is not a call.
    """

    def __init__(self, new_id: Callable[[str], str] = mint_id) -> None:
        self._new_id = new_id
        self._begun: dict[int, list[int]] = {}  # choice → the calls' indexes, in the order they began

    def settle(self, event: Event) -> Event:
        """The same event with nothing left open."""
        kind = type(event)
        if kind is ToolCallDelta:
            return self._settle_call(event)  # type: ignore[arg-type]
        if kind is Finish and event.reason == "stop" and event.choice in self._begun:  # type: ignore[union-attr]
            return Finish(reason="tool_calls", choice=event.choice)  # type: ignore[union-attr]
        return event

    def _settle_call(self, delta: ToolCallDelta) -> ToolCallDelta:
        begun = self._begun.setdefault(delta.choice, [])
        if delta.index is not None:
            begins = delta.index not in begun
            index = delta.index
        else:
            begins = delta.name is not None or not begun
            index = max(begun, default=-1) + 1 if begins else begun[-1]
        if not begins:
            return ToolCallDelta(index=index, arguments=delta.arguments, choice=delta.choice)
        begun.append(index)
        return ToolCallDelta(
            index=index,
            id=delta.id or self._new_id("call_"),
            name=delta.name or "",
            arguments=delta.arguments,
            choice=delta.choice,
        )


class _Call:
    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


class _ChoiceState:
    __slots__ = ("calls", "reason", "reasoning", "stop_sequence", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] | None = None
        self.calls: dict[int, _Call] | None = None
        self.reason: FinishReason | None = None
        self.stop_sequence: str | None = None


class ResponseBuilder:
    """Folds events into a :class:`ChatResponse`; expects tool calls with ids and indexes (see :class:`Minter`)."""

    __slots__ = ("_choices", "_emulated", "_model", "_sent", "_started", "_usage")

    def __init__(self, model: str) -> None:
        self._model = model
        self._choices: dict[int, _ChoiceState] = {}
        self._started: Started | None = None
        self._usage: Usage | None = None
        self._emulated: tuple[str, ...] = ()
        self._sent: Sequence[Message] | None = None

    def add(self, event: Event) -> None:
        """One more event, in order."""
        self.add_all((event,))

    def add_all(self, events: Iterable[Event]) -> None:
        """More events, in order."""
        choices = self._choices
        for event in events:
            kind = type(event)
            if kind is TextDelta:
                (choices.get(event.choice) or self._choice(event.choice)).text.append(event.text)  # type: ignore[union-attr]
            elif kind is Finish:
                state = choices.get(event.choice) or self._choice(event.choice)  # type: ignore[union-attr]
                state.reason, state.stop_sequence = event.reason, event.stop_sequence  # type: ignore[union-attr]
            elif kind is Usage:
                self._usage = event  # type: ignore[assignment]
            elif kind is Started:
                self._started = event  # type: ignore[assignment]
            else:
                self._add_rare(event)

    def _add_rare(self, event: Event) -> None:
        if isinstance(event, ReasoningDelta):
            state = self._choice(event.choice)
            if state.reasoning is None:
                state.reasoning = []
            state.reasoning.append(event.text)
        elif isinstance(event, ToolCallDelta):
            self._add_call(event)
        elif isinstance(event, Emulated):
            self._emulated += tuple(field for field in event.fields if field not in self._emulated)
            self._sent = self._sent if event.sent is None else event.sent

    def _choice(self, number: int) -> _ChoiceState:
        state = self._choices.get(number)
        if state is None:
            state = self._choices[number] = _ChoiceState()
        return state

    def _add_call(self, delta: ToolCallDelta) -> None:
        state = self._choice(delta.choice)
        if state.calls is None:
            state.calls = {}
        call = state.calls.setdefault(delta.index or 0, _Call())
        call.id = delta.id or call.id
        call.name = delta.name or call.name
        call.arguments.append(delta.arguments)

    def response(self) -> ChatResponse:
        """The answer as far as it has come. An answer without any choice has one, empty."""
        started = self._started or _NOT_STARTED
        choices = self._choices or {0: _ChoiceState()}
        if len(choices) > 1:
            choices = dict(sorted(choices.items()))
        return ChatResponse(
            id=started.id or mint_id("chatcmpl-"),
            model=started.model or self._model,
            created=int(time.time()),
            choices=tuple([_choice(number, state) for number, state in choices.items()]),
            usage=self._usage,
            emulated=self._emulated,
            cached=started.cached,
            raw=started.raw,
            sent=self._sent,
        )


_NOT_STARTED = Started()


def _choice(number: int, state: _ChoiceState) -> Choice:
    calls = None
    if state.calls:
        calls = tuple(
            ToolCall(id=call.id, function=FunctionCall(name=call.name, arguments="".join(call.arguments)))
            for _, call in sorted(state.calls.items())
        )
    content = "".join(state.text) if state.text else None
    if calls is None and state.reasoning is None:
        return Choice(number, Message("assistant", content), state.reason or "stop", state.stop_sequence)
    reasoning = "".join(state.reasoning) if state.reasoning else None
    message = Message("assistant", content, tool_calls=calls, reasoning=reasoning)
    return Choice(number, message, state.reason or ("tool_calls" if calls else "stop"), state.stop_sequence)


def fold(events: Iterable[Event], model: str = "") -> ChatResponse:
    """All the events of one answer, as a whole answer."""
    builder, minter = ResponseBuilder(model), Minter()
    for event in events:
        builder.add(minter.settle(event))
    return builder.response()


def unfold(response: ChatResponse) -> Iterator[Event]:
    """The events of a whole answer; :func:`fold` is the inverse, but for ``created``, ``entry`` and ``sent``."""
    yield Started(model=response.model, id=response.id, raw=response.raw, cached=response.cached)
    if response.emulated:
        yield Emulated(response.emulated)
    for choice in response.choices:
        message, number = choice.message, choice.index
        if message.reasoning:
            yield ReasoningDelta(message.reasoning, number)
        if message.content is not None:
            yield TextDelta(message.text, number)
        for index, call in enumerate(message.tool_calls or ()):
            yield ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments, choice=number)
        yield Finish(choice.finish_reason, number, choice.stop_sequence)
    if response.usage is not None:
        yield response.usage
