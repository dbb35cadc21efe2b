"""AutoGen 0.2's ``autogen.formatting_utils``: names only."""

from modelport.agents.iostream.colours import colored
from modelport.autogen._absent import explain_absences

__all__ = ("colored",)

explain_absences(__name__)
