"""Who may speak after whom, as a graph: agent -> list of agents. Knows no group chat.

Names, signatures and error types are those of AutoGen 0.2's ``graph_utils``.
"""

import importlib
import logging
from collections.abc import Iterable
from typing import Any

from modelport.agents.agent import Agent
from modelport.errors import InvalidGroupChat

__all__ = (
    "check_graph_validity",
    "has_self_loops",
    "invert_disallowed_to_allowed",
    "visualize_speaker_transitions_dict",
)

logger: logging.Logger = logging.getLogger(__name__)


def has_self_loops(allowed_speaker_transitions: dict[Agent, list[Agent]]) -> bool:
    """Whether anyone may speak twice in a row."""
    return any(agent in others for agent, others in allowed_speaker_transitions.items())


def check_graph_validity(allowed_speaker_transitions_dict: dict[Agent, list[Agent]], agents: list[Agent]) -> None:
    """Refuse a graph that cannot be used; warn, by the log, of one that is probably not meant.

    Raises:
        InvalidGroupChat: it is no dict of lists of agents, or one of its keys is not among *agents*.
    """
    _refuse_wrong_shapes(allowed_speaker_transitions_dict)
    strangers = [agent for agent in allowed_speaker_transitions_dict if agent not in agents]
    if strangers:
        raise InvalidGroupChat(
            f"allowed_speaker_transitions_dict has keys not in agents: {_names(strangers)}; "
            f"the agents are {_names(agents)}",
            param="allowed_or_disallowed_speaker_transitions",
        )
    for agent, others in allowed_speaker_transitions_dict.items():
        for other in others:
            if not isinstance(other, Agent):
                raise InvalidGroupChat(
                    "allowed_speaker_transitions_dict has values that are not lists of Agents: after "
                    f"{agent.name!r} comes {other!r}, a {type(other).__name__}; give the agents themselves, "
                    "not their names",
                    param="allowed_or_disallowed_speaker_transitions",
                )
    _warn_of_doubts(allowed_speaker_transitions_dict, agents)


def _refuse_wrong_shapes(graph: Any) -> None:
    if not isinstance(graph, dict):
        raise InvalidGroupChat(
            f"allowed_speaker_transitions_dict must be a dictionary, not a {type(graph).__name__}",
            param="allowed_or_disallowed_speaker_transitions",
        )
    for agent, others in graph.items():
        if not isinstance(others, list):
            raise InvalidGroupChat(
                "allowed_speaker_transitions_dict must be a dictionary with lists as values; "
                f"after {_name(agent)!r} comes a {type(others).__name__}",
                param="allowed_or_disallowed_speaker_transitions",
            )


def _warn_of_doubts(graph: dict[Agent, list[Agent]], agents: list[Agent]) -> None:
    speak_before = {agent for agent, others in graph.items() if others}
    speak_after = {other for others in graph.values() for other in others}
    isolated = [agent for agent in agents if agent not in speak_before and agent not in speak_after]
    if isolated:
        logger.warning(
            "There are isolated agent nodes, with neither incoming nor outgoing edges. Isolated agents: %s",
            _names(isolated),
        )
    odd = (speak_before | speak_after).symmetric_difference(agents)
    if odd:
        logger.warning(
            "The set of agents in allowed_speaker_transitions do not match agents. Offending agents: %s",
            sorted(_names(odd)),
        )
    for agent, others in graph.items():
        doubled = {other.name for other in others if others.count(other) > 1}
        if doubled:
            logger.warning(
                "Agent '%s' has duplicate elements: %s. Please remove duplicates manually.", agent.name, sorted(doubled)
            )


def invert_disallowed_to_allowed(
    disallowed_speaker_transitions_dict: dict[Agent, list[Agent]], agents: list[Agent]
) -> dict[Agent, list[Agent]]:
    """The graph in which everyone of *agents* may follow everyone, without the edges that are given.

    Raises:
        InvalidGroupChat: a key is not among *agents*.
    """
    _refuse_wrong_shapes(disallowed_speaker_transitions_dict)
    strangers = [agent for agent in disallowed_speaker_transitions_dict if agent not in agents]
    if strangers:
        raise InvalidGroupChat(
            f"the disallowed speaker transitions have keys not in agents: {_names(strangers)}; "
            f"the agents are {_names(agents)}",
            param="allowed_or_disallowed_speaker_transitions",
        )
    return {
        agent: [other for other in agents if other not in disallowed_speaker_transitions_dict.get(agent, ())]
        for agent in agents
    }


def visualize_speaker_transitions_dict(
    speaker_transitions_dict: dict[Agent, list[Agent]], agents: list[Agent], export_path: str | None = None
) -> None:
    """Draw the graph with networkx and matplotlib: into the file *export_path*, or into a window.

    Raises:
        ImportError: one of the two is not installed.
    """
    try:
        pyplot = importlib.import_module("matplotlib.pyplot")
        networkx = importlib.import_module("networkx")
    except ImportError as error:
        raise ImportError(f"drawing the transitions needs networkx and matplotlib: {error}") from error
    graph = networkx.DiGraph()
    graph.add_nodes_from(_names(agents))
    graph.add_edges_from(
        (agent.name, other.name) for agent, others in speaker_transitions_dict.items() for other in others
    )
    networkx.draw(graph, with_labels=True, font_weight="bold")
    if export_path is None:
        pyplot.show()
    else:
        pyplot.savefig(export_path)


def _name(agent: object) -> str:
    return str(getattr(agent, "name", agent))


def _names(agents: Iterable[object]) -> list[str]:
    return [_name(agent) for agent in agents]
