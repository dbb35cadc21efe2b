"""Answers folded in two ways are the same."""

from hypothesis import given, strategies as st
from msgspec.structs import replace

from modelport.client.responses import answer_from, folded, texts_or_messages
from modelport.types import (
    Emulated,
    Event,
    Finish,
    FunctionCall,
    ReasoningDelta,
    ResponseBuilder,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    fold,
)

choices = st.integers(0, 2)
events = st.lists(
    st.one_of(
        st.builds(Started, model=st.none() | st.text(), id=st.just("one"), cached=st.booleans()),
        st.builds(TextDelta, st.text(), choices),
        st.builds(ReasoningDelta, st.text(), choices),
        st.builds(Finish, st.sampled_from(["stop", "length"]), choices),
        st.builds(Usage, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
        st.builds(Emulated, st.just(("n",))),
        st.builds(ToolCallDelta, index=st.just(0), id=st.just("c"), name=st.just("f"), arguments=st.text()),
    ),
    max_size=5,
)
quick = st.tuples(
    st.builds(Started, model=st.none() | st.text(), id=st.just("one"), cached=st.booleans()),
    st.builds(TextDelta, st.text(), choices),
    st.builds(Finish, st.sampled_from(["stop", "length"]), choices),
    st.builds(Usage, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
).map(list)


@given(events | quick)
def test_the_quick_way_and_the_builder_agree(items: list[Event]) -> None:
    builder = ResponseBuilder("m")
    builder.add_all(items)

    expected = answer_from(builder.response(), "entry", 3)
    given_answer = folded(items, "m", "entry", 3)

    assert replace(given_answer, id="", created=0) == replace(expected, id="", created=0)


def test_a_choice_that_calls_tools_is_given_as_its_message() -> None:
    response = fold(
        [TextDelta("text"), Finish(), ToolCallDelta(id="c", name="f", arguments="{}", choice=1), Finish(choice=1)]
    )

    text, message = texts_or_messages(response)

    assert text == "text"
    assert not isinstance(message, str)
    assert message.tool_calls == (ToolCall("c", FunctionCall("f", "{}")),)
