"""Reply functions, triggers, hooks, histories."""

from typing import Any

import pytest

from modelport.agents import Agent, AssistantAgent, ConversableAgent
from modelport.agents.conversable.history import History, flattened, history_message
from modelport.errors import SenderRequired
from tests.agents.talkers import echo, saying, talker


def asks(agent: ConversableAgent, sender: Any, text: str = "hi") -> Any:
    return agent.generate_reply(messages=[{"content": text, "role": "user"}], sender=sender)


def says(text: str) -> Any:
    def reply(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
        return True, text if config is None else f"{text} {config}"

    return reply


SENDER = talker("sender")


@pytest.mark.parametrize(
    ("trigger", "matches"),
    [
        (Agent, True),
        (ConversableAgent, True),
        (AssistantAgent, False),
        ("sender", True),
        ("other", False),
        (SENDER, True),
        (talker("other"), False),
        (lambda sender: sender.name == "sender", True),
        (lambda sender: False, False),
        ([AssistantAgent, "sender"], True),
        ([], False),
        (None, False),
    ],
)
def test_a_trigger_chooses_whom_a_reply_function_answers(trigger: Any, matches: bool) -> None:
    agent = talker("agent", default_auto_reply="default")
    agent.register_reply(trigger, says("special"))

    assert asks(agent, SENDER) == ("special" if matches else "default")


def test_no_sender_matches_none() -> None:
    agent = talker("agent")
    agent.register_reply(None, says("nobody"))

    assert agent.generate_reply(messages=[{"content": "x", "role": "user"}]) == "nobody"


def test_a_name_as_trigger_needs_a_sender() -> None:
    agent = talker("agent")
    agent.register_reply("somebody", says("x"))

    with pytest.raises(SenderRequired):
        agent.generate_reply(messages=[{"content": "x", "role": "user"}])


def test_wrong_triggers_are_refused() -> None:
    agent = talker("agent")

    with pytest.raises(ValueError, match="trigger must be a class, a string, an agent, a callable or a list, got int"):
        agent.register_reply(3, says("x"))
    agent.register_reply(lambda sender: "yes", says("x"))
    with pytest.raises(AssertionError, match="must return a boolean value"):
        asks(agent, SENDER)


def test_the_function_registered_last_is_asked_first_unless_placed() -> None:
    agent = talker("agent")
    agent.register_reply(Agent, says("early"))
    agent.register_reply(Agent, says("late"))
    agent.register_reply(Agent, says("placed"), position=2)

    assert asks(agent, SENDER) == "late"
    agent.register_reply(Agent, says("alone"), remove_other_reply_funcs=True)
    assert len(agent._reply_func_list) == 1


def test_configurations_begin_anew_at_a_reset() -> None:
    agent = talker("agent")
    config = ["first"]
    agent.register_reply(Agent, says("x"), config=config)

    agent._reply_func_list[0]["config"].append("second")
    changed = asks(agent, SENDER)
    agent.reset()

    assert changed == "x ['first', 'second']"
    assert asks(agent, SENDER) == "x ['first']"


def test_a_function_may_be_replaced_or_left_out() -> None:
    agent = talker("agent", "from the model")
    first, second = says("first"), says("second")
    agent.register_reply(Agent, first)

    agent.replace_reply_func(first, second)

    assert asks(agent, SENDER) == "second"
    left_out = agent.generate_reply(messages=[{"content": "x", "role": "user"}], sender=SENDER, exclude=[second])
    assert left_out == "from the model"


def test_neither_messages_nor_sender_is_refused() -> None:
    with pytest.raises(AssertionError, match="Either messages=None or sender=None must be provided"):
        talker("agent").generate_reply()


def test_a_blocking_chat_refuses_coroutine_functions_unless_they_may_be_ignored() -> None:
    async def reply(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
        return True, "async"

    agent, other = talker("agent"), talker("other", "ok", "ok")
    agent.register_reply(Agent, reply, ignore_async_in_sync_chat=True)
    agent.initiate_chat(other, message="x", max_turns=1)
    agent.register_reply(Agent, reply)

    with pytest.raises(RuntimeError, match=r"only be used with ConversableAgent.a_initiate_chat.*: reply"):
        agent.initiate_chat(other, message="x", max_turns=1)


async def test_an_async_chat_asks_both_kinds_of_function() -> None:
    async def reply(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
        return len(messages) < 3, "async"

    agent, other = talker("agent", default_auto_reply="end"), talker("other", "b", "d")
    agent.register_reply(Agent, reply)

    result = await agent.a_initiate_chat(other, message="a", max_turns=2, summary_method=None)

    assert [each["content"] for each in result.chat_history][:3] == ["a", "b", "async"]


# --- hooks ---


def test_hooks_change_what_was_received_and_what_is_sent() -> None:
    one, other = talker("one"), ConversableAgent("other", model=echo, human_input_mode="NEVER")
    other.register_hook("process_last_received_message", lambda content: content + "!")
    other.register_hook("process_all_messages_before_reply", lambda messages: messages[-1:])
    one.register_hook(
        "process_message_before_send", lambda sender, message, recipient, silent: f"{sender.name}: {message}"
    )

    result = one.initiate_chat(other, message="a", max_turns=1)

    assert [each["content"] for each in result.chat_history] == ["one: a", "2: one: a!"]


async def test_async_hooks_are_awaited_in_async_chats() -> None:
    async def louder(content: str) -> str:
        return content.upper()

    one, other = talker("one"), ConversableAgent("other", model=echo, human_input_mode="NEVER")
    other.register_hook("a_process_last_received_message", louder)

    result = await one.a_initiate_chat(other, message="a", max_turns=1)

    assert result.summary == "2: A"


def test_wrong_hooks_are_refused() -> None:
    agent = talker("agent")

    def hook(messages: Any) -> Any:
        return messages

    with pytest.raises(AssertionError, match="process_nothing is not a hookable method: there are"):
        agent.register_hook("process_nothing", hook)
    agent.register_hook("process_all_messages_before_reply", hook)
    with pytest.raises(AssertionError, match="is already registered as a hook"):
        agent.register_hook("process_all_messages_before_reply", hook)
    with pytest.warns(UserWarning, match="'hook' is synchronous, but it's being registered in a asynchronous context"):
        agent.register_hook("a_process_all_messages_before_reply", hook)


# --- histories ---


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": "hi"}, {"content": "hi", "role": "user", "name": "n"}),
        ({"content": "hi", "name": "own"}, {"content": "hi", "role": "user", "name": "own"}),
        ({"content": "hi", "role": "system"}, {"content": "hi", "role": "user", "name": "n"}),
        ({"content": "hi", "override_role": "system"}, {"content": "hi", "role": "system", "name": "n"}),
        ({"content": "hi", "role": "function", "name": "f"}, {"content": "hi", "role": "function", "name": "f"}),
        ({"tool_calls": [{"id": "1"}]}, {"tool_calls": [{"id": "1"}], "content": None, "role": "assistant"}),
        ({"content": "hi", "colour": "red"}, {"content": "hi", "role": "user", "name": "n"}),
        ({"content": None}, None),
        ({}, None),
    ],
)
def test_messages_are_kept_in_openais_form(message: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert history_message(message, "user", "n") == expected


def test_what_says_nothing_is_refused() -> None:
    one, other = talker("one"), talker("other")

    with pytest.raises(ValueError, match="Either content or function_call must be provided"):
        one.send({"colour": "red"}, other)
    with pytest.raises(ValueError, match="Either content or function_call must be provided"):
        other.receive({"content": None}, one)


def test_a_history_knows_whether_a_model_can_read_it_as_it_is() -> None:
    history = History([{"content": "a"}])
    whole = history.whole
    history.append({"role": "tool", "content": "x", "tool_responses": [{"content": "1"}]})
    mixed = history.whole
    history.clear()

    assert (whole, mixed, history.whole) == (True, False, True)


def test_a_history_that_was_cleared_and_filled_again_is_looked_at_anew() -> None:
    results = {"role": "tool", "content": "x", "tool_responses": [{"content": "1"}]}
    cleared, overwritten, replaced = (History([{"content": "a"}, {"content": "b"}]) for _ in range(3))
    before = [each.whole for each in (cleared, overwritten, replaced)]

    cleared.clear()
    cleared.extend([results, {"content": "c"}, {"content": "d"}])
    overwritten[0] = results
    replaced[:] = [results, {"content": "b"}]

    assert before == [True, True, True]
    assert [each.whole for each in (cleared, overwritten, replaced)] == [False, False, False]


def test_several_tool_results_become_messages_of_their_own() -> None:
    results = [{"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}]

    assert flattened([{"content": "a"}, {"role": "tool", "tool_responses": results, "content": "1\n\n2"}]) == [
        {"content": "a"},
        *results,
    ]
    assert flattened([{"role": "user", "content": "stop", "tool_responses": results}]) == [
        *results,
        {"role": "user", "content": "stop"},
    ]


def test_the_last_message_is_found() -> None:
    one, other, third = talker("one"), talker("other"), talker("third")
    assert one.last_message() is None

    one.send("a", other)
    assert one.last_message() == {"content": "a", "role": "assistant", "name": "one"}
    with pytest.raises(KeyError, match="The agent 'third' is not present in any conversation"):
        one.last_message(third)
    one.send("b", third)
    with pytest.raises(ValueError, match=r"More than one conversation is found.*'other', 'third'"):
        one.last_message()


def test_clearing_may_preserve_the_last_messages() -> None:
    one, other = talker("one"), talker("other")
    for text in "abc":
        one.send(text, other)

    one.clear_history(nr_messages_to_preserve=2)
    assert [each["content"] for each in one.chat_messages[other]] == ["b", "c"]
    one.clear_history(nr_messages_to_preserve=9)
    assert [each["content"] for each in one.chat_messages[other]] == ["b", "c"]
    one.clear_history(other)
    assert one.chat_messages[other] == []
    one.clear_history()
    assert one.chat_messages == {}


def test_a_context_fills_templates_once() -> None:
    model = saying("ok")
    one = talker("one")
    other = ConversableAgent(
        "other", model=model, llm_config={"allow_format_str_template": True}, human_input_mode="NEVER"
    )

    one.initiate_chat(other, message={"content": "Hi {who}", "context": {"who": "you"}}, max_turns=1)

    assert model.asked[0]["messages"][-1]["content"] == "Hi you"
    assert "context" not in other.chat_messages[one][0]


def test_earlier_chats_may_be_given() -> None:
    other = talker("other")
    one = ConversableAgent("one", chat_messages={other: [{"content": "before", "role": "user"}]})

    assert one.last_message(other) == {"content": "before", "role": "user"}
    assert one.chat_messages_for_summary(other) == [{"content": "before", "role": "user"}]
