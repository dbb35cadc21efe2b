"""How what is said in a group goes around."""

import asyncio
import logging
from typing import Any

import pytest

from modelport.agents import ConversableAgent, register_function
from modelport.agents.groupchat import GroupChat, GroupChatManager
from modelport.agents.groupchat.twins import drive
from modelport.agents.iostream import IOStream
from modelport.errors import AgentNameConflict
from tests.agents.groupchat.groups import managed, named, people, speakers
from tests.agents.talkers import Terminal, talker, tool_call


def heard(agent: Any, manager: Any) -> list[tuple[str, str, str]]:
    return [(each["role"], each.get("name", ""), each["content"]) for each in agent.chat_messages[manager]]


def test_everybody_hears_everything_and_knows_who_said_it() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    manager = managed([alice, bob, carol], max_round=3)

    result = alice.initiate_chat(manager, message="hello")

    assert heard(carol, manager) == [
        ("user", "alice", "hello"),
        ("user", "bob", "I am bob"),
        ("assistant", "carol", "I am carol"),
    ]
    assert heard(bob, manager)[1] == ("assistant", "bob", "I am bob")
    assert result.summary == "I am carol"
    assert manager.last_speaker is carol


async def test_the_async_twin_says_passes_on_and_remembers_the_same() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    manager = managed(
        [alice, bob, carol], max_round=9, manager={"is_termination_msg": lambda each: "carol" in each["content"]}
    )

    result = await alice.a_initiate_chat(manager, message="hello", silent=True)

    assert heard(alice, manager) == [
        ("assistant", "alice", "hello"),
        ("user", "bob", "I am bob"),
        ("user", "carol", "I am carol"),
    ]
    assert result.summary == "I am carol"
    assert manager.last_speaker is carol


def test_a_termination_message_ends_the_chat_when_all_have_heard_it() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    manager = managed(
        [alice, bob, carol], max_round=9, manager={"is_termination_msg": lambda each: "bob" in each["content"]}
    )

    alice.initiate_chat(manager, message="hello")

    assert speakers(manager) == ["alice", "bob"]
    assert heard(carol, manager)[-1] == ("user", "bob", "I am bob")


def test_who_has_no_reply_ends_the_chat() -> None:
    alice, bob = people("alice", "bob")
    bob._default_auto_reply = None
    manager = managed([alice, bob], max_round=9)

    alice.initiate_chat(manager, message="hello")

    assert speakers(manager) == ["alice"]


def test_introductions_come_first_and_are_no_message_of_the_group() -> None:
    agents = people("alice", "bob")
    manager = managed(agents, max_round=2, send_introductions=True)

    agents[0].initiate_chat(manager, message="hello")

    [first, second, _] = agents[1].chat_messages[manager]
    assert first["content"].endswith("\n\nalice: alice helps\nbob: bob helps")
    assert (first["name"], second["content"]) == ("chat_manager", "hello")
    assert [each["content"] for each in manager.groupchat.messages] == ["hello", "I am bob"]


def test_the_transcript_says_who_is_next() -> None:
    agents = people("alice", "bob")
    terminal = Terminal()

    with IOStream.set_default(terminal):
        agents[0].initiate_chat(managed(agents, max_round=2, manager={"silent": False}), message="hello")

    assert "alice (to chat_manager):\n\nhello\n" in terminal.text
    assert "\nNext speaker: bob\n\nbob (to chat_manager):\n\nI am bob\n" in terminal.text


def test_a_silent_manager_prints_nothing_of_the_group() -> None:
    agents = people("alice", "bob")
    terminal = Terminal()

    with IOStream.set_default(terminal):
        agents[0].initiate_chat(managed(agents, max_round=2), message="hello", silent=True)

    assert terminal.text == ""


def test_what_is_set_on_the_group_later_counts() -> None:
    agents = people("alice", "bob")
    manager = managed(agents, max_round=9)
    manager.groupchat.max_round = 2

    agents[0].initiate_chat(manager, message="hello")

    assert len(manager.groupchat.messages) == 2


def test_a_chat_that_goes_on_keeps_what_was_said() -> None:
    agents = people("alice", "bob")
    manager = managed(agents, max_round=2)

    agents[0].initiate_chat(manager, message="one")
    agents[0].initiate_chat(manager, message="two", clear_history=False)

    assert [each["content"] for each in manager.groupchat.messages] == ["one", "I am bob", "two", "I am bob"]


def test_a_new_chat_forgets_the_one_before() -> None:
    agents = people("alice", "bob")
    manager = managed(agents, max_round=2)

    for message in ("one", "two"):
        agents[0].initiate_chat(manager, message=message)

    assert [each["content"] for each in manager.groupchat.messages] == ["two", "I am bob"]
    assert len(agents[1].chat_messages[manager]) == 2


def test_two_agents_of_one_name_are_refused_by_name() -> None:
    agents = people("alice", "bob", "bob")

    with pytest.raises(AgentNameConflict, match=r"same name: bob\..*\['alice', 'bob', 'bob'\]"):
        agents[0].initiate_chat(managed(agents), message="hello")


def test_a_name_is_looked_up_and_a_conflict_told() -> None:
    alice, bob, other = people("alice", "bob", "bob")
    group = GroupChat([alice, bob, other], [])

    assert group.agent_by_name("bob") is bob
    assert group.agent_by_name("zoe") is None
    with pytest.raises(AgentNameConflict, match="2 agents are named 'bob'"):
        group.agent_by_name("bob", raise_on_name_conflict=True)


def test_the_admin_takes_over_when_a_person_interrupts() -> None:
    alice, bob, admin = people("alice", "bob", "Admin")

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    bob.register_reply(ConversableAgent, interrupted)
    manager = managed([alice, bob, admin], max_round=3)

    alice.initiate_chat(manager, message="hello")

    assert speakers(manager) == ["alice", "Admin", "alice"]


def test_without_an_admin_an_interruption_ends_the_program() -> None:
    alice, bob = people("alice", "bob")

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    bob.register_reply(ConversableAgent, interrupted)

    with pytest.raises(KeyboardInterrupt):
        alice.initiate_chat(managed([alice, bob]), message="hello")


def test_a_function_that_says_nobody_ends_the_chat_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, speaker_selection_method=named("carol", "alice"))

    with caplog.at_level(logging.WARNING):
        agents[0].initiate_chat(manager, message="hello")

    assert speakers(manager) == ["alice", "carol", "alice"]
    assert "No eligible speaker found. Terminating the conversation." in caplog.text


def test_the_agents_answer_from_the_managers_cache_and_get_theirs_back() -> None:
    alice, bob = people("alice", "bob")
    seen: list[Any] = []

    def look(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, str]:
        seen.append(recipient.client_cache)
        raise RuntimeError("broken")

    bob.register_reply(ConversableAgent, look)
    bob.client_cache = own = object()
    manager = managed([alice, bob])
    manager.client_cache = lent = object()

    with pytest.raises(RuntimeError, match="broken"):
        manager.run_chat([{"content": "hello", "role": "user"}], alice)

    assert seen == [lent]
    assert (alice.client_cache, bob.client_cache) == (None, own)


def test_an_async_reply_function_of_a_member_is_refused_in_a_blocking_chat() -> None:
    alice, bob = people("alice", "bob")

    async def later(*_: Any, **__: Any) -> Any:
        return True, "later"

    bob.register_reply(ConversableAgent, later)

    with pytest.raises(RuntimeError, match="later"):
        alice.initiate_chat(managed([alice, bob]), message="hello")


def test_an_image_reaches_the_others_and_the_group_keeps_text() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    manager = managed([alice, bob, carol], max_round=2)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}

    alice.initiate_chat(manager, message={"content": [{"type": "text", "text": "see "}, image]})

    assert bob.chat_messages[manager][0]["content"] == [{"type": "text", "text": "see "}, image]
    assert manager.groupchat.messages[0]["content"] == "see <image>"


def test_text_in_parts_is_text_to_all() -> None:
    alice, bob = people("alice", "bob")
    manager = managed([alice, bob], max_round=2)

    alice.initiate_chat(
        manager, message={"content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]}
    )

    assert bob.chat_messages[manager][0]["content"] == "one two"


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_tool_is_called_by_one_and_run_by_another(asynchronous: bool) -> None:
    def add(x: int, y: int) -> int:
        return x + y

    asker = talker("asker")
    thinker = talker("thinker", tool_call("add", '{"x": 1, "y": 2}'), "It is 3. TERMINATE")
    runner = talker("runner")
    register_function(add, caller=thinker, executor=runner, name="add", description="Adds.")
    manager = managed(
        [asker, thinker, runner],
        speaker_selection_method=lambda last, group: "round_robin" if last is thinker else thinker,
        manager={"is_termination_msg": lambda each: "TERMINATE" in (each["content"] or "")},
    )

    if asynchronous:
        await asker.a_initiate_chat(manager, message="1 + 2?", silent=True)
    else:
        asker.initiate_chat(manager, message="1 + 2?", silent=True)

    said = [(each.get("name"), each["role"], each["content"]) for each in manager.groupchat.messages]
    assert said == [
        ("asker", "user", "1 + 2?"),
        ("thinker", "assistant", ""),
        ("runner", "tool", "3"),
        ("thinker", "user", "It is 3. TERMINATE"),
    ]


def test_an_agent_of_another_make_takes_part() -> None:
    class Stone:
        """The least that an agent can be."""

        name = "stone"
        description = "lies there"

        def send(self, message: Any, recipient: Any, request_reply: bool | None = None, silent: Any = False) -> None:
            recipient.receive(message, self, request_reply, silent)

        async def a_send(
            self, message: Any, recipient: Any, request_reply: bool | None = None, silent: Any = False
        ) -> None:
            await recipient.a_receive(message, self, request_reply, silent)

        def receive(self, message: Any, sender: Any, request_reply: bool | None = None, silent: Any = False) -> None:
            self.last = message["content"]

        async def a_receive(
            self, message: Any, sender: Any, request_reply: bool | None = None, silent: Any = False
        ) -> None:
            self.receive(message, sender)

        def generate_reply(self, messages: Any = None, sender: Any = None, **_: Any) -> str:
            return f"(silence after {self.last!r})"

        async def a_generate_reply(self, messages: Any = None, sender: Any = None, **_: Any) -> str:
            return self.generate_reply()

    [alice] = people("alice")
    manager = managed([alice, Stone()], max_round=3)

    alice.initiate_chat(manager, message="hello")

    assert [each["content"] for each in manager.groupchat.messages] == [
        "hello",
        "(silence after 'hello')",
        "I am alice",
    ]


def test_a_blocking_group_that_would_wait_says_so() -> None:
    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="without an event loop waited on one"):
        drive(waits())


# --- groups in groups ---


def test_a_managers_group_speaks_with_its_last_word() -> None:
    alice, bob = people("alice", "bob")
    dan, eve = people("dan", "eve")
    inner = managed([dan, eve], max_round=3, manager={"name": "team"})
    outer = managed([alice, inner, bob], max_round=4)

    alice.initiate_chat(outer, message="hello")

    assert [(each["name"], each["content"]) for each in outer.groupchat.messages] == [
        ("alice", "hello"),
        ("team", "I am eve"),
        ("bob", "I am bob"),
        ("alice", "I am alice"),
    ]
    assert [each["content"] for each in inner.groupchat.messages] == ["hello", "I am dan", "I am eve"]


async def test_it_does_so_in_async_chats_too() -> None:
    alice, dan, eve = people("alice", "dan", "eve")
    inner = managed([dan, eve], max_round=3, manager={"name": "team"})
    outer = managed([alice, inner], max_round=3)

    await alice.a_initiate_chat(outer, message="hello", silent=True)

    assert speakers(outer) == ["alice", "team", "alice"]


def test_a_team_in_which_nobody_speaks_says_nothing() -> None:
    alice, dan, eve = people("alice", "dan", "eve")
    dan._default_auto_reply = None
    inner = managed([dan, eve], manager={"name": "team"})
    outer = managed([alice, inner])

    alice.initiate_chat(outer, message="hello")

    assert speakers(outer) == ["alice"]


def test_agents_of_groups_in_groups_are_found_once_each() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    inmost = managed([carol, alice], manager={"name": "inmost"})
    inner = managed([bob, inmost], manager={"name": "inner"})
    group = GroupChat([alice, inner], [])

    assert [agent.name for agent in group.nested_agents()] == ["alice", "inner", "bob", "inmost", "carol"]
    assert group.agent_by_name("carol", recursive=True, raise_on_name_conflict=True) is carol
    assert group.agent_by_name("carol") is None


def test_a_manager_that_begins_talks_to_its_own_group() -> None:
    agents = people("alice", "bob")
    manager = managed(agents, max_round=3)

    manager.initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["chat_manager", "alice", "bob"]


def test_resetting_the_manager_forgets_the_group() -> None:
    agents = people("alice", "bob")
    manager = managed(agents, max_round=2)
    agents[0].initiate_chat(manager, message="hello")

    manager.reset()

    assert manager.groupchat.messages == []


def test_the_rounds_are_a_reply_function_that_can_be_replaced() -> None:
    def polite(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, str]:
        return True, "No, thank you"

    alice, bob = people("alice", "bob")
    manager = managed([alice, bob])
    manager.replace_reply_func(GroupChatManager.run_chat, polite)

    result = alice.initiate_chat(manager, message="hello", max_turns=1, silent=True)

    assert [each["content"] for each in result.chat_history] == ["hello", "No, thank you"]
