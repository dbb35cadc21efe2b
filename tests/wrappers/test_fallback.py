"""Several models as one."""

import pytest
from hypothesis import given, strategies as st

from modelport.errors import AllModelsFailed, ConfigError, InvalidRequest, ModelError, RateLimited
from modelport.model import generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, Started, TextDelta, messages_from
from modelport.wrappers.fallback import Fallback

ASK = ChatRequest(messages=messages_from("hi"))


def named(*models: ScriptedModel) -> list[tuple[str, ScriptedModel]]:
    return [(f"entry {number}", model) for number, model in enumerate(models)]


async def test_the_first_model_that_answers_is_the_answer() -> None:
    broken, good, spare = ScriptedModel([ModelError("no")]), ScriptedModel(reply("yes")), ScriptedModel(reply("never"))
    answer = Fallback(named(broken, good, spare)).stream(ASK)

    async with answer as events:
        texts = [event.text async for event in events if isinstance(event, TextDelta)]

    assert texts == ["yes"]
    assert answer.chosen == 1
    assert spare.requests == []


async def test_every_error_is_kept_and_told() -> None:
    first, second = ModelError("the disk is full"), RateLimited("too fast", retry_after=3.0)
    models = named(ScriptedModel([first]), ScriptedModel([second]))

    with pytest.raises(AllModelsFailed) as caught:
        await generate(Fallback(models), ASK)

    assert caught.value.errors == (("entry 0", first), ("entry 1", second))
    assert caught.value.__cause__ is second
    assert caught.value.retry_after == 3.0
    assert caught.value.message == (
        "all 2 models failed:\n  entry 0: ModelError: the disk is full\n  entry 1: RateLimited: too fast"
    )


async def test_the_error_of_a_model_alone_is_raised_as_it_is() -> None:
    error = ModelError("no")

    with pytest.raises(ModelError) as caught:
        await generate(Fallback(named(ScriptedModel([error]))), ASK)

    assert caught.value is error


async def test_after_the_first_delta_an_error_is_raised() -> None:
    half = ScriptedModel([Started(model="half"), TextDelta("par"), ModelError("lost")])
    spare = ScriptedModel(reply("never"))

    with pytest.raises(ModelError, match="lost"):
        await generate(Fallback(named(half, spare)), ASK)

    assert spare.requests == []
    assert half.open == 0


async def test_facts_before_the_first_delta_do_not_bind() -> None:
    started = ScriptedModel([Started(model="half"), ModelError("lost")])

    response = await generate(Fallback(named(started, ScriptedModel(reply("yes")))), ASK)

    assert (response.text, response.model) == ("yes", "scripted")
    assert started.open == 0


async def test_other_errors_than_those_asked_for_are_raised_at_once() -> None:
    spare = ScriptedModel(reply("never"))
    models = named(ScriptedModel([InvalidRequest("wrong")]), spare)

    with pytest.raises(InvalidRequest):
        await generate(Fallback(models, on=(RateLimited, ConnectionError)), ASK)

    assert spare.requests == []


async def test_an_error_of_a_users_counts_by_its_own_class() -> None:
    error = ModelError("create() raised KeyError")
    error.__cause__ = KeyError("x")

    response = await generate(Fallback(named(ScriptedModel([error]), ScriptedModel(reply("yes"))), on=KeyError), ASK)

    assert response.text == "yes"


def test_no_models_is_refused() -> None:
    with pytest.raises(ConfigError, match="empty"):
        Fallback([])


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_models_are_asked_in_order_up_to_the_first_that_answers(works: list[bool]) -> None:
    models = [
        ScriptedModel(reply(str(number)) if good else [ModelError(str(number))]) for number, good in enumerate(works)
    ]
    fallback = Fallback(named(*models))
    first = works.index(True) if True in works else None

    if first is None:
        with pytest.raises(ModelError):
            run(generate(fallback, ASK), suspends=False)
    else:
        assert run(generate(fallback, ASK), suspends=False).text == str(first)

    asked = [len(model.requests) for model in models]
    assert asked == [1 if first is None or number <= first else 0 for number in range(len(works))]
    assert all(model.open == 0 for model in models)
