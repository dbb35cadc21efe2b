"""How an agent's model is wired, asked, counted and shown."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from modelport import Client
from modelport.agents import ConversableAgent, gather_usage_summary
from modelport.agents.iostream import IOStream
from modelport.errors import AgentError, ConfigError
from tests.agents.talkers import Terminal, saying, talker, tool_call


class Scripted:
    """A model client in AutoGen's form that says what its entry's ``says`` holds, in order."""

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        self.left = iter(config.get("says", ("ok",) * 9))
        self.kwargs = kwargs
        self.asked: list[dict[str, Any]] = []

    def create(self, params: dict[str, Any]) -> Any:
        self.asked.append(params)
        message = SimpleNamespace(content=next(self.left), function_call=None)
        return SimpleNamespace(choices=[SimpleNamespace(message=message)], model="scripted")

    def message_retrieval(self, response: Any) -> list[Any]:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0.5

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3, "cost": 0.5, "model": "scripted"}


def configured(**entry: Any) -> dict[str, Any]:
    return {"config_list": [{"model": "m", "model_client_cls": "Scripted", **entry}], "cache_seed": None}


class Untouchable:
    """A loaded model that may be neither copied, compared nor asked whether it is true."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, messages: list[dict[str, Any]], **_: Any) -> str:
        self.calls += 1
        return "untouched"

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("weights are not copied")

    def __bool__(self) -> bool:
        raise TypeError("neither true nor false")

    def __eq__(self, other: object) -> bool:
        raise TypeError("not compared")

    __hash__ = object.__hash__


def test_a_loaded_object_is_held_by_reference() -> None:
    loaded = Untouchable()

    by_model = ConversableAgent("a", model=loaded, human_input_mode="NEVER")
    by_entry = ConversableAgent("b", llm_config={"config_list": [{"model": loaded}], "cache_seed": None})

    ask = [{"content": "x", "role": "user"}]
    assert by_model.generate_oai_reply(ask) == (True, "untouched")
    assert by_entry.generate_oai_reply(ask) == (True, "untouched")
    assert loaded.calls == 2


def test_the_arguments_of_a_registered_class_arrive_by_reference() -> None:
    weights = object()
    agent = ConversableAgent("a", llm_config=configured(), human_input_mode="NEVER")

    agent.register_model_client(Scripted, weights=weights)

    assert agent.client._entries[0].client.kwargs["weights"] is weights


def test_a_class_that_is_not_registered_when_it_is_needed_is_named() -> None:
    agent = ConversableAgent("a", llm_config=configured(), human_input_mode="NEVER")

    with pytest.raises(RuntimeError, match="Scripted"):
        talker("user").initiate_chat(agent, message="hi", max_turns=1)


def test_a_class_that_no_entry_names_is_refused() -> None:
    agent = ConversableAgent("a", llm_config=configured(model_client_cls="Other"))

    with pytest.raises(ValueError, match="Scripted"):
        agent.register_model_client(Scripted)
    with pytest.raises(ConfigError, match="agent 'b' has no llm_config, so Scripted cannot be registered"):
        ConversableAgent("b").register_model_client(Scripted)


@pytest.mark.parametrize("before", [True, False], ids=["tool first", "client first"])
def test_a_tool_does_not_take_the_model_away(before: bool) -> None:
    agent = ConversableAgent("a", llm_config=configured(), human_input_mode="NEVER")

    def add(a: int, b: int) -> int:
        return a + b

    if before:
        agent.register_for_llm(description="Adds.")(add)
    agent.register_model_client(Scripted)
    if not before:
        agent.register_for_llm(description="Adds.")(add)

    assert agent.generate_oai_reply([{"content": "x", "role": "user"}]) == (True, "ok")
    [asked] = agent.client._entries[0].client.asked
    assert [each["function"]["name"] for each in asked["tools"]] == ["add"]


def test_a_tool_does_not_take_the_usage_away() -> None:
    agent = ConversableAgent("a", llm_config=configured(), human_input_mode="NEVER")
    agent.register_model_client(Scripted)
    agent.generate_oai_reply([{"content": "x", "role": "user"}])

    agent.update_tool_signature({"type": "function", "function": {"name": "t"}})

    used = agent.get_actual_usage()
    assert used is not None
    assert used["total_cost"] == 0.5


@pytest.mark.parametrize("empty", [{}, {"config_list": []}, {"config_list": [{"model": ""}]}])
def test_an_empty_configuration_is_refused(empty: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="specify a non-empty 'model'"):
        ConversableAgent("a", llm_config=empty)


def test_a_configuration_that_is_no_dict_is_refused() -> None:
    with pytest.raises(AssertionError, match="llm_config must be a dict or False or None, got list"):
        ConversableAgent("a", llm_config=[])


def test_a_model_and_a_config_list_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match="either model or a config_list"):
        ConversableAgent("a", model="eliza", llm_config={"config_list": [{"model": "eliza"}]})


def test_fields_beside_a_model_are_those_of_its_calls() -> None:
    model = saying("ok")
    agent = ConversableAgent("a", model=model, llm_config={"temperature": 0.25})

    agent.generate_oai_reply([{"content": "x", "role": "user"}])

    assert model.asked[0]["temperature"] == 0.25


def test_a_client_may_be_shared() -> None:
    client = Client(model=saying("one", "two"))
    first, second = (ConversableAgent(name, model=client) for name in "ab")

    said = [agent.generate_oai_reply([{"content": "x", "role": "user"}])[1] for agent in (first, second)]

    assert said == ["one", "two"]
    assert gather_usage_summary([first, second])["usage_including_cached_inference"]["model"]["answers"] == 2


def test_the_callers_configuration_is_not_changed() -> None:
    config = configured()
    tools: list[Any] = []
    config["tools"] = tools
    agent = ConversableAgent("a", llm_config=config)

    agent.update_tool_signature({"type": "function", "function": {"name": "t"}})

    assert tools == []
    assert config["config_list"] == [{"model": "m", "model_client_cls": "Scripted"}]


def test_usage_is_counted_for_each_agent_and_for_all() -> None:
    agents = [ConversableAgent(name, llm_config=configured()) for name in "ab"]
    for agent in agents:
        agent.register_model_client(Scripted)
        agent.generate_oai_reply([{"content": "x", "role": "user"}])
    idle = ConversableAgent("idle")
    terminal = Terminal()

    with IOStream.set_default(terminal):
        idle.print_usage_summary()

    both = gather_usage_summary([*agents, idle])["usage_excluding_cached_inference"]
    assert both["total_cost"] == 1.0
    assert both["scripted"]["total_tokens"] == 6
    assert agents[0].get_total_usage() == agents[0].get_actual_usage()
    assert idle.get_actual_usage() is None
    assert terminal.text == "No cost incurred from agent 'idle'.\n"
    agents[0].reset()
    assert agents[0].get_actual_usage() is None


def test_unknown_cost_is_not_nothing() -> None:
    agent = talker("a", "ok")
    agent.generate_oai_reply([{"content": "x", "role": "user"}])

    assert gather_usage_summary([agent])["usage_including_cached_inference"]["total_cost"] is None
    assert gather_usage_summary([])["usage_including_cached_inference"]["total_cost"] == 0


def test_a_reply_of_none_is_no_reply_and_said_so() -> None:
    agent = ConversableAgent("a", llm_config=configured(says=(None,)), default_auto_reply="default")
    agent.register_model_client(Scripted)

    with pytest.warns(UserWarning, match="a: the model's reply is None"):
        assert agent.generate_oai_reply([{"content": "x", "role": "user"}]) == (False, None)


def test_names_of_tools_that_a_model_made_up_are_made_valid() -> None:
    agent = ConversableAgent("a", llm_config=configured(says=(tool_call("get weather!", "{}"),)))
    agent.register_model_client(Scripted)

    _, reply = agent.generate_oai_reply([{"content": "x", "role": "user"}])

    assert isinstance(reply, dict)
    assert reply["tool_calls"][0]["function"]["name"] == "get_weather_"


# --- shown while it comes ---


def pieces(messages: list[dict[str, Any]], **_: Any) -> Any:
    yield "Hel"
    yield "lo"


def test_words_are_shown_on_the_terminal_as_they_come_and_once() -> None:
    agent = ConversableAgent("a", model=pieces, stream=True, human_input_mode="NEVER")
    terminal = Terminal()

    with IOStream.set_default(terminal):
        result = talker("user").initiate_chat(agent, message="hi", max_turns=1)

    assert result.summary == "Hello"
    assert terminal.text.count("Hello") == 1
    assert "a (to user):\n\nHello\n" in terminal.text


def test_a_silent_chat_shows_nothing_while_it_comes() -> None:
    agent = ConversableAgent("a", model=pieces, stream=True, human_input_mode="NEVER")
    terminal = Terminal()

    with IOStream.set_default(terminal):
        talker("user").initiate_chat(agent, message="hi", max_turns=1, silent=True)

    assert terminal.text == ""


def test_a_function_is_given_each_piece() -> None:
    heard: list[str] = []
    agent = ConversableAgent("a", model=pieces, stream=lambda chunk: heard.append(chunk.text), human_input_mode="NEVER")

    talker("user").initiate_chat(agent, message="hi", max_turns=1, silent=True)

    assert "".join(heard) == "Hello"
    assert [each for each in heard if each] == ["Hel", "lo"]


async def test_pieces_come_in_async_chats_before_the_answer_is_whole() -> None:
    heard = asyncio.Event()

    async def model(messages: list[dict[str, Any]], **_: Any) -> Any:
        yield "first"
        async with asyncio.timeout(5):
            await heard.wait()
        yield " second"

    agent = ConversableAgent("a", model=model, stream=lambda chunk: heard.set(), human_input_mode="NEVER")

    result = await talker("user").a_initiate_chat(agent, message="hi", max_turns=1, silent=True)

    assert result.summary == "first second"


def test_a_stream_that_is_neither_a_truth_nor_a_function_is_named() -> None:
    with pytest.raises(AgentError, match="stream of agent 'a' must be True, False or a function of a Chunk, got 'yes'"):
        ConversableAgent("a", model=pieces, stream="yes")  # type: ignore[arg-type]
