"""One connection to an MCP server, on an event loop and a thread of its own.

So it serves blocking callers, callers on any event loop and callers inside a notebook alike; a chat that blocks its own
loop cannot block the connection; and what the SDK opens is closed by the task that opened it, as it must be.
"""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

from modelport.agents.tools._mcp_results import told
from modelport.errors import AgentError, ConnectionFailed, ModelTimeout

if TYPE_CHECKING:
    import asyncio

    import anyio
    from mcp import Client, Tool

__all__ = ("Server", "Session")

_GRACE = 5.0  # how much longer than its limit a call may take to be told off by the SDK, in seconds


class Server(Protocol):
    """A way to a server."""

    def prepare(self) -> None:
        """Do what blocks: import the SDK, read certificates."""
        ...

    def connect(self) -> "AbstractAsyncContextManager[Client]":
        """A connection."""
        ...

    def complaint(self) -> str:
        """What the server said on the side, if it could not be used."""
        ...


class Session:
    """Opened by :meth:`open`, used by any number of callers at once, closed by :meth:`close`."""

    def __init__(self, label: str, server: Server, *, connect_seconds: float, call_seconds: float) -> None:
        self.label: str = label
        self._server = server
        self._connect_seconds = connect_seconds
        self._call_seconds = call_seconds
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._scope: anyio.CancelScope | None = None
        self._left = False
        self._closed = False  # left because it was asked to
        self._tools: Future[list[Tool]] = Future()
        self._ended: Future[None] = Future()

    def open(self, most_tools: int) -> "Future[list[Tool]]":
        """The tools of the server, at most so many."""
        threading.Thread(target=self._live, args=(most_tools,), name="modelport-mcp", daemon=True).start()
        return self._tools

    def close(self) -> "Future[None]":
        """Done when the server is stopped and nothing of it is left. Calls under way end with an error."""
        with self._lock:
            if not self._left and self._loop is not None:
                self._loop.call_soon_threadsafe(self._depart)
            self._left = self._closed = True
        return self._ended

    def _depart(self) -> None:
        if self._leave is not None:
            self._leave.set()
        if self._client is None and self._scope is not None:
            self._scope.cancel()  # it is still connecting

    def submit(self, name: str, arguments: dict[str, Any], render: Callable[[Any], str]) -> "Future[str]":
        """The text of what the tool *name* gives."""
        import asyncio

        with self._lock:
            if self._left and not self._closed:
                raise ConnectionFailed(f"the MCP server {self.label} is gone, {name} was not run")
            if self._left or self._loop is None or self._client is None:
                raise ConnectionFailed(f"the MCP server {self.label} is closed: call its tools inside the with block")
            return asyncio.run_coroutine_threadsafe(self._call(self._client, name, arguments, render), self._loop)

    def wait(self, future: "Future[str]") -> str:
        """The result of a submitted call, waiting for it."""
        try:
            return future.result()
        except CancelledError:
            raise self._gone() from None
        except BaseException:
            future.cancel()
            raise

    async def a_wait(self, future: "Future[str]") -> str:
        """The result of a submitted call. When the awaiting task is cancelled, so is the call."""
        import asyncio

        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._left and future.cancelled() and not (task and task.cancelling()):
                raise self._gone() from None
            raise

    def _gone(self) -> ConnectionFailed:
        return ConnectionFailed(f"the MCP server {self.label} went away before the tool had answered")

    # --- on its own thread ---

    def _live(self, most_tools: int) -> None:
        import asyncio

        try:
            self._server.prepare()
            asyncio.run(self._serve(most_tools))
        except BaseException as error:  # the thread has nobody else to tell
            if not self._tools.done():
                self._tools.set_exception(error)
        finally:
            self._ended.set_result(None)

    async def _serve(self, most_tools: int) -> None:
        import asyncio

        import anyio

        with self._lock:
            if self._left:
                raise self._gone()
            self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
            self._scope = scope = anyio.CancelScope(deadline=anyio.current_time() + self._connect_seconds)
        try:
            with scope:
                async with self._server.connect() as client:
                    tools = await _every_tool(client, most_tools)
                    scope.deadline = float("inf")
                    self._client = client
                    self._tools.set_result(tools)
                    await self._leave.wait()
        except Exception as error:
            raise self._unreachable(error) from error
        finally:
            with self._lock:
                self._left = True
            await asyncio.sleep(0)  # calls that were let in just before get to their start, and so to their end
        if not self._tools.done():
            raise ModelTimeout(self._with_complaint(f"was not ready within {self._connect_seconds:g} s"))

    def _unreachable(self, error: BaseException) -> AgentError | ConnectionFailed:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, AgentError):
            return error
        return ConnectionFailed(self._with_complaint(f"could not be used: {told(error)}"))

    def _with_complaint(self, what: str) -> str:
        complaint = self._server.complaint()
        return f"the MCP server {self.label} {what}" + (f"; its stderr ends with:\n{complaint}" if complaint else "")

    async def _call(self, client: "Client", name: str, arguments: dict[str, Any], render: Callable[[Any], str]) -> str:
        import asyncio

        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED, REQUEST_TIMEOUT

        try:
            async with asyncio.timeout(self._call_seconds + _GRACE):
                result = await client.call_tool(name, arguments, read_timeout_seconds=self._call_seconds)
        except TimeoutError as error:
            raise self._late(name) from error
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                raise self._late(name) from error
            if error.code == CONNECTION_CLOSED:
                raise ConnectionFailed(f"the MCP server {self.label} is gone, {name} did not answer") from error
            raise AgentError(f"the MCP server {self.label} did not run {name}: {told(error)}") from error
        except Exception as error:
            raise ConnectionFailed(f"the MCP server {self.label} did not run {name}: {told(error)}") from error
        text = render(result)
        if result.is_error:
            raise AgentError(text or f"{name} failed and did not say why")
        return text

    def _late(self, name: str) -> ModelTimeout:
        return ModelTimeout(f"the MCP server {self.label} did not answer {name} within {self._call_seconds:g} s")


async def _every_tool(client: "Client", most: int) -> "list[Tool]":
    tools: list[Tool] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        if len(tools) > most:
            raise AgentError(f"an MCP server offers more than {most} tools: raise most_tools, or choose with only")
        if not page.next_cursor or (page.next_cursor == cursor and not page.tools):
            return tools
        cursor = page.next_cursor
