"""Trying again."""

import pytest
from hypothesis import given, strategies as st

from modelport.errors import InvalidRequest, ModelError, ModelTimeout, Overloaded, RateLimited
from modelport.model import generate
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, TextDelta, messages_from
from modelport.wrappers.retrying import Backoff, Retrying, retryable

ASK = ChatRequest(messages=messages_from("hi"))


class Naps:
    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def retrying(model: ScriptedModel, retries: int, naps: Naps, **backoff: float) -> Retrying:
    return Retrying(model, retries, backoff=Backoff(**backoff), sleep=naps, chance=lambda: 1.0)


async def test_a_retryable_error_is_tried_again_after_waits_that_double() -> None:
    naps = Naps()
    model = ScriptedModel([Overloaded("full")], [Overloaded("full")], [ModelTimeout("slow")], reply("yes"))

    response = await generate(retrying(model, 3, naps, first=1.0), ASK)

    assert response.text == "yes"
    assert naps.taken == [1.0, 2.0, 4.0]
    assert model.open == 0


async def test_the_last_error_is_raised_when_tries_run_out() -> None:
    naps = Naps()
    model = ScriptedModel([Overloaded("full")])

    with pytest.raises(Overloaded):
        await generate(retrying(model, 2, naps), ASK)

    assert len(model.requests) == 3
    assert len(naps.taken) == 2


@pytest.mark.parametrize("error", [InvalidRequest("wrong"), ModelError("broken"), KeyError("k")])
async def test_an_error_that_trying_again_cannot_help_is_raised_at_once(error: Exception) -> None:
    naps = Naps()
    model = ScriptedModel([error])

    with pytest.raises(type(error)):
        await generate(retrying(model, 5, naps), ASK)

    assert len(model.requests) == 1
    assert naps.taken == []


async def test_a_wait_that_was_asked_for_is_kept() -> None:
    naps = Naps()
    model = ScriptedModel([RateLimited("slow down", retry_after=7.5)], reply("yes"))

    await generate(retrying(model, 1, naps), ASK)

    assert naps.taken == [7.5]


async def test_a_wait_beyond_patience_is_not_waited() -> None:
    naps = Naps()
    model = ScriptedModel([RateLimited("tomorrow", retry_after=86_400)])

    with pytest.raises(RateLimited):
        await generate(retrying(model, 5, naps), ASK)

    assert naps.taken == []


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    naps = Naps()
    model = ScriptedModel([TextDelta("par"), Overloaded("lost")])

    with pytest.raises(Overloaded):
        await generate(retrying(model, 5, naps), ASK)

    assert len(model.requests) == 1


def test_lost_connections_and_time_outs_of_pythons_are_retryable() -> None:
    assert retryable(ConnectionResetError())
    assert retryable(TimeoutError())
    assert not retryable(ValueError())


@given(failures=st.integers(1, 200), chance=st.floats(0, 1))
def test_a_wait_is_between_half_of_its_step_and_the_longest(failures: int, chance: float) -> None:
    backoff = Backoff(first=0.5, longest=20.0)

    wait = backoff.seconds(failures, None, chance)

    assert wait is not None
    step = min(20.0, 0.5 * 2.0 ** min(failures - 1, 60))
    assert step / 2 <= wait <= step
