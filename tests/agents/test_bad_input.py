"""What programs and models get wrong: an error, or a message to the model, that names what is wrong and whose it is."""

import asyncio
import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelport import autogen
from modelport.agents import (
    ConversableAgent,
    GroupChat,
    GroupChatManager,
    a_initiate_chats,
    initiate_chats,
    register_function,
)
from modelport.agents.content import text_of
from modelport.errors import AgentError, ConfigError, InvalidCarryOverType, InvalidGroupChat, InvalidMessage
from tests.agents.talkers import Terminal, echo, saying, talker

Begin = Callable[..., Any]


def blocking(sender: Any, recipient: Any, **options: Any) -> Any:
    return sender.initiate_chat(recipient, **{"message": "hi", "max_turns": 2, "silent": True, **options})


def awaited(sender: Any, recipient: Any, **options: Any) -> Any:
    options = {"message": "hi", "max_turns": 2, "silent": True, **options}
    return asyncio.run(sender.a_initiate_chat(recipient, **options))


BOTH = pytest.mark.parametrize("chat", [blocking, awaited])


def contents(result: Any) -> list[Any]:
    return [message["content"] for message in result.chat_history]


# --- what a model answers ---


def namespace(**fields: Any) -> Any:
    return SimpleNamespace(**{"content": None, "function_call": None, "tool_calls": None, **fields})


def calling(name: Any, arguments: Any = "{}", **more: Any) -> Any:
    function = SimpleNamespace(name=name, arguments=arguments)
    return namespace(tool_calls=[SimpleNamespace(**{"id": "1", "type": "function", "function": function, **more})])


def custom(*answers: Any, **options: Any) -> ConversableAgent:
    """An agent whose model is a class after AutoGen's tutorial: its answers reach the agent as they are."""
    left = list(answers)

    class Custom:
        def __init__(self, config: dict[str, Any], **_: Any) -> None:
            pass

        def create(self, params: dict[str, Any]) -> Any:
            answer = left.pop(0)
            whole = answer if isinstance(answer, SimpleNamespace) else namespace(content=answer)
            return SimpleNamespace(choices=[SimpleNamespace(message=whole)], model="custom", answer=answer)

        def message_retrieval(self, response: Any) -> list[Any]:
            return [response.answer]

        def cost(self, response: Any) -> float:
            return 0

        @staticmethod
        def get_usage(response: Any) -> dict[str, Any]:
            return {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0, "model": "custom"}

    config = {"config_list": [{"model": "m", "model_client_cls": "Custom"}], "cache_seed": None}
    agent = ConversableAgent("bot", llm_config=config, human_input_mode="NEVER", **options)
    agent.register_model_client(Custom)
    return agent


@BOTH
@pytest.mark.parametrize(
    ("call", "result"),
    [
        (calling("ghost"), "Error: Function ghost not found."),
        (calling("my double"), "6"),  # spaces become underscores, as OpenAI's API would have it
        (calling("my_double", {"x": 1}), "2"),
        (calling("my_double", "{bad"), "Error: Expecting property name"),
        (calling("my_double", '{"y": 1}'), "unexpected keyword argument 'y'"),
        (calling("my_double", "[" * 100_000), "nested too deeply"),
        (calling("my_double", None), "6"),
        (calling("my_double", {"x": Path("a")}), "aa"),
        (calling("my_double", "{}", id=None), "6"),
        (calling(None), "Error: Function  not found."),
        (calling(5), "Error: Function 5 not found."),
        (calling("x", function=None), "Error: Function  not found."),
        (namespace(tool_calls=[SimpleNamespace(id="1", type="function")]), "Error: Function  not found."),
        (namespace(function_call=SimpleNamespace(name=None, arguments="{}")), "Error: Function  not found."),
    ],
)
def test_a_call_that_cannot_be_made_is_told_to_the_model(chat: Begin, call: Any, result: str) -> None:
    def my_double(x: int = 3) -> int:
        return 2 * x

    user = talker("user")
    user.register_function({"my_double": my_double})

    said = contents(chat(user, custom(call, "done")))

    assert result in said[2]
    assert said[3] == "done"


@BOTH
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (namespace(tool_calls=[None]), r"tool_calls\[0\] in a message of 'bot' must be a dict .* got null"),
        (namespace(tool_calls={"id": "1"}), "tool_calls in a message of 'bot' must be a list of dicts, got a dict"),
        (namespace(tool_calls="f()"), r"tool_calls in a message of 'bot' must be a list of dicts, got 'f\(\)'"),
        (namespace(tool_calls=[{"function": "f"}]), r"tool_calls\[0\].function in a message of 'bot' must be a dict"),
        (namespace(function_call="f"), "function_call in a message of 'bot' must be a dict .* got 'f'"),
        (5, "a message of 'bot' must be text or a dict, got 5"),
        (b"x", "a message of 'bot' must be text or a dict, got a bytes"),
    ],
)
def test_an_answer_of_no_form_is_an_error_with_the_agents_name(chat: Begin, answer: Any, says: str) -> None:
    with pytest.raises(InvalidMessage, match=says):
        chat(talker("user"), custom(answer))


@BOTH
def test_a_model_that_answers_none_has_no_reply_and_its_agent_is_named(chat: Begin) -> None:
    bot = custom(None, default_auto_reply="nothing to say")

    with pytest.warns(UserWarning, match="bot: the model's reply is None"):
        result = chat(talker("user"), bot, max_turns=1)

    assert contents(result) == ["hi", "nothing to say"]


@BOTH
def test_a_thousand_calls_at_once_are_all_answered_in_order(chat: Begin) -> None:
    user = talker("user")
    user.register_function({"double": lambda x: 2 * x})
    calls = [
        {"id": str(number), "type": "function", "function": {"name": "double", "arguments": f'{{"x": {number}}}'}}
        for number in range(1000)
    ]

    result = chat(user, custom(namespace(tool_calls=calls), "done"))

    responses = result.chat_history[2]["tool_responses"]
    assert [(each["tool_call_id"], each["content"]) for each in responses] == [
        (str(number), str(2 * number)) for number in range(1000)
    ]


# --- what a program says ---


@BOTH
@pytest.mark.parametrize("message", [5, b"x", ["a"], ("a",), pytest, float("nan"), True])
def test_a_message_is_text_or_a_dict(chat: Begin, message: Any) -> None:
    with pytest.raises(InvalidMessage, match="a message of 'user' must be text or a dict, got"):
        chat(talker("user"), talker("bot", "x"), message=message)


@BOTH
@pytest.mark.parametrize("message", [{}, {"role": "user"}, {"content": None}])
def test_a_message_that_says_nothing_is_refused_with_names(chat: Begin, message: Any) -> None:
    with pytest.raises(ValueError, match=r"Either content or function_call must be provided.*'user' says to 'bot'"):
        chat(talker("user"), talker("bot", "x"), message=message)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (5, TypeError, "content must be None, str, or list, but got <class 'int'>"),
        ({"a": 1}, TypeError, "content must be None, str, or list"),
        ([1], TypeError, r"every element should be dict .* content\[0\], 1"),
        ([{"text": "x"}], AssertionError, r"Missing 'type' key .* content\[0\]"),
        (["a", {"type": "zork"}], ValueError, r"unknown type zork within the content.* content\[1\]"),
        ([{"type": "text"}], TypeError, r"content\[0\].text must be text, got null"),
        ([{"type": "text", "text": float("nan")}], TypeError, r"content\[0\].text must be text, got nan"),
    ],
)
def test_a_content_of_no_form_is_an_error_that_says_who_said_it(
    content: Any, error: type[Exception], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(error, match=rf"{says}.*in what 'user' said to 'bot'"):
        talker("user").initiate_chat(talker("bot", "x"), message={"content": content}, max_turns=1)


@BOTH
@pytest.mark.parametrize("silent", [True, False])
def test_pictures_may_stand_in_a_message_as_they_may_in_a_request(
    chat: Begin, silent: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = Picture()
    content = ["look: ", tmp_path / "a.png", picture, {"type": "image", "image": picture}]
    model = saying("seen")

    result = chat(talker("user"), talker_with(model), message={"content": content}, max_turns=1, silent=silent)

    assert result.summary == "seen"
    assert model.asked[0]["messages"][-1]["content"][1:] == [
        {"type": "image", "image": tmp_path / "a.png"},
        {"type": "image", "image": picture},
        {"type": "image", "image": picture},
    ]
    assert silent or "look: <image><image><image>" in capsys.readouterr().out


class Picture:
    """An array by its shape, but one that can be compared."""

    __array_interface__ = np.zeros((2, 2, 3), np.uint8).__array_interface__


def talker_with(model: Any) -> ConversableAgent:
    return ConversableAgent("bot", model=model, human_input_mode="NEVER")


def test_a_picture_may_be_the_whole_content() -> None:
    assert text_of(np.zeros((2, 2, 3), np.uint8)) == "<image>"
    assert text_of(["a", {"type": "reasoning", "text": "thought"}, {"type": "text", "text": "b"}]) == "ab"


@BOTH
def test_pictures_go_round_in_a_group(chat: Begin, tmp_path: Path) -> None:
    content = ["look: ", tmp_path / "a.png"]
    model = saying("seen")
    user, bot = talker("user"), talker_with(model)
    group = GroupChat([user, bot], [], max_round=2, speaker_selection_method="round_robin")

    chat(user, GroupChatManager(group, silent=True), message={"content": content}, max_turns=None)

    assert model.asked[0]["messages"][-1]["content"][1] == {"type": "image", "image": tmp_path / "a.png"}
    assert group.messages[0]["content"] == "look: <image>"


@BOTH
def test_a_content_that_is_a_template_needs_no_termination_function_of_its_own(chat: Begin) -> None:
    message = {"content": lambda context: f"{context['n']} apples", "context": {"n": 3}}
    model = saying("ok")

    chat(talker("user"), talker_with(model), message=message, max_turns=1)

    assert model.asked[0]["messages"][-1]["content"] == "3 apples"


@pytest.mark.parametrize("wrong", [None, 5, "bot", ConversableAgent, {}])
def test_messages_go_to_agents_not_to_names(wrong: Any) -> None:
    user = talker("user")
    said = r"must be an agent \(not its name, nor its class\), got"

    with pytest.raises(AgentError, match=f"recipient, given to agent 'user', {said}"):
        user.send("hi", wrong)
    with pytest.raises(AgentError, match=f"recipient, given to agent 'user', {said}"):
        asyncio.run(user.a_send("hi", wrong))
    with pytest.raises(AgentError, match=f"sender, given to agent 'user', {said}"):
        user.receive("hi", wrong)
    with pytest.raises(AgentError, match=f"sender, given to agent 'user', {said}"):
        asyncio.run(user.a_receive("hi", wrong))
    if wrong is not None:
        with pytest.raises(AgentError, match=f"agent, given to agent 'user', {said}"):
            user.last_message(wrong)

    assert not user.chat_messages


@pytest.mark.parametrize("wrong", ["hi", 5, {"role": "user", "content": "hi"}, ["hi"], [5]])
def test_a_reply_is_asked_for_with_a_list_of_messages(wrong: Any) -> None:
    bot = talker("bot", "x")

    with pytest.raises(InvalidMessage, match="messages that agent 'bot' replies to must be a list of dicts"):
        bot.generate_reply(wrong)
    with pytest.raises(InvalidMessage, match="messages that agent 'bot' replies to must be a list of dicts"):
        asyncio.run(bot.a_generate_reply(wrong))


@pytest.mark.parametrize("wrong", [None, 5, "f"])
def test_a_call_that_is_none_is_told_like_any_other(wrong: Any) -> None:
    expected = f"Error: expected a call, a dict with name and arguments; got {type(wrong).__name__}."

    assert talker("bot").execute_function(wrong)[1]["content"] == expected
    assert asyncio.run(talker("bot").a_execute_function(wrong))[1]["content"] == expected


# --- how a program sets things up ---


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("function_map", ["f"], "must be a dict of functions by name, got a list"),
        ("function_map", {"f": 5}, r"function_map\['f'\] of agent 'a' must be a function, got 5"),
        ("chat_messages", [1], "must be a dict of lists of messages by agent"),
        ("is_termination_msg", 5, "must be a function of a message, got 5"),
        ("max_consecutive_auto_reply", "5", "must be a number, got '5'"),
        ("default_auto_reply", 5, "must be text, a dict or None, got 5"),
    ],
)
def test_an_option_that_cannot_work_is_refused_at_once(option: str, value: Any, says: str) -> None:
    with pytest.raises(AgentError, match=says) as caught:
        ConversableAgent("a", **{option: value})

    assert "'a'" in str(caught.value)
    assert caught.value.param == option


def test_a_function_that_is_none_is_refused_when_it_is_registered() -> None:
    agent = talker("a")

    with pytest.raises(AgentError, match=r"function_map\['f'\] of agent 'a' must be a function, got 'g'"):
        agent.register_function({"f": "g"})  # type: ignore[dict-item]
    with pytest.raises(AgentError, match="function_map, given to agent 'a', must be a dict"):
        agent.register_function(print)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Invalid name: 5\. Only letters"):
        agent.register_function({5: print})  # type: ignore[dict-item]


def test_what_cannot_be_called_is_no_reply_function_and_no_hook() -> None:
    agent = talker("a")

    with pytest.raises(AgentError, match="reply_func, registered with agent 'a', must be a function, got 'f'"):
        agent.register_reply(None, "f")  # type: ignore[arg-type]
    with pytest.raises(AgentError, match="a hook of agent 'a' must be a function, got 5"):
        agent.register_hook("process_last_received_message", 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, 5, "Custom", object()])
def test_only_classes_are_registered_as_models(wrong: Any) -> None:
    agent = ConversableAgent("a", llm_config={"config_list": [{"model": "m", "model_client_cls": "Custom"}]})

    with pytest.raises(ConfigError, match="agent 'a' registers a class, got"):
        agent.register_model_client(wrong)


@BOTH
@pytest.mark.parametrize("said", [None, "hi", "long", 5, (True,), {"final": True, "reply": "x"}])
def test_a_reply_function_that_gives_no_pair_is_named(chat: Begin, said: Any) -> None:
    def odd(recipient: Any, messages: Any, sender: Any, config: Any) -> Any:
        return said

    bot = talker("bot")
    bot.register_reply([autogen.Agent, None], odd)

    with pytest.raises(AgentError, match=r"reply function .*odd of agent 'bot' must return \(final, reply\)"):
        chat(talker("user"), bot)


@BOTH
def test_a_hook_that_forgets_to_return_the_message_is_named(chat: Begin) -> None:
    def forgets(sender: Any, message: Any, recipient: Any, silent: bool) -> None:
        pass

    async def a_forgets(sender: Any, message: Any, recipient: Any, silent: bool) -> None:
        pass

    user = talker("user")
    user.register_hook("process_message_before_send", forgets)
    user.register_hook("a_process_message_before_send", a_forgets)

    with pytest.raises(AgentError, match=r"the hook (a_)?forgets of agent 'user' gave None"):
        chat(user, talker("bot", "x"))


@BOTH
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"summary_method": ["last_msg"]}, "summary_method must be .* got \\['last_msg'\\]"),
        ({"summary_method": {}}, "summary_method must be"),
        ({"summary_args": 5}, "summary_args must be a dict or None, got 5"),
        ({"max_turns": 1.5}, "max_turns must be a whole number or None for no limit, got 1.5"),
    ],
)
def test_a_chat_that_could_only_fail_at_its_end_does_not_begin(chat: Begin, options: dict[str, Any], says: str) -> None:
    user, bot = talker("user"), talker("bot", "x")

    with pytest.raises((AgentError, AssertionError), match=says):
        chat(user, bot, **options)

    assert not user.chat_messages


@BOTH
@pytest.mark.parametrize("recipient", [None, "bot", 5, ConversableAgent])
def test_the_recipient_is_an_agent(chat: Begin, recipient: Any) -> None:
    with pytest.raises(AgentError, match="recipient must be a ConversableAgent") as caught:
        blocking(talker("user"), recipient)

    assert caught.value.param == "recipient"


@pytest.mark.parametrize(
    ("queue", "says"),
    [
        (5, "chats are given as a list of dicts, got 5"),
        (None, "chats are given as a list of dicts, got null"),
        ("bot", "chats are given as a list of dicts, got 'bot'"),
        ([5], "chat 0 of the queue must be a dict, got 5"),
        ([{"chat_id": 1}], "recipient must be provided"),
        ([{"chat_id": 1, "recipient": "bot", "message": "x"}], "recipient must be a ConversableAgent, got 'bot'"),
    ],
)
def test_a_queue_of_chats_is_a_list_of_dicts(queue: Any, says: str) -> None:
    user = talker("user")

    with pytest.raises((AgentError, AssertionError), match=says):
        user.initiate_chats(queue)
    with pytest.raises((AgentError, AssertionError, ExceptionGroup)):
        asyncio.run(user.a_initiate_chats(queue))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Each chat must have a unique id"),
        ({"chat_id": [1]}, "chat_id must be a whole number, got a list"),
        ({"chat_id": 1, "prerequisites": 7}, "prerequisites of chat 1 must be a list of ids, got 7"),
        ({"chat_id": 1, "prerequisites": [7]}, r"chat 1 waits for 7, and there are only \[1\]"),
        ({"chat_id": 1, "prerequisites": ["a"]}, "Prerequisite chat id is not int: chat 1 waits for 'a'"),
    ],
)
def test_chats_at_once_are_told_apart_by_their_ids(fields: dict[str, Any], says: str) -> None:
    chat = {"sender": talker("user"), "recipient": talker("bot", "x"), "message": "hi", "max_turns": 1, **fields}

    with pytest.raises(ValueError, match=says):
        asyncio.run(a_initiate_chats([chat]))


def test_no_chats_are_no_results() -> None:
    assert initiate_chats([]) == []
    assert asyncio.run(a_initiate_chats([])) == {}


@BOTH
@pytest.mark.parametrize("carryover", [5, {"a": 1}, ("a",), {"a"}, 0.5])
def test_a_carryover_of_the_wrong_type_is_named(chat: Begin, carryover: Any) -> None:
    with pytest.raises(InvalidCarryOverType, match=f"got {type(carryover).__name__}"):
        chat(talker("user"), talker("bot", "x"), carryover=carryover)


@BOTH
def test_a_carryover_may_not_be_nested_without_end(chat: Begin) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(InvalidCarryOverType, match="got a list that is nested too deeply"):
        chat(talker("user"), talker("bot", "x"), carryover=[deep])

    while deep:  # freed one by one: pytest would look at it whole
        deep = deep.pop()


@pytest.mark.parametrize("wrong", [None, "bot", ConversableAgent])
def test_tools_are_registered_with_agents(wrong: Any) -> None:
    with pytest.raises(AgentError, match="caller must be a ConversableAgent, got"):
        register_function(print, caller=wrong, executor=talker("a"), description="prints")
    with pytest.raises(AgentError, match="executor must be a ConversableAgent, got"):
        register_function(print, caller=talker("a"), executor=wrong, description="prints")


# --- groups ---


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"agents": None}, "agents should be a list of Agents; it is None"),
        ({"agents": ["a", "b"]}, r"agents\[0\] should be an Agent, not a name or a class; it is 'a'"),
        ({"agents": [ConversableAgent]}, r"agents\[0\] should be an Agent, not a name or a class"),
        ({"messages": None}, "messages should be a list, empty for a new group; it is None"),
        ({"max_round": "3"}, "max_round should be a whole number; it is '3'"),
    ],
)
def test_a_group_that_cannot_work_is_refused_when_it_is_made(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidGroupChat, match=says):
        GroupChat(**{"agents": [talker("a"), talker("b")], "messages": [], **fields})


@pytest.mark.parametrize("wrong", [None, [], "group"])
def test_a_manager_leads_a_group_chat(wrong: Any) -> None:
    with pytest.raises(InvalidGroupChat, match="groupchat must be a GroupChat, got"):
        GroupChatManager(wrong)


@BOTH
@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (talker("stranger"), r"returned an agent stranger not in the group chat\. In the group are \['a', 'b'\]"),
        (5, "returned an object of type <class 'int'> instead of Agent or str"),
        ("a", r"speaker_selection_method is set to 'a'\. It should be one of"),
    ],
)
def test_a_speaker_function_that_returns_a_stranger_is_refused(chat: Begin, choice: Any, says: str) -> None:
    a, b = talker("a"), talker("b")
    group = GroupChat([a, b], [], speaker_selection_method=lambda last_speaker, group: choice)

    with pytest.raises(InvalidGroupChat, match=says):
        chat(a, GroupChatManager(group, silent=True), max_turns=None)


@BOTH
@pytest.mark.parametrize("choice", [None, "b", ConversableAgent])
def test_a_group_of_ones_own_that_picks_no_agent_is_named(chat: Begin, choice: Any) -> None:
    class Own(GroupChat):
        def select_speaker(self, last_speaker: Any, selector: Any) -> Any:
            return choice

        async def a_select_speaker(self, last_speaker: Any, selector: Any) -> Any:
            return choice

    a, b = talker("a"), talker("b")

    with pytest.raises(InvalidGroupChat, match=r"select_speaker\(\) of Own must give an agent of the group, got .*'b'"):
        chat(a, GroupChatManager(Own([a, b], []), silent=True), max_turns=None)


# --- agents as things ---


def test_agents_can_be_copied_and_asked_apart() -> None:
    user, bot = talker("user"), talker_with(echo)
    blocking(user, bot)

    twin = copy.deepcopy(bot)
    shallow = copy.copy(user)
    result = blocking(talker("other"), twin, max_turns=1)

    assert contents(result) == ["hi", "2: hi"]
    assert shallow.chat_messages is user.chat_messages
    assert [len(messages) for messages in bot.chat_messages.values()] == [4]


def test_a_history_survives_pickling() -> None:
    user = talker("user")
    blocking(user, talker("bot", "x", "y"))
    [history] = user.chat_messages.values()

    assert pickle.loads(pickle.dumps(history)) == history


def test_an_agent_is_not_pickled_and_says_what_to_do() -> None:
    class Own(ConversableAgent):
        def __reduce__(self) -> Any:
            return Own, (self.name,)

    with pytest.raises(TypeError, match=r"agent 'bot' cannot be pickled.*initiate_chat"):
        pickle.dumps(talker("bot", "x"))
    assert Own("own").__reduce_ex__(4) == (Own, ("own",))


def test_agents_are_keys() -> None:
    one, same_name = talker("a"), talker("a")

    assert {one: 1, same_name: 2}[one] == 1


def test_an_input_that_is_no_text_names_who_was_asked() -> None:
    class Odd(ConversableAgent):
        def get_human_input(self, prompt: str) -> Any:
            return 5

    user = Odd("user", human_input_mode="ALWAYS", llm_config=False)

    with autogen.io.IOStream.set_default(Terminal()), pytest.raises(TypeError, match="in what 'user' said to 'bot'"):
        user.initiate_chat(talker("bot", "x"), message="hi", max_turns=2)
