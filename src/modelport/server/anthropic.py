"""What Anthropic's clients ask of a server: messages, how many tokens a prompt has, and the models in their form."""

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from msgspec.structs import replace

from modelport.dialects.anthropic_messages import COUNT_PATH, DIALECT, AnthropicMessages
from modelport.dialects.base import Asked
from modelport.errors import InvalidRequest, ModelNotFound
from modelport.model import counts
from modelport.server import endpoints
from modelport.server.bounds import check_request
from modelport.server.endpoints import answer, body_of, respond_json
from modelport.server.http import Exchange
from modelport.types import ChatResponse, unfold
from modelport.types.counting import count_from, count_request
from modelport.wrappers.metering import estimate_tokens

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = ("COUNT_PATH", "DIALECT", "count_tokens", "is_spoken", "list_models", "messages", "one_model")

_MOST = 1000  # models in one list
_USUAL = 20


def is_spoken(exchange: Exchange) -> bool:
    """Whether whoever asks has told that Anthropic's wire is meant, as its clients do on every path."""
    return b"anthropic-version" in exchange.headers


async def messages(app: "App", exchange: Exchange) -> None:
    """A request in Anthropic's Messages, answered whole or as a stream."""
    asked = DIALECT.decode_request(await body_of(app, exchange))
    if asked.stream:
        # A stream begins with how long the prompt is, before any model has counted it.
        tokens = estimate_tokens(asked.request)
        asked = replace(asked, prompt_tokens=tokens, request_id=exchange.request_id)
    await answer(app, exchange, DIALECT, asked)


async def count_tokens(app: "App", exchange: Exchange) -> None:
    """How many tokens a prompt has: by the model's own count where it has one, else an estimate that says so."""
    request = DIALECT.decode_count(await body_of(app, exchange))
    if counts(app.serving.find(request.model).model):
        await answer(app, exchange, _Counting(), Asked(request=count_request(request)))
        return
    check_request(request, app.limits)
    body = DIALECT.encode_count(estimate_tokens(request), estimated=True)
    await exchange.respond(200, body, DIALECT.response_type.encode())


class _Counting(AnthropicMessages):
    """The dialect for one request that is counted."""

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:  # noqa: ARG002  (the same for all)
        return self.encode_count(count_from(unfold(response)), estimated=False)


# --- models -----------------------------------------------------------------------------------------------------------


async def list_models(app: "App", exchange: Exchange) -> None:
    """The served models, in the form of whoever asks."""
    spoken = is_spoken(exchange)
    if not spoken and not exchange.scope.get("query_string"):
        await endpoints.list_models(app, exchange)
        return
    page, more = _page(list(app.serving.names), exchange)
    body = {
        "data": [_card(app, name) if spoken else endpoints._model_card(app, name) for name in page],
        "has_more": more,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
    await respond_json(exchange, body if spoken else {"object": "list", **body})


async def one_model(app: "App", exchange: Exchange) -> None:
    """One served model, or one alias's, in the form of whoever asks; the name is the rest of the path."""
    if not is_spoken(exchange):
        await endpoints.one_model(app, exchange)
        return
    name = exchange.path.removeprefix("/v1/models/")
    await respond_json(exchange, _card(app, app.serving.find(name).name))


def _card(app: "App", name: str) -> dict[str, Any]:
    created = dt.datetime.fromtimestamp(app.created, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": created, "lifecycle": "active"}


def _page(names: list[str], exchange: Exchange) -> tuple[list[str], bool]:
    """The names that are asked for, and whether there are more in the same direction."""
    query = parse_qs(exchange.scope.get("query_string", b"").decode("latin-1"))
    limit = _limit(query.get("limit", [str(_USUAL)])[-1])
    after, before = query.get("after_id"), query.get("before_id")
    if before:
        names = names[: _place(names, before[-1], "before_id")]
        return names[-limit:], len(names) > limit
    if after:
        names = names[_place(names, after[-1], "after_id") + 1 :]
    return names[:limit], len(names) > limit


def _limit(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 5 and 1 <= int(given) <= _MOST):
        raise InvalidRequest(f"limit must be a whole number from 1 to {_MOST}, got {given[:40]!r}", param="limit")
    return int(given)


def _place(names: list[str], name: str, param: str) -> int:
    if name not in names:
        raise ModelNotFound(f"{param}: no model named {name[:100]!r} is served here", param=param)
    return names.index(name)
