"""A chat on the console. What a model says there can drive no terminal. Knows no agent."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, TextIO
from weakref import WeakKeyDictionary

from modelport.agents.iostream.base import IOStream
from modelport.agents.iostream.colours import Coloured
from modelport.sync.offload import inline, offload
from modelport.terminal import Cleaner, is_terminal

if TYPE_CHECKING:
    import asyncio

__all__ = ("IOConsole",)

_turns: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]" = WeakKeyDictionary()


class IOConsole(IOStream):
    """Prints to stdout and reads from stdin, whatever they are at that moment.

    On a terminal, what is printed loses its escape sequences and control characters, but for the colours of
    :func:`~modelport.agents.iostream.colours.colored` where its result is printed as an object of its own. Elsewhere
    (a pipe, a file, a notebook) every character is kept. One that stdout's encoding has no form for is written as
    ``\\u4e16``: what a model says ends no chat.
    """

    _cleaner: Cleaner | None = (
        None  # within a line that is printed in pieces; made late: subclasses may have no __init__
    )

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        """Print *objects*, as the builtin does."""
        out = sys.stdout
        if out is None or not is_terminal(out):
            objects = tuple(_fitting(str(each), out) for each in objects)
            print(*objects, sep=sep, end=end, flush=flush)  # noqa: T201  (a console is for printing)
            return
        # A sequence may be split between the pieces of a streamed answer, but outlasts no separator and no end.
        cleaner, self._cleaner = self._cleaner or Cleaner(), None
        shown: list[str] = []
        for thing in objects:
            if shown and sep:
                cleaner = Cleaner()
            shown.append(thing.cleaned() if isinstance(thing, Coloured) else cleaner.feed(str(thing)))
        if not end:
            self._cleaner = cleaner
        out.write(_fitting(Cleaner().feed(sep).join(shown) + Cleaner().feed(end), out))
        if flush:
            out.flush()

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        """One line of the person at the console.

        Raises:
            EOFError: stdin has ended (Ctrl-D; a pipe without more lines).
            KeyboardInterrupt: Ctrl-C.
        """
        if is_terminal(sys.stdout):
            prompt = Cleaner().feed(prompt)
        if password:
            from getpass import getpass

            return getpass(prompt or "Password: ")
        return input(prompt)

    async def a_input(self, prompt: str = "", *, password: bool = False) -> str:
        """As :meth:`input`, while the event loop goes on. Who asks while another waits for a line asks after it.

        On a terminal no thread waits: a task that is cancelled, as Ctrl-C does under ``asyncio.run``, leaves at once,
        and a line typed later is there for whoever asks next.
        """
        if inline.active:
            return self.input(prompt, password=password)
        async with _turn():
            stdin = sys.stdin
            if password or stdin is None or _is_replaced(self.input):
                return await offload(self.input, prompt, password=password)
            self.print(prompt, end="", flush=True)
            if _can_be_watched(stdin):
                await _readable(stdin.fileno())
                line = stdin.readline()
            else:
                # Not input(), which lets go of stdin: a thread that still waits when Python ends would then abort it.
                line = await offload(stdin.readline)
        if not line:
            raise EOFError("stdin has ended: nobody is there to answer")
        return line.removesuffix("\n")


def _is_replaced(method: Callable[..., str]) -> bool:
    """Whether someone else reads the line: a subclass, a notebook, a test."""
    return getattr(method, "__func__", None) is not IOConsole.input or not isinstance(input, BuiltinFunctionType)


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    import asyncio

    loop = asyncio.get_running_loop()
    async with _turns.setdefault(loop, asyncio.Lock()):
        yield


def _can_be_watched(stdin: TextIO) -> bool:
    """Whether it tells when it has a line: a terminal does, and leaves none behind in Python's own buffers."""
    try:
        return os.name == "posix" and is_terminal(stdin) and stdin.fileno() >= 0
    except OSError:  # it only looks like one
        return False


async def _readable(file: int) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(file, tell)
    try:
        await ready
    finally:
        loop.remove_reader(file)


def _fitting(text: str, out: TextIO | None) -> str:
    """*text* with the characters escaped that *out* cannot write: an encoding has no form for half a character, and
    many a system's own for few others."""
    encoding = getattr(out, "encoding", None)
    if text.isascii() or not isinstance(encoding, str):
        return text
    try:
        text.encode(encoding, getattr(out, "errors", None) or "strict")
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text
