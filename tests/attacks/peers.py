"""A real ``modelport serve`` under attack: bytes to it, its answers taken apart, and what it still holds afterwards."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.server.processes import serving

__all__ = ("CLOSE", "GET", "MODELS", "POST", "Answer", "Peer", "answers_in", "asked", "body_of", "chunked", "served")

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"

MODELS = '''
import asyncio
import os


async def census(messages, **params):
    """What the server's own process holds: tasks and open files."""
    return f"{len(asyncio.all_tasks())} {len(os.listdir('/proc/self/fd'))}"


async def letters(messages, **params):
    for letter in messages[-1]["content"]:
        yield letter


async def late(messages, **params):
    await asyncio.sleep(float(messages[-1]["content"]))
    return "late"


working = 0


async def endless(messages, **params):
    global working
    working += 1
    try:
        while True:
            yield "x" * 10000
            await asyncio.sleep(0)
    finally:
        working -= 1


async def waits(messages, **params):
    global working
    working += 1
    try:
        await asyncio.sleep(600)
    finally:
        working -= 1


async def at_work(messages, **params):
    return str(working)
'''
NAMES = ("census", "letters", "late", "endless", "waits", "at_work")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Peer:
    """Somebody who speaks to the server on *port*, kindly or otherwise."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def says(self, data: bytes, *, half: bool = False) -> bytes:
        """All that comes back until the server closes."""
        with self.connect() as sock:
            sock.sendall(data)
            if half:
                sock.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def ask(self, model: str, text: str = "hi") -> str:
        [answer] = answers_in(self.says(asked(model, text, close=True)))
        assert answer.status == 200, answer
        content: str = json.loads(answer.body)["choices"][0]["message"]["content"]
        return content

    def is_well(self) -> bool:
        return self.ask("letters", "still here") == "still here"

    def census(self) -> tuple[int, int]:
        tasks, files = self.ask("census").split()
        return int(tasks), int(files)

    def comes_back_to(self, base: tuple[int, int]) -> bool:
        """Whether no more tasks and files are held than *base*, at the latest in a few seconds."""
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            now = self.census()
            if now[0] <= base[0] and now[1] <= base[1]:
                return True
        return False

    def comes_to_rest(self) -> bool:
        """Whether no model works for anybody, at the latest in a few seconds."""
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            if self.ask("at_work") == "0":
                return True
        return False


@contextlib.contextmanager
def served(folder: Path, *options: str, **env: str) -> Iterator[Peer]:
    """The models of MODELS, served by a process of their own."""
    (folder / "attacked.py").write_text(MODELS, encoding="utf-8")
    with serving(folder, [f"{folder}/attacked.py:{name}" for name in NAMES], *options, **env) as process:
        yield Peer(process.port)


def body_of(model: str, text: str = "hi", **fields: object) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **fields}).encode()


def asked(model: str, text: str = "hi", *, close: bool = False, **fields: object) -> bytes:
    """A request, complete."""
    body = body_of(model, text, **fields)
    return POST + b"Content-Length: %d\r\n" % len(body) + (CLOSE if close else b"\r\n") + body


def chunked(body: bytes, *, size: int = 1 << 20, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(each), extension, each) for each in pieces) + b"0\r\n" + trailers + b"\r\n"


def answers_in(data: bytes) -> list[Answer]:
    """The answers in what came, in their order; 100 Continue is none."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        status = int(line.split()[1])
        headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}
        if status == 100:
            continue
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            size = -1
            while size:
                line_of_size, _, data = data.partition(b"\r\n")
                size = int(line_of_size, 16)
                body += data[:size]
                data = data[size + 2 :]
        else:
            length = int(headers.get("content-length", len(data)))
            body, data = data[:length], data[length:]
        found.append(Answer(status, headers, body))
    return found
