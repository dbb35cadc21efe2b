"""A model picks who speaks next."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from modelport.agents import ConversableAgent
from modelport.agents.groupchat import GroupChat, GroupChatManager
from modelport.agents.iostream import IOStream
from modelport.errors import ConfigError, InvalidGroupChat, NotRegistered
from tests.agents.groupchat.groups import managed, people, speakers
from tests.agents.talkers import Terminal, saying, tool_call

TEMPLATES: dict[str, Any] = {
    "select_speaker_message_template": "scene {roles} {agentlist}",
    "select_speaker_prompt_template": "who of {agentlist}?",
    "select_speaker_auto_multiple_template": "only one of {agentlist}!",
    "select_speaker_auto_none_template": "one of {agentlist}!",
}
NAMES = "['alice', 'bob', 'carol']"


def chat(*answers: str, names: tuple[str, ...] = ("alice", "bob", "carol"), **fields: Any) -> tuple[Any, Any]:
    """A manager whose model gives *answers*, and that model; alice has begun."""
    model = saying(*answers)
    manager = managed(people(*names), model=model, **TEMPLATES, **fields)
    manager.groupchat.agents[0].initiate_chat(manager, message="hello", silent=True)
    return manager, model


def test_the_model_reads_the_roles_the_conversation_and_the_question() -> None:
    manager, model = chat("carol", max_round=2)

    assert speakers(manager) == ["alice", "carol"]
    [asked] = model.asked
    assert [(each["role"], each["content"]) for each in asked["messages"]] == [
        ("system", f"scene alice: alice helps\nbob: bob helps\ncarol: carol helps {NAMES}"),
        ("user", "hello"),
        ("system", f"who of {NAMES}?"),
    ]


def test_an_answer_with_too_many_names_or_none_is_asked_about_again() -> None:
    manager, model = chat("alice or bob", "hm", "bob", max_round=2)

    assert speakers(manager) == ["alice", "bob"]
    assert [each["messages"][-1]["content"] for each in model.asked] == [
        f"who of {NAMES}?",
        f"only one of {NAMES}!",
        f"one of {NAMES}!",
    ]


def test_a_model_that_never_decides_leaves_it_to_the_order() -> None:
    manager, model = chat("hm", "hm", "alice and bob", max_round=2)

    assert speakers(manager) == ["alice", "bob"]
    assert len(model.asked) == 3


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_the_model_is_asked_once_and_as_often_again_as_the_group_says(retries: int) -> None:
    _, model = chat(*["hm"] * 9, max_round=2, max_retries_for_selecting_speaker=retries)

    assert len(model.asked) == 1 + retries


def test_what_the_model_thought_aloud_does_not_decide() -> None:
    manager, model = chat("<think>alice? No. bob? No.</think>carol", "alice was it… </think>\nbob", max_round=3)

    assert speakers(manager) == ["alice", "carol", "bob"]
    assert len(model.asked) == 2


def test_only_who_may_speak_is_offered_and_one_alone_needs_no_model() -> None:
    agents = people("alice", "bob", "carol")
    alice, bob, carol = agents
    model = saying("carol")
    manager = managed(
        agents,
        model=model,
        max_round=4,
        allowed_or_disallowed_speaker_transitions={alice: [bob, carol], carol: [bob], bob: [alice]},
        speaker_transitions_type="allowed",
        **TEMPLATES,
    )

    alice.initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["alice", "carol", "bob", "alice"]
    assert [each["messages"][-1]["content"] for each in model.asked] == ["who of ['bob', 'carol']?"]


def test_the_role_of_the_question_is_the_groups_choice() -> None:
    _, model = chat("bob", max_round=2, role_for_select_speaker_messages="user")

    assert [each["role"] for each in model.asked[0]["messages"]] == ["system", "user", "user"]


def test_a_group_without_a_last_question_asks_with_the_last_message() -> None:
    agents, model = people("alice", "bob", "carol"), saying("carol")
    fields = {**TEMPLATES, "select_speaker_prompt_template": None}
    manager = managed(agents, model=model, max_round=2, **fields)

    agents[0].initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["alice", "carol"]
    assert model.asked[0]["messages"][-1]["content"] == "hello"


def test_a_tool_call_does_not_reach_the_model_that_picks() -> None:
    agents, model = people("alice", "bob", "carol"), saying("bob")
    for agent in agents[1:]:
        agent.register_function({"add": lambda x: x})
    chat = GroupChat(agents, [], **TEMPLATES)
    chat.append({"role": "assistant", **tool_call("add", "{}")}, agents[0])

    chosen = chat.select_speaker(agents[0], GroupChatManager(chat, model=model))

    assert chosen is agents[1]
    assert not any(each.get("tool_calls") for each in model.asked[0]["messages"])
    assert chat.messages[-1]["tool_calls"]


def test_a_template_with_a_loose_brace_is_named() -> None:
    with pytest.raises(InvalidGroupChat, match=r"select_speaker_message_template may have the placeholders \{roles\}"):
        GroupChat(people("alice", "bob"), [], select_speaker_message_template="{json} {roles}").select_speaker_msg()


def test_the_default_texts_have_everybody_in_them() -> None:
    group = GroupChat(people("alice", "bob"), [])

    assert "alice: alice helps\nbob: bob helps" in group.select_speaker_msg()
    assert "['alice', 'bob']" in (group.select_speaker_prompt() or "")
    assert "['bob']" in group.select_speaker_msg([group.agents[1]])


def test_the_talk_with_the_model_is_shown_where_that_is_asked_for() -> None:
    terminal = Terminal()

    with IOStream.set_default(terminal):
        chat("hm", "carol", max_round=2, select_speaker_auto_verbose=True)

    assert ">>>>>>>> Select speaker attempt #1 failed as it did not include any agent names." in terminal.text
    assert ">>>>>>>> Select speaker attempt 2 of 3 successfully selected: carol" in terminal.text
    assert "speaker_selection_agent (to checking_agent):" in terminal.text


def test_the_talk_with_the_model_is_no_turn_of_the_chat() -> None:
    agents = people("alice", "bob")
    manager = managed(agents, model=saying("bob"), max_round=2)

    result = agents[0].initiate_chat(manager, message="hello", silent=True)

    assert {turn.sender for turn in result.turns} <= {"alice", "bob", "chat_manager"}


def test_transformations_of_messages_are_given_the_agent_that_picks() -> None:
    class Shouting:
        def add_to_agent(self, agent: ConversableAgent) -> None:
            agent.register_hook(
                "process_all_messages_before_reply",
                lambda messages: [{**each, "content": each["content"].upper()} for each in messages],
            )

    _, model = chat("carol", max_round=2, select_speaker_transform_messages=Shouting())

    assert [each["content"] for each in model.asked[0]["messages"]][1:] == ["HELLO", f"WHO OF {NAMES.upper()}?"]


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [("bob", "bob"), ("alice, bob", "carol"), ("nobody", "carol"), ("<think>bob</think>", "carol")],
)
def test_an_answer_is_made_a_speaker(answer: str, chosen: str) -> None:
    agents = people("alice", "bob", "carol")

    assert GroupChat(agents, [])._finalize_speaker(agents[1], True, answer, agents).name == chosen


def test_an_answer_that_is_not_final_is_the_next_in_order() -> None:
    agents = people("alice", "bob", "carol")

    assert GroupChat(agents, [])._finalize_speaker(agents[0], False, "carol", agents).name == "bob"


# --- whose model it is ---


class Picky:
    """A model client of AutoGen's kind, which cannot be copied."""

    def __init__(self, config: dict[str, Any], answers: list[str]) -> None:
        self.answers = answers

    def create(self, params: dict[str, Any]) -> Any:
        message = SimpleNamespace(content=self.answers.pop(0), function_call=None)
        return SimpleNamespace(choices=[SimpleNamespace(message=message)], model="picky")

    def message_retrieval(self, response: Any) -> list[str]:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3, "cost": 0, "model": "picky"}

    def __deepcopy__(self, memo: Any) -> Any:
        raise AssertionError("copied")


CONFIG: dict[str, Any] = {"config_list": [{"model": "picky", "model_client_cls": "Picky"}], "cache_seed": None}


def test_a_client_registered_with_the_manager_picks_the_speaker() -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, max_round=3, speaker_selection_method="auto", manager={"llm_config": CONFIG})
    manager.register_model_client(Picky, answers=["carol", "bob"])

    agents[0].initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["alice", "carol", "bob"]
    assert manager.get_actual_usage()["picky"]["total_tokens"] == 6


async def test_it_does_so_in_async_chats_too() -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, max_round=3, speaker_selection_method="auto", manager={"llm_config": CONFIG})
    manager.register_model_client(Picky, answers=["carol", "bob"])

    await agents[0].a_initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["alice", "carol", "bob"]


def test_a_client_that_nobody_registered_is_named() -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, speaker_selection_method="auto", manager={"llm_config": CONFIG})

    with pytest.raises(NotRegistered, match="Picky"):
        agents[0].initiate_chat(manager, message="hello", silent=True)


class Scripted(Picky):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config, list(config["answers"]))


def own_config(answers: list[str]) -> dict[str, Any]:
    return {"config_list": [{"model": "m", "model_client_cls": "Scripted", "answers": answers}], "cache_seed": None}


@pytest.mark.parametrize("classes", [Scripted, [Picky, Scripted]])
def test_the_group_may_have_a_model_of_its_own(classes: Any) -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(
        agents,
        max_round=2,
        speaker_selection_method="auto",
        select_speaker_auto_llm_config=own_config(["carol"]),
        select_speaker_auto_model_client_cls=classes,
        manager={"model": saying()},
    )

    agents[0].initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["alice", "carol"]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (None, "no 'model_client_cls' was supplied.*'Scripted'"),
        ([Picky], r"'Scripted' specified in.*there are \['Picky'\]"),
    ],
)
def test_a_class_that_the_group_was_not_given_is_named(classes: Any, said: str) -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(
        agents,
        speaker_selection_method="auto",
        select_speaker_auto_llm_config=own_config([]),
        select_speaker_auto_model_client_cls=classes,
    )

    with pytest.raises(ValueError, match=said):
        agents[0].initiate_chat(manager, message="hello", silent=True)


def test_two_classes_of_one_name_are_refused() -> None:
    other = type("Scripted", (Scripted,), {})
    agents = people("alice", "bob", "carol")
    manager = managed(
        agents,
        speaker_selection_method="auto",
        select_speaker_auto_llm_config=own_config([]),
        select_speaker_auto_model_client_cls=[Scripted, other],
    )

    with pytest.raises(RuntimeError, match="More than one unique"):
        agents[0].initiate_chat(manager, message="hello", silent=True)


def test_a_manager_does_not_call_tools() -> None:
    with pytest.raises(ValueError, match="not allowed to make function/tool calls"):
        GroupChatManager(GroupChat([], []), llm_config={"config_list": [{"model": "m"}], "tools": [{}]})


def test_a_manager_without_a_model_leaves_it_to_the_order() -> None:
    agents = people("alice", "bob", "carol")
    manager = managed(agents, max_round=3, speaker_selection_method="auto")

    agents[2].initiate_chat(manager, message="hello", silent=True)

    assert speakers(manager) == ["carol", "alice", "bob"]


def test_a_class_cannot_be_registered_with_a_manager_that_has_no_model() -> None:
    with pytest.raises(ConfigError, match="chat_manager"):
        managed(people("alice", "bob")).register_model_client(Picky)


async def test_many_groups_on_one_loop_do_not_disturb_each_other() -> None:
    def group(number: int) -> tuple[Any, list[str]]:
        names = [f"a{number}", f"b{number}", f"c{number}"]
        order = [names[each % 3] for each in range(number, number + 6)]

        async def model(messages: list[dict[str, Any]], **_: Any) -> str:
            await asyncio.sleep(0)
            heard = [each for each in messages if each["role"] == "user"]
            return order[len(heard) - 1]

        return managed(people(*names), model=model, max_round=6), [names[0], *order[:5]]

    groups = [group(number) for number in range(20)]

    await asyncio.gather(
        *(manager.groupchat.agents[0].a_initiate_chat(manager, message="go", silent=True) for manager, _ in groups)
    )

    assert [speakers(manager) for manager, _ in groups] == [expected for _, expected in groups]
