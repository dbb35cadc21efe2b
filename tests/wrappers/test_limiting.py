"""Not too often, not too much at once."""

import asyncio
import threading

import pytest

from modelport.errors import ConfigError
from modelport.model import generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, messages_from
from modelport.wrappers.limiting import ConcurrencyLimiting, Pace, RateLimiting
from modelport.wrappers.slots import Slots

ASK = ChatRequest(messages=messages_from("hi"))


async def test_asks_are_spaced_evenly() -> None:
    now, waits = [100.0], []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    model = RateLimiting(ScriptedModel(reply("yes")), Pace(4, clock=lambda: now[0], sleep=sleep))

    for _ in range(3):
        await generate(model, ASK)
    now[0] += 10
    await generate(model, ASK)

    assert waits == [0.25, 0.25]


async def test_asks_at_once_get_turns_of_their_own() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    model = RateLimiting(ScriptedModel(reply("yes")), Pace(10, clock=lambda: 0.0, sleep=sleep))

    await asyncio.gather(*(generate(model, ASK) for _ in range(4)))

    assert waits == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="api_rate_limit"):
        RateLimiting(ScriptedModel(reply("yes")), rate)


async def test_no_more_answers_are_open_than_allowed() -> None:
    model = ScriptedModel(reply("yes"))
    limited = ConcurrencyLimiting(model, 2)
    first, second, third = limited.stream(ASK), limited.stream(ASK), limited.stream(ASK)
    await first.__aenter__()
    await second.__aenter__()

    waiting = asyncio.ensure_future(third.__aenter__())
    await asyncio.sleep(0)
    assert not waiting.done()
    await first.__aexit__(None, None, None)
    await waiting

    assert model.open == 2
    await second.__aexit__(None, None, None)
    await third.__aexit__(None, None, None)
    assert model.open == 0


async def test_one_that_stops_waiting_gives_its_place_to_the_next() -> None:
    slots = Slots(1)
    leave = await slots.take()
    gone, stays = asyncio.ensure_future(slots.take()), asyncio.ensure_future(slots.take())
    await asyncio.sleep(0)

    gone.cancel()
    leave()
    (await asyncio.wait_for(stays, 5))()

    with pytest.raises(asyncio.CancelledError):
        await gone
    (await asyncio.wait_for(slots.take(), 5))()


async def test_a_place_that_came_too_late_is_given_back() -> None:
    slots = Slots(1)
    leave = await slots.take()
    late = asyncio.ensure_future(slots.take())
    await asyncio.sleep(0)

    leave()  # the place is the waiting one's now, who does not know yet
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late

    (await asyncio.wait_for(slots.take(), 5))()


def test_threads_without_a_loop_wait_for_each_other() -> None:
    slots = Slots(1)
    leave = run(slots.take(), suspends=False)
    got = threading.Event()

    def other() -> None:
        back = run(slots.take(), suspends=False)
        got.set()
        back()

    thread = threading.Thread(target=other)
    thread.start()
    assert not got.is_set()
    leave()
    thread.join(10)

    assert got.is_set()


async def test_a_model_that_fails_to_begin_leaves_its_place() -> None:
    limited = ConcurrencyLimiting(ScriptedModel([ValueError("no")], reply("yes")), 1)

    with pytest.raises(ValueError, match="no"):
        await generate(limited, ASK)

    assert (await asyncio.wait_for(generate(limited, ASK), 5)).text == "yes"


def test_no_place_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_concurrency"):
        Slots(0)
