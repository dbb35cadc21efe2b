"""AutoGen 0.2's ``autogen.agentchat.groupchat``: names only."""

from modelport.agents.groupchat import GroupChat, GroupChatManager
from modelport.autogen._absent import explain_absences

__all__ = (
    "GroupChat",
    "GroupChatManager",
)

explain_absences(__name__)
