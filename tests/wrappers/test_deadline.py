"""Answers in time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from modelport.adapters import as_model
from modelport.errors import ConfigError, ModelTimeout
from modelport.model import generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, Event, TextDelta, messages_from
from modelport.wrappers.deadline import Deadline

ASK = ChatRequest(messages=messages_from("hi"))


class Hanging:
    name = "hanging"

    def __init__(self) -> None:
        self.left = False

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        try:
            yield self._events()
        finally:
            self.left = True

    async def _events(self) -> AsyncIterator[Event]:
        yield TextDelta("par")
        await asyncio.Event().wait()


async def test_an_answer_in_time_is_given() -> None:
    assert (await generate(Deadline(ScriptedModel(reply("y", "es")), 5), ASK)).text == "yes"


async def test_an_answer_that_stops_half_way_is_left() -> None:
    model = Hanging()

    with pytest.raises(ModelTimeout, match=r"hanging did not answer within 0\.01 s"):
        await generate(Deadline(model, 0.01), ASK)

    assert model.left


def test_blocking_code_that_never_returns_is_left_to_itself() -> None:
    never = threading.Event()

    def reply_never(messages: list[dict[str, str]]) -> str:
        never.wait()
        return "late"

    with pytest.raises(ModelTimeout, match="reply_never"):
        run(generate(Deadline(as_model(reply_never), 0.05), ASK), suspends=True)
    never.set()


async def test_a_time_out_of_the_models_own_stays_its_own() -> None:
    with pytest.raises(TimeoutError) as caught:
        await generate(Deadline(ScriptedModel([TimeoutError("mine")]), 5), ASK)

    assert not isinstance(caught.value, ModelTimeout)


async def test_the_time_a_reader_takes_is_not_counted() -> None:
    async with Deadline(ScriptedModel(reply("a", "b", "c")), 0.05).stream(ASK) as events:
        await anext(events)
        await asyncio.sleep(0.1)
        assert await anext(events) == TextDelta("b")


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_no_time_at_all_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigError, match="timeout"):
        Deadline(ScriptedModel(reply("yes")), seconds)


def pieces(messages: list[dict[str, str]]) -> Iterator[str]:
    yield "a"
    yield "b"


def test_a_streaming_function_is_timed_too() -> None:
    assert run(generate(Deadline(as_model(pieces), 5), ASK), suspends=True).text == "ab"
