"""Agents: conversations between models, tools, code and people."""

from modelport.agents.agent import Agent, LLMAgent
from modelport.agents.chat import ChatResult, a_initiate_chats, initiate_chats
from modelport.agents.conversable import ConversableAgent, register_function
from modelport.agents.groupchat import GroupChat, GroupChatManager
from modelport.agents.presets import AssistantAgent, UserProxyAgent
from modelport.agents.resuming import a_resume, resume
from modelport.agents.saved import SavedChat, load as load_chat
from modelport.agents.turns import Turn
from modelport.agents.usage import gather_usage_summary

__all__ = (
    "Agent",
    "AssistantAgent",
    "ChatResult",
    "ConversableAgent",
    "GroupChat",
    "GroupChatManager",
    "LLMAgent",
    "SavedChat",
    "Turn",
    "UserProxyAgent",
    "a_initiate_chats",
    "a_resume",
    "gather_usage_summary",
    "initiate_chats",
    "load_chat",
    "register_function",
    "resume",
)
