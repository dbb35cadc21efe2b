"""Who speaks next, where no model is asked."""

import logging
import threading
from typing import Any

import pytest

from modelport.agents import ConversableAgent
from modelport.agents.groupchat import GroupChat, GroupChatManager
from modelport.agents.iostream import IOStream
from modelport.errors import InvalidGroupChat, NoEligibleSpeaker, UndefinedNextAgent
from tests.agents.groupchat.groups import managed, people, speakers
from tests.agents.talkers import Terminal, tool_call


def group(agents: list[Any], **fields: Any) -> GroupChat:
    return GroupChat(agents, [], **fields)


def test_round_robin_goes_in_the_order_of_the_group() -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, max_round=5)

    agents[1].initiate_chat(manager, message="hello")

    assert speakers(manager) == ["bob", "carol", "alice", "bob", "carol"]


def test_somebody_from_outside_may_begin() -> None:
    agents, [outsider] = people("alice", "bob"), people("guest")
    manager = managed(agents, max_round=3)

    outsider.initiate_chat(manager, message="hello")

    assert speakers(manager) == ["guest", "alice", "bob"]


def test_random_takes_any_who_may_speak() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    chat = group([alice, bob, carol], speaker_selection_method="random", allow_repeat_speaker=False)

    chosen = {chat.select_speaker(alice, None).name for _ in range(100)}

    assert chosen == {"bob", "carol"}


def test_a_method_is_known_in_any_capitals() -> None:
    alice, bob, carol = people("alice", "bob", "carol")

    assert group([alice, bob, carol], speaker_selection_method="Round_Robin").select_speaker(alice, None) is bob


def test_a_function_chooses_a_speaker_a_method_or_the_end() -> None:
    alice, bob, carol = people("alice", "bob", "carol")

    def choose(last: Any, chat: GroupChat) -> Any:
        if len(chat.messages) == 4:
            return None
        return carol if last is alice else "round_robin"

    manager = managed([alice, bob, carol], speaker_selection_method=choose)

    alice.initiate_chat(manager, message="hello")

    assert speakers(manager) == ["alice", "carol", "alice", "carol"]


async def test_a_function_may_be_async_where_the_chat_is() -> None:
    alice, bob, carol = people("alice", "bob", "carol")

    async def choose(last: Any, chat: GroupChat) -> Any:
        return carol if last is alice else None

    manager = managed([alice, bob, carol], max_round=2, speaker_selection_method=choose)

    await alice.a_initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["alice", "carol"]


def test_an_async_function_in_a_blocking_chat_is_refused() -> None:
    async def choose(last: Any, chat: GroupChat) -> Any:
        return None

    alice, bob = people("alice", "bob")

    with pytest.raises(InvalidGroupChat, match="a_initiate_chat"):
        group([alice, bob], speaker_selection_method=choose).select_speaker(alice, None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ConversableAgent("zoe"), r"an agent zoe not in the group chat. In the group are \['alice', 'bob'\]"),
        (7, "returned an object of type <class 'int'> instead of Agent or str"),
        ("bob", "speaker_selection_method is set to 'bob'. It should be one of"),
    ],
)
def test_a_function_that_gives_a_stranger_is_told_so(answer: Any, said: str) -> None:
    agents = people("alice", "bob")
    manager = managed(agents, speaker_selection_method=lambda last, chat: answer)

    with pytest.raises(ValueError, match=said):
        agents[0].initiate_chat(manager, message="hello")


@pytest.mark.parametrize("method", ["best", ""])
def test_an_unknown_method_is_refused_by_name(method: str) -> None:
    agents = people("alice", "bob")

    with pytest.raises(InvalidGroupChat, match=f"is set to '{method}'") as caught:
        group(agents, speaker_selection_method=method).select_speaker(agents[0], None)

    assert caught.value.param == "speaker_selection_method"


def test_a_method_that_is_no_word_is_refused() -> None:
    agents = people("alice", "bob")

    with pytest.raises(InvalidGroupChat, match="is a int"):
        group(agents, speaker_selection_method=3).select_speaker(agents[0], None)


@pytest.mark.parametrize("names", [[], ["alice"]])
def test_a_group_of_none_or_one_is_refused(names: list[str]) -> None:
    [guest] = people("guest")
    manager = managed(people(*names))

    with pytest.raises(ValueError, match=f"underpopulated with {len(names)} agents"):
        guest.initiate_chat(manager, message="hello")


def test_two_who_may_repeat_themselves_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    agents = people("alice", "bob")

    group(agents, speaker_selection_method="random").select_speaker(agents[0], None)

    assert "underpopulated with 2 agents" in caplog.text


# --- transitions ---


@pytest.mark.parametrize(
    ("graph", "kind", "spoke"),
    [
        ({"alice": ["bob"], "bob": ["carol"]}, "allowed", ["alice", "bob", "carol"]),
        ({"alice": ["bob"], "bob": ["bob"]}, "Disallowed", ["alice", "carol", "alice", "carol", "alice"]),
        ({"alice": ["alice"]}, "allowed", ["alice"] * 5),
    ],
)
def test_only_who_may_speak_after_the_last_speaks(graph: dict[str, list[str]], kind: str, spoke: list[str]) -> None:
    by_name = {agent.name: agent for agent in people("alice", "bob", "carol")}
    manager = managed(
        list(by_name.values()),
        max_round=5,
        allowed_or_disallowed_speaker_transitions={
            by_name[last]: [by_name[name] for name in names] for last, names in graph.items()
        },
        speaker_transitions_type=kind,
    )

    by_name["alice"].initiate_chat(manager, message="hello")

    assert speakers(manager) == spoke


def test_who_has_nobody_to_follow_them_ends_the_chat() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    chat = group(
        [alice, bob, carol],
        allowed_or_disallowed_speaker_transitions={alice: [bob], bob: [carol]},
        speaker_transitions_type="allowed",
    )

    with pytest.raises(NoEligibleSpeaker, match="carol"):
        chat.select_speaker(carol, None)


@pytest.mark.parametrize(
    ("repeat", "may_follow_alice", "may_follow_bob"),
    [
        (None, {"alice", "bob", "carol"}, {"alice", "bob", "carol"}),
        (True, {"alice", "bob", "carol"}, {"alice", "bob", "carol"}),
        (False, {"bob", "carol"}, {"alice", "carol"}),
        (["alice"], {"alice", "bob", "carol"}, {"alice", "carol"}),
    ],
)
def test_who_may_repeat_themselves(repeat: Any, may_follow_alice: set[str], may_follow_bob: set[str]) -> None:
    alice, bob, carol = people("alice", "bob", "carol")

    chat = group([alice, bob, carol], allow_repeat_speaker=[alice] if isinstance(repeat, list) else repeat)

    allowed = chat.allowed_speaker_transitions_dict
    assert {agent.name for agent in allowed[alice]} == may_follow_alice
    assert {agent.name for agent in allowed[bob]} == may_follow_bob


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"allow_repeat_speaker": "yes"}, "allow_repeat_speaker", "should be a bool or a list of Agents; it is 'yes'"),
        ({"allow_repeat_speaker": [ConversableAgent("zoe")]}, "allow_repeat_speaker", "zoe"),
        ({"speaker_transitions_type": "some"}, "speaker_transitions_type", "is set to 'some'"),
        ({"allowed_or_disallowed_speaker_transitions": {}}, "speaker_transitions_type", "is None"),
        (
            {"allowed_or_disallowed_speaker_transitions": {}, "allow_repeat_speaker": True},
            "allow_repeat_speaker",
            "Don't provide both",
        ),
        ({"max_retries_for_selecting_speaker": None}, "max_retries_for_selecting_speaker", "non-int"),
        ({"max_retries_for_selecting_speaker": -1}, "max_retries_for_selecting_speaker", "greater than or equal to"),
        ({"select_speaker_message_template": ""}, "select_speaker_message_template", "cannot be empty or None"),
        ({"role_for_select_speaker_messages": None}, "role_for_select_speaker_messages", "cannot be empty or None"),
        ({"select_speaker_auto_verbose": None}, "select_speaker_auto_verbose", "non-bool"),
        ({"select_speaker_transform_messages": 3}, "select_speaker_transform_messages", "MessageTransforms"),
    ],
)
def test_a_field_that_cannot_work_is_refused_by_name(fields: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        group(people("alice", "bob"), **fields)

    assert isinstance(caught.value, InvalidGroupChat)
    assert caught.value.param == param


def test_positional_arguments_are_in_autogens_order() -> None:
    alice, bob = people("alice", "bob")

    chat = GroupChat([alice, bob], [], 7, "Chef", False, "round_robin", 5, False)

    assert (chat.max_round, chat.admin_name, chat.func_call_filter) == (7, "Chef", False)
    assert (chat.max_retries_for_selecting_speaker, chat.allow_repeat_speaker) == (5, False)


@pytest.mark.parametrize(
    ("last", "among", "chosen"),
    [(0, [0, 1, 2], 1), (2, [0, 1, 2], 0), (0, [0, 2], 2), (0, [0], 0), (3, [1, 2], 1)],
)
def test_whose_turn_it_is(last: int, among: list[int], chosen: int) -> None:
    agents = people("alice", "bob", "carol", "guest")

    chat = group(agents[:3])

    assert chat.next_agent(agents[last], [agents[at] for at in among]) is agents[chosen]


@pytest.mark.parametrize("among", [["zoe"], []])
def test_it_is_nobodys_turn_who_is_not_in_the_group(among: list[str]) -> None:
    agents = people("alice", "bob")

    with pytest.raises(UndefinedNextAgent, match=r"in the group are \['alice', 'bob'\]"):
        group(agents).next_agent(agents[0], people(*among))


# --- tools ---


def test_after_a_tool_call_one_who_can_run_it_speaks() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    carol.register_function({"add": lambda x: x})
    chat = group([alice, bob, carol], speaker_selection_method="round_robin")
    chat.append({"role": "assistant", **tool_call("add", "{}")}, alice)

    assert chat.select_speaker(alice, None) is carol


def test_where_nobody_can_run_the_tool_one_who_runs_tools_says_so() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    carol.register_function({"add": lambda x: x})
    chat = group([alice, bob, carol], speaker_selection_method="round_robin")
    chat.append({"role": "assistant", "content": None, "function_call": {"name": "sub", "arguments": "{}"}}, alice)

    assert chat.select_speaker(alice, None) is carol


def test_where_nobody_runs_tools_the_names_are_told() -> None:
    alice, bob = people("alice", "bob")
    chat = group([alice, bob], speaker_selection_method="round_robin")
    chat.append({"role": "assistant", **tool_call("add", "{}")}, alice)

    with pytest.raises(ValueError, match=r"No agent can execute the function add.*\['alice', 'bob'\]"):
        chat.select_speaker(alice, None)


def test_without_the_filter_a_tool_call_is_a_message_like_others() -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    carol.register_function({"add": lambda x: x})
    chat = group([alice, bob, carol], speaker_selection_method="round_robin", func_call_filter=False)
    chat.append({"role": "assistant", **tool_call("add", "{}")}, alice)

    assert chat.select_speaker(alice, None) is bob


# --- a person ---


@pytest.mark.parametrize(
    ("answers", "spoke"),
    [
        (["3", "2"], ["alice", "carol", "bob"]),
        (["9", "bob"], ["alice", "bob", "carol"]),
        (["", "q"], ["alice", "bob", "carol"]),
    ],
)
def test_a_person_gives_a_number_or_leaves_it_to_the_order(answers: list[str], spoke: list[str]) -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, max_round=3, speaker_selection_method="manual")
    # Two bad answers and the group goes on by itself; the next question then gets an empty one.
    terminal = Terminal(*answers, "")

    with IOStream.set_default(terminal):
        agents[0].initiate_chat(manager, message="hello")

    assert speakers(manager) == spoke
    assert "1: alice\n2: bob\n3: carol\n" in terminal.text


async def test_a_person_who_is_asked_holds_up_no_other_chat() -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, max_round=2, speaker_selection_method="manual")
    asked_in: list[str] = []

    class Slow(Terminal):
        def input(self, prompt: str = "", *, password: bool = False) -> str:
            asked_in.append(threading.current_thread().name)
            return super().input(prompt)

    with IOStream.set_default(Slow("3")):
        await agents[0].a_initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["alice", "carol"]
    assert asked_in != [threading.current_thread().name]


def test_what_a_subclass_overrides_is_what_runs() -> None:
    class Backwards(GroupChat):
        def select_speaker(self, last_speaker: Any, selector: Any) -> Any:
            return self.agents[self.agents.index(last_speaker) - 1]

    agents = people("alice", "bob", "carol")
    manager = GroupChatManager(Backwards(agents, [], 4), silent=True)

    agents[0].initiate_chat(manager, message="hello")

    assert speakers(manager) == ["alice", "carol", "bob", "alice"]


def test_a_silent_group_with_a_bare_description_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        text = group([ConversableAgent("alice", description=" "), *people("bob")]).introductions_msg()

    assert "'alice' has an empty description" in caplog.text
    assert text.endswith("alice:\nbob: bob helps")
