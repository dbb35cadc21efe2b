import pytest

from modelport.agents.groupchat.clearing import ClearCommand, clear_command
from modelport.agents.iostream import IOStream
from tests.agents.groupchat.groups import managed, people
from tests.agents.talkers import Terminal

NAMES = ["alice", "bob"]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("clear history", ClearCommand(None, None, "")),
        ("CLEAR HISTORY. How are you?", ClearCommand(None, None, "How are you?")),
        ("Now clear history 3. Go on.", ClearCommand(None, 3, "Now Go on.")),
        ("clear history bob, please", ClearCommand("bob", None, "please")),
        ("clear history bob 2! And?", ClearCommand("bob", 2, "And?")),
        ("clear history 2 bob And?", ClearCommand("bob", 2, "And?")),
        ("clear history please bob", ClearCommand("bob", None, "please")),
        ("a clear sky; clear history 1", ClearCommand(None, 1, "a clear sky;")),
        ("clear history 0", ClearCommand(None, None, "")),
    ],
)
def test_the_command_is_read_and_taken_out(text: str, command: ClearCommand) -> None:
    assert clear_command(text, NAMES) == command


@pytest.mark.parametrize("text", ["", "clear", "history", "please,clear history", "clear the history"])
def test_text_that_is_no_command_is_none(text: str) -> None:
    assert clear_command(text, NAMES) is None


@pytest.mark.parametrize(
    ("answer", "of_group", "of_alice", "of_bob"),
    [
        ("clear history. And now?", 1, 1, 1),
        ("clear history bob. And now?", 3, 3, 1),
        ("clear history 1. And now?", 2, 2, 2),
        ("clear history bob 1. And now?", 3, 3, 2),
        ("And now?", 3, 3, 3),
    ],
)
def test_a_person_has_agents_forget(answer: str, of_group: int, of_alice: int, of_bob: int) -> None:
    agents = people("alice", "bob", "sam")
    alice, bob, sam = agents
    sam.human_input_mode = "ALWAYS"
    manager = managed(agents, max_round=3, enable_clear_history=True)

    with IOStream.set_default(Terminal(answer)):
        alice.initiate_chat(manager, message="hello")

    group = manager.groupchat.messages
    assert (len(group), len(alice.chat_messages[manager]), len(bob.chat_messages[manager])) == (
        of_group,
        of_alice,
        of_bob,
    )
    assert group[-1]["content"] == "And now?"


def test_without_the_switch_the_words_are_only_words() -> None:
    agents = people("alice", "bob")
    agents[1]._default_auto_reply = {"content": "clear history"}
    manager = managed(agents, max_round=2)

    agents[0].initiate_chat(manager, message="hello")

    assert [each["content"] for each in manager.groupchat.messages] == ["hello", "clear history"]


def test_after_a_tools_result_the_call_stays() -> None:
    alice, bob, sam = people("alice", "bob", "sam")
    manager = managed([alice, bob, sam], enable_clear_history=True)
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}
    for message in ({"role": "user", "content": "a"}, {"role": "assistant", "content": None, "tool_calls": [call]}):
        manager.groupchat.append(message, alice)
        manager.send(message, bob, request_reply=False, silent=True)
    results = [{"tool_call_id": "1", "role": "tool", "content": "USER INTERRUPTED"}]

    rest = manager.clear_agents_history(
        {"content": "Clear history. Go on", "tool_responses": results}, manager.groupchat
    )

    assert rest == "Go on"
    assert [message.get("tool_calls") for message in manager.groupchat.messages] == [[call]]
    assert [message.get("tool_calls") for message in bob.chat_messages[manager]] == [[call]]


async def test_the_async_twin_forgets_too() -> None:
    agents = people("alice", "bob")
    agents[1]._default_auto_reply = {"content": "clear history. Again"}
    manager = managed(agents, max_round=4, enable_clear_history=True)

    await agents[0].a_initiate_chat(manager, message="hello", silent=True)

    assert [each["content"] for each in manager.groupchat.messages] == ["Again"]
