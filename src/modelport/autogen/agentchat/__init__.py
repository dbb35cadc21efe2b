"""AutoGen 0.2's ``autogen.agentchat``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.autogen.agentchat.agent import Agent
from modelport.autogen.agentchat.assistant_agent import AssistantAgent
from modelport.autogen.agentchat.chat import ChatResult, initiate_chats
from modelport.autogen.agentchat.conversable_agent import ConversableAgent, register_function
from modelport.autogen.agentchat.groupchat import GroupChat, GroupChatManager
from modelport.autogen.agentchat.user_proxy_agent import UserProxyAgent
from modelport.autogen.agentchat.utils import gather_usage_summary

__all__ = (
    "Agent",
    "AssistantAgent",
    "ChatResult",
    "ConversableAgent",
    "GroupChat",
    "GroupChatManager",
    "UserProxyAgent",
    "gather_usage_summary",
    "initiate_chats",
    "register_function",
)

explain_absences(__name__)
