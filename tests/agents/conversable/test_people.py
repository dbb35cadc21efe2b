"""When a person is asked, what they may answer, and when a chat stops."""

from typing import Any

import pytest

from modelport.agents import ConversableAgent
from modelport.agents.iostream import IOStream
from modelport.errors import AgentError
from tests.agents.talkers import Terminal, talker, tool_call


def person(mode: str, **options: Any) -> ConversableAgent:
    return ConversableAgent("person", human_input_mode=mode, default_auto_reply="auto", **options)  # type: ignore[arg-type]


def contents(agent: ConversableAgent, other: ConversableAgent) -> list[Any]:
    return [each["content"] for each in agent.chat_messages[other]]


def test_always_asks_at_every_message() -> None:
    one, other = person("ALWAYS"), talker("other", "b", "d", "f")
    terminal = Terminal("c", "", "exit")

    with IOStream.set_default(terminal):
        one.initiate_chat(other, message="a")

    assert contents(one, other) == ["a", "b", "c", "d", "auto", "f"]
    assert one._human_input == ["c", "", "exit"]
    assert terminal.asked[0].startswith("Replying as person. Provide feedback to other. Press enter to skip")
    assert ">>>>>>>> NO HUMAN INPUT RECEIVED." in terminal.text
    assert ">>>>>>>> USING AUTO REPLY..." in terminal.text


async def test_the_async_twin_asks_once_for_each_message() -> None:
    one, other = person("ALWAYS"), talker("other", "b", "d", "f")
    terminal = Terminal("c", "", "exit")

    with IOStream.set_default(terminal):
        await one.a_initiate_chat(other, message="a")

    assert contents(one, other) == ["a", "b", "c", "d", "auto", "f"]
    assert len(terminal.asked) == 3
    assert terminal.text.count("USING AUTO REPLY") == 1


def test_terminate_asks_at_a_termination_message_only() -> None:
    one, other = person("TERMINATE"), talker("other", "b", "TERMINATE", "c")
    terminal = Terminal("go on", "exit")
    one.update_max_consecutive_auto_reply(5)

    with IOStream.set_default(terminal):
        one.initiate_chat(other, message="a", max_turns=3)

    assert contents(one, other) == ["a", "b", "auto", "TERMINATE", "go on", "c"]
    assert len(terminal.asked) == 1
    assert terminal.asked[0] == "Please give feedback to other. Press enter or type 'exit' to stop the conversation: "


def test_terminate_asks_when_enough_replies_were_made() -> None:
    one, other = person("TERMINATE", max_consecutive_auto_reply=1), talker("other", *"bcd")
    terminal = Terminal("exit")

    with IOStream.set_default(terminal):
        one.initiate_chat(other, message="a")

    assert contents(one, other) == ["a", "b", "auto", "c"]
    assert "Press enter to skip and use auto-reply, or type 'exit'" in terminal.asked[0]


def test_never_stops_at_a_termination_message_and_after_enough_replies() -> None:
    one, other = person("NEVER", max_consecutive_auto_reply=2), talker("other", *"bcdef")

    one.initiate_chat(other, message="a")

    assert contents(one, other) == ["a", "b", "auto", "c", "auto", "d"]


async def test_async_chats_count_each_reply_once() -> None:
    one, other = person("NEVER", max_consecutive_auto_reply=2), talker("other", *"bcdef")

    await one.a_initiate_chat(other, message="a")

    assert contents(one, other) == ["a", "b", "auto", "c", "auto", "d"]


def test_zero_replies_means_none_is_made() -> None:
    one, other = person("NEVER", max_consecutive_auto_reply=0), talker("other", "b")

    one.initiate_chat(other, message="a")

    assert contents(one, other) == ["a", "b"]


def test_a_termination_test_of_ones_own_decides() -> None:
    one = person("NEVER", is_termination_msg=lambda message: "bye" in message["content"])
    other = talker("other", "TERMINATE", "good bye")

    one.initiate_chat(other, message="a")

    assert contents(one, other) == ["a", "TERMINATE", "auto", "good bye"]


def test_who_breaks_into_a_tool_call_answers_it() -> None:
    one, other = person("ALWAYS"), talker("other", "fine")
    other.send(tool_call("add", "{}"), one, request_reply=False)

    with IOStream.set_default(Terminal("stop that")):
        reply = one.generate_reply(sender=other)

    assert reply == {
        "role": "user",
        "content": "stop that",
        "tool_responses": [{"role": "tool", "tool_call_id": "call_1", "content": "USER INTERRUPTED"}],
    }


def test_an_overridden_question_is_asked_in_both_kinds_of_chat() -> None:
    class Polite(ConversableAgent):
        def get_human_input(self, prompt: str) -> str:
            return "polite" if "Provide feedback" in prompt else "exit"

    one = Polite("one", human_input_mode="ALWAYS")
    other = talker("other", "b")

    assert one.generate_reply(messages=[{"content": "x", "role": "user"}], sender=other) == {
        "role": "user",
        "content": "polite",
    }


async def test_an_overridden_question_is_asked_in_async_chats() -> None:
    class Polite(ConversableAgent):
        def get_human_input(self, prompt: str) -> str:
            return "polite"

    one, other = Polite("one", human_input_mode="ALWAYS"), talker("other")

    reply = await one.a_generate_reply(messages=[{"content": "x", "role": "user"}], sender=other)

    assert reply == {"role": "user", "content": "polite"}


def test_a_mode_that_there_is_not_is_named() -> None:
    with pytest.raises(AgentError, match="human_input_mode must be one of ALWAYS, TERMINATE, NEVER, got 'SOMETIMES'"):
        person("SOMETIMES")


def test_a_name_must_be_text() -> None:
    with pytest.raises(AgentError, match="an agent's name must be text, got 7"):
        ConversableAgent(7)  # type: ignore[arg-type]
