"""A class that streams itself: every form of stream(), and what it says of itself."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from modelport import as_model, generate
from modelport.model import accepts, identity, suspends
from modelport.sync import iterate, run
from modelport.types import ChatRequest, Event, Finish, TextDelta, ToolCallDelta, Usage, request_from_params

ASK = request_from_params({"messages": "hi"})


async def pieces() -> AsyncIterator[Any]:
    yield "bl"
    await asyncio.sleep(0)
    yield TextDelta("ue")


class Managed:
    name = "native"

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Any]]:
        yield pieces()


class Generating:
    name = "native"

    def stream(self, request: ChatRequest) -> Any:
        yield "bl"
        yield TextDelta("ue")


class GeneratingLater:
    name = "native"

    async def stream(self, request: ChatRequest) -> Any:
        async for piece in pieces():
            yield piece


class GivingAGenerator:
    name = "native"

    def stream(self, request: ChatRequest) -> Any:
        return Generating().stream(request)


class GivingAnAsyncGenerator:
    name = "native"

    def stream(self, request: ChatRequest) -> Any:
        return pieces()


class GivingAList:
    name = "native"

    def stream(self, request: ChatRequest) -> Any:
        return ["bl", TextDelta("ue")]


FORMS = [Managed, Generating, GeneratingLater, GivingAGenerator, GivingAnAsyncGenerator, GivingAList]


@pytest.mark.parametrize("cls", FORMS)
@pytest.mark.parametrize("made", [False, True], ids=["class", "instance"])
def test_a_stream_of_any_form_is_read(cls: Any, made: bool) -> None:
    model = as_model(cls() if made else cls)

    events: list[Event] = list(iterate(model.stream(ASK), suspends=suspends(model)))

    assert events == [TextDelta("bl"), TextDelta("ue"), Finish()]


@pytest.mark.parametrize("cls", FORMS)
async def test_a_stream_of_any_form_is_read_on_an_event_loop(cls: Any) -> None:
    assert (await generate(as_model(cls), ASK)).text == "blue"


def test_a_sync_generator_never_waits_and_all_others_may() -> None:
    assert not suspends(as_model(Generating))
    assert suspends(as_model(Managed))
    assert suspends(as_model(GivingAnAsyncGenerator))


def test_what_a_class_says_of_itself_holds() -> None:
    class Outspoken(Generating):
        suspends = True
        accepts = ("n", "stop")
        identity = "weights-7"

    model = as_model(Outspoken)

    assert (suspends(model), identity(model)) == (True, "weights-7")
    assert accepts(model) == frozenset({"n", "stop"})


def test_a_class_that_judges_requests_itself_says_so() -> None:
    class Judging(Generating):
        accepts = None

    assert accepts(as_model(Judging)) is None


async def test_what_a_class_holds_is_freed_when_the_model_is_closed() -> None:
    closed = []

    class Holding(Generating):
        async def aclose(self) -> None:
            closed.append(True)

    await as_model(Holding).aclose()  # type: ignore[attr-defined]
    await as_model(Generating).aclose()  # type: ignore[attr-defined]

    assert closed == [True]


async def test_leaving_an_answer_leaves_the_context_manager_and_its_events() -> None:
    left = []

    async def endless() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "more"
        finally:
            left.append("events")

    class Endless:
        name = "endless"

        @asynccontextmanager
        async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[str]]:
            events = endless()
            try:
                yield events
            finally:
                await events.aclose()
                left.append("manager")

    async with as_model(Endless).stream(ASK) as events:
        assert await anext(events) == TextDelta("more")

    assert left == ["events", "manager"]


async def test_an_error_of_the_caller_passes_through_and_frees_all_the_same() -> None:
    left = []

    class Endless(Generating):
        @asynccontextmanager
        async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Any]]:
            try:
                yield pieces()
            finally:
                left.append(True)

    mine = LookupError("the caller's own")
    with pytest.raises(LookupError) as caught:  # noqa: PT012  (what is raised inside the answer is what is tried)
        async with as_model(Endless).stream(ASK) as events:
            await anext(events)
            raise mine

    assert caught.value is mine
    assert left == [True]


def test_tool_calls_are_settled_and_the_end_follows_from_them() -> None:
    class Calling:
        name = "calling"

        def stream(self, request: ChatRequest) -> Any:
            yield ToolCallDelta(name="look")
            yield ToolCallDelta(arguments="{}")
            yield ToolCallDelta(name="wait", arguments="{}")
            yield Finish()
            yield Usage(total_tokens=3)

    answer = run(generate(as_model(Calling), ASK), suspends=False)

    first, second = answer.message.tool_calls or ()
    assert (first.name, first.arguments, second.name) == ("look", "{}", "wait")
    assert first.id != second.id
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.usage == Usage(total_tokens=3)


def test_several_choices_end_each() -> None:
    class Several:
        name = "several"

        def stream(self, request: ChatRequest) -> Any:
            yield TextDelta("a")
            yield TextDelta("b", 1)
            yield Finish("length", 1)

    events: list[Event] = list(iterate(as_model(Several).stream(ASK), suspends=False))

    assert events == [TextDelta("a"), TextDelta("b", 1), Finish("length", 1), Finish()]
