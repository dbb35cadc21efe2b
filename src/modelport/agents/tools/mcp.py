"""The tools of MCP servers (Model Context Protocol), as tools of agents. Needs the extra ``mcp``.

A server is named by the program that uses it, as a command to start or an address to reach. Nothing that a message or a
server says starts a command. A server's command gets a minimal environment (``PATH``, ``HOME`` and the like), not
this process's, which has its secrets. The server cannot ask the model or the user for anything.
"""

import functools
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

from msgspec import Struct

from modelport.agents.tools._mcp_results import render
from modelport.agents.tools._mcp_servers import Http, MCPSettings, Stdio
from modelport.agents.tools._mcp_session import Server, Session
from modelport.errors import AgentError, ConfigError, ConnectionFailed

if TYPE_CHECKING:
    from mcp import Tool

__all__ = ("MCPSettings", "MCPTool", "MCPTools", "ToolCaller", "ToolExecutor", "mcp_tools")

logger: logging.Logger = logging.getLogger(__name__)

_NAME_LENGTH = 64  # OpenAI's bound on the name of a function
_SCHEMA_LENGTH = 64 * 1024  # of one tool, in characters of JSON


class ToolCaller(Protocol):
    """An agent whose model may call tools."""

    def update_tool_signature(self, tool_sig: Any, is_remove: Any) -> Any:
        """Show the model one more tool."""
        ...


class ToolExecutor(Protocol):
    """An agent that runs tools."""

    @property
    def function_map(self) -> Any:
        """The functions that it can run, by name."""
        ...

    def register_for_execution(self, name: str | None = None) -> Any:
        """A decorator for a function to run."""
        ...


class MCPTool(Struct, frozen=True, kw_only=True):
    """A tool of a server. ``name`` is what a model calls it, ``remote_name`` what the server does."""

    name: str
    remote_name: str
    description: str
    parameters: dict[str, Any]  # the server's own JSON schema

    @property
    def schema(self) -> dict[str, Any]:
        """As one of OpenAI's ``tools``."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


def mcp_tools(
    command: str | None = None,
    args: Sequence[str] = (),
    *,
    url: str | None = None,
    env: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    settings: MCPSettings | None = None,
) -> "MCPTools":
    """The tools of the server that *command* starts (stdio), or that answers at *url* (streamable HTTP).

    To be entered with ``with`` or ``async with``; on leaving, the connection is closed and a started server stopped.
    *env* is added to the minimal environment of a command; *headers* go with each request to an address.

    Raises:
        ConfigError: neither or both of *command* and *url*, or what belongs to the other one.
        ConnectionFailed: on entering; the server does not start, or is none.
        ModelTimeout: on entering; the server is not ready in time.
    """
    if (command is None) == (url is None):
        raise ConfigError("an MCP server is either a command or a url: give exactly one of them")
    if command is not None and headers is not None:
        raise ConfigError("headers are for an MCP server with a url; a command has env")
    if url is not None:
        if args or env is not None:
            raise ConfigError("args and env are for an MCP server with a command; a url has headers")
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise ConfigError(f"url: expected http://HOST:PORT/PATH of an MCP server, got {url!r}")
    settings = settings or MCPSettings()
    if url is not None:
        return MCPTools(_label(url), Http(url, dict(headers or {}), settings), settings)
    assert command is not None
    return MCPTools(Path(command).name, Stdio(command, list(args), dict(env or {}), settings), settings)


class MCPTools:
    """The tools of one server, while it is entered. Iterating gives each :class:`MCPTool`."""

    def __init__(self, label: str, server: Server, settings: MCPSettings) -> None:
        self.label: str = label
        self.tools: tuple[MCPTool, ...] = ()
        self._settings = settings
        self._server = server
        self._session: Session | None = None

    def __iter__(self) -> Iterator[MCPTool]:
        return iter(self.tools)

    def __len__(self) -> int:
        return len(self.tools)

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """Each tool as one of OpenAI's ``tools``."""
        return [tool.schema for tool in self.tools]

    def register(self, *, caller: ToolCaller, executor: ToolExecutor) -> None:
        """Show the tools to the model of *caller*, and have *executor* run them.

        Raises:
            ConfigError: *executor* has a tool of that name already.
        """
        taken = [tool.name for tool in self.tools if tool.name in executor.function_map]
        if taken:
            raise ConfigError(
                f"the MCP server {self.label} has tools whose names are taken: {', '.join(taken)}; "
                "set a prefix for them: settings=MCPSettings(prefix='...')"
            )
        for tool in self.tools:
            caller.update_tool_signature(tool.schema, is_remove=False)
            executor.register_for_execution(name=tool.name)(self.function(tool.name))

    def function(self, name: str) -> Any:
        """An async function that calls the tool *name* and gives its result as text; its errors are raised."""
        tool = self._tool(name)

        async def call(**arguments: Any) -> str:
            return await self.a_call(name, arguments)

        call.__name__ = call.__qualname__ = name
        call.__doc__ = tool.description
        return call

    def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> str:
        """What the tool *name* gives, as text.

        Raises:
            AgentError: the tool, or the server, says that it failed.
            ModelTimeout: it took longer than ``call_seconds``.
            ConnectionFailed: the server is gone.
        """
        session, future = self._submitted(name, arguments)
        return session.wait(future)

    async def a_call(self, name: str, arguments: Mapping[str, Any] | None = None) -> str:
        """Like :meth:`call`, on any event loop."""
        session, future = self._submitted(name, arguments)
        return await session.a_wait(future)

    def __enter__(self) -> Self:
        session = self._start()
        try:
            self._take(session.open(self._settings.most_tools).result())
        except BaseException:
            session.close().result()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._session is not None:
            self._session.close().result()

    async def __aenter__(self) -> Self:
        import asyncio

        session = self._start()
        try:
            opened = session.open(self._settings.most_tools)
            self._take(await asyncio.wrap_future(opened))
        except BaseException:
            await asyncio.shield(asyncio.wrap_future(session.close()))
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        import asyncio

        if self._session is not None:
            await asyncio.shield(asyncio.wrap_future(self._session.close()))

    def _start(self) -> Session:
        if self._session is not None:
            raise ConfigError(
                f"the MCP server {self.label} was entered already: call mcp_tools() again for another one"
            )
        _require_sdk()
        self._session = Session(
            self.label,
            self._server,
            connect_seconds=self._settings.connect_seconds,
            call_seconds=self._settings.call_seconds,
        )
        return self._session

    def _take(self, offered: "list[Tool]") -> None:
        tools: list[MCPTool] = []
        names: set[str] = set()
        only = self._settings.only
        for tool in offered:
            if only is None or tool.name in only:
                name = _valid_name(self._settings.prefix + tool.name, names)
                names.add(name)
                tools.append(_taken(tool, name))
        missing = set(only or ()) - {tool.remote_name for tool in tools}
        if missing:
            raise ConfigError(f"only: the MCP server {self.label} has no tool {', '.join(sorted(missing))}")
        self.tools = tuple(tools)

    def _tool(self, name: str) -> MCPTool:
        for tool in self.tools:
            if tool.name == name:
                return tool
        known = ", ".join(tool.name for tool in self.tools) or "none"
        raise AgentError(f"the MCP server {self.label} has no tool {name!r} (it has: {known})")

    def _submitted(self, name: str, arguments: Mapping[str, Any] | None) -> tuple[Session, Any]:
        if self._session is None:
            raise ConnectionFailed(f"the MCP server {self.label} is not started: call its tools inside the with block")
        tool = self._tool(name)
        shown = functools.partial(render, most=self._settings.result_characters)
        return self._session, self._session.submit(tool.remote_name, dict(arguments or {}), shown)


def _taken(tool: "Tool", name: str) -> MCPTool:
    parameters = dict(tool.input_schema)
    if parameters.get("type", "object") == "object":
        parameters = {"type": "object", **parameters}
        parameters.setdefault("properties", {})  # OpenAI wants it, also for a tool that takes nothing
    taken = MCPTool(
        name=name,
        remote_name=tool.name,
        description=tool.description or tool.title or tool.name,
        parameters=parameters,
    )
    if len(json.dumps(taken.schema)) > _SCHEMA_LENGTH:
        raise AgentError(f"the description and schema of the MCP tool {tool.name!r} are longer than {_SCHEMA_LENGTH:,}")
    return taken


def _valid_name(name: str, taken: Iterable[str]) -> str:
    """*name* as OpenAI allows it (letters, digits, ``_``, ``-``; at most 64), and not one of *taken*."""
    valid = re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:_NAME_LENGTH] or "tool"
    candidate, number = valid, 1
    while candidate in taken:
        number += 1
        ending = f"_{number}"
        candidate = valid[: _NAME_LENGTH - len(ending)] + ending
    return candidate


def _label(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _require_sdk() -> None:
    try:
        import mcp  # noqa: F401  (whether it is there)
    except ImportError as error:
        raise ImportError("MCP servers need the mcp package: pip install 'modelport[mcp]'") from error
