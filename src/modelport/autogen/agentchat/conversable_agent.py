"""AutoGen 0.2's ``autogen.agentchat.conversable_agent``: names only."""

from modelport.agents.conversable import ConversableAgent, register_function
from modelport.autogen._absent import explain_absences

__all__ = (
    "ConversableAgent",
    "register_function",
)

explain_absences(__name__)
