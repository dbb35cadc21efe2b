"""AutoGen 0.2's ``autogen.io.base``: names only."""

from modelport.agents.iostream import InputStream, IOStream, OutputStream
from modelport.autogen._absent import explain_absences

__all__ = (
    "IOStream",
    "InputStream",
    "OutputStream",
)

explain_absences(__name__)
