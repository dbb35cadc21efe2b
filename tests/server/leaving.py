"""Models that tell over a socket what becomes of them when their caller leaves, and make a delta only when told to.

The message is the port of who listens. What they say: ``begun``, ``told`` (their token is set), ``closed after N``.
"""

import asyncio
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from modelport.sync import CancelToken

__all__ = ("deaf", "items", "waiting")


def items(messages: list[dict[str, Any]], cancel: CancelToken) -> Iterator[str]:
    """A generator that blocks, and is let go by a byte for each delta after the first."""
    with socket.create_connection(("127.0.0.1", int(messages[-1]["content"])), timeout=20) as line:
        line.sendall(b"begun\n")
        made, told = 0, False
        try:
            while True:
                yield f"{made} "
                while not select.select([line], [], [], 0.002)[0]:
                    if cancel.cancelled and not told:
                        told = True
                        line.sendall(b"told\n")
                if not line.recv(1):
                    return
                made += 1
        finally:
            line.sendall(b"closed after %d\n" % made)


async def waiting(messages: list[dict[str, Any]]) -> AsyncIterator[str]:
    """The same on the event loop, where it can be interrupted at any time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(messages[-1]["content"]))
    writer.write(b"begun\n")
    made = 0
    try:
        while True:
            yield f"{made} "
            await reader.readexactly(1)
            made += 1
    finally:
        writer.write(b"closed after %d\n" % made)
        writer.close()


def deaf(messages: list[dict[str, Any]], cancel: CancelToken) -> str:
    """A plain function, which nobody can interrupt: it looks at its token."""
    with socket.create_connection(("127.0.0.1", int(messages[-1]["content"])), timeout=20) as line:
        line.sendall(b"begun\n")
        while not cancel.cancelled:
            time.sleep(0.002)
        line.sendall(b"told\n")
    return "nobody reads this"
