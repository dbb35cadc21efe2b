"""The endpoint of AgentStudio's own wire, closed unless the operator opened it."""

from typing import TYPE_CHECKING

from modelport.dialects.agentstudio import DIALECT
from modelport.errors import InvalidRequest
from modelport.server.endpoints import UnsupportedEncoding, answer
from modelport.server.http import Exchange
from modelport.sync import offload

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = ("DIALECT", "FLAG", "WireClosed", "generate")

FLAG = "--allow-agentstudio-pickle"

_QUICK = 16 * 1024  # a body of fewer bytes is decoded where the event loop runs


class WireClosed(InvalidRequest):
    """The operator has not opened this wire: as far as it goes, nothing is served there."""

    code = "path_not_found"
    status = 404


async def generate(app: "App", exchange: Exchange) -> None:
    """A request of AgentStudio's ``RemoteProvider``, answered in its form.

    Raises:
        WireClosed: the operator has not opened this wire.
    """
    if not app.agentstudio_pickle:
        raise WireClosed(
            f"AgentStudio's wire carries pickles, and is closed on this server: start it with {FLAG} "
            "(they are read as data and never unpickled), or ask /v1/chat/completions"
        )
    encoding = exchange.headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise UnsupportedEncoding("compressed bodies are not taken here: send it without Content-Encoding")
    body = await exchange.body(app.limits.body, within=app.limits.read)
    asked = DIALECT.decode_request(body) if len(body) < _QUICK else await offload(DIALECT.decode_request, body)
    del body
    await answer(app, exchange, DIALECT, asked)
