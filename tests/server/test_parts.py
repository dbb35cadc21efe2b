"""Kept parts: bounded in size and time, each caller's apart."""

from modelport.dialects.port import DecodedPart
from modelport.server.parts import PartStore


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def part(cost: int = 100) -> DecodedPart:
    return DecodedPart(f"worth {cost}", cost)


def test_a_part_is_kept_for_the_caller_who_sent_it_and_no_other() -> None:
    store = PartStore()
    store.of(b"anna").put(b"digest", part())

    assert store.of(b"anna").get(b"digest") == part()
    assert store.of(b"bert").get(b"digest") is None
    assert store.of(b"anna").get(b"other") is None


def test_the_part_used_longest_ago_goes_first() -> None:
    shelf = PartStore(most=300).of(b"")
    for digest in (b"1", b"2", b"3"):
        shelf.put(digest, part())
    shelf.get(b"1")

    shelf.put(b"4", part())

    assert [shelf.get(digest) is not None for digest in (b"1", b"2", b"3", b"4")] == [True, False, True, True]


def test_memory_stays_below_the_bound_whoever_sends() -> None:
    store = PartStore(most=1000)

    for number in range(100):
        store.of(b"%d" % (number % 3)).put(b"%d" % number, part(130))
        assert store.size <= 1000

    assert store.size == 910


def test_a_part_sent_again_counts_once() -> None:
    store = PartStore(most=1000)

    for _ in range(5):
        store.of(b"").put(b"1", part(400))

    assert store.size == 400
    assert store.of(b"").get(b"1") is not None


def test_a_part_larger_than_the_bound_is_not_kept() -> None:
    store = PartStore(most=1000)

    store.of(b"").put(b"1", part(1001))

    assert store.of(b"").get(b"1") is None
    assert store.size == 0


def test_a_part_goes_when_it_was_not_used_for_so_long() -> None:
    clock = Clock()
    store = PartStore(seconds=60, clock=clock)
    shelf = store.of(b"")
    shelf.put(b"used", part())
    shelf.put(b"unused", part())

    clock.now += 59
    assert shelf.get(b"used") is not None
    clock.now += 2

    assert shelf.get(b"used") is not None
    assert shelf.get(b"unused") is None
    assert store.size == 100
