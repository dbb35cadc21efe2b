"""The floor: a bare ASGI app that looks at nothing but the path. Arguments: the answer's size, a chunk's size, bytes.

/noop answers with that many bytes; /sink too, when it has read the body and forgotten it; /ready with a hundred chunks,
each sent on its own; /turns likewise, each in a turn of the event loop of its own.
"""

import asyncio
import sys
from typing import Any

from bench.programs.listening import listen

_HEAD = {"type": "http.response.start", "status": 200}


def make(size: int, chunk: int) -> Any:
    """The app; its answers are made once."""
    body = b"x" * size
    whole = {**_HEAD, "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % size)]}
    begun = {**_HEAD, "headers": [(b"content-type", b"text/event-stream")]}
    piece = b"data: " + b"x" * (chunk - 8) + b"\n\n"

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/sink":
            while (await receive()).get("more_body"):
                pass
        if path in {"/noop", "/sink"}:
            await send(whole)
            await send({"type": "http.response.body", "body": body})
            return
        await send(begun)
        for _ in range(100):
            if path == "/turns":
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    return app


if __name__ == "__main__":
    listen(make(int(sys.argv[1]), int(sys.argv[2])))
