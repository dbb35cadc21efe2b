"""What waits together is answered together."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import pytest

from modelport import Client
from modelport.adapters import as_model
from modelport.errors import ConfigError, ContractBroken, ModelError, ModelTimeout, Overloaded
from modelport.model import Model, generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, ChatResponse, TextDelta, Usage, messages_from
from modelport.wrappers.batching import Batching, batched
from modelport.wrappers.callers import caller
from modelport.wrappers.deadline import Deadline


def ask(text: str) -> ChatRequest:
    return ChatRequest(messages=messages_from(text))


class Gated:
    """Answers a batch when its gate is open; ``seen`` has the texts of each batch."""

    name = "gated"
    max_batch_size = 4
    batch_window = 0

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.gate = asyncio.Event()
        self.ended = asyncio.Event()

    async def generate_batch(self, requests: list[ChatRequest]) -> list[Any]:
        self.seen.append([request.messages[0].text for request in requests])
        try:
            await self.gate.wait()
        finally:
            self.ended.set()
        return [self.answer(text) for text in self.seen[-1]]

    def answer(self, text: str) -> Any:
        return f"{text}!"


def start(model: Model, text: str) -> "asyncio.Task[ChatResponse]":
    return asyncio.ensure_future(generate(model, ask(text)))


async def settle() -> None:
    """Every task has gone as far as it can."""
    for _ in range(30):
        await asyncio.sleep(0)


async def test_one_request_is_asked_at_once_and_what_comes_meanwhile_is_the_next_batch() -> None:
    gated = Gated()
    model = batched(as_model(gated))

    tasks = [start(model, "a")]
    await settle()
    tasks += [start(model, text) for text in "bcd"]
    await settle()
    gated.gate.set()
    answers = await asyncio.gather(*tasks)

    assert gated.seen == [["a"], ["b", "c", "d"]]
    assert [answer.text for answer in answers] == ["a!", "b!", "c!", "d!"]


async def test_no_batch_is_larger_than_the_model_takes() -> None:
    gated = Gated()
    model = batched(as_model(gated))

    tasks = [start(model, text) for text in "abcdefghij"]
    await settle()
    gated.gate.set()
    await asyncio.gather(*tasks)

    assert [len(batch) for batch in gated.seen] == [4, 4, 2]


async def test_callers_who_ask_in_step_stay_in_step() -> None:
    class Counting:
        name = "counting"
        batch_window = 10.0
        sizes: ClassVar[list[int]] = []

        async def generate_batch(self, requests: list[ChatRequest]) -> list[str]:
            self.sizes.append(len(requests))
            await asyncio.sleep(0.02)
            return ["x"] * len(requests)

    model = batched(as_model(Counting()))

    async def client(number: int) -> None:
        for _ in range(5):
            await generate(model, ask(str(number)))
            for _ in range(number):  # they come back one after the other
                await asyncio.sleep(0)

    await asyncio.gather(*(client(number) for number in range(8)))

    assert Counting.sizes == [8] * 5


async def test_callers_who_do_not_come_again_are_waited_for_no_longer_than_the_window() -> None:
    gated = Gated()
    model = Batching(as_model(gated), batch_window=0.01)
    gated.gate.set()
    await asyncio.gather(*(start(model, text) for text in "abcd"))

    answer = await generate(model, ask("late"))

    assert answer.text == "late!"
    assert gated.seen[-1] == ["late"]


async def test_a_full_queue_turns_callers_away_with_a_time_to_come_again() -> None:
    gated = Gated()
    model = batched(as_model(gated), queue=2)
    tasks = [start(model, "a")]
    await settle()
    tasks += [start(model, text) for text in "bc"]
    await settle()

    with pytest.raises(Overloaded, match="2 requests wait for 'gated' already") as caught:
        await generate(model, ask("d"))
    gated.gate.set()
    await asyncio.gather(*tasks)

    assert caught.value.retry_after is not None
    assert gated.seen == [["a"], ["b", "c"]]


async def test_a_queue_that_one_caller_fills_has_room_for_another() -> None:
    gated = Gated()
    model = batched(as_model(gated), queue=2)

    async def ask_as(name: str, text: str) -> ChatResponse:
        caller.set(name)
        return await generate(model, ask(text))

    tasks = [asyncio.create_task(ask_as("greedy", "a"))]
    await settle()
    tasks += [asyncio.create_task(ask_as("greedy", text)) for text in "bc"]
    await settle()
    tasks.append(asyncio.create_task(ask_as("modest", "m")))
    await settle()
    with pytest.raises(Overloaded):
        await ask_as("modest", "n")
    gated.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(answer) for answer in answers] == [ChatResponse, ChatResponse, Overloaded, ChatResponse]
    assert gated.seen == [["a"], ["b", "m"]]


async def test_an_entry_says_how_large_batches_are() -> None:
    gated = Gated()
    client = Client(config_list=[{"model": gated, "max_batch_size": 2, "batch_window": 0}])

    tasks = [asyncio.ensure_future(client.acreate(messages=text)) for text in "abcde"]
    await settle()
    gated.gate.set()
    await asyncio.gather(*tasks)

    assert [len(batch) for batch in gated.seen] in ([1, 2, 2], [2, 2, 1])


async def test_who_leaves_while_waiting_is_left_out() -> None:
    gated = Gated()
    model = batched(as_model(gated))
    first = start(model, "a")
    await settle()
    gone, stays = start(model, "gone"), start(model, "stays")
    await settle()

    gone.cancel()
    await settle()
    gated.gate.set()
    await asyncio.gather(first, stays)

    assert gated.seen == [["a"], ["stays"]]
    assert gone.cancelled()


async def test_a_deadline_that_passes_in_the_queue_spares_the_model_the_request() -> None:
    gated = Gated()
    model = batched(as_model(gated))
    first = start(model, "a")
    await settle()

    with pytest.raises(ModelTimeout):
        await generate(Deadline(model, 0.01), ask("late"))
    gated.gate.set()
    await first

    assert gated.seen == [["a"]]


async def test_a_batch_that_nobody_waits_for_is_ended() -> None:
    gated = Gated()
    model = batched(as_model(gated))
    tasks = [start(model, text) for text in "ab"]
    await settle()

    for task in tasks:
        task.cancel()
    await gated.ended.wait()
    gated.gate.set()

    assert (await generate(model, ask("next"))).text == "next!"


async def test_one_caller_who_leaves_does_not_end_the_batch_of_another() -> None:
    gated = Gated()
    model = batched(as_model(gated))
    leaves, stays = start(model, "leaves"), start(model, "stays")
    await settle()

    leaves.cancel()
    await settle()
    gated.gate.set()

    assert (await stays).text == "stays!"
    assert gated.seen == [["leaves", "stays"]]


async def test_an_exception_in_the_place_of_an_answer_is_that_caller_s_alone() -> None:
    class Picky(Gated):
        name = "picky"

        def answer(self, text: str) -> Any:
            return ValueError("no b here") if text == "b" else text

    picky = Picky()
    picky.gate.set()
    model = batched(as_model(picky))

    a, b, c = await asyncio.gather(*(start(model, text) for text in "abc"), return_exceptions=True)

    assert isinstance(a, ChatResponse)
    assert isinstance(c, ChatResponse)
    assert (a.text, c.text) == ("a", "c")
    assert isinstance(b, ModelError)
    assert str(b) == "Picky.generate_batch()[1] raised ValueError: no b here"


async def test_a_batch_that_raises_fails_all_of_its_callers_by_name() -> None:
    class Fails:
        name = "fails"

        def generate_batch(self, requests: list[ChatRequest]) -> list[str]:
            raise RuntimeError("out of memory")

    model = batched(as_model(Fails()))

    errors = await asyncio.gather(*(start(model, text) for text in "ab"), return_exceptions=True)

    assert {str(error) for error in errors} == {"Fails.generate_batch() raised RuntimeError: out of memory"}
    assert errors[0] is not errors[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, r"generate_batch\(\) returned None for 1 request; the contract asks for a list"),
        ("text", r"generate_batch\(\) returned a str for 1 request"),
        (["a", "b"], r"generate_batch\(\) returned 2 answers for 1 request; the contract asks for one answer for each"),
        ([None], r"generate_batch\(\)\[0\] returned None; the contract asks for text"),
        (iter(["text"]), r"generate_batch\(\) yielded a str; the contract asks for \(index, piece\)"),
        (iter([(1, "text")]), r"yielded a piece for request 1 of 1; .* number them from 0 to 0"),
        (iter([(0, 3)]), r"generate_batch\(\)\[0\] yielded the number 3"),
    ],
)
async def test_what_is_no_answer_is_named(given: Any, message: str) -> None:
    class Wrong:
        name = "wrong"

        def generate_batch(self, requests: list[ChatRequest]) -> Any:
            return given

    with pytest.raises(ContractBroken, match=message):
        await generate(batched(as_model(Wrong())), ask("a"))


class Streams:
    """Gives its answers in turns, a letter at a time."""

    name = "streams"
    batch_window = 0

    def generate_batch(self, requests: list[ChatRequest]) -> Iterator[tuple[int, Any]]:
        texts = [request.messages[0].text for request in requests]
        for at in range(max(map(len, texts))):
            for number, text in enumerate(texts):
                if at < len(text):
                    yield number, ValueError("no x") if text[at] == "x" else text[at]
        for number, text in enumerate(texts):
            yield number, Usage(prompt_tokens=1, completion_tokens=len(text))
            yield number, None


class StreamsAsync(Streams):
    async def generate_batch(self, requests: list[ChatRequest]) -> AsyncIterator[tuple[int, Any]]:  # type: ignore[override]
        for piece in super().generate_batch(requests):
            await asyncio.sleep(0)
            yield piece


@pytest.mark.parametrize("cls", [Streams, StreamsAsync])
async def test_answers_that_come_in_pieces_reach_their_callers_in_pieces(cls: type) -> None:
    model = batched(as_model(cls()))

    async def pieces(text: str) -> list[str]:
        async with model.stream(ask(text)) as events:
            return [event.text async for event in events if isinstance(event, TextDelta)]

    first, second = await asyncio.gather(pieces("abc"), pieces("defgh"))

    assert first == ["a", "b", "c"]
    assert second == ["d", "e", "f", "g", "h"]


@pytest.mark.parametrize("cls", [Streams, StreamsAsync])
async def test_an_answer_in_pieces_that_fails_leaves_the_others_whole(cls: type) -> None:
    model = batched(as_model(cls()))

    fails, whole = await asyncio.gather(start(model, "abx"), start(model, "defg"), return_exceptions=True)

    assert str(fails) == f"{cls.__name__}.generate_batch()[0] raised ValueError: no x"
    assert isinstance(whole, ChatResponse)
    assert (whole.text, whole.usage and whole.usage.completion_tokens) == ("defg", 4)
    assert whole.choices[0].finish_reason == "stop"


async def test_an_answer_that_has_ended_is_not_held_up_by_the_others() -> None:
    gate = asyncio.Event()

    class Uneven:
        name = "uneven"

        async def generate_batch(self, requests: list[ChatRequest]) -> AsyncIterator[tuple[int, Any]]:
            yield 0, "short"
            yield 0, None
            await gate.wait()
            yield 1, "long"

    model = batched(as_model(Uneven()))
    short, long = start(model, "a"), start(model, "b")

    assert (await short).text == "short"
    assert not long.done()
    gate.set()
    assert (await long).text == "long"


async def test_a_request_alone_is_streamed_where_the_class_can() -> None:
    class Both(Gated):
        name = "both"

        async def stream(self, request: ChatRequest) -> AsyncIterator[str]:
            yield "alo"
            yield "ne"

    both = Both()
    both.gate.set()
    model = batched(as_model(both))

    async with model.stream(ask("a")) as events:
        pieces = [event.text async for event in events if isinstance(event, TextDelta)]
    together = await asyncio.gather(start(model, "b"), start(model, "c"))

    assert pieces == ["alo", "ne"]
    assert [answer.text for answer in together] == ["b!", "c!"]
    assert both.seen == [["b", "c"]]


async def test_callers_with_names_take_turns() -> None:
    gated = Gated()
    model = batched(as_model(gated))

    def start_as(name: str, text: str) -> "asyncio.Task[ChatResponse]":
        token = caller.set(name)
        try:
            job = model.stream(ask(text))
        finally:
            caller.reset(token)

        async def whole() -> ChatResponse:
            async with job:
                return await generate(ScriptedModel(reply("done")), ask(""))

        return asyncio.ensure_future(whole())

    tasks = [start_as("greedy", "0")]
    await settle()
    tasks += [start_as("greedy", str(number)) for number in range(1, 7)]
    tasks += [start_as("modest", "m1"), start_as("modest", "m2")]
    await settle()
    gated.gate.set()
    await asyncio.gather(*tasks)

    assert gated.seen == [["0"], ["1", "m1", "2", "m2"], ["3", "4", "5", "6"]]


def test_blocking_callers_in_threads_share_batches_and_the_model_is_asked_by_one_at_a_time() -> None:
    busy = threading.Lock()
    sizes: list[int] = []

    class Blocking:
        name = "blocking"

        def generate_batch(self, requests: list[ChatRequest]) -> list[str]:
            assert busy.acquire(blocking=False)
            sizes.append(len(requests))
            time.sleep(0.01)
            busy.release()
            return [request.messages[0].text.upper() for request in requests]

    model = batched(as_model(Blocking()))
    results: list[str] = []

    def client(text: str) -> None:
        results.extend(run(generate(model, ask(text)), suspends=True).text for _ in range(5))

    threads = [threading.Thread(target=client, args=(text,)) for text in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == sorted("ABCDEF" * 5)
    assert sum(sizes) == 30
    assert max(sizes) > 1


def test_callers_on_several_event_loops_are_answered_also_when_one_of_the_loops_ends() -> None:
    entered, release = threading.Event(), threading.Event()

    class Slow:
        name = "slow"

        def generate_batch(self, requests: list[ChatRequest]) -> list[str]:
            entered.set()
            release.wait(10)
            return ["x"] * len(requests)

    model = batched(as_model(Slow()))
    answers: list[str] = []

    async def impatient() -> None:
        task = asyncio.ensure_future(generate(model, ask("first")))
        await asyncio.to_thread(entered.wait, 10)
        await asyncio.to_thread(queued.wait, 10)
        task.cancel()

    queued = threading.Event()

    async def patient() -> None:
        await asyncio.to_thread(entered.wait, 10)
        task = asyncio.ensure_future(generate(model, ask("second")))
        await settle()
        queued.set()
        answers.append((await task).text)

    other = threading.Thread(target=lambda: asyncio.run(patient()))
    other.start()
    asyncio.run(impatient())  # its loop ends with the batch that runs on it
    release.set()
    other.join(10)

    assert answers == ["x"]


async def test_deaf_code_is_told_by_a_token_when_everybody_has_left() -> None:
    entered, heard = threading.Event(), threading.Event()

    class Looks:
        name = "looks"

        def generate_batch(self, requests: list[ChatRequest], cancel: Any) -> list[str]:
            entered.set()
            while not cancel.cancelled:
                time.sleep(0.001)
            heard.set()
            return []

    model = batched(as_model(Looks()))
    task = start(model, "a")
    await asyncio.to_thread(entered.wait, 10)

    task.cancel()

    assert await asyncio.to_thread(heard.wait, 10)


async def test_a_blocking_batch_that_was_left_ends_before_the_next_begins() -> None:
    busy = threading.Lock()
    entered = threading.Event()

    class Pieces:
        name = "pieces"

        def generate_batch(self, requests: list[ChatRequest]) -> Iterator[tuple[int, str]]:
            assert busy.acquire(blocking=False)
            entered.set()
            try:
                for _ in range(20):
                    time.sleep(0.002)
                    yield 0, "x"
            finally:
                busy.release()

    model = batched(as_model(Pieces()))
    for _ in range(3):
        task = start(model, "a")
        await asyncio.to_thread(entered.wait, 10)
        task.cancel()
        entered.clear()

    assert (await generate(model, ask("b"))).text == "x" * 20


def test_without_the_queue_a_request_is_a_batch_of_one() -> None:
    class Plain:
        name = "plain"

        def generate_batch(self, requests: list[ChatRequest]) -> list[Any]:
            return [("text", {"total_tokens": 3}) for _ in requests]

    model = as_model(Plain)

    answer = run(generate(model, ask("a")), suspends=False)

    assert (answer.text, answer.usage and answer.usage.total) == ("text", 3)


def test_a_model_without_batches_is_left_as_it_is() -> None:
    model = ScriptedModel(reply("yes"))

    assert batched(model) is model
    with pytest.raises(ConfigError, match="generate_batch"):
        Batching(model)


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"max_batch_size": 0}, "max_batch_size"), ({"batch_window": -1}, "batch_window"), ({"queue": 0}, "queue")],
)
def test_sizes_that_are_none_are_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Batching(as_model(Streams()), **fields)


@pytest.mark.parametrize(
    ("attribute", "value"), [("max_batch_size", 0), ("max_batch_size", "8"), ("batch_window", -0.1)]
)
def test_what_a_class_says_of_its_batches_is_checked(attribute: str, value: Any) -> None:
    cls = type("Odd", (Streams,), {attribute: value})

    with pytest.raises(TypeError, match=rf"Odd\.{attribute} must be"):
        as_model(cls)
