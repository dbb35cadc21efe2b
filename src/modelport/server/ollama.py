"""What Ollama's clients ask beside answers: which models there are, what one of them is, and the version."""

import hashlib
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from modelport.dialects.ollama import DIALECT
from modelport.errors import InvalidRequest
from modelport.model import accepts, embeds
from modelport.server.endpoints import body_of, respond_json
from modelport.server.http import Exchange
from modelport.server.serving import Served
from modelport.types import translate_validation
from modelport.types.embeddings import EMBED

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = ("DIALECT", "PS_PATH", "SHOW_PATH", "TAGS_PATH", "VERSION_PATH", "ps", "show", "tags", "version")

TAGS_PATH = "/api/tags"
SHOW_PATH = "/api/show"
PS_PATH = "/api/ps"
VERSION_PATH = "/api/version"

_DETAILS: dict[str, Any] = {
    "parent_model": "",
    "format": "modelport",
    "family": "",
    "families": [],
    "parameter_size": "",
    "quantization_level": "",
}


class _Show(Struct, frozen=True, forbid_unknown_fields=True):
    model: str | None = None
    name: str | None = None  # its older word
    verbose: bool | None = None  # there is nothing more to tell


_decode_show = msgspec.json.Decoder(_Show).decode


async def tags(app: "App", exchange: Exchange) -> None:
    """The served models. What is not known of them is empty."""
    stamp = _stamp(app)
    await respond_json(exchange, {"models": [{**_card(name), "modified_at": stamp} for name in app.serving.names]})


async def ps(app: "App", exchange: Exchange) -> None:
    """The models that are loaded, which all are that are served, for as long as the server runs."""
    years = time.gmtime(app.created + 100 * 365 * 86400)
    told = {"expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", years), "size_vram": 0}
    unready = set(app.serving.unready)
    cards = [{**_card(name), **told} for name in app.serving.names if name not in unready]
    await respond_json(exchange, {"models": cards})


def _card(name: str) -> dict[str, Any]:
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return {"name": name, "model": name, "size": 0, "digest": digest, "details": _DETAILS}


async def show(app: "App", exchange: Exchange) -> None:
    """One served model: what it can do, as far as it says."""
    body = await body_of(app, exchange)
    try:
        given = _decode_show(body)
    except msgspec.ValidationError as error:
        raise translate_validation(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    name = given.model or given.name
    if not name:
        raise InvalidRequest("model is missing: which one is to be shown?", param="model")
    served = app.serving.find(name.removesuffix(":latest"))
    card = {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "modified_at": _stamp(app),
        "details": _DETAILS,
        "model_info": {"general.name": served.name},
        "capabilities": _capabilities(served),
    }
    await respond_json(exchange, card)


def _capabilities(served: Served) -> list[str]:
    fields = accepts(served.model)
    if fields == frozenset({EMBED}):
        return ["embedding"]
    capabilities = ["completion"]
    capabilities += ["tools"] if fields is None or "tools" in fields else []
    capabilities += ["thinking"] if fields is None or "reasoning_effort" in fields else []
    capabilities += ["embedding"] if embeds(served.model) else []
    return capabilities


async def version(_app: "App", exchange: Exchange) -> None:
    """modelport's version, in the place of Ollama's."""
    package = sys.modules["modelport"]  # loaded by now, and above this file, which may not import it
    await respond_json(exchange, {"version": package.__version__})


def _stamp(app: "App") -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(app.created))
