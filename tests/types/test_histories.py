"""What a long conversation says, counted without reading it anew: the same as reading it, also when it was changed."""

import threading
from typing import Any

import pytest
from hypothesis import given, strategies as st

from modelport.types import ChatRequest, Messages, messages_from, messages_to_dicts
from modelport.types.histories import SHORT, written_in
from modelport.wrappers.metering import estimate_tokens

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "ü"}'}}


def conversation(count: int, text: str = "hello") -> list[dict[str, Any]]:
    return [{"role": "user", "content": f"{text} {number}"} for number in range(count)]


def estimated(messages: list[Any]) -> int:
    return estimate_tokens(ChatRequest(messages=messages_from(messages, later=True)))


def read_whole(messages: list[Any]) -> int:
    return estimate_tokens(ChatRequest(messages=tuple(messages_from(messages))))


texts = st.sampled_from(["", "a", "ü", "日本", "x" * 300])
messages = st.one_of(
    st.builds(lambda text: {"role": "user", "content": text}, texts),
    st.builds(lambda text: {"role": "assistant", "content": text or None, "tool_calls": [CALL]}, texts),
    st.builds(lambda text: {"role": "tool", "content": text, "tool_call_id": "call_1"}, texts),
    st.just({"role": "user", "content": [{"type": "text", "text": "part"}]}),
)


@given(st.lists(messages, min_size=1, max_size=8), st.integers(0, 40), st.lists(messages, max_size=4))
def test_the_estimate_of_a_growing_conversation_is_that_of_reading_it(first: Any, plain: int, more: Any) -> None:
    history = [*conversation(plain), *first]

    assert estimated(history) == read_whole(history)
    for message in more:
        history.append(message)
        assert estimated(history) == read_whole(history)


@pytest.mark.parametrize("count", [SHORT + 1, 128])
@pytest.mark.parametrize("at", [0, 1, 20, -1])
def test_a_message_that_was_changed_is_counted_as_it_is_now(count: int, at: int) -> None:
    history = conversation(count)
    before = estimated(history)

    history[at]["content"] = "x" * 4000

    assert before < estimated(history) == read_whole(history)
    history[at] = {"role": "user", "content": "short"}
    assert estimated(history) == read_whole(history)
    del history[at]
    assert estimated(history) == read_whole(history)


def test_a_change_far_back_in_a_long_conversation_is_seen_a_few_turns_later() -> None:
    history = conversation(1000)
    estimated(history)

    history[500]["content"] = "x" * 4000

    assert read_whole(history) in [estimated(history) for _ in range(9)]


def test_what_is_no_text_is_read_as_before() -> None:
    history: list[Any] = conversation(50)
    estimated(history)

    history[40]["content"] = [{"type": "text", "text": "part"}]

    assert estimated(history) == read_whole(history)
    assert written_in(list(history)) is None


class Refusing:
    """An object that may not be compared."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]


def test_an_object_in_place_of_a_message_or_its_text_does_no_harm() -> None:
    history: list[Any] = conversation(50)
    written_in(list(history))

    for wrong in (Refusing(), {"role": "user", "content": Refusing()}, {"role": "user"}, None):
        assert written_in([*history[:30], wrong, *history[31:]]) is None
    history[30]["content"] = Refusing()
    assert written_in(list(history)) is None
    del history[30]["content"]
    assert written_in(list(history)) is None


def test_conversations_that_begin_alike_are_told_apart() -> None:
    system = conversation(40)
    one, other = [*system, *conversation(60, "one")], [*system, *conversation(60, "quite another one")]

    for _ in range(3):
        assert estimated(one) == read_whole(one)
        assert estimated(other) == read_whole(other)


def test_threads_may_count_at_once() -> None:
    history = conversation(300)
    expected, wrong = read_whole(history), list[int]()

    def count() -> None:
        wrong.extend(each for each in [estimated(history) for _ in range(200)] if each != expected)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_function_still_gets_a_list_of_its_own() -> None:
    history = conversation(100)
    request = ChatRequest(messages=messages_from(history, later=True))

    given = messages_to_dicts(request.messages, plain=True)
    given.clear()

    assert messages_to_dicts(request.messages, plain=True) == history
    assert messages_to_dicts(request.messages, plain=True)[0] is history[0]


def test_a_callers_own_list_is_not_remembered_but_a_copy() -> None:
    history = conversation(100)
    before = Messages(history).written

    history.clear()
    history.extend(conversation(100, "longer"))

    assert before != Messages(history).written == written_in(list(history))
