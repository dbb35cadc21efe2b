"""AutoGen 0.2's ``autogen.io.console``: names only."""

from modelport.agents.iostream import IOConsole
from modelport.autogen._absent import explain_absences

__all__ = ("IOConsole",)

explain_absences(__name__)
