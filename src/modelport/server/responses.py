"""OpenAI's Responses as a server gives them: asked for, kept where the operator wants that, looked up and deleted.

What is kept belongs to the API key that asked for it: to the others it is not there. An answer is looked up among those
that are being written first, so that whoever goes on at once finds it.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from modelport.dialects.base import Asked
from modelport.dialects.openai_responses import DIALECT, OpenAIResponses, ResponsesAsked, after, turns
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.server.endpoints import answer, body_of, respond_json
from modelport.server.http import Exchange
from modelport.server.limits import Limits
from modelport.server.quotas import current_caller
from modelport.storage.responses import ResponseStore, StoredResponse
from modelport.sync import offload
from modelport.types import ChatResponse, Event, Message

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = ("BELOW_PATH", "DIALECT", "KeptResponses", "ResponseNotFound", "create", "delete", "retrieve")

logger: logging.Logger = logging.getLogger(__name__)

BELOW_PATH: str = f"{DIALECT.path}/"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Message, ...]).decode


class ResponseNotFound(InvalidRequest):
    """No answer of that id is kept for whoever asks."""

    code = "response_not_found"
    status = 404


class _Waiting(Struct, frozen=True):
    response: StoredResponse
    written: asyncio.Event


class KeptResponses(Struct, frozen=True):
    """A store, and what is on its way into it."""

    store: ResponseStore
    pending: dict[tuple[str, str], _Waiting] = {}

    async def find(self, owner: str, identifier: str) -> StoredResponse | None:
        """One answer of *owner*'s."""
        waiting = self.pending.get((owner, identifier))
        return await offload(self.store.get, owner, identifier) if waiting is None else waiting.response

    async def history(self, owner: str, identifier: str, limits: Limits) -> list[Message]:
        """What was said up to that answer.

        Raises:
            ResponseNotFound: it, or one before it, is not kept.
            RequestTooLarge: it is more than a request may hold.
        """
        written: list[StoredResponse] = []
        at: str | None = identifier
        while at is not None and (waiting := self.pending.get((owner, at))) is not None:
            written.insert(0, waiting.response)
            at = waiting.response.previous
        if at is not None:
            read = partial(self.store.conversation, owner, at, most=limits.messages, size=limits.body)
            before = await offload(read)
            if not before:
                raise _not_found(identifier, "previous_response_id")
            written = [*before, *written]
        return await offload(_said, written)

    async def delete(self, owner: str, identifier: str) -> bool:
        """Forget one answer of *owner*'s; whether it was there."""
        waiting = self.pending.get((owner, identifier))
        if waiting is not None:
            await waiting.written.wait()
        return await offload(self.store.delete, owner, identifier)

    def take(self, owner: str, response: StoredResponse) -> None:
        """From here on it is found; :meth:`keep` must follow."""
        self.pending[owner, response.id] = _Waiting(response, asyncio.Event())

    async def keep(self, owner: str, response: StoredResponse) -> None:
        """Write one answer down; what goes wrong is for the log, because the answer is out."""
        try:
            await offload(self.store.put, owner, response)
        except Exception as error:
            await offload(partial(logger.error, "the answer %s could not be kept", response.id, exc_info=error))
        finally:
            self.pending.pop((owner, response.id)).written.set()


def _said(kept: Sequence[StoredResponse]) -> list[Message]:
    said: list[Message] = []
    for one in kept:
        said += _decode(one.turns)
        said.append(DIALECT.decode_response(one.body).message)
    return said


def _not_found(identifier: str, param: str | None = None) -> ResponseNotFound:
    return ResponseNotFound(
        f"no answer {identifier[:100]!r} is kept here, or one that it goes on from is not: send the whole conversation",
        param=param,
    )


def _owner() -> str:
    caller = current_caller()
    return "" if caller is None else f"key {caller.name}"


# --- asking -----------------------------------------------------------------------------------------------------------


class _Encoder:
    """A stream's encoder that gives the whole answer on, before its last event is out."""

    def __init__(self, dialect: "_Keeping", asked: Asked, model: str) -> None:
        self._dialect = dialect
        self._encoder = DIALECT.stream_encoder(asked, model)
        self.keep_alive: bytes = self._encoder.keep_alive
        self.fail = self._encoder.fail

    def encode(self, events: Sequence[Event]) -> bytes:
        return self._encoder.encode(events)

    def finish(self) -> bytes:
        data = self._encoder.finish()
        self._dialect.take(msgspec.json.encode(self._encoder.final))
        return data


class _Keeping(OpenAIResponses):
    """The dialect for one request whose answer is kept."""

    def __init__(self, kept: KeptResponses, owner: str, said: bytes, previous: str | None) -> None:
        super().__init__(keeps=True)
        self._kept = kept
        self._owner = owner
        self._said = said
        self._previous = previous
        self.taken: StoredResponse | None = None

    def take(self, body: bytes) -> None:
        """*body* is the answer, and about to be sent: from here on it is found."""
        identifier = msgspec.json.decode(body, type=_Identified).id
        self.taken = StoredResponse(id=identifier, turns=self._said, body=body, previous=self._previous)
        self._kept.take(self._owner, self.taken)

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        body = super().encode_response(asked, response)
        self.take(body)
        return body

    def stream_encoder(self, asked: Asked, model: str) -> Any:
        return _Encoder(self, asked, model)


class _Identified(Struct):
    id: str


_KEEPING = OpenAIResponses(keeps=True)


async def create(app: "App", exchange: Exchange) -> None:
    """A request in OpenAI's Responses, answered whole or as a stream."""
    body = await body_of(app, exchange)
    kept = app.kept_responses
    if kept is None:
        await answer(app, exchange, DIALECT, DIALECT.decode_request(body))
        return
    asked = _KEEPING.decode_request(body)
    del body
    owner, said = _owner(), turns(asked)
    if asked.previous is not None:
        asked = after(asked, await kept.history(owner, asked.previous, app.limits))
    _check_not_empty(asked)
    if not asked.store:
        await answer(app, exchange, DIALECT, asked)
        return
    dialect = _Keeping(kept, owner, _encode(said), asked.previous)
    try:
        await answer(app, exchange, dialect, asked)
    finally:
        if dialect.taken is not None:
            await kept.keep(owner, dialect.taken)


def _check_not_empty(asked: ResponsesAsked) -> None:
    if not asked.request.messages:
        raise InvalidRequest("input says nothing: give at least one message", param="input")


# --- what is kept -----------------------------------------------------------------------------------------------------


def _named(app: "App", exchange: Exchange) -> tuple[KeptResponses, str]:
    query = exchange.scope.get("query_string", b"")
    if query:
        name = query.partition(b"=")[0].decode("latin-1")[:100]
        raise UnsupportedField(f"{name}: a kept answer is given as it was; leave it out", param=name)
    identifier = exchange.path.removeprefix(BELOW_PATH)
    if app.kept_responses is None:
        raise ResponseNotFound("answers are not kept here: serve with --store-responses PATH")
    return app.kept_responses, identifier


async def retrieve(app: "App", exchange: Exchange) -> None:
    """An answer that was kept; its id is the rest of the path."""
    kept, identifier = _named(app, exchange)
    found = await kept.find(_owner(), identifier)
    if found is None:
        raise _not_found(identifier)
    await exchange.respond(200, found.body, DIALECT.response_type.encode())


async def delete(app: "App", exchange: Exchange) -> None:
    """Forget an answer that was kept."""
    kept, identifier = _named(app, exchange)
    if not await kept.delete(_owner(), identifier):
        raise _not_found(identifier)
    await respond_json(exchange, {"id": identifier, "object": "response", "deleted": True})
