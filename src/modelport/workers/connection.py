"""A worker's end of its connection: blocking, and shared by the threads that make answers. Knows no model.

What the model prints goes where the process's output goes, never into the connection, which has a socket of its own.
"""

import io
import os
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from modelport.types import Event
from modelport.workers.frames import FromServer, Images, Produced, decode_from_server, encode_frame
from modelport.workers.payloads import revive

__all__ = ("Connection",)

_TOGETHER = 0.0005  # seconds; an event that comes sooner after the last sending waits for company
_MOST = 128  # events held back
_yield = getattr(os, "sched_yield", lambda: None)  # not on macOS


class Connection:
    """The worker's end of the socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = io.BufferedReader(socket.SocketIO(sock, "r"), 65536)
        self._lock = threading.Lock()
        self._held: dict[int, list[Event]] = {}
        self._broken: dict[int, Exception] = {}
        self._count = 0
        self._sent = 0.0
        self._holds = threading.Event()
        threading.Thread(target=self._send_on, name="modelport-sender", daemon=True).start()

    def read(self) -> tuple[FromServer | None, Exception | None]:
        """The next frame, None when the server is gone; and why the images that belong to it could not be made."""
        images: list[Any] = []
        failed: Exception | None = None
        while True:
            head = self._file.read(4)
            if len(head) < 4:
                return None, None
            frame = decode_from_server(self._file.read(int.from_bytes(head, "big")), images)
            if not isinstance(frame, Images):
                return frame, failed
            for payload in frame.payloads:
                data = self._bytes(payload.size)
                try:
                    images.append(revive(payload, data))
                except Exception as error:
                    images.append(None)
                    failed = error

    def _bytes(self, size: int) -> bytearray:
        data = bytearray(size)
        if self._file.readinto(data) < size:
            raise EOFError("the server went away within an image")
        return data

    def send(self, frame: Any) -> None:
        """*frame*, at once, after what was held back."""
        data = encode_frame(frame)
        with self._lock:
            self._flush()
            self._put(data)

    def event(self, number: int, event: Event) -> None:
        """One event of an answer: at once, unless the last one was only just sent."""
        now = time.perf_counter()
        with self._lock:
            if now - self._sent >= _TOGETHER and not self._held:
                self._put(encode_frame(Produced(number, [event])))
                _yield()  # where there is one core for both, the server takes it before the next is made
                self._sent = now
                return
            self._held.setdefault(number, []).append(event)
            self._count += 1
            if self._count >= _MOST or now - self._sent >= _TOGETHER:
                self._flush()
                self._sent = now
            elif self._count == 1:
                self._holds.set()
            if self._broken:
                self._complain(number)

    def end(self, number: int, events: Sequence[Event] = ()) -> None:
        """The worker is done with an answer; *events*, and what was held back of it, go in the same frame."""
        with self._lock:
            held = self._held.pop(number, [])
            self._count -= len(held)
            if self._broken:
                self._complain(number)
            self._put(encode_frame(Produced(number, [*held, *events], last=True)))

    def together(self, frames: Iterable[bytes]) -> None:
        """*frames*, at once, in one write."""
        data = b"".join(frames)
        with self._lock:
            self._flush()
            self._put(data)

    def _complain(self, number: int) -> None:
        error = self._broken.pop(number, None)
        if error is not None:
            raise error

    def _flush(self) -> None:
        held, self._held, self._count = self._held, {}, 0
        for number, events in held.items():
            try:
                data = encode_frame(Produced(number, events))
            except Exception as error:  # no plain data: it is the fault of that answer, whoever happens to send
                self._broken[number] = error
            else:
                self._put(data)

    def _put(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError:  # the server is gone, as the reading thread sees too
            os._exit(1)

    def _send_on(self) -> None:
        while True:
            self._holds.wait()
            self._holds.clear()
            time.sleep(2 * _TOGETHER)
            with self._lock:
                self._flush()
