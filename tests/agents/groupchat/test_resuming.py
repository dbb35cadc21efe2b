"""A group chat that goes on where it was."""

from typing import Any

import pytest

from modelport.agents.iostream import IOStream
from modelport.errors import AgentError, InvalidGroupChat, UndefinedNextAgent
from tests.agents.groupchat.groups import managed, people, speakers
from tests.agents.talkers import Terminal


def group(**options: Any) -> Any:
    return managed(people("alice", "bob", "carol"), max_round=4, **options)


def begun(message: str = "hello") -> tuple[Any, Any]:
    manager = group()
    result = manager.groupchat.agents[0].initiate_chat(manager, message=message, silent=True)
    return manager, result


def minds(manager: Any) -> list[list[dict[str, Any]]]:
    """What each remembers of the chat, but for the message that the chat goes on from."""
    return [agent.chat_messages[manager] for agent in manager.groupchat.agents]


@pytest.mark.parametrize("form", ["list", "text", "turns"])
def test_everybody_remembers_what_they_did(form: str) -> None:
    before, result = begun()
    kept = {
        "list": before.groupchat.messages,
        "text": before.messages_to_string(before.groupchat.messages),
        "turns": result.turns,
    }[form]
    after = group()

    agent, message = after.resume(kept, silent=True)

    assert (agent.name, message["content"]) == ("alice", "I am alice")
    assert minds(after) == [mind[:-1] for mind in minds(before)]
    assert after.groupchat.messages == before.groupchat.messages[:-1]
    assert after.last_speaker is agent


def test_the_chat_goes_on_from_the_last_message() -> None:
    before, _ = begun()
    after = group()

    agent, message = after.resume(before.groupchat.messages, silent=True)
    agent.initiate_chat(after, message=message, clear_history=False, silent=True)

    assert speakers(after) == ["alice", "bob", "carol", "alice", "bob", "carol", "alice"]


async def test_the_async_twin_remembers_the_same() -> None:
    before, _ = begun()
    after = group()

    agent, message = await after.a_resume(before.groupchat.messages, silent=True)
    await agent.a_initiate_chat(after, message=message, clear_history=False, silent=True)

    assert speakers(after) == ["alice", "bob", "carol", "alice", "bob", "carol", "alice"]


def test_the_callers_messages_stay_as_they_are() -> None:
    messages = [{"content": "hello"}, {"content": "done TERMINATE", "name": "bob"}]

    group().resume(messages, remove_termination_string=" TERMINATE", silent=True)

    assert messages == [{"content": "hello"}, {"content": "done TERMINATE", "name": "bob"}]


@pytest.mark.parametrize("remove", [" TERMINATE", lambda text: text.removesuffix(" TERMINATE")])
def test_what_would_end_the_chat_at_once_is_taken_out(remove: Any) -> None:
    _, message = group().resume(
        [{"content": "done TERMINATE", "name": "bob", "role": "user"}], remove_termination_string=remove, silent=True
    )

    assert message["content"] == "done"


def test_a_last_message_that_ends_the_chat_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    group().resume([{"content": "TERMINATE", "name": "bob", "role": "user"}], silent=True)

    assert "Last message meets termination criteria" in caplog.text


@pytest.mark.parametrize("name", [None, "chat_manager", "Admin"])
def test_words_of_nobody_in_the_group_are_the_managers(name: str | None) -> None:
    said = {"content": "go on"} if name is None else {"content": "go on", "name": name}
    manager = group()

    agent, _ = manager.resume([said, said], silent=True)

    assert agent is manager
    assert [each["name"] for each in manager.groupchat.messages] == [name or "chat_manager"]


@pytest.mark.parametrize(
    ("messages", "kind", "said"),
    [
        (7, InvalidGroupChat, "it is a int"),
        ([7], InvalidGroupChat, "one of them is a int"),
        ([], InvalidGroupChat, "no messages were provided"),
        ("{", InvalidGroupChat, "not a valid JSON string"),
        ('"text"', InvalidGroupChat, "it is a str"),
        (
            [{"content": "hi", "name": "zoe"}],
            UndefinedNextAgent,
            r"zoe; known are \['Admin', 'alice', 'bob', 'carol', 'chat_manager'\]",
        ),
    ],
)
def test_what_cannot_be_gone_on_from_is_refused_and_nothing_forgotten(
    messages: Any, kind: type[AgentError], said: str
) -> None:
    manager, _ = begun()

    with pytest.raises(kind, match=said):
        manager.resume(messages)

    assert len(manager.groupchat.messages) == 4


def test_a_person_is_told_who_spoke_last_and_nobody_is_introduced_again() -> None:
    manager = group(send_introductions=True)
    terminal = Terminal()

    with IOStream.set_default(terminal):
        manager.resume([{"content": "hello", "name": "alice"}, {"content": "hi", "name": "bob"}])

    assert terminal.text == "Prepared group chat with 2 messages, the last speaker is bob\n"
    assert not manager.groupchat.send_introductions
