import asyncio
import threading
from collections.abc import Iterator

import pytest

from modelport.sync import OffloadedIterator, iterate, offload, run


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
