"""Who speaks next in a group chat. Sends no message of the group's own.

Every way of choosing is written once, as a coroutine; ``select_speaker`` goes it blocking, ``a_select_speaker`` awaits.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelport.agents.agent import Agent
from modelport.agents.groupchat import selecting, templates
from modelport.agents.groupchat.eligible import called_functions, followers, runners
from modelport.agents.groupchat.roster import Roster
from modelport.agents.groupchat.settings import check_method
from modelport.agents.groupchat.twins import AWAITING, BLOCKING, Ways, drive
from modelport.agents.iostream import IOStream, colored
from modelport.agents.turns import unrecorded
from modelport.errors import InvalidGroupChat, NoEligibleSpeaker

__all__ = ("GroupChat",)

logger: logging.Logger = logging.getLogger(__name__)

_TRIES = 3  # how often a person is asked for a number


@dataclass
class GroupChat(Roster):
    """Agents who talk with each other, one at a time, led by a :class:`GroupChatManager`.

    Fields, defaults and methods are AutoGen 0.2's. The ones that most groups set: ``agents``; ``messages`` (what was
    said so far, usually ``[]``); ``max_round``; ``speaker_selection_method``: ``"auto"`` (a model picks),
    ``"manual"``, ``"random"``, ``"round_robin"``, or a function ``(last_speaker, group) -> agent, one of these words,
    or None to end``; ``allow_repeat_speaker``, or ``allowed_or_disallowed_speaker_transitions`` with
    ``speaker_transitions_type``; ``send_introductions``; ``enable_clear_history``; ``func_call_filter`` (who speaks
    after a tool call is one who can run it).

    The model that picks is the manager's, custom clients included, unless ``select_speaker_auto_llm_config`` names
    another.

    Raises:
        InvalidGroupChat: a field has a value that cannot work. It is a ValueError.
    """

    def select_speaker(self, last_speaker: Agent, selector: Any) -> Agent:
        """Who speaks after *last_speaker*; *selector* is the manager, whose model is asked if one is.

        Raises:
            NoEligibleSpeaker: nobody may speak, so the chat ends.
            InvalidGroupChat: the group is too small, or its own way of choosing gave something else than a speaker.
        """
        return drive(self._select(last_speaker, selector, BLOCKING))

    async def a_select_speaker(self, last_speaker: Agent, selector: Any) -> Agent:
        """As :meth:`select_speaker`, awaited; ``speaker_selection_method`` may be a coroutine function, too."""
        return await self._select(last_speaker, selector, AWAITING)

    async def _select(self, last_speaker: Agent, selector: Any, ways: Ways) -> Agent:
        method, chosen = await self._method(last_speaker, ways)
        if chosen is not None:
            return chosen
        agents = self._candidates(last_speaker, method)
        if agents is not None and len(agents) == 1:
            return agents[0]
        if method == "round_robin":
            return self.next_agent(last_speaker, agents)
        picked: Agent | None = None
        if method == "random":
            picked = self.random_select_speaker(agents)
        elif method == "manual":
            picked = await ways.call(self.manual_select_speaker, agents)
            if picked is None and self.speaker_selection_method == method:
                return self.next_agent(last_speaker, agents)
        if picked is not None:
            return picked
        asked = selecting.uncalled(self.messages), agents
        return await ways.auto_select(self, last_speaker, selector, asked)

    async def _method(self, last_speaker: Agent, ways: Ways) -> tuple[str, Agent | None]:
        """How to choose, or already whom."""
        function = self.speaker_selection_method
        if isinstance(function, str):
            return check_method(function), None
        if not callable(function):
            raise InvalidGroupChat(
                f"GroupChat speaker_selection_method is a {type(function).__name__}: give a word or a function",
                param="speaker_selection_method",
            )
        said = await ways.settle(function(last_speaker, self), "the speaker selection function")
        if said is None:
            raise NoEligibleSpeaker("Custom speaker selection function returned None. Terminating conversation.")
        if isinstance(said, str):
            return check_method(said), None
        if not isinstance(said, Agent):
            raise InvalidGroupChat(
                f"Custom speaker selection function returned an object of type {type(said)} instead of Agent or str.",
                param="speaker_selection_method",
            )
        if said not in self.agents:
            raise InvalidGroupChat(
                f"Custom speaker selection function returned an agent {said.name} not in the group chat. "
                f"In the group are {self.agent_names}.",
                param="speaker_selection_method",
            )
        return "", said

    def _candidates(self, last_speaker: Agent, method: str) -> list[Agent] | None:
        """Who may speak next; None where nothing tells, so that anybody may."""
        repeats = self.allow_repeat_speaker
        may_repeat = last_speaker in repeats if isinstance(repeats, list) else repeats
        self._check_size(method, may_repeat)
        agents = self.agents
        if self.func_call_filter and self.messages:
            functions = called_functions(self.messages[-1])
            if functions:
                agents = runners(functions, agents)
                if len(agents) == 1:
                    return agents
        if may_repeat is False:
            agents = [agent for agent in agents if agent != last_speaker]
        return followers(last_speaker, agents, self.agents, self.allowed_speaker_transitions_dict) or None

    def _check_size(self, method: str, may_repeat: bool | None) -> None:
        size = len(self.agents)
        if size < 2:
            who = f" The only one is {self.agent_names[0]}." if size else ""
            raise InvalidGroupChat(
                f"GroupChat is underpopulated with {size} agents. Please add more agents to the GroupChat or "
                f"use direct communication instead.{who}",
                param="agents",
            )
        if size == 2 and method != "round_robin" and may_repeat:
            logger.warning(
                "GroupChat is underpopulated with %d agents. Consider setting speaker_selection_method to "
                "'round_robin' or allow_repeat_speaker to False, or use direct communication, unless repeated speaker "
                "is desired.",
                size,
            )

    # --- by a person, by chance ---

    def manual_select_speaker(self, agents: list[Agent] | None = None) -> Agent | None:
        """Ask a person for a number; None where they leave it to the group, or gave no good number in two tries."""
        candidates = self.agents if agents is None else agents
        stream = IOStream.get_default()
        stream.print("Please select the next speaker from the following list:")
        for number, agent in enumerate(candidates, 1):
            stream.print(f"{number}: {agent.name}")
        for _ in range(_TRIES - 1):
            answer = stream.input(
                "Enter the number of the next speaker (enter nothing or `q` to use auto selection): "
            ).strip()
            if answer in {"", "q"}:
                return None
            if answer.isdecimal() and 1 <= int(answer) <= len(candidates):
                return candidates[int(answer) - 1]
            stream.print(f"Invalid input. Please enter a number between 1 and {len(candidates)}.")
        stream.print(f"You have tried {_TRIES} times. The next speaker will be selected automatically.")
        return None

    def random_select_speaker(self, agents: list[Agent] | None = None) -> Agent | None:
        """Any of *agents*, or of the group."""
        return random.choice(self.agents if agents is None else agents)  # noqa: S311  (a choice of who talks, no secret)

    # --- by a model ---

    def _auto_select_speaker(
        self,
        last_speaker: Agent,
        selector: Any,
        messages: list[dict[str, Any]] | None,
        agents: list[Agent] | None,
    ) -> Agent:
        return drive(self._ask_model(last_speaker, selector, messages, agents, BLOCKING))

    async def a_auto_select_speaker(
        self,
        last_speaker: Agent,
        selector: Any,
        messages: list[dict[str, Any]] | None,
        agents: list[Agent] | None,
    ) -> Agent:
        """Whom the model picks among *agents* (None: all) after *messages*; if it picks nobody, whose turn it is."""
        return await self._ask_model(last_speaker, selector, messages, agents, AWAITING)

    async def _ask_model(
        self, last_speaker: Agent, selector: Any, messages: Any, agents: list[Agent] | None, ways: Ways
    ) -> Agent:
        candidates = self.agents if agents is None else agents
        messages = messages or []
        attempts = 1 + self.max_retries_for_selecting_speaker
        verdict: list[str] = []
        judging, choosing = self._create_internal_agents(
            candidates, attempts, messages, self._judge(candidates, attempts, verdict), selector
        )
        if self.select_speaker_transform_messages is not None:
            self.select_speaker_transform_messages.add_to_agent(choosing)
        with unrecorded():
            await ways.chat(
                judging,
                choosing,
                cache=None,  # a conversation's cache is not for this aside
                message=self._question(self.select_speaker_prompt(candidates), messages),
                max_turns=2 * attempts,
                clear_history=False,
                silent=not self.select_speaker_auto_verbose,
            )
        chosen = verdict[-1].partition(selecting.SELECTED)[2] if verdict else ""
        return self.agent_by_name(chosen) or self.next_agent(last_speaker, candidates)

    def _question(self, text: str | None, messages: list[dict[str, Any]]) -> dict[str, Any]:
        if text is None and messages:
            return messages[-1]
        return {
            "content": text or "",
            "name": selecting.ASKING,
            "override_role": self.role_for_select_speaker_messages,
        }

    def _create_internal_agents(
        self,
        agents: list[Agent],
        max_attempts: int,  # noqa: ARG002  (AutoGen's signature)
        messages: list[dict[str, Any]],
        validate_speaker_name: Callable[..., Any],
        selector: Any = None,
    ) -> tuple[Any, Any]:
        """The agent that asks, and the one with the model, which has read *messages*."""
        judging = selecting.asker(validate_speaker_name)
        choosing = selecting.chooser(
            self.select_speaker_msg(agents),
            {judging: messages},
            selector,
            self.select_speaker_auto_llm_config,
            self.select_speaker_auto_model_client_cls,
        )
        return judging, choosing

    def _judge(self, agents: list[Agent], attempts: int, verdict: list[str]) -> Callable[..., Any]:
        """The reply function that reads the model's answers; *verdict* gets what came of the last."""
        made = 0

        def judge(recipient: Any, messages: list[dict[str, Any]], sender: Any, config: Any) -> tuple[bool, Any]:
            nonlocal made
            made += 1
            said = self._validate_speaker_name(recipient, messages, sender, config, attempts - made, made, agents)
            if said[1] is None:
                verdict.append(messages[-1]["content"])
            return said

        return judge

    def _validate_speaker_name(
        self,
        recipient: Any,  # noqa: ARG002  (a reply function's signature)
        messages: list[dict[str, Any]],
        sender: Any,  # noqa: ARG002
        config: Any,  # noqa: ARG002
        attempts_left: int,
        attempt: int,
        agents: list[Agent],
    ) -> tuple[bool, dict[str, Any] | None]:
        """Read the model's answer: a follow-up question, or None with what came of it as a last message."""
        names = list(self._mentioned_agents(messages[-1], agents))
        tries = f"{attempt} of {attempt + attempts_left}"
        if len(names) == 1:
            self._tell(f">>>>>>>> Select speaker attempt {tries} successfully selected: {names[0]}", "green")
            messages.append({"role": "user", "content": selecting.SELECTED + names[0]})
            return True, None
        if names:
            why, field = "it returned multiple names", "select_speaker_auto_multiple_template"
            self._tell(f">>>>>>>> Select speaker attempt {tries} failed as it included multiple agent names.", "red")
        else:
            why, field = "it did not include any agent names", "select_speaker_auto_none_template"
            self._tell(
                f">>>>>>>> Select speaker attempt #{attempt} failed as it did not include any agent names.", "red"
            )
        if attempts_left:
            text = templates.fill(getattr(self, field), field, agentlist=self._agent_list(agents))
            return True, self._question(text, messages)
        failure = f"{selecting.FAILED}Select speaker attempt #{tries} failed as {why}."
        messages.append({"role": "user", "content": failure})
        return True, None

    def _tell(self, text: str, colour: str) -> None:
        if self.select_speaker_auto_verbose:
            IOStream.get_default().print(colored(text, colour), flush=True)

    def _finalize_speaker(self, last_speaker: Agent, final: bool, name: str, agents: list[Agent] | None) -> Agent:
        """The one agent that *name*, a model's answer, mentions; else whose turn it is."""
        if not final:
            return self.next_agent(last_speaker, agents)
        names = list(self._mentioned_agents(name, agents))
        if len(names) != 1:
            logger.warning(
                "GroupChat select_speaker failed to resolve the next speaker's name. "
                "This is because the speaker selection OAI call returned:\n%s",
                name,
            )
        agent = self.agent_by_name(names[0] if len(names) == 1 else name)
        return agent or self.next_agent(last_speaker, agents)
