"""Whose turn it is."""

from typing import NamedTuple

from modelport.workers.waiting import Waiting


class Asked(NamedTuple):
    caller: str | None
    number: int


def test_callers_take_turns_and_each_keeps_its_order() -> None:
    waiting = Waiting()
    for asked in [Asked("ann", 1), Asked("ann", 2), Asked("ann", 3), Asked("bob", 1), Asked(None, 1)]:
        waiting.put(asked)

    taken = [waiting.take() for _ in range(len(waiting))]

    assert taken == [Asked("ann", 1), Asked("bob", 1), Asked(None, 1), Asked("ann", 2), Asked("ann", 3)]


def test_what_was_out_already_goes_first() -> None:
    waiting = Waiting()
    waiting.put(Asked("ann", 3))
    waiting.put_back([Asked("bob", 1), Asked("ann", 2)])

    assert [waiting.take() for _ in range(3)] == [Asked("bob", 1), Asked("ann", 2), Asked("ann", 3)]


def test_who_leaves_is_left_out_wherever_they_wait() -> None:
    waiting = Waiting()
    first, second = Asked("ann", 1), Asked("bob", 2)
    waiting.put(first)
    waiting.put_back([second])

    for asked in (first, second, first):
        waiting.remove(asked)

    assert len(waiting) == 0
