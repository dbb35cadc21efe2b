"""Small groups that the tests of group chats share."""

from collections.abc import Callable
from typing import Any

from modelport.agents import ConversableAgent
from modelport.agents.groupchat import GroupChat, GroupChatManager

__all__ = ("managed", "named", "people", "speakers")


def people(*names: str, **options: Any) -> list[Any]:
    """Agents who say who they are, whatever they hear."""
    options.setdefault("human_input_mode", "NEVER")
    return [
        ConversableAgent(name, default_auto_reply=f"I am {name}", description=f"{name} helps", **options)
        for name in names
    ]


def managed(agents: list[Any], *, model: Any = None, manager: dict[str, Any] | None = None, **fields: Any) -> Any:
    """A silent manager of a new group."""
    fields.setdefault("speaker_selection_method", "round_robin" if model is None else "auto")
    options = {"silent": True, "model": model, **(manager or {})}
    return GroupChatManager(GroupChat(agents, [], **fields), **options)


def speakers(manager: Any) -> list[str]:
    """Who spoke in the group, in order."""
    return [message["name"] for message in manager.groupchat.messages]


def named(*names: str) -> Callable[[Any, Any], Any]:
    """A function that has these speak, one after the other."""
    left = list(names)

    def choose(last_speaker: Any, group: Any) -> Any:
        return group.agent_by_name(left.pop(0)) if left else None

    return choose
