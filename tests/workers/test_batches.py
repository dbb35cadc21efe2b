"""Batches in worker processes: who is in one, what becomes of each, and of whom when the process dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from modelport.errors import ContractBroken, ModelError, Overloaded
from modelport.types import Event, TextDelta
from modelport.types.embeddings import Embed, embedding_request, vectors_from
from modelport.workers import SUPPORTED, WorkerDied, WorkerModel, WorkerOptions
from modelport.wrappers.callers import caller
from tests.workers.helpers import asked, said, until

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not SUPPORTED, reason="worker processes need a system that lets a process inherit a socket"),
]

MODELS = '''
import os
import pathlib
import time

from modelport.types import TextDelta, Usage

HERE = pathlib.Path(__file__).parent


def wait_for(name):
    while not (HERE / name).exists():
        time.sleep(0.005)


class Whole:
    """Notes each batch, and waits in the first."""

    name = "whole"
    max_batch_size = 4
    batch_window = 0

    def generate_batch(self, requests, cancel):
        texts = [request.messages[-1].text for request in requests]
        with open(HERE / "log", "a") as file:
            file.write(" ".join(texts) + "\\n")
        while texts[0] in {"first", "forever"} and not (HERE / "go").exists() and not cancel.cancelled:
            time.sleep(0.005)
        if cancel.cancelled:
            (HERE / "cancelled").touch()
        if "kill" in texts:
            os.kill(os.getpid(), 9)
        if "raise" in texts:
            raise RuntimeError("all of it")
        beyond = [TextDelta("counted"), Usage(2**70, 1)]
        given = {"bad": ValueError("only this one"), "half": "half \\ud83d", "beyond": beyond}
        return [given.get(text, text.upper()) for text in texts]


class Pieces(Whole):
    name = "pieces"

    def generate_batch(self, requests):
        texts = [request.messages[-1].text for request in requests]
        if texts == ["first"]:
            wait_for("go")
        for step in range(2):
            for number, text in enumerate(texts):
                yield number, f"{text}{step} " if text != "bad" or not step else ValueError("in the middle")
            if len(texts) > 1 and not step:
                wait_for("rest")


class Both(Whole):
    name = "both"

    def stream(self, request):
        yield "alone"
        yield " and streamed"

    def embed(self, texts):
        return [[float(len(text))] for text in texts]
'''


@asynccontextmanager
async def running(folder: Path, name: str, **options: Any) -> AsyncIterator[WorkerModel]:
    path = folder / "batch_models.py"
    path.write_text(MODELS, encoding="utf-8")
    model = await asyncio.to_thread(
        WorkerModel.load, f"{path}:{name}", WorkerOptions(**{"grace": 0.2, "backoff": 0.01, **options})
    )
    try:
        yield model
    finally:
        await model.aclose()


def batches(folder: Path) -> list[list[str]]:
    log = folder / "log"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


async def _held_up(model: WorkerModel, folder: Path) -> "asyncio.Task[str]":
    """A first request, whose batch goes on until the file "go" is there."""
    first = asyncio.create_task(said(model, "first"))
    await until(lambda: batches(folder))
    return first


async def _asked_behind(model: WorkerModel, *texts: str) -> "list[asyncio.Task[str]]":
    tasks = [asyncio.create_task(said(model, text)) for text in texts]
    await asyncio.sleep(0)
    return tasks


async def _heard_so_far(model: WorkerModel) -> None:
    """Returns when the worker has read all that it was sent: it tells of one more, who left, behind the others."""
    [worker] = model.pool._workers
    caller.set("passer-by")
    [leaving] = await _asked_behind(model, "nothing")
    before = len(worker.answers)
    leaving.cancel()
    await until(lambda: len(worker.answers) == before - 1)


async def test_each_gets_its_own_answer_or_error(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole") as model:
        first = await _held_up(model, tmp_path)
        tasks = await _asked_behind(model, "a", "bad", "half", "b")
        (tmp_path / "go").touch()
        answers = await asyncio.gather(first, *tasks, return_exceptions=True)

    assert batches(tmp_path) == [["first"], ["a", "bad", "half", "b"]]
    assert [answer for answer in answers if isinstance(answer, str)] == ["FIRST", "A", "B"]
    assert isinstance(answers[2], ModelError)
    assert "only this one" in str(answers[2])
    assert isinstance(answers[3], ContractBroken)
    assert "half a character" in str(answers[3])


async def test_what_no_wire_can_carry_fails_its_own_answer_and_leaves_the_worker_alive(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole") as model:
        first = await _held_up(model, tmp_path)
        good, beyond, other = await _asked_behind(model, "good", "beyond", "other")
        (tmp_path / "go").touch()

        assert [await first, await good, await other] == ["FIRST", "GOOD", "OTHER"]
        with pytest.raises(ModelError, match="failed unexpectedly"):
            await beyond
        assert model.pool.deaths == 0


async def test_closing_answers_those_that_wait_within_a_worker_too(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole", queue=1) as model:
        running_ones = [await _held_up(model, tmp_path), *await _asked_behind(model, *"abcdefgh")]

    done, pending = await asyncio.wait(running_ones, timeout=30)
    assert not pending
    assert {type(task.exception()) for task in done} <= {WorkerDied, Overloaded}


async def test_what_a_batch_raises_fails_all_of_it_and_nobody_else(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole") as model:
        first = await _held_up(model, tmp_path)
        tasks = await _asked_behind(model, "a", "b", "c", "raise", "d")
        (tmp_path / "go").touch()
        answers = await asyncio.gather(first, *tasks, return_exceptions=True)

    assert (answers[0], answers[5]) == ("FIRST", "D")
    assert all("all of it" in str(answer) for answer in answers[1:5])


async def test_pieces_reach_their_readers_while_the_batch_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path, "Pieces") as model:
        first = asyncio.create_task(said(model, "first"))
        await until(lambda: model.pool.busy and not model.pool.queued)

        async def read(text: str, came: list[Event]) -> None:
            async with model.stream(asked(text)) as events:
                async for event in events:
                    came.append(event)  # noqa: PERF401  (looked at while it goes on)

        one: list[Event] = []
        two: list[Event] = []
        readers = [asyncio.create_task(read("x", one)), asyncio.create_task(read("bad", two))]
        await asyncio.sleep(0)
        (tmp_path / "go").touch()
        await until(lambda: one and two)
        early = list(one), list(two)
        (tmp_path / "rest").touch()
        outcomes = await asyncio.gather(first, *readers, return_exceptions=True)

    assert early == ([TextDelta("x0 ")], [TextDelta("bad0 ")])
    assert one[:2] == [TextDelta("x0 "), TextDelta("x1 ")]
    assert outcomes[:2] == ["first0 first1 ", None]
    assert "in the middle" in str(outcomes[2])


async def test_a_request_that_is_alone_is_streamed_and_vectors_are_given_beside_batches(tmp_path: Path) -> None:
    async with running(tmp_path, "Both") as model:
        alone = await said(model, "x")
        events: list[Event] = []
        async with model.stream(embedding_request(Embed(("a", "bcd")))) as answer:
            async for event in answer:
                events.append(event)  # noqa: PERF401

    assert alone == "alone and streamed"
    assert batches(tmp_path) == []
    assert [list(vector) for vector in vectors_from(events, 2)] == [[1.0], [3.0]]


async def test_who_leaves_while_waiting_is_in_no_batch_and_gives_its_place_back(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole") as model:
        first = await _held_up(model, tmp_path)
        tasks = await _asked_behind(model, "a", "gone", "b")
        tasks[1].cancel()
        await asyncio.wait({tasks[1]})
        (tmp_path / "go").touch()
        answers = list(await asyncio.gather(first, tasks[0], tasks[2]))
        await until(lambda: not model.pool.busy)

    assert answers == ["FIRST", "A", "B"]
    assert batches(tmp_path) == [["first"], ["a", "b"]]


async def test_a_batch_that_nobody_waits_for_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole") as model:
        first = await _held_up(model, tmp_path)
        first.cancel()
        await until((tmp_path / "cancelled").exists)
        after = await said(model, "after")

    assert after == "AFTER"


async def test_a_death_fails_the_batch_that_ran_and_another_worker_makes_what_waited_in_this_one(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, "Whole") as model:
        first = await _held_up(model, tmp_path)
        tasks = await _asked_behind(model, "a", "b", "c", "kill", "d", "e")
        (tmp_path / "go").touch()
        answers = await asyncio.gather(first, *tasks, return_exceptions=True)

    assert [answer for answer in answers if isinstance(answer, str)] == ["FIRST", "D", "E"]
    assert [type(answer) for answer in answers[1:5]] == [WorkerDied] * 4
    assert batches(tmp_path) == [["first"], ["a", "b", "c", "kill"], ["d", "e"]]


async def test_what_its_operator_says_of_batches_holds(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole", max_batch_size=2) as model:
        first = await _held_up(model, tmp_path)
        tasks = await _asked_behind(model, "a", "b", "c")
        (tmp_path / "go").touch()
        await asyncio.gather(first, *tasks)

    assert batches(tmp_path) == [["first"], ["a", "b"], ["c"]]


async def test_one_caller_with_hundreds_of_requests_delays_anothers_by_one_batch(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole", queue=1000) as model:
        first = await _held_up(model, tmp_path)
        caller.set("greedy")
        tasks = await _asked_behind(model, *(f"g{number}" for number in range(300)))
        caller.set("modest")
        tasks += await _asked_behind(model, "m")
        await _heard_so_far(model)
        (tmp_path / "go").touch()
        await asyncio.gather(first, *tasks)

    assert sum(map(len, batches(tmp_path))) == 302
    assert "m" in batches(tmp_path)[1]


async def test_a_queue_filled_by_one_caller_has_room_for_another(tmp_path: Path) -> None:
    async with running(tmp_path, "Whole", queue=5) as model:
        first = await _held_up(model, tmp_path)
        caller.set("greedy")
        tasks = await _asked_behind(model, *(f"g{number}" for number in range(13)))
        full = len(model.pool._waiting)
        caller.set("modest")
        tasks += await _asked_behind(model, *(f"m{number}" for number in range(40)))
        (tmp_path / "go").touch()
        answers = await asyncio.gather(first, *tasks, return_exceptions=True)

    refused = [answer for answer in answers if not isinstance(answer, str)]
    mine = [answer for answer in answers[14:] if isinstance(answer, str)]
    assert full == 5
    assert "M0" in mine
    assert len(mine) > 2
    assert all(getattr(answer, "code", "") == "overloaded" for answer in refused)
