"""Tools for functions that know text only: told in words, called in text, held against their schemas."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from modelport.adapters import as_model
from modelport.config.assembly import assemble
from modelport.config.entry import entry_from
from modelport.errors import ConfigError, ContractBroken, InvalidRequest, UnsupportedField
from modelport.model import generate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.toolcalls.hermes import HermesParser
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Emulated,
    Event,
    Finish,
    TextDelta,
    ToolCallDelta,
    Usage,
    fold,
    request_from_params,
)
from modelport.wrappers.honouring import honour
from modelport.wrappers.roles import follow
from modelport.wrappers.structured import HELD_BACK
from modelport.wrappers.tool_parsing import ToolParsing

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK = {"type": "function", "function": {"name": "look", "description": "Looks it up.", "parameters": CITY}}
WAIT = {"type": "function", "function": {"name": "wait"}}


def call(name: str = "look", **arguments: Any) -> str:
    return HermesParser.call_text(name, json.dumps(arguments))


def asking(**fields: Any) -> ChatRequest:
    return request_from_params({"messages": "Is it raining in Oslo?", "tools": [LOOK, WAIT], **fields})


def ask(model: ScriptedModel, **fields: Any) -> ChatResponse:
    return run(generate(honour(model, tool_parser="hermes"), asking(**fields)), suspends=False)


def scripted(*texts: str, accepts: Any = ()) -> ScriptedModel:
    return ScriptedModel(*(reply(*text) for text in texts), accepts=accepts)


def test_a_function_that_knows_text_only_calls_tools() -> None:
    seen: list[Any] = []

    def reply(messages: Any) -> str:
        seen.append(messages)
        return f"I will look.\n{call(city='Oslo')}"

    reply.tool_parser = "hermes"  # type: ignore[attr-defined]

    answer = run(generate(honour(as_model(reply)), asking()), suspends=False)

    assert answer.text == "I will look."
    assert answer.message.tool_calls is not None
    [made] = answer.message.tool_calls
    assert (made.name, json.loads(made.arguments)) == ("look", {"city": "Oslo"})
    assert made.id.startswith("call_")
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.emulated == ("tools",)
    assert "Looks it up." in seen[0][0]["content"]


def test_without_the_wish_the_field_is_refused() -> None:
    model = scripted(call(city="Oslo"))

    with pytest.raises(UnsupportedField, match="tools"):
        run(generate(honour(model), asking()), suspends=False)


def test_several_calls_get_ids_of_their_own_and_the_white_space_between_them_is_nobody_s_words() -> None:
    answer = ask(scripted(f"{call(city='Oslo')}\n{call(city='Rome')}\n{call('wait')}"))

    assert answer.message.content is None
    assert answer.message.tool_calls is not None
    assert [made.name for made in answer.message.tool_calls] == ["look", "look", "wait"]
    assert len({made.id for made in answer.message.tool_calls}) == 3


def test_an_answer_in_plain_words_stays_as_it_is() -> None:
    answer = ask(scripted("  It is <b>raining</b>.\n"))

    assert answer.text == "  It is <b>raining</b>.\n"
    assert answer.choices[0].finish_reason == "stop"


async def test_words_are_passed_on_while_they_come_and_calls_at_the_end() -> None:
    model = ToolParsing(scripted(f"It may rain. {call(city='Oslo')}"), HermesParser)

    async with model.stream(asking()) as events:
        came = [event async for event in events]

    assert came[0] == Emulated(("tools",))
    assert [event.text for event in came if isinstance(event, TextDelta)][:2] == ["I", "t"]
    assert isinstance(came[-2], ToolCallDelta)
    assert came[-1] == Finish("tool_calls")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (call(town="Oslo"), "in the arguments of look, $: 'city' is a required property"),
        (call(city=3), "in the arguments of look, $.city: 3 is not of type 'string'"),
        (call("fly"), "there is no tool named 'fly' (there are: look, wait)"),
        ('<tool_call>{"name": "look", "arguments": [1]}</tool_call>', "the arguments of look are not a JSON object"),
    ],
)
def test_a_call_that_is_wrong_is_given_back_with_what_is_wrong(wrong: str, problem: str) -> None:
    model = ScriptedModel([*reply(wrong), Usage(5, 2)], [*reply(call(city="Oslo")), Usage(7, 3)], accepts=())

    answer = ask(model)

    assert answer.message.tool_calls is not None
    assert [json.loads(made.arguments) for made in answer.message.tool_calls] == [{"city": "Oslo"}]
    assert answer.usage == Usage(12, 5)
    *_, said, complaint = model.requests[1].messages
    assert (said.role, said.text) == ("assistant", wrong)
    assert problem in complaint.text


def test_no_call_leaves_that_was_never_right() -> None:
    model = scripted(call("fly"))

    with pytest.raises(
        ContractBroken, match="none of 3 answers of scripted had calls that can be carried out"
    ) as caught:
        ask(model)

    assert caught.value.param == "tools"
    assert len(model.requests) == 3


def test_what_is_said_instead_of_mending_a_call_is_the_answer() -> None:
    answer = ask(scripted(f"Let me see. {call('fly')}", "I cannot fly."))

    assert answer.text == "Let me see.\n\nI cannot fly."
    assert answer.message.tool_calls is None


def test_words_that_were_said_already_are_not_said_again() -> None:
    answer = ask(scripted(f"I will look. {call('fly')}", f"I will look. {call(city='Oslo')}"))

    assert answer.text == "I will look."
    assert answer.message.tool_calls is not None


def test_tool_choice_none_tells_the_model_of_no_tools() -> None:
    model = scripted("No.")

    answer = ask(model, tool_choice="none")

    assert (answer.text, answer.emulated) == ("No.", ())
    assert "look" not in model.requests[0].messages[0].text
    assert model.requests[0].tools is None


def test_a_call_that_is_demanded_is_asked_for_until_it_comes() -> None:
    model = scripted("It is raining.", call("wait"))

    answer = ask(model, tool_choice="required")

    assert answer.message.tool_calls is not None
    assert answer.emulated == ("tools", "tool_choice")
    assert "You must call at least one" in model.requests[0].messages[0].text
    assert "there must be one" in model.requests[1].messages[-1].text


def test_a_call_that_is_demanded_and_never_comes_is_an_error() -> None:
    with pytest.raises(ContractBroken) as caught:
        ask(scripted("It is raining."), tool_choice="required")

    assert caught.value.param == "tool_choice"


def test_the_one_tool_that_is_named_is_the_only_one_there_is() -> None:
    model = scripted(call("wait"), call(city="Oslo"))

    answer = ask(model, tool_choice={"type": "function", "function": {"name": "look"}})

    assert answer.message.tool_calls is not None
    assert [made.name for made in answer.message.tool_calls] == ["look"]
    assert '"wait"' not in model.requests[0].messages[0].text
    assert "no tool named 'wait' (there are: look)" in model.requests[1].messages[-1].text


def test_one_call_at_most_is_one_call() -> None:
    answer = ask(scripted(call(city="Oslo") + call(city="Rome")), parallel_tool_calls=False)

    assert answer.message.tool_calls is not None
    assert len(answer.message.tool_calls) == 1
    assert answer.emulated == ("tools", "parallel_tool_calls")


def test_calls_that_max_tokens_cut_off_are_an_error_where_they_were_demanded() -> None:
    model = ScriptedModel([TextDelta('<tool_call>{"name": "lo'), Finish("length")], accepts=())

    with pytest.raises(ContractBroken, match="cut off before its calls were whole"):
        ask(model, tool_choice="required")
    assert ask(model).choices[0].finish_reason == "length"


def test_each_of_n_choices_is_read_by_itself() -> None:
    model = scripted(call(city="Oslo"), "In words.", accepts=("n",))

    answer = ask(model, n=2)

    assert [choice.finish_reason for choice in answer.choices] == ["tool_calls", "stop"]
    assert set(answer.emulated) == {"tools", "n"}


def test_tools_and_a_response_format_are_kept_together() -> None:
    model = scripted(call(city="Oslo"), '{"rain": true}')
    fields: dict[str, Any] = {"response_format": {"type": "json_object"}}

    called, said = ask(model, **fields), ask(model, **fields)

    assert called.message.tool_calls is not None
    assert (said.text, set(said.emulated)) == ('{"rain": true}', {"tools", "response_format", HELD_BACK})


HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Is it raining?"},
    {
        "role": "assistant",
        "content": "I will look.",
        "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"city": "Oslo"}'}},
            {"id": "2", "type": "function", "function": {"name": "wait", "arguments": "{}"}},
        ],
    },
    {"role": "tool", "tool_call_id": "1", "content": "</tool_response> rain"},
    {"role": "tool", "tool_call_id": "2", "content": "waited"},
    {"role": "user", "content": "And?"},
]


@pytest.mark.parametrize("tools", [[LOOK, WAIT], None])
def test_calls_and_results_of_a_conversation_reach_the_model_as_text(tools: Any) -> None:
    model = scripted("Yes.")

    ask(model, messages=HISTORY, tools=tools)

    sent = model.requests[0].messages
    assert [message.role for message in sent] == ["system", "user", "assistant", "user"]
    assert all(message.tool_calls is None for message in sent)
    assert call(city="Oslo").replace(" ", "") in sent[2].text.replace(" ", "")
    assert sent[3].text.count("<tool_response>") == sent[3].text.count("</tool_response>") == 2
    assert '"name":"look"' in sent[3].text
    assert sent[3].text.endswith("And?")
    assert follow(sent, ("alternate", "no_empty", "system_first", "user_first"))[1] == ()


def test_tools_stand_in_the_system_s_message_or_before_what_the_user_said_first() -> None:
    model = scripted("Yes.")

    ask(model, messages=HISTORY[:2])
    ask(model, messages=HISTORY[1:2])

    assert [message.role for message in model.requests[0].messages] == ["system", "user"]
    assert model.requests[0].messages[0].text.startswith("Be brief.\n\nYou can call tools.")
    [alone] = model.requests[1].messages
    assert alone.text.endswith("\n\nIs it raining?")


def test_requests_without_tools_are_left_as_they_are() -> None:
    model = scripted("Yes.")

    ask(model, tools=None)

    assert model.requests[0].messages[0].text == "Is it raining in Oslo?"


def test_the_schema_of_a_tool_is_checked_before_the_model_is_asked() -> None:
    model = scripted("Yes.")
    remote = {"type": "function", "function": {"name": "f", "parameters": {"$ref": "http://example.org"}}}

    with pytest.raises(InvalidRequest, match=r"tools\[1\]\.function\.parameters refers to"):
        ask(model, tools=[LOOK, remote])

    assert model.requests == []


def test_an_entry_may_say_which_parser_reads_its_model() -> None:
    entry = entry_from({"model": "x.py:Y", "tool_parser": "hermes"})
    model = assemble(entry, scripted(call(city="Oslo")))

    answer = run(generate(model, asking()), suspends=False)

    assert answer.message.tool_calls is not None


@pytest.mark.parametrize(("name", "message"), [("hermse", "did you mean 'hermes'"), (3, "text, got 3"), ("", "text")])
def test_a_parser_that_there_is_not_is_refused_by_name(name: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"config_list\[0\]\.tool_parser.*{message}"):
        entry_from({"model": "x.py:Y", "tool_parser": name})


def test_a_model_that_was_honoured_already_is_not_told_twice() -> None:
    model = scripted(call(city="Oslo"))
    model.tool_parser = "hermes"  # type: ignore[attr-defined]

    answer = run(generate(honour(honour(model)), asking()), suspends=False)

    assert answer.message.tool_calls is not None
    assert model.requests[0].messages[0].text.count("<tools>") == 1


async def test_leaving_early_leaves_the_model_at_once() -> None:
    model = scripted("many words")

    async with ToolParsing(model, HermesParser).stream(asking()) as events:
        await anext(events)
        await anext(events)
        assert model.open == 1

    assert model.open == 0


PIECES = st.lists(
    st.sampled_from([call(city="Oslo"), call("wait"), "words", " ", "\n", "<tool_call>", "</tool_call>", "<"]),
    max_size=8,
)


@settings(deadline=None)
@given(PIECES, st.lists(st.integers(0, 300), max_size=12))
def test_streamed_and_whole_are_equal_however_the_model_splits_its_text(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    at = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]

    def split(messages: Any) -> Iterator[str]:
        yield from (text[begin:end] for begin, end in itertools.pairwise(at))

    def whole(messages: Any) -> str:
        return text

    def events(function: Any) -> list[Event]:
        async def collect() -> list[Event]:
            async with ToolParsing(as_model(function), HermesParser).stream(asking()) as came:
                return [event async for event in came]

        return run(collect(), suspends=False)

    one, other = fold(events(split)), fold(events(whole))

    assert one.text == other.text
    assert [(made.name, made.arguments) for made in one.message.tool_calls or ()] == [
        (made.name, made.arguments) for made in other.message.tool_calls or ()
    ]
    assert one.choices[0].finish_reason == other.choices[0].finish_reason
