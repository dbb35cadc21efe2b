"""Where the words of a chat go, and where a person's come from."""

from modelport.agents.iostream.base import InputStream, IOStream, OutputStream, ask
from modelport.agents.iostream.colours import colored
from modelport.agents.iostream.console import IOConsole

__all__ = ("IOConsole", "IOStream", "InputStream", "OutputStream", "ask", "colored")

IOStream.set_global_default(IOConsole())
