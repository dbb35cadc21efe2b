"""A real MCP server, for tests: over stdio, or over HTTP with the argument ``http`` (prints its port)."""

import asyncio
import os
import socket
import sys

import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from mcp.types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents

server = MCPServer("test", log_level="ERROR")


@server.tool()
def add(a: int, b: int = 1) -> str:
    """Adds two numbers."""
    return str(a + b)


@server.tool(name="odd name/with.dots")
def odd() -> str:
    return "odd"


@server.tool(name="odd name/with dots")
def odd_twin() -> str:
    return "twin"


@server.tool()
def fail() -> str:
    raise ValueError("no luck today")


@server.tool()
async def stall() -> str:
    await asyncio.Event().wait()
    return "never"


@server.tool()
def die() -> str:
    os._exit(3)


@server.tool()
def long(length: int) -> str:
    return "x" * length


@server.tool()
def variable(name: str) -> str:
    """What the server sees of its environment."""
    return os.environ.get(name, "(not set)")


@server.tool()
def directory() -> str:
    return os.getcwd()  # noqa: PTH109


@server.tool()
def picture() -> Image:
    return Image(data=b"\x89PNG 12 bytes", format="png")


@server.tool()
def mixed() -> CallToolResult:
    return CallToolResult(
        content=[
            TextContent(text="see:"),
            EmbeddedResource(resource=TextResourceContents(uri="file:///a.txt", text="inside", mime_type="text/plain")),
        ]
    )


@server.tool()
def table() -> dict[str, int]:
    return {"rows": 2}


def serve_http() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(server.streamable_http_app(), log_level="error")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["http"]:
            serve_http()
        case ["mute"]:
            print("I will not answer", file=sys.stderr, flush=True)
            sys.stdin.read()
        case ["broken"]:
            print("cannot find the database", file=sys.stderr, flush=True)
            sys.exit(7)
        case _:
            server.run("stdio")
