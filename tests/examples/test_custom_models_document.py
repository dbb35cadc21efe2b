"""The document "AutoGen with Custom Models" with agents, step by step and word for word; its class: seed_autogen.py."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import modelport.autogen as autogen  # noqa: PLR0402 - as its users write it
from tests import seed_autogen
from tests.seed_autogen import CustomModelClient

# Step 2, word for word, but for the comma after 1000, which JSON does not have.
OAI_CONFIG_LIST = """[
{
"model": "Open-Orca/Mistral-7B-OpenOrca",
"model_client_cls": "CustomModelClient",
"device": "cuda",
"n": 1,
"params": {
"max_length": 1000
}
}
]"""
Seed = seed_autogen.CustomModelClient  # for classes that must have its name
ANSWER = "this is a dummy text response"


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "OAI_CONFIG_LIST").write_text(OAI_CONFIG_LIST)


def pair(**config: Any) -> tuple[autogen.AssistantAgent, autogen.UserProxyAgent]:
    config_list = autogen.config_list_from_json(
        "OAI_CONFIG_LIST", filter_dict={"model_client_cls": ["CustomModelClient"]}
    )
    my_agent = autogen.AssistantAgent("my_agent", llm_config={"config_list": config_list, **config})
    user_proxy = autogen.UserProxyAgent("user_proxy", human_input_mode="NEVER", code_execution_config=False)
    return my_agent, user_proxy


def test_the_three_steps_lead_to_a_chat(capsys: pytest.CaptureFixture[str]) -> None:
    my_agent, user_proxy = pair()

    my_agent.register_model_client(model_client_cls=CustomModelClient)
    chat = user_proxy.initiate_chat(my_agent, message="Hello?", max_turns=1)

    assert [each["content"] for each in chat.chat_history] == ["Hello?", ANSWER]
    printed = capsys.readouterr().out
    assert "CustomModelClient config: {'model': 'Open-Orca/Mistral-7B-OpenOrca'" in printed
    assert "'params': {'max_length': 1000}" in printed
    assert f"my_agent (to user_proxy):\n\n{ANSWER}\n" in printed


def test_no_entry_of_the_list_is_touched() -> None:
    config_list = autogen.config_list_from_json("OAI_CONFIG_LIST")
    my_agent = autogen.AssistantAgent("my_agent", llm_config={"config_list": config_list})

    my_agent.register_model_client(model_client_cls=CustomModelClient)

    assert config_list == autogen.config_list_from_json("OAI_CONFIG_LIST")


def test_if_it_is_not_registered_by_the_time_the_chat_is_initialized_an_error_is_raised() -> None:
    my_agent, user_proxy = pair()

    with pytest.raises(RuntimeError, match="CustomModelClient"):
        user_proxy.initiate_chat(my_agent, message="Hello?", max_turns=1, silent=True)


def test_all_of_the_custom_models_of_the_list_must_have_been_registered() -> None:
    my_agent, user_proxy = pair(
        config_list=[{"model": name, "model_client_cls": name} for name in ("CustomModelClient", "Other")]
    )
    my_agent.register_model_client(model_client_cls=CustomModelClient)

    with pytest.raises(RuntimeError, match="Other"):
        user_proxy.initiate_chat(my_agent, message="Hello?", max_turns=1, silent=True)


def test_other_args_are_forwarded_to_the_constructor() -> None:
    weights, seen = object(), []

    class CustomModelClient(Seed):
        def __init__(self, config: Any, weights: Any, **kwargs: Any) -> None:
            seen.append((config["device"], weights, kwargs))

    my_agent, _ = pair()
    my_agent.register_model_client(model_client_cls=CustomModelClient, weights=weights, more=1)

    assert seen == [("cuda", weights, {"more": 1})]


def test_message_retrieval_may_give_messages_that_call_tools() -> None:
    class CustomModelClient(Seed):
        def create(self, params: dict[str, Any]) -> SimpleNamespace:
            function = SimpleNamespace(name="add", arguments='{"a": 2, "b": 3}')
            call = SimpleNamespace(id="call_1", type="function", function=function)
            asked = any(message["role"] == "tool" for message in params["messages"])
            message = SimpleNamespace(
                role="assistant",
                content=f"It is {params['messages'][-1]['content']}." if asked else None,
                tool_calls=None if asked else [call],
                function_call=None,
            )
            return SimpleNamespace(choices=[SimpleNamespace(message=message)], model="calls")

        def message_retrieval(self, response: SimpleNamespace) -> list[Any]:
            return [choice.message for choice in response.choices]

    my_agent, user_proxy = pair()
    my_agent.register_model_client(model_client_cls=CustomModelClient)

    def add(a: int, b: int) -> int:
        return a + b

    autogen.register_function(add, caller=my_agent, executor=user_proxy, description="Adds.")
    chat = user_proxy.initiate_chat(my_agent, message="2 and 3?", max_turns=2, silent=True)

    assert [each["content"] for each in chat.chat_history] == ["2 and 3?", None, "5", "It is 5."]


@pytest.mark.parametrize("counted", [None, {}])
def test_who_does_not_count_may_return_nothing(counted: Any) -> None:
    class CustomModelClient(Seed):
        @staticmethod
        def get_usage(response: Any) -> Any:
            return counted

    my_agent, user_proxy = pair()
    my_agent.register_model_client(model_client_cls=CustomModelClient)
    chat = user_proxy.initiate_chat(my_agent, message="Hello?", max_turns=1, silent=True)

    assert chat.summary == ANSWER
    assert chat.cost["usage_including_cached_inference"]["total_cost"] == 0
