"""JSON from models that know nothing of it: asked for, looked at, asked for again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from modelport.adapters import as_model
from modelport.errors import ContractBroken, InvalidRequest
from modelport.model import generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Emulated,
    Finish,
    ResponseFormat,
    TextDelta,
    ToolCallDelta,
    Usage,
    messages_from,
    request_from_params,
)
from modelport.wrappers.honouring import honour
from modelport.wrappers.roles import follow
from modelport.wrappers.structured import HELD_BACK, NOT_KEPT, Structured

OBJECT = ResponseFormat("json_object")
POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
    "required": ["x", "y"],
    "additionalProperties": False,
}
STRICT = ResponseFormat("json_schema", "point", POINT, strict=True)
LOOSE = ResponseFormat("json_schema", "point", POINT)


def ask(model: ScriptedModel, form: ResponseFormat, messages: Any = "Where?", **fields: Any) -> ChatResponse:
    request = ChatRequest(messages=messages_from(messages), response_format=form, **fields)
    return run(generate(Structured(model), request), suspends=False)


@pytest.mark.parametrize(
    "said",
    [
        '{"x": 1, "y": 2}',
        '  {"x": 1, "y": 2}\n',
        'Here you are:\n```json\n{"x": 1, "y": 2}\n```\nAnything else?',
        '```{"x": 1, "y": 2}```',
        'The point is {"x": 1, "y": 2}, I think.',
    ],
)
def test_the_json_in_an_answer_is_the_answer_as_it_was_written(said: str) -> None:
    model = ScriptedModel(reply(*said))

    answer = ask(model, STRICT)

    assert answer.text == '{"x": 1, "y": 2}'
    assert answer.emulated == ("response_format", HELD_BACK)
    assert model.requests[0].response_format is None


def test_the_model_is_told_what_to_answer_and_with_what_schema() -> None:
    model = ScriptedModel(reply('{"x": 1, "y": 2}'))

    ask(model, STRICT, [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where?"}])

    [system, user] = model.requests[0].messages
    assert system.text == "Be brief."
    assert user.text.startswith("Where?\n\n")
    assert json.dumps(POINT, separators=(",", ":")) in user.text


def test_an_answer_that_is_wrong_is_given_back_with_what_is_wrong() -> None:
    model = ScriptedModel(
        [*reply("somewhere"), Usage(3, 1)],
        [*reply('{"x": "one", "y": 2}'), Usage(5, 2)],
        [*reply('{"x": 1, "y": 2}'), Usage(7, 3)],
    )

    answer = ask(model, STRICT)

    assert answer.text == '{"x": 1, "y": 2}'
    assert answer.usage == Usage(15, 6)
    second, third = model.requests[1].messages, model.requests[2].messages
    assert [message.role for message in third] == ["user", "assistant", "user", "assistant", "user"]
    assert (second[1].text, "it is not JSON" in second[2].text) == ("somewhere", True)
    assert "$.x: 'one' is not of type 'integer'" in third[4].text


def test_what_is_strict_is_valid_or_an_error_after_a_bounded_number_of_tries() -> None:
    model = ScriptedModel(reply('{"x": 1}'))

    with pytest.raises(ContractBroken, match=r"none of 3 answers was; of the last: \$: 'y' is a required") as caught:
        ask(model, STRICT)

    assert caught.value.param == "response_format"
    assert len(model.requests) == 3


def test_what_is_not_strict_is_json_and_says_that_the_schema_was_not_kept() -> None:
    model = ScriptedModel(reply('{"x": 1}'), reply("I give up"))

    answer = ask(model, LOOSE)

    assert answer.text == '{"x": 1}'
    assert answer.emulated == ("response_format", HELD_BACK, NOT_KEPT)


@pytest.mark.parametrize("said", ["words", "", "[1, 2]", "3", '{"x": ', "[" * 100_000])
@pytest.mark.parametrize("form", [OBJECT, STRICT])
def test_what_is_no_object_is_no_answer(form: ResponseFormat, said: str) -> None:
    with pytest.raises(ContractBroken, match="response_format asked scripted for"):
        ask(ScriptedModel(reply(said)), form)


def test_an_answer_that_was_cut_off_is_an_error_that_says_so_at_once() -> None:
    model = ScriptedModel([TextDelta('{"x": '), Finish("length")])

    with pytest.raises(ContractBroken, match="cut off before it was whole: raise max_tokens"):
        ask(model, OBJECT)

    assert len(model.requests) == 1


def test_a_call_of_a_tool_is_an_answer_of_another_kind_and_passes() -> None:
    call = ToolCallDelta(index=0, id="c1", name="look", arguments="{}")
    model = ScriptedModel([call, Finish("tool_calls")])

    answer = ask(model, STRICT)

    assert answer.message.tool_calls is not None
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_a_streamed_answer_is_held_back_until_it_is_valid_and_says_so() -> None:
    model = ScriptedModel(reply("no"), reply(*'{"x": 1, "y": 2}'))
    request = ChatRequest(messages=messages_from("Where?"), response_format=STRICT)

    async with Structured(model).stream(request) as events:
        came = [event async for event in events]

    assert [event.text for event in came if isinstance(event, TextDelta)] == ['{"x": 1, "y": 2}']
    assert [event for event in came if isinstance(event, Emulated)] == [Emulated(("response_format", HELD_BACK))]
    assert model.open == 0


def test_a_function_answers_in_json_for_each_of_n_choices() -> None:
    seen: list[str] = []

    def count(messages: Any) -> str:
        seen.append(messages[-1]["content"])
        return f'{{"x": {len(seen)}, "y": 0}}' if len(seen) != 2 else "oops"

    params = {
        "messages": "Where?",
        "n": 2,
        "response_format": {"type": "json_schema", "json_schema": {"schema": POINT}},
    }

    answer = run(generate(honour(as_model(count)), request_from_params(params)), suspends=False)

    assert [json.loads(choice.message.text)["x"] for choice in answer.choices] == [1, 3]
    assert set(answer.emulated) == {"response_format", HELD_BACK, "n"}


def test_stop_cuts_the_text_before_it_is_looked_at() -> None:
    def runs_on(messages: Any) -> str:
        return '{"x": 1, "y": 2}\nUser: and now'

    params = {"messages": "Where?", "stop": "\nUser:", "response_format": {"type": "json_object"}}

    answer = run(generate(honour(as_model(runs_on)), request_from_params(params)), suspends=False)

    assert answer.text == '{"x": 1, "y": 2}'
    assert set(answer.emulated) == {"stop", "response_format", HELD_BACK}


def test_a_model_that_keeps_the_field_itself_is_given_it() -> None:
    def own(messages: Any, response_format: Any = None) -> str:
        return str(response_format["type"])

    params = {"messages": "Where?", "response_format": {"type": "json_object"}}

    answer = run(generate(honour(as_model(own)), request_from_params(params)), suspends=False)

    assert (answer.text, answer.emulated) == ("json_object", ())


def test_what_is_asked_again_keeps_every_rule_of_roles_that_the_question_kept() -> None:
    rules = ("alternate", "no_empty", "system_first", "user_first")
    model = ScriptedModel(reply(""), reply("no"), reply('{"x": 1, "y": 2}'))

    ask(model, STRICT, [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}])

    for request in model.requests:
        assert follow(request.messages, rules)[1] == ()


def test_a_format_without_its_schema_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="schema is missing"):
        ask(ScriptedModel(reply("{}")), ResponseFormat("json_schema", "nothing"))


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_valid_json_in_the_end_or_an_error(before: str, after: str) -> None:
    try:
        answer = ask(ScriptedModel(reply(f'{before}{{"x": 1, "y": 2}}{after}')), STRICT)
    except ContractBroken:
        return

    assert json.loads(answer.text) == {"x": 1, "y": 2}
