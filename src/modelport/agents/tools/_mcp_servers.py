"""Ways to an MCP server: a command that is started, an address. Knows no tools."""

import functools
import importlib
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import httpx2
    from mcp import Client

__all__ = ("Http", "MCPSettings", "StderrTail", "Stdio")

logger: logging.Logger = logging.getLogger(__name__)

_TAIL = 2000  # how much of what a server wrote to stderr an error shows, in bytes


class MCPSettings(Struct, frozen=True, kw_only=True):
    """How to treat a server: what to take from it, and how long and how much at most."""

    prefix: str = ""  # before the name of each tool, to tell servers apart
    only: Sequence[str] | None = None  # the server's names of the tools to take; None for all
    cwd: str | Path | None = None  # where to start the command
    connect_seconds: float = 30
    call_seconds: float = 60
    result_characters: int = 100_000  # longer results are cut, which the text says
    most_tools: int = 128


class Stdio:
    """A server that *command* starts, and that talks over its standard input and output."""

    def __init__(self, command: str, args: list[str], env: dict[str, str], settings: MCPSettings) -> None:
        self._command = command
        self._args = args
        self._env = env
        self._settings = settings
        self._stderr: StderrTail | None = None

    def prepare(self) -> None:
        """Import the SDK."""
        _import_sdk()
        importlib.import_module("mcp.client.stdio")

    @asynccontextmanager
    async def connect(self) -> "AsyncIterator[Client]":
        """The server, started; it is stopped on leaving."""
        from mcp import Client, StdioServerParameters
        from mcp.client.stdio import stdio_client

        server = StdioServerParameters(
            command=self._command,
            args=self._args,
            env=self._env,  # added to the SDK's minimal environment
            cwd=self._settings.cwd,
            encoding_error_handler="replace",
        )
        self._stderr = StderrTail(functools.partial(logger.debug, "%s: %s", Path(self._command).name))
        try:
            transport = stdio_client(server, errlog=self._stderr.file)  # type: ignore[arg-type]  # for its descriptor
            async with Client(transport, read_timeout_seconds=self._settings.connect_seconds) as client:
                yield client
        finally:
            self._stderr.file.close()

    def complaint(self) -> str:
        """What it wrote to its stderr last."""
        return self._stderr.text() if self._stderr is not None else ""


class Http:
    """A server at an address, over streamable HTTP."""

    def __init__(self, url: str, headers: dict[str, str], settings: MCPSettings) -> None:
        self._url = url
        self._headers = headers
        self._settings = settings
        self._http: httpx2.AsyncClient | None = None

    def prepare(self) -> None:
        """Import the SDK, and read the certificates that an HTTP client trusts."""
        _import_sdk()
        importlib.import_module("mcp.client.streamable_http")
        import httpx2

        # The SDK bounds each call; httpx2's own bound on reading must not be shorter, or long calls would be cut off.
        seconds = self._settings.connect_seconds
        timeout = httpx2.Timeout(seconds, read=max(seconds, self._settings.call_seconds) + 10)
        self._http = httpx2.AsyncClient(headers=self._headers, timeout=timeout)

    @asynccontextmanager
    async def connect(self) -> "AsyncIterator[Client]":
        """A connection."""
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        assert self._http is not None
        async with self._http as http:
            transport = streamable_http_client(self._url, http_client=http)
            async with Client(transport, read_timeout_seconds=self._settings.connect_seconds) as client:
                yield client

    def complaint(self) -> str:
        """Nothing: an answer's error says it all."""
        return ""


def _import_sdk() -> None:
    importlib.import_module("mcp")
    with suppress(ImportError):
        importlib.import_module("jsonschema")  # the SDK imports it at the first call, which must not wait for it


class StderrTail:
    """Where a server's stderr goes: a pipe, read to its end by a thread that keeps the last bytes.

    The program's own stderr is not used: in notebooks it has no file descriptor, and a server's chatter would stand
    between the lines of a chat. Each line goes to *log*, too.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        import os

        self._log = log
        self._kept: deque[bytes] = deque()
        read_end, write_end = os.pipe()
        self.file: FileIO = FileIO(write_end, "w")
        self._thread = threading.Thread(
            target=self._read, args=(FileIO(read_end, "r"),), name="modelport-mcp-stderr", daemon=True
        )
        self._thread.start()

    def _read(self, pipe: FileIO) -> None:
        with pipe:
            while chunk := pipe.read(4096):
                self._kept.append(chunk)
                while sum(map(len, self._kept)) - len(self._kept[0]) >= _TAIL:
                    self._kept.popleft()
                for line in chunk.decode("utf-8", "replace").splitlines():
                    with suppress(Exception):
                        self._log(line)

    def text(self) -> str:
        """What was written last."""
        self.file.close()
        self._thread.join(0.5)  # a server's child may still hold the pipe
        return b"".join(self._kept)[-_TAIL:].decode("utf-8", "replace").strip()
