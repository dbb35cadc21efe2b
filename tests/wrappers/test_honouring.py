from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from modelport.errors import ContractBroken, UnsupportedField
from modelport.model import generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    Message,
    NamedTool,
    ResponseFormat,
    TextDelta,
    Tool,
    ToolCallDelta,
    Usage,
)
from modelport.wrappers.honouring import honour
from modelport.wrappers.trimming import StopTrimmer

ASK = ChatRequest(messages=(Message("user", "hi"),))
TOOLS = (Tool("add"),)


def ask(model: ScriptedModel, **fields: Any) -> ChatResponse:
    return run(generate(honour(model), replace(ASK, **fields)), suspends=False)


def test_a_model_that_judges_the_whole_request_is_left_alone() -> None:
    model = ScriptedModel()

    assert honour(model) is model


EVERY_FIELD: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "max_tokens": 5,
    "seed": 1,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "logit_bias": {"5": 1.0},
    "logprobs": True,
    "top_logprobs": 2,
    "tools": TOOLS,
    "tool_choice": "required",
    "response_format": ResponseFormat("json_object"),
    "reasoning_effort": "low",
    "user": "me",
    "metadata": {"a": "b"},
    "extra": {"top_k": 4},
    "n": 2,
    "stop": ("x",),
    "parallel_tool_calls": False,
}


def test_the_table_of_this_test_has_every_field_there_is() -> None:
    assert EVERY_FIELD.keys() == set(ChatRequest.__struct_fields__) - {"messages", "model"}


@pytest.mark.parametrize("field", EVERY_FIELD)
def test_every_field_is_honoured_emulated_and_labelled_or_refused_by_name(field: str) -> None:
    model = ScriptedModel(reply('{"hello": 1}'), accepts=())
    also = {"tools": TOOLS} if field in {"tool_choice", "parallel_tool_calls"} else {}

    try:
        answer = ask(model, **also, **{field: EVERY_FIELD[field]})
    except UnsupportedField as error:
        refused = error.param
    else:
        refused = None
        assert field in answer.emulated

    assert refused in {None, "tools" if also else field, "top_k"}
    assert (refused is None) == (field in {"max_tokens", "n", "response_format", "stop"})


@pytest.mark.parametrize("field", EVERY_FIELD.keys() - {"n", "tool_choice"})
def test_a_field_that_the_model_keeps_reaches_it_and_is_not_labelled(field: str) -> None:
    model = ScriptedModel(reply("hello"), accepts=EVERY_FIELD)

    answer = ask(model, **{field: EVERY_FIELD[field]})

    assert getattr(model.requests[0], field) == EVERY_FIELD[field]
    assert answer.emulated == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1},
        {"stop": ()},
        {"response_format": ResponseFormat("text")},
        {"tools": TOOLS, "tool_choice": "none"},
        {"tool_choice": "auto"},
        {"top_p": 1.0},
        {"presence_penalty": 0.0},
        {"logprobs": False},
        {"parallel_tool_calls": True},
    ],
    ids=str,
)
def test_a_value_that_asks_for_nothing_is_let_through(fields: dict[str, Any]) -> None:
    answer = ask(ScriptedModel(reply("hello"), accepts=()), **fields)

    assert answer.text == "hello"
    assert answer.emulated == ()


def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(UnsupportedField) as caught:
        ask(ScriptedModel(accepts=(), name="tiny"), temperature=0.5)

    assert caught.value.message == (
        "temperature: the model 'tiny' does not keep it; "
        "leave it out, or let the model take it (name it in the signature, or in the class's `accepts`)"
    )


def test_n_answers_come_from_asking_again_and_their_usage_is_summed() -> None:
    model = ScriptedModel([*reply("one"), Usage(3, 1)], [*reply("two"), Usage(3, 2)], accepts=())

    answer = ask(model, n=2)

    assert [(choice.index, choice.message.text) for choice in answer.choices] == [(0, "one"), (1, "two")]
    assert answer.usage == Usage(6, 3)
    assert [request.n for request in model.requests] == [None, None]


def test_a_model_that_takes_n_but_gives_fewer_is_asked_for_the_rest() -> None:
    model = ScriptedModel([*reply("a"), *reply("b", choice=1)], reply("c"), accepts={"n"})

    answer = ask(model, n=3)

    assert [choice.message.text for choice in answer.choices] == ["a", "b", "c"]
    assert [request.n for request in model.requests] == [3, None]
    assert answer.emulated == ("n",)


def test_the_model_is_left_as_soon_as_a_stop_sequence_has_come() -> None:
    model = ScriptedModel([TextDelta("one. "), TextDelta("two"), KeyError("asked for too much")], accepts=())

    answer = ask(model, stop=(".",))

    assert answer.text == "one"
    assert answer.choices[0].finish_reason == "stop"
    assert model.open == 0


def test_tool_calls_after_a_stop_sequence_are_not_given() -> None:
    script: list[Event] = [TextDelta("STOP"), TextDelta("x", 1), ToolCallDelta(name="f"), Finish(), Finish(choice=1)]
    model = ScriptedModel(script, accepts={"n"})

    answer = ask(model, stop=("STOP",), n=2)

    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[1].message.text == "x"


@given(
    st.text("ab. \n", max_size=30),
    st.lists(st.text("ab. \n", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(1, 7), min_size=1, max_size=30),
)
def test_text_is_cut_at_the_first_stop_sequence_however_it_is_split(
    text: str, stops: list[str], sizes: list[int]
) -> None:
    trimmer, out, at = StopTrimmer(stops), "", 0
    while at < len(text):
        size = sizes[at % len(sizes)]
        out += trimmer.feed(text[at : at + size])
        at += size
    out += trimmer.finish()

    found = [(at + len(stop), at) for stop in stops if (at := text.find(stop)) >= 0]
    _, cut = min(found, default=(0, len(text)))  # the sequence that is complete first ends the text
    assert out == text[:cut]
    assert (trimmer.stopped is not None) == bool(found)


@pytest.mark.parametrize("choice", ["required", NamedTool("add")], ids=str)
def test_a_demanded_tool_call_that_does_not_come_is_an_error(choice: Any) -> None:
    model = ScriptedModel(reply("no"), accepts={"tools", "tool_choice"})

    with pytest.raises(ContractBroken, match="but its answer has none: use tool_choice='auto'"):
        ask(model, tools=TOOLS, tool_choice=choice)


def test_a_demanded_tool_call_that_comes_is_an_answer() -> None:
    model = ScriptedModel([ToolCallDelta(0, "1", "add", "{}"), Finish()], accepts={"tools", "tool_choice"})

    answer = ask(model, tools=TOOLS, tool_choice=NamedTool("add"))

    assert [call.name for call in answer.message.tool_calls or ()] == ["add"]
