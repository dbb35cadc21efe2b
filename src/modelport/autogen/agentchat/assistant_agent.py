"""AutoGen 0.2's ``autogen.agentchat.assistant_agent``: names only."""

from modelport.agents.presets import AssistantAgent
from modelport.autogen._absent import explain_absences

__all__ = ("AssistantAgent",)

explain_absences(__name__)
