"""What piles up for a slow reader: less of it, and the same."""

from hypothesis import given, strategies as st

from modelport.types import Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage, fold
from modelport.workers.inbox import Inbox

EVENT = st.one_of(
    st.builds(TextDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ToolCallDelta, st.integers(0, 1), st.just("c"), st.just("f"), st.text(max_size=2)),
)


@given(st.lists(EVENT, max_size=40), st.integers(1, 3))
def test_what_is_read_late_folds_to_the_same_answer(said: list[Event], times: int) -> None:
    inbox, events = Inbox(1 << 20), said * (20 * times)

    for event in events:
        assert inbox.put([event])
    taken = inbox.take()

    assert fold(taken, "m").choices == fold(events, "m").choices
    assert len(taken) <= len(events)


def test_text_that_waits_becomes_few_pieces() -> None:
    inbox = Inbox(1 << 30)

    for _ in range(100_000):
        inbox.put([TextDelta("four")])

    assert len(inbox.events) < 600
    assert sum(len(event.text) for event in inbox.take() if isinstance(event, TextDelta)) == 400_000


def test_past_its_bound_nothing_more_is_kept() -> None:
    inbox = Inbox(10_000)

    kept = 0
    while inbox.put([TextDelta("x" * 100)]):
        kept += 1

    assert 50 < kept <= 101
    assert sum(len(event.text) for event in inbox.take() if isinstance(event, TextDelta)) == kept * 100


def test_what_is_taken_is_gone() -> None:
    inbox = Inbox(100)
    inbox.put([Finish(), Usage(1, 2)])

    assert inbox.take() == [Finish(), Usage(1, 2)]
    assert inbox.take() == []
    assert inbox.put([Finish()])
