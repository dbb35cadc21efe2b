"""AutoGen 0.2's ``autogen.agentchat.user_proxy_agent``: names only."""

from modelport.agents.presets import UserProxyAgent
from modelport.autogen._absent import explain_absences

__all__ = ("UserProxyAgent",)

explain_absences(__name__)
