"""The model picks who speaks next: two internal agents talk, one asks and judges, one has the model. Knows no group.

The one with the model gets it from the manager by reference, so a client that was registered there answers here too.
"""

from collections.abc import Callable
from typing import Any

from modelport.agents.agent import Agent
from modelport.agents.conversable import ConversableAgent
from modelport.errors import InvalidGroupChat

__all__ = ("ASKING", "CHOOSING", "FAILED", "SELECTED", "asker", "chooser", "uncalled")

ASKING = "checking_agent"
CHOOSING = "speaker_selection_agent"
SELECTED = "[AGENT SELECTED]"
FAILED = "[AGENT SELECTION FAILED]"


def uncalled(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*messages* as a list of their own; a last one that calls tools does not, as an API would insist on results."""
    messages = messages.copy()
    if messages:
        last = messages[-1]
        calls = {key: None for key in ("function_call", "tool_calls") if last.get(key)}
        if calls:
            messages[-1] = {**last, **calls}
    return messages


def asker(judge: Callable[..., Any]) -> ConversableAgent:
    """The agent that asks; *judge* is its only reply function."""
    agent = ConversableAgent(ASKING)
    agent.register_reply([ConversableAgent, None], reply_func=judge, remove_other_reply_funcs=True)
    return agent


def chooser(
    scene: str,
    histories: dict[Agent, list[dict[str, Any]]],
    manager: Any,
    llm_config: Any,
    classes: Any,
) -> ConversableAgent:
    """The agent with the model: *llm_config*'s, its custom classes among *classes*; or else the *manager*'s own."""
    agent = ConversableAgent(
        CHOOSING,
        system_message=scene,
        chat_messages=histories,
        llm_config=llm_config or False,
        human_input_mode="NEVER",
    )
    if llm_config:
        _register(agent, llm_config, classes)
    elif isinstance(manager, ConversableAgent):
        manager._share_model_with(agent)
    return agent


def _register(agent: ConversableAgent, llm_config: dict[str, Any], classes: Any) -> None:
    for entry in llm_config.get("config_list", [llm_config]):
        name = entry.get("model_client_cls")
        if name:
            agent.register_model_client(_class_of(name, classes))


def _class_of(name: str, classes: Any) -> Any:
    if not classes:
        raise InvalidGroupChat(
            f"A custom model was detected in the config but no 'model_client_cls' was supplied for "
            f"registration in GroupChat: give {name!r} as select_speaker_auto_model_client_cls",
            param="select_speaker_auto_model_client_cls",
        )
    if not isinstance(classes, list):
        return classes
    matching = {each for each in classes if each.__name__ == name}
    if len(matching) > 1:
        raise RuntimeError(f"More than one unique 'model_client_cls' with __name__ '{name}'.")
    if not matching:
        raise InvalidGroupChat(
            f"No model's __name__ matches the model client class '{name}' specified in "
            f"select_speaker_auto_llm_config; there are {sorted(each.__name__ for each in classes)}",
            param="select_speaker_auto_model_client_cls",
        )
    return matching.pop()
