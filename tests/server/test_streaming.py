"""Answers that take their time: who leaves, who is slow, who is late. The app is called directly."""

import asyncio
import gc
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from modelport.adapters import as_model
from modelport.errors import ContractBroken
from modelport.server import Limits, Options, create_app
from modelport.server.http import ClientGone, Exchange, resume
from modelport.server.streaming import pump
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, Event, Finish, TextDelta
from tests.server.helpers import Client, Gated, ask, chat


def content(body: bytes) -> str:
    pieces = [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: {")]
    return "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece.get("choices"))


# --- leaving ---


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_frees_the_model_at_once(stream: bool) -> None:
    model = Gated()
    client = Client(create_app([model]), pieces=[chat(stream=stream)])
    asking = asyncio.create_task(client.ask())
    await model.begun.wait()
    model.go.release()

    client.leave()
    await asyncio.wait_for(model.left.wait(), 5)
    await asking

    assert model.deltas <= 1


async def test_leaving_before_the_body_is_complete_asks_no_model() -> None:
    model = ScriptedModel(reply("x"))
    client = Client(create_app([model]), pieces=[chat()[:10]], complete=False)
    asking = asyncio.create_task(client.ask())
    client.leave()

    await asyncio.wait_for(asking, 5)

    assert model.requests == []
    assert client.writes == []


async def test_a_blocking_generator_is_closed_within_one_item() -> None:
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    made = []

    def endless(messages: Any) -> Iterator[str]:
        try:
            while True:
                made.append(1)
                yield "x"
                begun.set()
                go_on.wait(10)
        finally:
            closed.set()

    client = Client(create_app([as_model(endless, name="endless")]), pieces=[chat(stream=True)])
    asking = asyncio.create_task(client.ask())
    await client.wrote.wait()
    await asyncio.to_thread(begun.wait, 10)

    client.leave()
    await asyncio.wait_for(asking, 5)
    go_on.set()

    assert await asyncio.to_thread(closed.wait, 10)
    assert len(made) <= 3


async def test_a_model_that_never_waits_still_notices_that_its_client_left() -> None:
    made = []

    async def endless(messages: Any) -> AsyncIterator[str]:
        while True:
            made.append(1)
            yield "x"

    client = Client(create_app([as_model(endless, name="endless")]), pieces=[chat(stream=True)])
    asking = asyncio.create_task(client.ask())
    await client.wrote.wait()

    client.leave()
    await asyncio.wait_for(asking, 5)

    assert made


# --- being late ---


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("limit", "header", "field"),
    [
        (0.05, None, None),
        (60, b"0.05", None),
        (60, None, 0.05),
        (0.05, b"60", None),
        (60, b"60", 0.05),
        (60, b"0.05", 60),
    ],
    ids=["server", "header", "field", "more-than-the-server-allows", "field-below-header", "header-below-field"],
)
async def test_an_answer_that_does_not_come_in_time_is_given_up(
    limit: float, header: bytes | None, field: float | None, stream: bool
) -> None:
    model = Gated("slow")
    app = create_app([model], Options(limits=Limits(timeout=limit)))
    headers = [] if header is None else [(b"x-modelport-timeout", header)]

    answer = await ask(app, body=chat(stream=stream, timeout=field), headers=headers)

    assert answer.status == 504
    assert answer.error["message"] == "slow did not answer within 0.05 s"
    assert model.left.is_set()


@pytest.mark.parametrize("value", [b"soon", b"0", b"-1", b"nan", b"", b"1_000"])
async def test_a_deadline_must_be_a_time(value: bytes) -> None:
    answer = await ask(create_app([Gated()]), body=chat(), headers=[(b"x-modelport-timeout", value)])

    assert answer.status == 400
    assert answer.error["param"] == "x-modelport-timeout"


async def test_a_models_own_time_limit_is_its_own_affair() -> None:
    async def impatient(messages: Any) -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "gave up waiting"
        return "never"

    answer = await ask(create_app([as_model(impatient, name="m")]), body=chat())

    assert answer.json["choices"][0]["message"]["content"] == "gave up waiting"


# --- beginning, and silence ---


async def test_the_head_goes_out_when_the_model_thinks_for_long_and_comments_keep_it_alive() -> None:
    model = Gated()
    app = create_app([model], Options(limits=Limits(first_event=0.01, keep_alive=0.01)))
    client = Client(app, pieces=[chat(stream=True)])
    asking = asyncio.create_task(client.ask())

    while len(client.writes) < 3:
        client.wrote.clear()
        await asyncio.wait_for(client.wrote.wait(), 5)
    for _ in range(101):
        model.go.release()
    answer = await asking

    assert answer.status == 200
    assert set(client.writes[:3]) == {b": still here\n\n"}
    assert content(answer.body).startswith("1 2 3 ")
    assert answer.body.endswith(b"data: [DONE]\n\n")


async def test_until_then_a_failure_still_has_its_status() -> None:
    async def thinks_and_fails(messages: Any) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        if messages:
            raise ContractBroken("changed my mind")
        yield ""

    answer = await ask(create_app([as_model(thinks_and_fails, name="m")]), body=chat(stream=True))

    assert answer.status == 502


# --- a slow reader ---


async def test_a_slow_reader_slows_its_own_model_down() -> None:
    model = Gated()
    client = Client(create_app([model]), pieces=[chat(stream=True)])
    asking = asyncio.create_task(client.ask())
    model.go.release()
    await client.wrote.wait()

    client.room.clear()
    for _ in range(101):
        model.go.release()
    for _ in range(500):
        await asyncio.sleep(0)
    ran_ahead = model.deltas
    client.room.set()
    answer = await asking

    assert ran_ahead <= 3
    assert content(answer.body).split() == [str(number) for number in range(1, 101)]


async def test_an_answer_that_is_cut_off_leaves_nothing_for_the_garbage_collector_to_find() -> None:
    async def endless(messages: Any) -> AsyncIterator[str]:
        while True:
            yield "x" * 1000

    client = Client(create_app([as_model(endless, name="endless")]), pieces=[chat(stream=True)])
    client.room.clear()
    gc.collect()
    gc.disable()
    try:
        asking = asyncio.create_task(client.ask())
        for _ in range(20):
            await asyncio.sleep(0)
        client.leave()
        await asyncio.wait_for(asking, 10)

        left = [each for each in gc.get_objects() if type(each) is ClientGone]
    finally:
        gc.enable()

    assert left == []


def exchanges() -> set[Exchange]:
    return {each for each in gc.get_objects() if type(each) is Exchange}


@pytest.mark.parametrize("stream", [True, False])
async def test_nor_does_one_that_is_complete(stream: bool) -> None:
    async def waiting(messages: Any) -> AsyncIterator[str]:
        yield "one "
        await asyncio.sleep(0)
        yield "two"

    app = create_app([as_model(waiting, name="m")])
    gc.collect()
    before = exchanges()  # in the tracebacks of errors that other tests keep
    gc.disable()
    try:
        answer = await ask(app, body=chat(stream=stream))
        for _ in range(5):  # what was cancelled ends
            await asyncio.sleep(0)

        left = exchanges() - before
    finally:
        gc.enable()

    assert answer.status == 200
    assert left == set()


# --- turns ---


async def test_a_blocking_model_is_called_once_at_a_time_and_its_queue_is_bounded() -> None:
    running, most, calls = [0], [0], []
    begun, go_on = threading.Event(), threading.Event()

    def careful(messages: Any) -> str:
        running[0] += 1
        most[0] = max(most[0], running[0])
        calls.append(threading.get_ident())
        begun.set()
        go_on.wait(10)
        running[0] -= 1
        return "ok"

    app = create_app([as_model(careful, name="careful")], Options(limits=Limits(queue=2)))
    asking = [asyncio.create_task(ask(app, body=chat())) for _ in range(3)]
    await asyncio.to_thread(begun.wait, 10)

    refused = await ask(app, body=chat())
    go_on.set()
    answers = await asyncio.gather(*asking)

    assert (refused.status, refused.headers["retry-after"], refused.error["code"]) == (503, "1", "overloaded")
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert most == [1]
    assert len(set(calls)) == 1  # the same thread each time, which is what many libraries need


async def test_with_more_threads_it_is_called_so_many_times_at_once() -> None:
    together = threading.Barrier(3)

    def meets(messages: Any) -> str:
        together.wait(10)
        return "met"

    app = create_app([as_model(meets, name="meets")], Options(threads=3))

    answers = await asyncio.gather(*(ask(app, body=chat()) for _ in range(3)))

    assert [answer.status for answer in answers] == [200, 200, 200]


async def test_an_abandoned_call_keeps_its_turn_until_it_returns() -> None:
    running, most = [0], [0]
    begun, go_on = threading.Event(), threading.Event()

    def deaf(messages: Any) -> str:
        running[0] += 1
        most[0] = max(most[0], running[0])
        begun.set()
        go_on.wait(10)
        running[0] -= 1
        return "ok"

    app = create_app([as_model(deaf, name="deaf")])
    leaves = Client(app, pieces=[chat()])
    left = asyncio.create_task(leaves.ask())
    await asyncio.to_thread(begun.wait, 10)
    leaves.leave()
    await asyncio.wait_for(left, 5)

    next_one = asyncio.create_task(ask(app, body=chat()))
    go_on.set()

    assert (await next_one).status == 200
    assert most == [1]


# --- going down ---


@pytest.mark.parametrize("begun", [True, False])
async def test_an_answer_that_is_cut_off_by_the_servers_end_says_so(begun: bool) -> None:
    model = Gated()
    client = Client(create_app([model]), pieces=[chat(stream=True)])
    asking = asyncio.create_task(client.ask())
    await model.begun.wait()
    if begun:
        model.go.release()
        await client.wrote.wait()

    asking.cancel()
    answer = await asking

    assert answer.status == (200 if begun else 503)
    assert b"shutting down" in answer.body
    assert model.left.is_set()


# --- the pump ---


async def test_what_is_ready_together_comes_together_and_in_order() -> None:
    gate = asyncio.Event()

    async def events() -> AsyncIterator[Event]:
        yield TextDelta("a")
        yield TextDelta("b")
        await gate.wait()
        yield TextDelta("c")
        await asyncio.sleep(0)
        yield Finish()

    batches: list[list[Event]] = []

    async def flush(batch: list[Event]) -> None:
        batches.append(batch)
        gate.set()

    await pump(events(), flush)

    assert batches == [[TextDelta("a"), TextDelta("b")], [TextDelta("c")], [Finish()]]


async def test_long_pieces_are_written_long_before_there_are_many() -> None:
    async def events() -> AsyncIterator[Event]:
        for number in range(100):
            yield TextDelta(str(number % 10) * 20_000)

    batches: list[list[Event]] = []

    async def flush(batch: list[Event]) -> None:
        batches.append(batch)

    await pump(events(), flush)

    assert max(map(len, batches)) <= 8
    assert [event.text[0] for batch in batches for event in batch if isinstance(event, TextDelta)] == [
        str(number % 10) for number in range(100)
    ]


async def test_a_write_that_fails_closes_the_iterator_that_stands_in_the_middle_of_a_step() -> None:
    closed = asyncio.Event()

    async def events() -> AsyncIterator[Event]:
        try:
            yield TextDelta("a")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            closed.set()

    async def flush(batch: list[Event]) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        await pump(events(), flush)

    assert closed.is_set()


async def test_any_awaitable_will_do_for_a_step() -> None:
    class Odd:
        def __init__(self) -> None:
            self.left = 3

        def __aiter__(self) -> "Odd":
            return self

        def __anext__(self) -> asyncio.Future[Event]:
            future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
            if self.left:
                self.left -= 1
                asyncio.get_running_loop().call_soon(future.set_result, TextDelta("x"))
            else:
                future.set_exception(StopAsyncIteration())
            return future

    seen: list[Event] = []

    async def flush(batch: list[Event]) -> None:
        seen.extend(batch)

    await pump(Odd(), flush)

    assert seen == [TextDelta("x")] * 3


async def test_a_coroutine_that_was_begun_by_hand_can_be_gone_on_with() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    steps = work()

    assert await resume(steps, steps.send(None)) == "done"


async def test_a_model_whose_entering_waits_is_left_too() -> None:
    left = asyncio.Event()

    class Heavy:
        name = "heavy"

        @asynccontextmanager
        async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
            try:
                await asyncio.Event().wait()
                yield Gated()._events()
            finally:
                left.set()

    client = Client(create_app([Heavy()]), pieces=[chat(stream=True)])
    asking = asyncio.create_task(client.ask())
    client.leave()

    await asyncio.wait_for(asking, 5)

    assert left.is_set()
