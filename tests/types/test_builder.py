from hypothesis import given, strategies as st

from modelport.types import (
    ChatResponse,
    Choice,
    Emulated,
    Event,
    Finish,
    FunctionCall,
    Message,
    Minter,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    fold,
    unfold,
)

TEXTS = st.text(min_size=1, max_size=20)
CALLS = st.builds(
    lambda number, name, arguments: ToolCall(f"call_{number}", FunctionCall(name, arguments)),
    st.uuids(),
    TEXTS,
    st.sampled_from(["{}", '{"a": 1}', '{"Straße": "Köln"}']),
)
MESSAGES = st.builds(
    Message,
    st.just("assistant"),
    st.none() | st.text(max_size=20).filter(bool),
    tool_calls=st.none() | st.lists(CALLS, min_size=1, max_size=3).map(tuple),
    reasoning=st.none() | TEXTS,
)
USAGES = st.builds(
    Usage,
    st.none() | st.integers(0, 99),
    st.none() | st.integers(0, 99),
    cost=st.none() | st.just(0.25),
    estimated=st.booleans(),
)


@st.composite
def responses(draw: st.DrawFn) -> ChatResponse:
    choices = [
        Choice(number, message, "tool_calls" if message.tool_calls else draw(st.sampled_from(["stop", "length"])))
        for number, message in enumerate(draw(st.lists(MESSAGES, min_size=1, max_size=3)))
    ]
    return ChatResponse(
        id="chatcmpl-1",
        model="m",
        created=0,
        choices=tuple(choices),
        usage=draw(st.none() | USAGES),
        emulated=draw(st.sampled_from([(), ("n",), ("n", "stop")])),
        cached=draw(st.booleans()),
    )


@given(responses())
def test_a_whole_answer_survives_being_unfolded_and_folded(response: ChatResponse) -> None:
    again = fold(unfold(response))

    assert (again.id, again.model, again.choices) == (response.id, response.model, response.choices)
    assert (again.usage, again.emulated, again.cached) == (response.usage, response.emulated, response.cached)


@given(responses(), st.integers(1, 5))
def test_folding_does_not_depend_on_how_texts_were_cut_into_deltas(response: ChatResponse, size: int) -> None:
    pieces: list[Event] = []
    for event in unfold(response):
        if isinstance(event, TextDelta):
            pieces += [TextDelta(event.text[at : at + size], event.choice) for at in range(0, len(event.text), size)]
        elif isinstance(event, ToolCallDelta):
            pieces.append(ToolCallDelta(event.index, event.id, event.name, choice=event.choice))
            pieces += [ToolCallDelta(event.index, arguments=letter, choice=event.choice) for letter in event.arguments]
        else:
            pieces.append(event)

    assert fold(pieces).choices == response.choices


def test_parallel_calls_without_ids_and_indexes_get_both() -> None:
    events: list[Event] = [
        ToolCallDelta(name="weather"),
        ToolCallDelta(arguments='{"city": '),
        ToolCallDelta(arguments='"Bonn"}'),
        ToolCallDelta(name="time", arguments="{}"),
        Finish(),
    ]

    answer = fold(events)

    first, second = answer.message.tool_calls or ()
    assert (first.name, first.arguments) == ("weather", '{"city": "Bonn"}')
    assert (second.name, second.arguments) == ("time", "{}")
    assert first.id.startswith("call_")
    assert first.id != second.id
    assert answer.choices[0].finish_reason == "tool_calls"


def test_every_delta_of_a_call_after_its_first_carries_only_its_index_and_arguments() -> None:
    minter = Minter(new_id=lambda kind: f"{kind}1")

    begun = minter.settle(ToolCallDelta(name="f"))
    more = minter.settle(ToolCallDelta(name="f", index=0, arguments="{}"))

    assert begun == ToolCallDelta(index=0, id="call_1", name="f")
    assert more == ToolCallDelta(index=0, arguments="{}")


def test_a_truncated_answer_stays_truncated_even_after_a_tool_call() -> None:
    answer = fold([ToolCallDelta(name="f", arguments='{"a'), Finish("length")])

    assert answer.choices[0].finish_reason == "length"


def test_indexes_are_counted_for_each_choice_by_itself() -> None:
    answer = fold([ToolCallDelta(name="f", choice=0), ToolCallDelta(name="g", choice=1), Finish(choice=1)])

    assert [len(choice.message.tool_calls or ()) for choice in answer.choices] == [1, 1]
    assert [choice.finish_reason for choice in answer.choices] == ["tool_calls", "tool_calls"]


def test_reasoning_is_kept_apart_from_what_was_said() -> None:
    answer = fold([ReasoningDelta("hm, "), ReasoningDelta("yes"), TextDelta("Yes."), Finish()])

    assert answer.text == "Yes."
    assert answer.message.reasoning == "hm, yes"


def test_an_answer_without_events_is_one_empty_choice_of_unknown_usage() -> None:
    answer = fold([], model="quiet")

    assert answer.model == "quiet"
    assert answer.choices == (Choice(0, Message("assistant"), "stop"),)
    assert answer.usage is None
    assert answer.cost is None


def test_what_the_port_emulated_is_said_once() -> None:
    answer = fold([Emulated(("n",)), Emulated(("n", "stop")), TextDelta("x"), Finish()])

    assert answer.emulated == ("n", "stop")


def test_the_users_own_object_is_held_by_reference() -> None:
    theirs = object()

    answer = fold([Started(model="theirs", raw=theirs), TextDelta("x"), Finish()])

    assert answer.raw is theirs
    assert answer.model == "theirs"


def test_a_total_is_the_sum_or_what_was_said_or_unknown() -> None:
    assert Usage(3, 4).total == 7
    assert Usage(total_tokens=12).total == 12
    assert Usage(3).total is None
