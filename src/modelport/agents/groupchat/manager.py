"""The agent that leads a group chat: passes on what each says to the others, and has the next one speak.

The rounds are written once, as coroutines (see ``twins``); ``run_chat`` goes them blocking, ``a_run_chat`` awaits.
"""

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from modelport.agents.agent import Agent
from modelport.agents.conversable import ConversableAgent
from modelport.agents.conversable.asking import QUIET
from modelport.agents.groupchat.clearing import clear_command
from modelport.agents.groupchat.group import GroupChat
from modelport.agents.groupchat.resuming import check_names, from_string, messages_to_resume, without_termination
from modelport.agents.groupchat.roster import Roster
from modelport.agents.groupchat.twins import AWAITING, BLOCKING, Ways, drive
from modelport.agents.iostream import IOStream, colored
from modelport.errors import AgentNameConflict, InvalidGroupChat, NoEligibleSpeaker
from modelport.types.complaints import shown

__all__ = ("GroupChatManager",)

logger: logging.Logger = logging.getLogger(__name__)

Message = dict[str, Any]
Removal = str | Callable[[str], str] | None


class GroupChatManager(ConversableAgent):
    """Leads *groupchat*: start it with ``agent.initiate_chat(manager, message=…)``.

    Its model, by ``model=``, ``llm_config=`` or ``register_model_client``, is the one that picks speakers. *silent*
    prints nothing of what is said in the group. Other keyword arguments are :class:`ConversableAgent`'s.

    Raises:
        InvalidGroupChat: ``llm_config`` has tools or functions, or *groupchat* is none. It is a ValueError.
    """

    def __init__(
        self,
        groupchat: GroupChat,
        name: str = "chat_manager",
        max_consecutive_auto_reply: int | None = sys.maxsize,
        human_input_mode: Any = "NEVER",
        system_message: str | list[Any] | None = "Group chat manager.",
        silent: bool = False,
        *,
        model: Any = None,
        stream: bool | Callable[..., object] = False,
        **kwargs: Any,
    ) -> None:
        if not isinstance(groupchat, Roster):
            raise InvalidGroupChat(f"groupchat must be a GroupChat, got {shown(groupchat)}", param="groupchat")
        llm_config = kwargs.get("llm_config")
        if isinstance(llm_config, dict) and (llm_config.get("functions") or llm_config.get("tools")):
            raise InvalidGroupChat(
                "GroupChatManager is not allowed to make function/tool calls. Please remove the 'functions' or 'tools' "
                "config in 'llm_config' you passed in.",
                param="llm_config",
            )
        super().__init__(
            name=name,
            max_consecutive_auto_reply=max_consecutive_auto_reply,
            human_input_mode=human_input_mode,
            system_message=system_message,
            model=model,
            stream=stream,
            **kwargs,
        )
        self._groupchat: GroupChat = groupchat
        self._last_speaker: Agent | None = None
        self._silent: bool = silent
        reset = GroupChat.reset
        self.register_reply(Agent, GroupChatManager.run_chat, config=groupchat, reset_config=reset)
        self.register_reply(
            Agent, GroupChatManager.a_run_chat, config=groupchat, reset_config=reset, ignore_async_in_sync_chat=True
        )
        for entry in self._reply_func_list[:2]:
            entry["config"] = groupchat  # itself, not a copy: what is set on it later counts

    @property
    def groupchat(self) -> GroupChat:
        """The group that it leads."""
        return self._groupchat

    @property
    def last_speaker(self) -> Agent | None:
        """Who spoke last: for an agent that is asked to reply, the one to whom. None before anybody spoke."""
        return self._last_speaker

    def chat_messages_for_summary(self, agent: Agent) -> list[Message]:  # noqa: ARG002  (whoever asks)
        """What was said in the group."""
        return self._groupchat.messages

    def _prepare_chat(
        self,
        recipient: Any,
        clear_history: bool,
        prepare_recipient: bool = True,
        reply_at_receive: bool = True,
    ) -> None:
        """As every agent does; and so does each of the group, but for a *recipient* who is about to do so anyway."""
        if clear_history:
            self._groupchat.reset()
        super()._prepare_chat(recipient, clear_history, prepare_recipient, reply_at_receive)
        for member in self._members():
            if prepare_recipient or member != recipient:
                member._prepare_chat(self, clear_history, prepare_recipient=False, reply_at_receive=reply_at_receive)

    def _raise_exception_on_async_reply_functions(self) -> None:
        super()._raise_exception_on_async_reply_functions()
        for member in self._members():
            member._raise_exception_on_async_reply_functions()

    def _members(self) -> list[ConversableAgent]:
        """The agents of the group that are made as this one is."""
        return [agent for agent in self._groupchat.agents if isinstance(agent, ConversableAgent)]

    # --- the rounds ---

    def run_chat(
        self, messages: list[Message] | None = None, sender: Any = None, config: GroupChat | None = None
    ) -> tuple[bool, str | None]:
        """Pass on the last of *messages*, of *sender*, and go on for up to ``max_round`` messages. A reply function.

        There is no reply, as the group has said what there is to say; a *sender* that leads a group of its own, which
        this manager is in, gets the last message, as this manager's contribution.

        Raises:
            AgentNameConflict: two agents of the group have the same name.
        """
        return drive(self._run(messages, sender, config, BLOCKING))

    async def a_run_chat(
        self, messages: list[Message] | None = None, sender: Any = None, config: GroupChat | None = None
    ) -> tuple[bool, str | None]:
        """As :meth:`run_chat`, awaited."""
        return await self._run(messages, sender, config, AWAITING)

    async def _run(
        self, messages: list[Message] | None, sender: Any, config: GroupChat | None, ways: Ways
    ) -> tuple[bool, str | None]:
        group = self._groupchat if config is None else config
        _refuse_clashing_names(group)
        message = (self._oai_messages[sender] if messages is None else messages)[-1]  # before others are sent
        if group.send_introductions:
            introduction = group.introductions_msg()
            for agent in group.agents:
                await ways.send(self, introduction, agent, silent=True)
        with self._cache_lent_to(group.agents):
            replied = await self._rounds(group, message, sender, ways)
        if replied and sender is not self and isinstance(getattr(sender, "groupchat", None), Roster):
            return True, group.messages[-1]["content"] or None
        return True, None

    async def _rounds(self, group: GroupChat, message: Message, speaker: Any, ways: Ways) -> bool:
        """Whether anybody of the group replied."""
        for number in range(1, group.max_round + 1):
            self._last_speaker = speaker
            group.append(message, speaker)
            for agent in group.agents:
                if agent != speaker:
                    await ways.send(self, message, agent, silent=True)
            if number == group.max_round or self._is_termination_msg(message):
                return number > 1
            try:
                speaker, reply = await self._reply_of_next(group, speaker, ways)
            except NoEligibleSpeaker:
                logger.warning("No eligible speaker found. Terminating the conversation.")
                return number > 1
            if reply is None:
                return number > 1
            await ways.send(speaker, self._obeyed(reply, group), self, silent=self._silent)
            message = self.last_message(speaker) or {}
        return False

    async def _reply_of_next(self, group: GroupChat, speaker: Any, ways: Ways) -> tuple[Any, Any]:
        quiet = QUIET.set(QUIET.get() or self._silent)  # words that are shown while they come, too
        try:
            speaker = _agent_chosen(group, await ways.select(group, speaker, self))
            if not self._silent:
                stream = IOStream.get_default()
                stream.print(colored(f"\nNext speaker: {speaker.name}\n", "green"), flush=True)
            return speaker, await ways.reply(speaker, self)
        except KeyboardInterrupt:
            admin = group.agent_by_name(group.admin_name)
            if admin is None:
                raise
            return admin, await ways.reply(admin, self)
        finally:
            QUIET.reset(quiet)

    @contextmanager
    def _cache_lent_to(self, agents: list[Agent]) -> Iterator[None]:
        """The agents answer from this manager's cache, if this chat has one."""
        borrowers = [agent for agent in agents if isinstance(agent, ConversableAgent)]
        if self.client_cache is None or not borrowers:
            yield
            return
        before = [(agent, agent.client_cache) for agent in borrowers]
        for agent in borrowers:
            agent.client_cache = self.client_cache
        try:
            yield
        finally:
            for agent, cache in before:
                agent.client_cache = cache

    # --- forgetting on command ---

    def _obeyed(self, reply: str | Message, group: GroupChat) -> str | Message:
        """*reply*, and a command in it carried out and taken out."""
        if not group.enable_clear_history or not isinstance(reply, dict):
            return reply
        content = reply.get("content")
        if not isinstance(content, str) or "CLEAR HISTORY" not in content.upper():
            return reply
        return {**reply, "content": self.clear_agents_history(reply, group)}

    def clear_agents_history(self, reply: Message, groupchat: GroupChat) -> str:
        """Carry out ``CLEAR HISTORY [agent] [how many messages to keep]`` in *reply*; gives its text without that.

        Without an agent everybody forgets, and the group, too. After a tool's result at least one message stays: the
        call that the result belongs to.
        """
        content: str = reply["content"]
        command = clear_command(content, groupchat.agent_names)
        if command is None:
            return content
        keep = command.keep
        if "tool_responses" in reply and not keep:
            keep = 1
            logger.warning(
                "The last tool call message will be saved to prevent errors caused by tool response without tool call."
            )
        who = command.agent or "all agents"
        but = f" except last {keep} messages" if keep else ""
        IOStream.get_default().print(f"Clearing history for {who}{but}.")
        if command.agent is None:
            del groupchat.messages[: -keep if keep else None]
        for agent in groupchat.agents:
            if command.agent in {None, agent.name} and isinstance(agent, ConversableAgent):
                agent.clear_history(nr_messages_to_preserve=keep)
        return command.rest

    # --- going on ---

    def resume(
        self, messages: Any, remove_termination_string: Removal = None, silent: bool | None = False
    ) -> tuple[Any, Message]:
        """Bring the group to where it was: who spoke last, and what they said, to begin with again.

        ``agent, message = manager.resume(messages)``, then ``agent.initiate_chat(manager, message=message,
        clear_history=False)``. *messages* is ``groupchat.messages`` of then, as a list or as JSON, or the turns of a
        chat's result or journal. *remove_termination_string* is taken out of the last message: text, or a function of
        its content.

        Raises:
            InvalidGroupChat: *messages* is none of these, or empty.
            UndefinedNextAgent: one of them is somebody's who is not in the group.
        """
        return drive(self._resume(messages, remove_termination_string, silent, BLOCKING))

    async def a_resume(
        self, messages: Any, remove_termination_string: Removal = None, silent: bool | None = False
    ) -> tuple[Any, Message]:
        """As :meth:`resume`, awaited."""
        return await self._resume(messages, remove_termination_string, silent, AWAITING)

    async def _resume(self, given: Any, remove: Removal, silent: bool | None, ways: Ways) -> tuple[Any, Message]:
        group = self._groupchat
        given = self.messages_from_string(given) if isinstance(given, str) else given
        messages = messages_to_resume(given, self.name)
        check_names(messages, {*group.agent_names, group.admin_name, self.name})
        for agent in (*group.agents, self):
            if isinstance(agent, ConversableAgent):
                agent.clear_history()
        group.reset()
        for message in messages[:-1]:
            await self._say_again(message, ways)
        last = messages[-1]
        without_termination(last, remove)
        if self._is_termination_msg(last):
            logger.warning("Last message meets termination criteria and this may terminate the chat.")
        if not silent:
            IOStream.get_default().print(
                f"Prepared group chat with {len(messages)} messages, the last speaker is",
                colored(last["name"], "yellow"),
                flush=True,
            )
        group.send_introductions = False
        self._last_speaker = self._speaker(last["name"])
        return self._last_speaker, last

    def _speaker(self, name: str) -> Any:
        """The agent of that name; where there is none, the admin's words and its own are the manager's."""
        return self._groupchat.agent_by_name(name) or self

    async def _say_again(self, message: Message, ways: Ways) -> None:
        """Put *message* into everybody's history, as it stood there."""
        group = self._groupchat
        speaker = group.agent_by_name(message["name"])
        for agent in group.agents:
            if agent is speaker and isinstance(agent, ConversableAgent):
                # Its own words are its own again; a send would have its hooks change them once more.
                agent._append_oai_message(message, "assistant", self, is_sending=True)
                self._append_oai_message(message, "user", agent, is_sending=False)
            else:
                await ways.send(self, message, agent, silent=True)
        if speaker is None and message["name"] != self.name:
            group.messages.append(message)
        else:
            group.append(message, speaker or self)

    def messages_from_string(self, message_string: str) -> Any:
        """The messages in a JSON text, as :meth:`messages_to_string` makes it.

        Raises:
            InvalidGroupChat: it is not JSON.
        """
        return from_string(message_string)

    def messages_to_string(self, messages: list[Message]) -> str:
        """*messages* as a JSON text, to be kept and given to :meth:`resume`."""
        return json.dumps(messages)


def _agent_chosen(group: GroupChat, chosen: Any) -> Any:
    """What ``select_speaker`` gave, which a subclass may have overridden."""
    if not hasattr(chosen, "generate_reply") or isinstance(chosen, type):
        raise InvalidGroupChat(
            f"select_speaker() of {type(group).__name__} must give an agent of the group, got {shown(chosen)}: "
            f"group.agent_by_name(name) finds one; in the group are {group.agent_names}",
            param="select_speaker",
        )
    return chosen


def _refuse_clashing_names(group: GroupChat) -> None:
    """Raise AgentNameConflict where a name could mean either of two agents."""
    names = Counter(agent.name for agent in {id(agent): agent for agent in group.agents}.values())
    clashing = sorted(name for name, count in names.items() if count > 1)
    if clashing:
        raise AgentNameConflict(
            f"Found multiple agents with the same name: {', '.join(clashing)}. In a group chat the name tells them "
            f"apart; its agents are {group.agent_names}.",
            param="agents",
        )
