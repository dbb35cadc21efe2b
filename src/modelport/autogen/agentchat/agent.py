"""AutoGen 0.2's ``autogen.agentchat.agent``: names only."""

from modelport.agents.agent import Agent, LLMAgent
from modelport.autogen._absent import explain_absences

__all__ = (
    "Agent",
    "LLMAgent",
)

explain_absences(__name__)
