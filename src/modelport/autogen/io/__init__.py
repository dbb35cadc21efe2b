"""AutoGen 0.2's ``autogen.io``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.autogen.io.base import InputStream, IOStream, OutputStream
from modelport.autogen.io.console import IOConsole
from modelport.autogen.io.websockets import IOWebsockets

__all__ = (
    "IOConsole",
    "IOStream",
    "IOWebsockets",
    "InputStream",
    "OutputStream",
)

explain_absences(__name__)
