"""AutoGen 0.2's ``autogen.agentchat.utils``: names only."""

from modelport.agents.checks import consolidate_chat_info
from modelport.agents.tags import parse_tags_from_content
from modelport.agents.usage import gather_usage_summary
from modelport.autogen._absent import explain_absences

__all__ = (
    "consolidate_chat_info",
    "gather_usage_summary",
    "parse_tags_from_content",
)

explain_absences(__name__)
