import pytest

from modelport.errors import ModelError
from modelport.model import Model, ReadyEvents, WholeAnswer, accepts, generate, identity, suspends
from modelport.sync import iterate, run
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, Event, Message, TextDelta, Usage

ASK = ChatRequest(messages=(Message("user", "hi"),))
EVENTS: list[Event] = [*reply("hel", "lo"), Usage(1, 2)]


class AtOnce:
    """A model in the fewest lines: nothing but the two members that the protocol names."""

    name = "at-once"

    def stream(self, request: ChatRequest) -> WholeAnswer:
        return WholeAnswer(self._answer())

    async def _answer(self) -> list[Event]:
        return EVENTS


def test_a_name_and_a_stream_are_enough_to_be_a_model() -> None:
    assert isinstance(AtOnce(), Model)


def test_what_a_model_does_not_say_is_taken_cautiously() -> None:
    model = AtOnce()

    assert suspends(model)
    assert accepts(model) is None
    assert identity(model) == "at-once"


@pytest.mark.parametrize("model", [AtOnce(), ScriptedModel(EVENTS, name="at-once")], ids=["at once", "streamed"])
async def test_streamed_and_whole_are_the_same_answer(model: Model) -> None:
    answer = await generate(model, ASK)

    async with model.stream(ASK) as events:
        streamed = [event async for event in events]

    assert streamed == EVENTS
    assert (answer.text, answer.usage, answer.model) == ("hello", Usage(1, 2), "at-once")


async def test_a_model_may_be_left_before_its_answer_ends() -> None:
    model = ScriptedModel(EVENTS)

    async with model.stream(ASK) as events:
        assert await anext(events) == TextDelta("hel")

    assert model.open == 0


async def test_an_error_of_the_model_passes_and_the_answer_is_left() -> None:
    model = ScriptedModel([TextDelta("par"), ModelError("lost")])

    with pytest.raises(ModelError, match="lost"):
        await generate(model, ASK)

    assert model.open == 0


def test_both_drivers_give_the_same_answer() -> None:
    model = AtOnce()

    assert run(generate(model, ASK), suspends=False).choices == run(generate(model, ASK), suspends=True).choices
    assert list(iterate(model.stream(ASK), suspends=False)) == list(iterate(model.stream(ASK), suspends=True))


async def test_what_was_already_read_is_not_in_the_rest() -> None:
    events = ReadyEvents(EVENTS)

    assert await anext(events) == EVENTS[0]
    assert list(events.rest()) == EVENTS[1:]
    assert list(events.rest()) == []
