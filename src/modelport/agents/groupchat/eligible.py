"""Who of a group may speak next, before anybody is asked to choose. Knows no model and changes nothing."""

from typing import Any

from modelport.agents.agent import Agent
from modelport.errors import InvalidGroupChat, NoEligibleSpeaker

__all__ = ("called_functions", "followers", "runners")


def called_functions(message: dict[str, Any]) -> list[str]:
    """The names of the functions that *message* calls, the old way and the new."""
    call = message.get("function_call")
    names: list[str] = [call["name"]] if call else []
    names.extend(
        each["function"]["name"]
        for each in message.get("tool_calls") or ()
        if each.get("type", "function") == "function"
    )
    return names


def runners(functions: list[str], agents: list[Agent]) -> list[Agent]:
    """Those of *agents* who can run *functions*; if nobody can, those who can run any function at all.

    Raises:
        InvalidGroupChat: nobody can.
    """
    able = [agent for agent in agents if _can_run(agent, functions)]
    able = able or [agent for agent in agents if getattr(agent, "function_map", None)]
    if not able:
        raise InvalidGroupChat(
            f"No agent can execute the function {', '.join(functions)}. Please check the function_map of the agents: "
            f"{[agent.name for agent in agents]}.",
            param="func_call_filter",
        )
    return able


def _can_run(agent: Any, functions: list[str]) -> bool:
    can_execute = getattr(agent, "can_execute_function", None)
    return can_execute is not None and bool(can_execute(functions))


def followers(
    last_speaker: Agent, candidates: list[Agent], agents: list[Agent], allowed: dict[Agent, list[Agent]]
) -> list[Agent]:
    """Those of *candidates* whom the graph *allowed* lets speak after *last_speaker*.

    Nobody, where the graph says nothing of a *last_speaker* who is not among the group's *agents*.

    Raises:
        NoEligibleSpeaker: the graph says nothing of a *last_speaker* who is: with them the talk ends.
    """
    following = allowed.get(last_speaker)
    if following is None:
        if last_speaker in agents:
            raise NoEligibleSpeaker(f"Last speaker {last_speaker.name} is not in the allowed_speaker_transitions_dict.")
        return []
    return [agent for agent in candidates if agent in following]
