import asyncio
import contextvars
import os
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from contextlib import asynccontextmanager

import pytest

from modelport.sync import iterate, offload, run

WORD: contextvars.ContextVar[str] = contextvars.ContextVar("WORD", default="unset")


async def never_waits() -> int:
    return threading.get_ident()


async def waits() -> int:
    await asyncio.sleep(0)
    return threading.get_ident()


class Answer:
    """An answer stream that remembers whether it was left, and in which way."""

    def __init__(self, items: Iterable[int], *, wait: bool, fail: bool = False) -> None:
        self._items = items
        self._wait = wait
        self._fail = fail
        self.left = threading.Event()

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncGenerator[int, None]]:
        items = self._play()
        try:
            yield items
        finally:
            await items.aclose()
            self.left.set()

    async def _play(self) -> AsyncGenerator[int, None]:
        for item in self._items:
            if self._wait:
                await asyncio.sleep(0)
            yield item
        if self._fail:
            raise KeyError("lost")


def test_what_never_waits_runs_in_the_callers_own_thread() -> None:
    assert run(never_waits(), suspends=False) == threading.get_ident()


def test_what_never_waits_needs_no_asyncio() -> None:
    code = (
        "import sys; from modelport.sync import run\n"
        "async def f(): return 5\n"
        "assert run(f(), suspends=False) == 5\n"
        "sys.exit('asyncio' in sys.modules)"
    )

    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


def test_what_waits_runs_on_a_loop_in_another_thread() -> None:
    first, second = run(waits(), suspends=True), run(waits(), suspends=True)

    assert first == second != threading.get_ident()


def test_a_model_that_waits_although_it_said_otherwise_is_told_so() -> None:
    @asynccontextmanager
    async def answer() -> AsyncIterator[AsyncGenerator[int, None]]:
        await Forever()
        yield Answer([], wait=False)._play()

    with pytest.raises(RuntimeError, match="said suspends=False waited on an event loop: set suspends=True"):
        list(iterate(answer(), suspends=False))


def test_each_such_failure_is_an_error_of_its_own() -> None:
    caught = []
    for _ in range(2):
        with pytest.raises(RuntimeError, match="said suspends=False") as error:
            run(waits_on_nothing_that_is_there(), suspends=False)
        caught.append(error.value)

    assert caught[0] is not caught[1]


async def waits_on_nothing_that_is_there() -> None:
    await Forever()


class Forever:
    def __await__(self) -> Generator[None, None, None]:
        yield


async def test_a_blocking_call_is_possible_inside_a_running_loop_as_in_a_notebook() -> None:
    assert await offload(run, waits(), suspends=True) != threading.get_ident()
    assert run(never_waits(), suspends=False) == threading.get_ident()


def test_a_blocking_call_on_the_background_loop_itself_is_refused_instead_of_waiting_for_itself() -> None:
    async def calls_back() -> None:
        run(waits(), suspends=True)

    with pytest.raises(RuntimeError, match=r"would wait for itself: inside async code await acreate\(\)"):
        run(calls_back(), suspends=True)


@pytest.mark.parametrize("wait", [False, True], ids=["inline", "on the loop"])
def test_context_variables_of_the_caller_are_seen(wait: bool) -> None:
    async def look() -> str:
        if wait:
            await asyncio.sleep(0)
        return WORD.get()

    token = WORD.set("here")

    assert run(look(), suspends=wait) == "here"
    WORD.reset(token)


@pytest.mark.parametrize("wait", [False, True], ids=["inline", "on the loop"])
def test_all_items_come_in_order_and_the_answer_is_left(wait: bool) -> None:
    answer = Answer(range(1000), wait=wait)

    items: list[int] = list(iterate(answer.stream(), suspends=wait))

    assert items == list(range(1000))
    assert answer.left.wait(5)


@pytest.mark.parametrize("wait", [False, True], ids=["inline", "on the loop"])
def test_leaving_early_leaves_the_answer(wait: bool) -> None:
    answer = Answer(range(10**9), wait=wait)
    items: Iterator[int] = iterate(answer.stream(), suspends=wait)

    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]

    assert answer.left.wait(5)


@pytest.mark.parametrize("wait", [False, True], ids=["inline", "on the loop"])
def test_an_error_comes_after_the_items_before_it(wait: bool) -> None:
    items: Iterator[int] = iterate(Answer([1, 2], wait=wait, fail=True).stream(), suspends=wait)

    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(KeyError, match="lost"):
        next(items)


def test_an_answer_does_not_run_far_ahead_of_a_slow_reader() -> None:
    made: list[int] = []

    @asynccontextmanager
    async def endless() -> AsyncIterator[AsyncGenerator[int, None]]:
        async def play() -> AsyncGenerator[int, None]:
            while True:
                made.append(len(made))
                yield made[-1]

        yield play()

    items: Iterator[int] = iterate(endless(), suspends=True)
    for _ in range(1000):
        next(items)

    assert len(made) <= 1000 + 256 + 1
    items.close()  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_process_gets_a_loop_of_its_own() -> None:
    run(waits(), suspends=True)

    child = os.fork()
    if child == 0:
        os._exit(0 if run(waits(), suspends=True) else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
