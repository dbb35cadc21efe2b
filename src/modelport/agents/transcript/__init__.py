"""A chat to look at afterwards: on a terminal, or in a browser. Takes turns; knows no agent."""

from modelport.agents.transcript.html import html_transcript, write_html
from modelport.agents.transcript.text import print_transcript

__all__ = ("html_transcript", "print_transcript", "write_html")
