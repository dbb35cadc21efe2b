"""Group chats: several agents, one conversation."""

from modelport.agents.groupchat.group import GroupChat
from modelport.agents.groupchat.manager import GroupChatManager

__all__ = ("GroupChat", "GroupChatManager")
