"""AutoGen 0.2's ``autogen.agentchat.chat``: names only."""

from modelport.agents.chat import ChatResult, a_initiate_chats, initiate_chats
from modelport.autogen._absent import explain_absences

__all__ = (
    "ChatResult",
    "a_initiate_chats",
    "initiate_chats",
)

explain_absences(__name__)
