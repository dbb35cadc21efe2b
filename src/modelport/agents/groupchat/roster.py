"""A group chat's fields, who is in it and what was said. Asks nobody anything and sends nothing."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from modelport.agents.agent import Agent
from modelport.agents.content import text_of
from modelport.agents.graphs import check_graph_validity
from modelport.agents.groupchat import templates
from modelport.agents.groupchat.mentions import mentioned
from modelport.agents.groupchat.settings import METHODS, check_settings
from modelport.agents.groupchat.transitions import allowed_by_repeating, allowed_by_transitions, transitions_type
from modelport.errors import AgentNameConflict, UndefinedNextAgent

__all__ = ("Roster",)

logger: logging.Logger = logging.getLogger(__name__)


@dataclass
class Roster:
    """The fields of a group chat, in AutoGen 0.2's order, and what can be told from them."""

    agents: list[Agent]
    messages: list[dict[str, Any]]
    max_round: int = 10
    admin_name: str = "Admin"
    func_call_filter: bool = True
    speaker_selection_method: Literal["auto", "manual", "random", "round_robin"] | Callable[..., Any] = "auto"
    max_retries_for_selecting_speaker: int = 2
    allow_repeat_speaker: bool | list[Agent] | None = None
    allowed_or_disallowed_speaker_transitions: dict[Agent, list[Agent]] | None = None
    speaker_transitions_type: Literal["allowed", "disallowed"] | None = None
    enable_clear_history: bool = False
    send_introductions: bool = False
    select_speaker_message_template: str = templates.SCENE
    select_speaker_prompt_template: str | None = templates.ASK
    select_speaker_auto_multiple_template: str = templates.ASK_ONE_OF_SEVERAL
    select_speaker_auto_none_template: str = templates.ASK_WITH_NAMES
    select_speaker_transform_messages: Any | None = None
    select_speaker_auto_verbose: bool | None = False
    select_speaker_auto_model_client_cls: type | list[type] | None = None
    select_speaker_auto_llm_config: dict[str, Any] | Literal[False] | None = None
    role_for_select_speaker_messages: str | None = "system"

    allowed_speaker_transitions_dict: dict[Agent, list[Agent]] = field(init=False)

    DEFAULT_INTRO_MSG: ClassVar[str] = templates.INTRODUCTION
    _VALID_SPEAKER_SELECTION_METHODS: ClassVar[list[str]] = list(METHODS)
    _VALID_SPEAKER_TRANSITIONS_TYPE: ClassVar[list[str | None]] = ["allowed", "disallowed", None]

    def __post_init__(self) -> None:
        self.speaker_transitions_type = transitions_type(self.speaker_transitions_type)
        check_settings(self)
        self.select_speaker_prompt_template = self.select_speaker_prompt_template or None
        transitions = self.allowed_or_disallowed_speaker_transitions
        if transitions is not None:
            self.allowed_speaker_transitions_dict = allowed_by_transitions(
                self.agents, transitions, self.speaker_transitions_type
            )
        else:
            if self.allow_repeat_speaker is None:
                self.allow_repeat_speaker = True
            self.allowed_speaker_transitions_dict = allowed_by_repeating(self.agents, self.allow_repeat_speaker)
        check_graph_validity(self.allowed_speaker_transitions_dict, self.agents)

    # --- what was said ---

    def reset(self) -> None:
        """Forget what was said."""
        self.messages.clear()

    def append(self, message: dict[str, Any], speaker: Agent) -> None:
        """Keep *message*, which *speaker* said: it gets their name, unless a function said it.

        The group keeps text: in place of an image it has ``<image>``. What the agents hear keeps its images.
        """
        if message["role"] != "function":
            message["name"] = speaker.name
        content = message["content"]
        text = text_of(content)
        if "<image>" in text and not isinstance(content, str):
            message = {**message, "content": text}
        else:
            message["content"] = text
        self.messages.append(message)

    # --- who is in it ---

    @property
    def agent_names(self) -> list[str]:
        """The names of the agents, in their order."""
        return [agent.name for agent in self.agents]

    def agent_by_name(self, name: str, recursive: bool = False, raise_on_name_conflict: bool = False) -> Agent | None:
        """The first agent of that name, or None; *recursive* looks into the groups of managers in this one, too.

        Raises:
            AgentNameConflict: there are several, and *raise_on_name_conflict* is set.
        """
        found = [agent for agent in (self.nested_agents() if recursive else self.agents) if agent.name == name]
        if raise_on_name_conflict and len(found) > 1:
            raise AgentNameConflict(
                f"Found multiple agents with the same name: {len(found)} agents are named {name!r}."
            )
        return found[0] if found else None

    def nested_agents(self) -> list[Agent]:
        """The agents of this group and of the groups that managers in it lead, each of them once."""
        found: dict[int, Agent] = {}
        groups: list[Roster] = [self]
        for group in groups:
            for agent in group.agents:
                if id(agent) not in found:
                    found[id(agent)] = agent
                    inner = getattr(agent, "groupchat", None)
                    if isinstance(inner, Roster):
                        groups.append(inner)
        return list(found.values())

    def next_agent(self, agent: Agent, agents: list[Agent] | None = None) -> Agent:
        """Whose turn it is after *agent*, in the order of the group; only *agents* count, if they are given.

        Raises:
            UndefinedNextAgent: one of *agents* is not in the group, or there are none.
        """
        candidates = self.agents if agents is None else agents
        strangers = [each.name for each in candidates if each not in self.agents]
        if strangers or not candidates:
            raise UndefinedNextAgent(
                "The provided agents list does not overlap with agents in the group: "
                f"{strangers or 'it is empty'}; in the group are {self.agent_names}."
            )
        names = self.agent_names
        after = names.index(agent.name) + 1 if agent.name in names else 0
        return next(each for each in (*self.agents[after:], *self.agents[:after]) if each in candidates)

    def _mentioned_agents(
        self, message_content: str | list[Any] | dict[str, Any] | None, agents: list[Agent] | None
    ) -> dict[str, int]:
        """How often a message says each agent's name, if at all; what a model only thought does not count."""
        content = message_content["content"] if isinstance(message_content, dict) else message_content
        named = self.agents if agents is None else agents
        return mentioned(text_of(content), [agent.name for agent in named])

    # --- what they are told ---

    def introductions_msg(self, agents: list[Agent] | None = None) -> str:
        """A greeting with a line ``name: description`` for each agent."""
        return f"{self.DEFAULT_INTRO_MSG}\n\n{self._participant_roles(agents)}"

    def select_speaker_msg(self, agents: list[Agent] | None = None) -> str:
        """What the model that picks a speaker is told first."""
        template = self.select_speaker_message_template
        roles = self._participant_roles(agents)
        return templates.fill(
            template, "select_speaker_message_template", roles=roles, agentlist=self._agent_list(agents)
        )

    def select_speaker_prompt(self, agents: list[Agent] | None = None) -> str | None:
        """What it is asked last; None where the group has no such question."""
        template = self.select_speaker_prompt_template
        if template is None:
            return None
        return templates.fill(template, "select_speaker_prompt_template", agentlist=self._agent_list(agents))

    def _agent_list(self, agents: Iterable[Agent] | None) -> str:
        return str([agent.name for agent in (self.agents if agents is None else agents)])

    def _participant_roles(self, agents: list[Agent] | None = None) -> str:
        roles = []
        for agent in self.agents if agents is None else agents:
            description = agent.description or ""
            if not description.strip():
                logger.warning(
                    "The agent '%s' has an empty description, and may not work well with GroupChat.", agent.name
                )
            roles.append(f"{agent.name}: {description}".strip())
        return "\n".join(roles)
