"""AutoGen 0.2's ``autogen.coding.markdown_code_extractor``: names only."""

from modelport.agents.code_execution import MarkdownCodeExtractor
from modelport.autogen._absent import explain_absences

__all__ = ("MarkdownCodeExtractor",)

explain_absences(__name__)
