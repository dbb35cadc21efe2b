"""The server's end of a worker's connection: frames in and out on an event loop that never waits. Knows no request."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from modelport.errors import ProtocolError
from modelport.workers.frames import FrameReader, FromWorker

__all__ = ("Channel",)

_AT_ONCE = 64 * 1024  # bytes read in one turn of the loop, so that the others get theirs
_PIECES = 512  # in one system call


class Channel:
    """Frames of the worker behind *sock* go to *on_frame*; *on_broken* is told when what comes is none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        on_frame: Callable[[FromWorker], None],
        on_broken: Callable[[ProtocolError], None],
    ) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._sock = sock
        self._on_frame = on_frame
        self._on_broken = on_broken
        self._reader = FrameReader()
        self._buffer = memoryview(bytearray(_AT_ONCE))  # made once: a large one made anew costs more than the reading
        self._out: deque[Any] = deque()
        self._open = True
        loop.add_reader(sock, self._read)

    def send(self, pieces: Iterable[Any], *, soon: bool = False) -> None:
        """Bytes, one after the other: now as far as that can be, the rest when there is room. What is to be sent *soon*
        goes at the end of this turn of the loop, together with whatever else comes in it.

        What is meant for a worker that has ended is dropped; its end is seen elsewhere.
        """
        if not self._open:
            return
        waits = bool(self._out)
        self._out += pieces
        if waits:
            return
        if soon:
            self._loop.call_soon(self._begin)
        else:
            self._begin()

    def _begin(self) -> None:
        if not self._write():
            self._loop.add_writer(self._sock, self._go_on)

    def _go_on(self) -> None:
        if self._write():
            self._loop.remove_writer(self._sock)

    def _write(self) -> bool:
        out = self._out
        while out:
            try:
                if len(out) == 1:
                    sent = self._sock.send(out[0])
                else:
                    sent = self._sock.sendmsg([out[at] for at in range(min(len(out), _PIECES))])
            except (BlockingIOError, InterruptedError):
                return False
            except OSError:
                out.clear()
                return True
            while out and sent >= len(out[0]):
                sent -= len(out.popleft())
            if sent:
                out[0] = memoryview(out[0])[sent:]
        return True

    def _read(self) -> None:
        try:
            size = self._sock.recv_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            size = 0
        if not size:
            self._loop.remove_reader(self._sock)
            return
        self._feed(self._buffer[:size])

    def _feed(self, data: memoryview) -> None:
        try:
            for frame in self._reader.feed(data):
                self._on_frame(frame)
        except ProtocolError as error:
            self._loop.remove_reader(self._sock)
            self._on_broken(error)

    def finish(self) -> None:
        """Take what a worker said before it ended, and close."""
        with contextlib.suppress(OSError):
            while self._open and (size := self._sock.recv_into(self._buffer)):
                self._feed(self._buffer[:size])
        self.close()

    def close(self) -> None:
        """Free the connection; the worker, if it lives, ends itself."""
        if self._open:
            self._open = False
            self._out.clear()
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
