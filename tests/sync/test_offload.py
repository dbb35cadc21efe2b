import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from modelport.sync import OffloadedIterator, Threads, iterate, offload, run, use_threads


async def test_blocking_code_runs_beside_the_loop() -> None:
    assert await offload(threading.get_ident) != threading.get_ident()


def test_without_a_loop_it_runs_right_here() -> None:
    assert run(offload(threading.get_ident), suspends=False) == threading.get_ident()


async def test_its_error_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        await offload(lambda: 1 // 0)


async def test_a_stop_iteration_cannot_end_the_callers_loop_unseen() -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await offload(next, iter(()))


async def test_many_calls_run_at_once() -> None:
    barrier = threading.Barrier(20)

    waited = await asyncio.gather(*(offload(barrier.wait, 10) for _ in range(20)))

    assert sorted(waited) == list(range(20))


async def test_a_call_that_is_given_up_does_not_hold_the_caller() -> None:
    release = threading.Event()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await offload(release.wait)

    release.set()


class Counting:
    """A blocking generator that tells when it was closed."""

    def __init__(self, stop: int = 10**9, *, fail: bool = False) -> None:
        self.stop = stop
        self.fail = fail
        self.made = 0
        self.closed = threading.Event()

    def __call__(self) -> Iterator[int]:
        try:
            while self.made < self.stop:
                self.made += 1
                yield self.made - 1
            if self.fail:
                raise KeyError("lost")
        finally:
            self.closed.set()


async def test_a_blocking_generator_is_iterated_in_order_to_its_end() -> None:
    counting = Counting(1000)

    async with OffloadedIterator(counting) as items:
        got = [item async for item in items]

    assert got == list(range(1000))
    assert await offload(counting.closed.wait, 5)


async def test_leaving_a_blocking_generator_closes_it() -> None:
    counting = Counting()

    async with OffloadedIterator(counting) as items:
        assert await anext(items) == 0

    assert await offload(counting.closed.wait, 5)


async def test_a_blocking_generator_does_not_run_far_ahead_of_its_reader() -> None:
    counting = Counting()

    async with OffloadedIterator(counting) as items:
        for _ in range(1000):
            await anext(items)

        assert counting.made <= 1000 + 256 + 1


async def test_the_error_of_a_blocking_generator_comes_after_its_items() -> None:
    async with OffloadedIterator(Counting(2, fail=True)) as items:
        assert [await anext(items), await anext(items)] == [0, 1]
        with pytest.raises(KeyError, match="lost"):
            await anext(items)


def test_without_a_loop_a_blocking_generator_is_not_a_single_item_ahead() -> None:
    counting = Counting()
    items: Iterator[int] = iterate(OffloadedIterator(counting), suspends=False)

    assert next(items) == 0
    assert counting.made == 1
    items.close()  # type: ignore[attr-defined]

    assert counting.closed.is_set()


# --- threads of one's own ---


async def test_with_one_thread_calls_take_turns_even_when_the_first_caller_has_left() -> None:
    threads, running, most = Threads(1), [0], [0]
    begun, go_on = threading.Event(), threading.Event()

    def call() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        begun.set()
        go_on.wait(10)
        running[0] -= 1

    async def on_it() -> None:
        use_threads(threads)
        await offload(call)

    first = asyncio.create_task(on_it())
    await offload(begun.wait, 10)
    first.cancel()
    second = asyncio.create_task(on_it())
    third = asyncio.create_task(on_it())
    await asyncio.sleep(0)
    unfinished = threads.unfinished
    go_on.set()
    await asyncio.gather(second, third)

    assert most == [1]
    assert unfinished == 3


async def test_a_call_that_waited_for_a_thread_is_not_made_when_its_caller_has_left() -> None:
    threads = Threads(1)
    calls: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first_call() -> None:
        begun.set()
        go_on.wait(10)

    async def on_it(function: Callable[[], object]) -> None:
        use_threads(threads)
        await offload(function)

    first = asyncio.create_task(on_it(first_call))
    await offload(begun.wait, 10)
    second = asyncio.create_task(on_it(lambda: calls.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    third = asyncio.create_task(on_it(lambda: calls.append("third")))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, third)

    assert calls == ["third"]


async def test_a_call_within_a_call_does_not_wait_for_the_thread_it_runs_in() -> None:
    use_threads(Threads(1))

    def call() -> str:
        async def nested() -> str:
            return await offload(lambda: "inner")

        return asyncio.run(nested())

    assert await asyncio.wait_for(offload(call), 5) == "inner"


def test_an_event_loop_that_driven_code_begins_waits_for_nobody_in_its_thread() -> None:
    together = threading.Barrier(3, timeout=10)

    async def three() -> int:
        return sum(await asyncio.gather(*(offload(together.wait) for _ in range(3))))

    async def driven() -> int:
        return await offload(lambda: asyncio.run(three()))

    assert run(driven(), suspends=False) == 0 + 1 + 2
