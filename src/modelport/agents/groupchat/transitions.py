"""From a group chat's settings to the graph of who may speak after whom. Knows no message."""

from collections.abc import Iterable
from typing import Any

from modelport.agents.agent import Agent
from modelport.agents.graphs import invert_disallowed_to_allowed
from modelport.errors import InvalidGroupChat

__all__ = ("allowed_by_repeating", "allowed_by_transitions", "transitions_type")

_TYPES = ("allowed", "disallowed", None)


def transitions_type(given: Any) -> Any:
    """``"allowed"``, ``"disallowed"`` or None, of *given* in any capitals.

    Raises:
        InvalidGroupChat: it is none of them.
    """
    kind = given.lower() if isinstance(given, str) else given
    if kind not in _TYPES:
        raise InvalidGroupChat(
            f"GroupChat speaker_transitions_type is set to '{given}'. "
            f"It should be one of {list(_TYPES)} (case insensitive).",
            param="speaker_transitions_type",
        )
    return kind


def allowed_by_repeating(agents: list[Agent], repeat: bool | list[Agent] | None) -> dict[Agent, list[Agent]]:
    """Everyone may follow everyone else; *repeat* says who may follow themselves: all, none, or those listed.

    Raises:
        InvalidGroupChat: *repeat* lists somebody who is not among *agents*.
    """
    allowed = {agent: [other for other in agents if other != agent] for agent in agents}
    repeating = (agents if repeat else ()) if not isinstance(repeat, list) else repeat
    _refuse_strangers(repeating, agents)
    for agent in repeating:
        allowed[agent].append(agent)
    return allowed


def _refuse_strangers(listed: Iterable[Agent], agents: list[Agent]) -> None:
    strangers = [str(getattr(agent, "name", agent)) for agent in listed if agent not in agents]
    if strangers:
        raise InvalidGroupChat(
            f"allow_repeat_speaker lists {strangers}, who are not among the agents of the group: "
            f"{[agent.name for agent in agents]}",
            param="allow_repeat_speaker",
        )


def allowed_by_transitions(agents: list[Agent], transitions: Any, kind: str | None) -> dict[Agent, list[Agent]]:
    """The graph that the user wrote: itself where its *kind* is ``allowed``, turned round where it is ``disallowed``.

    Raises:
        InvalidGroupChat: *kind* is None.
    """
    if kind is None:
        raise InvalidGroupChat(
            "GroupChat allowed_or_disallowed_speaker_transitions is not None, but speaker_transitions_type is None. "
            "Please set speaker_transitions_type to either 'allowed' or 'disallowed'.",
            param="speaker_transitions_type",
        )
    graph: dict[Agent, list[Agent]] = transitions
    return graph if kind == "allowed" else invert_disallowed_to_allowed(graph, agents)
