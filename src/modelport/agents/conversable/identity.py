"""What every part of a conversable agent may read and write: its name, its histories, its counters. No behaviour."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from modelport.agents.agent import Agent
from modelport.agents.checks import check_agent
from modelport.agents.conversable.history import Conversations

__all__ = ("HumanInputMode", "Identity", "Reply", "agent_names")

HumanInputMode = Literal["ALWAYS", "NEVER", "TERMINATE"]
Reply = str | dict[str, Any] | None


class Identity:
    """The state of an agent. The names with an underscore are those that AutoGen 0.2's users came to rely on."""

    MAX_CONSECUTIVE_AUTO_REPLY: ClassVar[int] = 100

    _name: str
    _description: str
    _oai_messages: Conversations
    _oai_system_message: list[dict[str, Any]]
    _is_termination_msg: Callable[[dict[str, Any]], Any]
    _max_consecutive_auto_reply: int
    _consecutive_auto_reply_counter: defaultdict[Any, int]
    _max_consecutive_auto_reply_dict: defaultdict[Any, int]
    _function_map: dict[str, Callable[..., Any]]
    _default_auto_reply: Reply
    _human_input: list[str]
    silent: bool | None
    human_input_mode: HumanInputMode
    llm_config: dict[str, Any] | Literal[False]
    client: Any
    client_cache: Any
    previous_cache: Any
    _shown_live: Any = None  # the reply that was printed while it came

    @property
    def name(self) -> str:
        """What the others call it."""
        return self._name

    @property
    def description(self) -> str:
        """What it is for: read by those who decide who speaks next."""
        return self._description

    @description.setter
    def description(self, description: str) -> None:
        self._description = description

    @property
    def system_message(self) -> str:
        """What its model is told before the conversation."""
        content: str = self._oai_system_message[0]["content"]
        return content

    def update_system_message(self, system_message: str) -> None:
        """Tell its model something else from now on."""
        self._oai_system_message[0]["content"] = system_message

    @property
    def chat_messages(self) -> dict[Any, list[dict[str, Any]]]:
        """What was said, by the agent on the other side."""
        return self._oai_messages

    def chat_messages_for_summary(self, agent: Agent) -> list[dict[str, Any]]:
        """The messages that a summary of the chat with *agent* is made of."""
        return self._oai_messages[agent]

    def last_message(self, agent: Agent | None = None) -> dict[str, Any] | None:
        """The last message of the chat with *agent*; of the only chat, where *agent* is None. None before any chat.

        Raises:
            ValueError: *agent* is None and there is more than one chat.
            KeyError: there was no chat with *agent*.
        """
        chats = self._oai_messages
        if agent is not None:
            if not isinstance(agent, Identity):
                check_agent(self.name, "agent", agent)
            if agent not in chats:
                raise KeyError(
                    f"The agent '{agent.name}' is not present in any conversation. No history available for this agent."
                )
            return chats[agent][-1]
        if len(chats) > 1:
            raise ValueError(
                "More than one conversation is found. Please specify the sender to get the last message: "
                f"{agent_names(chats)}."
            )
        return next(iter(chats.values()))[-1] if chats else None

    # --- counting replies ---

    def _begin_counting(self, most: int | None) -> None:
        """No reply was made yet; *most* may follow each other, None being the class's own number."""
        self._max_consecutive_auto_reply = self.MAX_CONSECUTIVE_AUTO_REPLY if most is None else most
        self._consecutive_auto_reply_counter = defaultdict(int)
        self._max_consecutive_auto_reply_dict = defaultdict(self.max_consecutive_auto_reply)
        self.reply_at_receive: defaultdict[Any, bool] = defaultdict(bool)

    def max_consecutive_auto_reply(self, sender: Agent | None = None) -> int:
        """How many replies to *sender* may follow each other without a person's word."""
        return self._max_consecutive_auto_reply if sender is None else self._max_consecutive_auto_reply_dict[sender]

    def update_max_consecutive_auto_reply(self, value: int, sender: Agent | None = None) -> None:
        """Set that number, for *sender* or for all."""
        if sender is not None:
            self._max_consecutive_auto_reply_dict[sender] = value
            return
        self._max_consecutive_auto_reply = value
        for known in self._max_consecutive_auto_reply_dict:
            self._max_consecutive_auto_reply_dict[known] = value

    def reset_consecutive_auto_reply_counter(self, sender: Agent | None = None) -> None:
        """Count the replies to *sender* from 0; to all, where it is None."""
        if sender is None:
            self._consecutive_auto_reply_counter.clear()
        else:
            self._consecutive_auto_reply_counter[sender] = 0

    def stop_reply_at_receive(self, sender: Agent | None = None) -> None:
        """Stop replying to *sender*, or to all, of one's own accord."""
        if sender is None:
            self.reply_at_receive.clear()
        else:
            self.reply_at_receive[sender] = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r}>"


def agent_names(agents: Any) -> str:
    """The names of *agents*, for an error."""
    return ", ".join(repr(getattr(each, "name", each)) for each in agents) or "none"
