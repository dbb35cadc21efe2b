"""AutoGen 0.2's ``autogen.io.websockets``: names only."""

from modelport.agents.iostream.websockets import IOWebsockets, ServerConnection
from modelport.autogen._absent import explain_absences

__all__ = (
    "IOWebsockets",
    "ServerConnection",
)

explain_absences(__name__)
