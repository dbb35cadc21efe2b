"""Models in real worker processes: what they answer, and what it costs when they die."""

import asyncio
import fcntl
import gc
import itertools
import logging
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelport.config.spec import load
from modelport.errors import ContractBroken, InvalidRequest, LoadError, ModelError, ModelNotFound, Overloaded
from modelport.model import accepts, generate, identity
from modelport.types import ChatRequest, Event, ImagePart, TextDelta, messages_from
from modelport.workers import SUPPORTED, WorkerDied, WorkerModel, WorkerOptions
from modelport.workers.answers import Answer
from modelport.wrappers.callers import caller
from tests.workers.helpers import asked, running, said, spec_of, until

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not SUPPORTED, reason="worker processes need a system that lets a process inherit a socket"),
]


async def _read(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), [("does", "say hello"), ("streams", "count 300"), ("waits", "say hello")])
async def test_an_answer_is_the_same_as_in_process(name: str, text: str, tmp_path: Path) -> None:
    at_home = await asyncio.to_thread(load, spec_of(tmp_path, name))
    async with running(tmp_path, name) as model:
        away, here = await generate(model, asked(text)), await generate(at_home, asked(text))

    assert away.choices == here.choices
    assert (model.name, model.accepts) == (at_home.name, accepts(at_home))
    assert model.identity == await asyncio.to_thread(identity, at_home)


async def test_dicts_reach_the_model_as_they_were_written(tmp_path: Path) -> None:
    messages = messages_from([{"role": "user", "content": "say hello", "of my own": [1, {"a": None}]}], later=True)
    async with running(tmp_path) as model:
        answer = await generate(model, ChatRequest(messages=messages))

    assert answer.choices[0].message.text == "hello"


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (np.arange(60_000, dtype=np.uint8).reshape(100, 200, 3), "ndarray (100, 200, 3)"),
        (np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2], "ndarray (3, 2) 30"),
        (Image.new("RGB", (30, 20), (1, 2, 3)), "Image (30, 20) 3600"),
        (b"\x89PNG\r\n\x1a\n", "bytes None"),
        (Path("somewhere/else.png"), "PosixPath None somewhere/else.png"),
        ("data:image/png;base64,AAAA", "dict None data:image/png;base64,AAAA"),
    ],
    ids=["array", "view of an array", "PIL", "bytes", "path", "URL"],
)
async def test_an_image_arrives_as_what_it_was(image: Any, seen: str, tmp_path: Path) -> None:
    async with running(tmp_path, "sees") as model:
        first, second = [await said(model, (ImagePart(image),)) for _ in range(2)]

    assert first.startswith(seen)
    assert first == second


async def test_what_cannot_reach_another_process_is_refused_by_name(tmp_path: Path) -> None:
    request = ChatRequest(messages=asked("say x").messages, extra={"callback": print})
    async with running(tmp_path) as model:
        with pytest.raises(InvalidRequest, match="builtin_function_or_method, which cannot reach the process"):
            await generate(model, request)
        after = await said(model, "say hello")

    assert after == "hello"


async def test_an_error_of_the_model_arrives_as_what_it_is(tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        with pytest.raises(ModelError, match=r"does\(\) raised RuntimeError: no weights"):
            await said(model, "raise no weights")
        with pytest.raises(ContractBroken, match="half a character"):
            await said(model, "half")
        after = await said(model, "say hello")

    assert after == "hello"
    assert model.pool.deaths == 0


async def test_an_error_of_the_model_has_the_traceback_of_its_code_as_its_cause(tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        with pytest.raises(ModelError) as caught:
            await said(model, "raise no weights")
        with pytest.raises(ContractBroken) as ours:
            await said(model, "half")

    assert re.search(
        r"models\.py\", line \d+, in does\n.*\nRuntimeError: no weights", str(caught.value.__cause__), re.DOTALL
    )
    assert ours.value.__cause__ is None


async def test_an_answer_that_failed_is_freed_without_the_garbage_collector(tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        await said(model, "say hello")
        gc.collect()
        gc.disable()
        try:
            with suppress(ModelError):
                await said(model, "raise no weights")
            left = [each for each in gc.get_objects() if type(each) is Answer]
        finally:
            gc.enable()

    assert left == []


async def test_several_workers_answer_at_a_time(tmp_path: Path) -> None:
    async with running(tmp_path, workers=2) as model:
        await model.start()
        await until(lambda: all(worker.ready for worker in model.pool._workers) and len(model.pool.pids) == 2)
        stuck = asyncio.ensure_future(said(model, "hang"))
        pids = [await said(model, "pid") for _ in range(3)]
        stuck.cancel()

    assert len(set(pids)) == 1
    assert int(pids[0]) in model.pool.pids or not model.pool.pids


async def test_quick_answers_give_nobody_a_place_before_others_who_take_turns(tmp_path: Path) -> None:
    async def asked_by(name: str, text: str) -> str:
        caller.set(name)
        return await said(model, text)

    async with running(tmp_path) as model:
        for _ in range(50):
            await asked_by("ann", "say hello")
        texts = [f"note {tmp_path} {name}" for name in ("first", "ann1", "ann2", "ann3", "ann4")]
        asking = [asyncio.create_task(asked_by("ann", text)) for text in texts]
        await until((tmp_path / "notes").exists)
        asking.append(asyncio.create_task(asked_by("bob", f"note {tmp_path} bob")))
        await until(lambda: model.pool.queued == 5)
        (tmp_path / "go").touch()
        await asyncio.gather(*asking)

    assert (tmp_path / "notes").read_text().split().index("bob") <= 2


async def test_requests_that_wait_together_are_one_batch_in_the_worker(tmp_path: Path) -> None:
    async with running(tmp_path, "Batches") as model:
        calls = [asyncio.ensure_future(said(model, "say x")) for _ in range(9)]
        await until((tmp_path / "begun").exists)
        (tmp_path / "go").touch()
        answers = await asyncio.gather(*calls)

    assert len(answers) == 9
    assert set(answers) - {"one of 1"}


async def test_a_queue_that_is_full_says_when_to_come_again(tmp_path: Path) -> None:
    async with running(tmp_path, queue=1) as model:
        calls = [asyncio.ensure_future(said(model, "hang")) for _ in range(10)]
        await until(lambda: len(model.pool._waiting) == 1)
        with pytest.raises(Overloaded, match="1 calls of 'does' wait already") as caught:
            await said(model, "say x")
        for call in calls:
            call.cancel()

    assert caught.value.retry_after


# --- deaths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "cause"),
    [
        ("segfault", "crashed (SIGSEGV, a segmentation fault)"),
        ("abort", "crashed (SIGABRT, it aborted itself)"),
        ("kill", "was killed (SIGKILL; often by the system, because memory ran out)"),
        ("exit 3", "ended by itself, with exit code 3"),
        ("exit 0", "ended by itself, with exit code 0"),
    ],
)
async def test_a_worker_that_dies_costs_its_answer_and_is_replaced(deed: str, cause: str, tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        with pytest.raises(WorkerDied) as caught:
            await said(model, deed)
        after = await said(model, "say hello")

    assert str(caught.value) == f"the process of 'does' {cause} while it was making this answer"
    assert after == "hello"
    assert model.pool.deaths == 1


async def test_what_came_before_a_death_is_read_before_the_error(tmp_path: Path) -> None:
    async with running(tmp_path, "streams") as model, model.stream(asked("die")) as events:
        came = [await anext(events), await anext(events)]
        with pytest.raises(WorkerDied):
            await anext(events)

    assert came == [TextDelta("some "), TextDelta("words")]


async def test_a_death_fails_only_what_was_begun(tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        asks = [said(model, "kill" if number in {2, 5} else f"say {number}") for number in range(9)]
        answers = await asyncio.gather(*asks, return_exceptions=True)

    died = [number for number, answer in enumerate(answers) if isinstance(answer, WorkerDied)]
    assert died == [2, 5]
    assert [answer for answer in answers if isinstance(answer, str)] == ["0", "1", "3", "4", "6", "7", "8"]


async def test_a_call_that_hangs_costs_its_worker_and_no_other_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, timeout=0.3) as model:
        stuck = asyncio.ensure_future(said(model, "hang"))
        after = await said(model, "say hello")
        with pytest.raises(WorkerDied, match=r"was ended, because a call had not come back after 0\.3 s"):
            await stuck

    assert after == "hello"
    await until(lambda: bool(caplog.messages))
    assert caplog.messages[-1].endswith("was ended, because a call had not come back after 0.3 s")


async def test_a_call_whose_caller_left_may_cost_its_worker_if_asked(tmp_path: Path) -> None:
    async with running(tmp_path, patience=0.1) as model:
        left = asyncio.ensure_future(said(model, f"hold {tmp_path / 'lock'}"))
        await until((tmp_path / "lock.held").exists)
        left.cancel()
        after = await said(model, "say hello")

    assert after == "hello"
    assert model.pool.deaths == 1


async def test_what_a_worker_started_ends_with_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    async with running(tmp_path) as model:
        await said(model, f"leave {lock}")
        with pytest.raises(WorkerDied):
            await said(model, "kill")
        with lock.open("w") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)


async def test_replacements_come_later_and_later_until_an_answer_is_made(tmp_path: Path) -> None:
    async def is_replaced_after(seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        await until(lambda: model.pool.ready)
        before = loop.time()
        with pytest.raises(WorkerDied):
            await said(model, "kill")
        return model.pool._again - loop.time() <= seconds + 1e-6 and seconds - 1e-6 <= model.pool._again - before

    async with running(tmp_path, backoff=0.05) as model:
        growing = [await is_replaced_after(0.05 * factor) for factor in (1, 2, 4)]
        await said(model, "say hello")
        again = await is_replaced_after(0.05)

    assert [*growing, again] == [True] * 4


async def test_a_model_that_failed_a_thousand_times_is_started_again(tmp_path: Path) -> None:
    async with running(tmp_path, backoff=0.01, backoff_most=0.02) as model:
        model.pool._failures = 2000
        with pytest.raises(WorkerDied):
            await said(model, "kill")

        assert await said(model, "say hello") == "hello"


async def test_an_error_that_holds_anything_at_all_costs_nobody_the_worker(tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        with pytest.raises(ModelError, match="odd") as caught:
            await said(model, "odd")

        assert await said(model, "say hello") == "hello"
    assert model.pool.deaths == 0
    assert caught.value.param == "{1}"


# --- loading ----------------------------------------------------------------------------------------------------------


async def test_a_model_that_does_not_load_says_what_it_says_in_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spec = spec_of(tmp_path, "does")
    (tmp_path / "broken").touch()

    with pytest.raises(LoadError) as away:
        await asyncio.to_thread(WorkerModel.load, spec)

    with pytest.raises(LoadError) as here:
        await asyncio.to_thread(load, spec)
    assert str(away.value) == str(here.value)
    assert "RuntimeError: the weights are gone" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_model_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="has no 'nobody'"):
        await asyncio.to_thread(WorkerModel.load, spec_of(tmp_path, "nobody"))


async def test_a_process_that_ends_while_it_loads_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import os\nos._exit(7)")

    with pytest.raises(LoadError, match="the process that loaded it ended by itself, with exit code 7"):
        await asyncio.to_thread(WorkerModel.load, f"{tmp_path}/ends.py:x")


async def test_a_model_that_cannot_be_loaded_again_is_tried_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path, backoff=0.02) as model:
        (tmp_path / "broken").touch()
        with pytest.raises(WorkerDied):
            await said(model, "kill")
        with pytest.raises(Overloaded, match="'does' is not loaded: its worker could not be started again") as caught:
            await said(model, "say hello")
        was_ready = model.ready
        (tmp_path / "broken").unlink()
        await until(lambda: model.ready)
        after = await said(model, "say hello")

    assert caught.value.retry_after
    assert not was_ready
    assert after == "hello"
    assert "RuntimeError: the weights are gone" in caplog.text


# --- leaving ----------------------------------------------------------------------------------------------------------


async def test_leaving_closes_the_generator_at_its_next_delta(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    async with running(tmp_path, "streams") as model:
        async with model.stream(asked(f"until {closed}")) as events:
            await anext(events)
        after = await said(model, "say hello")  # by the same thread, which was free again

    assert after == "hello"
    assert closed.exists()
    assert model.pool.deaths == 0


@pytest.mark.parametrize("name", ["listens", "waits"])
async def test_leaving_reaches_code_that_looks_for_it(name: str, tmp_path: Path) -> None:
    left = tmp_path / "left"
    async with running(tmp_path, name) as model:
        call = asyncio.ensure_future(said(model, f"wait {left}"))
        await until((tmp_path / "left.begun").exists)
        call.cancel()
        await until(left.exists)
        after = await said(model, "say hello")

    assert after == "hello"


async def test_an_async_answer_that_is_left_at_once_takes_no_place(tmp_path: Path) -> None:
    async with running(tmp_path, "waits") as model:
        calls = [asyncio.ensure_future(said(model, f"wait {tmp_path / 'left'}")) for _ in range(20)]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await said(model, "say hello")
        await until(lambda: not any(worker.answers for worker in model.pool._workers))


async def test_an_answer_left_before_it_was_begun_is_never_begun(tmp_path: Path) -> None:
    async with running(tmp_path, "streams") as model:
        first = model.stream(asked(f"until {tmp_path / 'first'}"))
        events = await first.__aenter__()
        await anext(events)
        waiting = asyncio.ensure_future(said(model, f"until {tmp_path / 'second'}"))
        await asyncio.sleep(0)
        waiting.cancel()
        await first.__aexit__(None, None, None)
        await said(model, "say hello")

    assert (tmp_path / "first").exists()
    assert not (tmp_path / "second").exists()


# --- slow readers, and much to say ------------------------------------------------------------------------------------


async def test_a_reader_that_never_reads_holds_up_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, "streams", inbox=100_000) as model, model.stream(asked("chunks 1000")) as never_read:
        after = await said(model, "count 1000")
        with pytest.raises(ModelError, match="too slow: more than 100000 bytes"):
            await _read(never_read)

    assert after == "".join(f"{number} " for number in range(1000))


async def test_a_slow_reader_gets_every_word_in_order(tmp_path: Path) -> None:
    async with running(tmp_path, "streams") as model, model.stream(asked("count 20000")) as events:
        await said(model, "say behind it")  # all of it is here by now, and nothing was read
        texts = [event.text async for event in events if hasattr(event, "text")]

    assert "".join(texts) == "".join(f"{number} " for number in range(20_000))
    assert len(texts) < 2000


async def test_a_flood_of_output_blocks_nothing_and_does_not_fill_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path) as model:
        answer = await said(model, "print 300000")  # 30 MB

    assert answer == "300000"
    lines = [record.getMessage() for record in caplog.records if record.name == "modelport.workers.output"]
    assert any("x" * 99 in line for line in lines)
    assert any("lines more, which came too fast for the log" in line for line in lines)
    assert len(lines) < 50_000


# --- going down -------------------------------------------------------------------------------------------------------


async def test_closing_ends_every_process(tmp_path: Path) -> None:
    async with running(tmp_path, workers=2, grace=0.1) as model:
        await model.start()
        stuck = asyncio.ensure_future(said(model, "hang"))
        await asyncio.sleep(0)
        processes = [worker.process for worker in model.pool._workers]
    with pytest.raises(WorkerDied, match="the server is shutting down"):
        await stuck

    assert all(process.exit.done() for process in processes)
    assert model.pool.pids == ()


async def test_closing_answers_what_was_given_to_a_worker_ahead(tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        for _ in range(50):
            await said(model, "say hello")
        tasks = [asyncio.create_task(said(model, "hang")) for _ in range(4)]
        await until(lambda: model.pool._workers[0].answers)

    done, pending = await asyncio.wait(tasks, timeout=10)
    assert not pending
    assert {type(task.exception()) for task in done} == {WorkerDied, Overloaded}


async def test_a_closed_model_takes_no_calls(tmp_path: Path) -> None:
    async with running(tmp_path) as model:
        await said(model, "say hello")

    with pytest.raises(Overloaded, match="shutting down"):
        await said(model, "say hello")


def test_it_belongs_to_one_event_loop(tmp_path: Path) -> None:
    model = WorkerModel.load(spec_of(tmp_path, "does"), WorkerOptions())
    answers = itertools.count()

    async def ask() -> None:
        await said(model, "say hello")
        next(answers)

    try:
        asyncio.run(ask())
        with pytest.raises(ModelError, match="another event loop"):
            asyncio.run(ask())
    finally:
        model.pool.kill()
    assert next(answers) == 1
