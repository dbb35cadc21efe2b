"""The endpoints of modelport's own wire: ask a model, and ask who is there."""

import hashlib
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from modelport.dialects.port import DIALECT, HELLO_PATH, VERSION, Port
from modelport.server.endpoints import answer, respond_json
from modelport.server.http import Exchange
from modelport.server.parts import PartStore
from modelport.sync import offload

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = ("DIALECT", "HELLO_PATH", "generate", "hello")

_QUICK = 64 * 1024  # a body of fewer bytes is decoded where the event loop runs

_stores: "WeakKeyDictionary[App, PartStore]" = WeakKeyDictionary()


async def generate(app: "App", exchange: Exchange) -> None:
    """A request in our own wire, answered whole or as a stream."""
    body = await exchange.body(app.limits.body, within=app.limits.read)
    store = _stores.get(app) or _stores.setdefault(app, PartStore())
    dialect = Port(store.of(_caller(exchange)))
    if len(body) < _QUICK:
        asked = dialect.decode_request(body)
    else:
        asked = await offload(dialect.decode_request, body)
    del body
    await answer(app, exchange, dialect, asked)


def _caller(exchange: Exchange) -> bytes:
    """Who asks, as far as a key tells; the key was checked before."""
    headers = exchange.headers
    shown = headers.get(b"authorization", b""), headers.get(b"x-api-key", b"")
    return hashlib.sha256(b"\0".join(shown)).digest() if any(shown) else b""


async def hello(app: "App", exchange: Exchange) -> None:
    """That this is modelport, which versions of the wire it speaks, and what it serves."""
    await respond_json(exchange, {"service": "modelport", "versions": [VERSION], "models": app.serving.names})
