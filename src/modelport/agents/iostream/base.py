"""Where the words of a chat go and where a person's come from. Knows no console and no socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Protocol, runtime_checkable

from modelport.sync import offload

__all__ = ("IOStream", "InputStream", "OutputStream", "ask")


@runtime_checkable
class OutputStream(Protocol):
    """Something that shows what is said."""

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        """Show *objects*, as ``print`` does."""
        ...


@runtime_checkable
class InputStream(Protocol):
    """Something that a person answers through."""

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        """One line of a person, without its newline; a *password* is not shown as it is typed."""
        ...


@runtime_checkable
class IOStream(InputStream, OutputStream, Protocol):
    """Shows what is said in a chat and asks the person in it. Write a subclass with ``print`` and ``input``.

    Each chat may have its own: :meth:`set_default` holds for one thread or one task and what it starts.
    """

    _default_io_stream: ClassVar[ContextVar["IOStream | None"]] = ContextVar("modelport_iostream", default=None)
    _global_default: ClassVar["IOStream | None"] = None

    async def a_input(self, prompt: str = "", *, password: bool = False) -> str:
        """As :meth:`input`, while other chats of this event loop go on.

        Unless a subclass knows better, ``input`` waits in a thread; when the task is cancelled, it goes on waiting
        there, and what it gets is lost.
        """
        return await offload(self.input, prompt, password=password)

    @staticmethod
    def set_global_default(stream: "IOStream") -> None:
        """Use *stream* wherever :meth:`set_default` chose no other."""
        IOStream._global_default = stream

    @staticmethod
    def get_global_default() -> "IOStream":
        """What is used where :meth:`set_default` chose nothing: the console, unless another was set.

        Raises:
            RuntimeError: None was set in its place.
        """
        stream = IOStream._global_default
        if stream is None:
            raise RuntimeError("no global default IOStream: call IOStream.set_global_default(IOConsole())")
        return stream

    @staticmethod
    def get_default() -> "IOStream":
        """What is used here: what :meth:`set_default` chose, or the global default."""
        return IOStream._default_io_stream.get() or IOStream.get_global_default()

    @staticmethod
    @contextmanager
    def set_default(stream: "IOStream | None") -> Iterator[None]:
        """Use *stream* in the ``with``: in this thread or task, and in tasks begun within. None: the global default."""
        token = IOStream._default_io_stream.set(stream)
        try:
            yield
        finally:
            IOStream._default_io_stream.reset(token)


async def ask(stream: InputStream, prompt: str = "", *, password: bool = False) -> str:
    """A person's line from *stream*, without blocking the event loop; *stream* may lack ``a_input``."""
    a_input = getattr(stream, "a_input", None)
    if a_input is None:
        return await offload(stream.input, prompt, password=password)
    line: str = await a_input(prompt, password=password)
    return line
