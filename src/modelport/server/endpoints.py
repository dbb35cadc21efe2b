"""What the server does for each path. An endpoint is ``async def (app, exchange)``; errors are for the app to shape."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec.structs import replace

from modelport.dialects.base import Asked, Dialect
from modelport.errors import InvalidRequest, ModelportError, ModelTimeout, Overloaded
from modelport.model import AnswerStream
from modelport.server.bounds import check_nodes, check_request
from modelport.server.counting import StreamTimes
from modelport.server.http import ClientGone, Exchange, Guard, header_text, too_large
from modelport.server.serving import Served
from modelport.server.streaming import StreamWriter, folded, pump, whole_answer
from modelport.sync import Threads, use_threads
from modelport.types import ChatRequest, Emulated, Event

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = (
    "Answering",
    "Endpoint",
    "UnsupportedEncoding",
    "answer",
    "asking",
    "body_of",
    "health",
    "list_models",
    "one_model",
    "ready",
    "respond_json",
)

Endpoint = Callable[["App", Exchange], Awaitable[None]]

JSON = b"application/json"
TIMEOUT_HEADER = b"x-modelport-timeout"
EMULATED_HEADER = b"x-modelport-emulated"
INQUIRY_HEADER = b"x-modelport-inquiry"
REQUESTS_HEADER = b"x-modelport-requests"


class UnsupportedEncoding(InvalidRequest):
    """The body is compressed, or in some other way not what its bytes say."""

    code = "unsupported_encoding"
    status = 415


def asking(dialect: Dialect) -> Endpoint:
    """The endpoint where models are asked in a JSON *dialect*."""

    async def endpoint(app: "App", exchange: Exchange) -> None:
        body = _body_at_hand(app, exchange)
        if body is None:
            body = await _body_to_come(app, exchange)
        await answer(app, exchange, dialect, dialect.decode_request(body))

    return endpoint


async def body_of(app: "App", exchange: Exchange) -> bytes:
    """The JSON that came, within the server's bounds.

    Raises:
        ModelportError: it is compressed, too large, of too many values, or did not come in time.
    """
    body = _body_at_hand(app, exchange)
    return await _body_to_come(app, exchange) if body is None else body


async def _body_to_come(app: "App", exchange: Exchange) -> bytes:
    body = await exchange.body(app.limits.body, within=app.limits.read)
    check_nodes(body, app.limits.nodes)
    return body


def _body_at_hand(app: "App", exchange: Exchange) -> bytes | None:
    """The same where all of it is there already, as it nearly always is; None where it must be waited for."""
    encoding = exchange.headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise UnsupportedEncoding("compressed bodies are not taken here: send it without Content-Encoding")
    body = exchange.body_at_hand()
    if body is not None:
        if len(body) > app.limits.body:
            raise too_large(app.limits.body)
        check_nodes(body, app.limits.nodes)
    return body


class Answering(Protocol):
    """What an answer is taken from: a served model, or what was made of one."""

    name: str
    blocking: bool
    threads: Threads

    def stream(self, request: ChatRequest, /) -> AnswerStream: ...


async def answer(
    app: "App", exchange: Exchange, dialect: Dialect, asked: Asked, of: Callable[[Served], Answering] | None = None
) -> None:
    """Ask the model that *asked* names, or what *of* makes of it, and send its answer: whole, or as a stream.

    Raises:
        ModelportError: as long as nothing was sent. A failure after that is told within the stream.
    """
    found = app.serving.find(asked.request.model)
    exchange.model = found.name
    served: Answering = found if of is None else of(found)
    check_request(asked.request, app.limits, texts=getattr(asked, "texts", False))
    seconds = _seconds(exchange, asked, app.limits.timeout)
    if app.fetcher is not None and not getattr(asked, "texts", False):
        settling = app.fetcher.settle(asked.request)
        asked = replace(asked, request=await Guard(exchange, seconds, _late(served, seconds)).run(settling))
    before = use_threads(served.threads) if served.blocking else None
    try:
        if asked.stream:
            times = StreamTimes(found.numbers, exchange.began)
            await _Streamed(app, exchange, dialect, asked, served, times).run(seconds)
            return
        work = whole_answer(served, asked.request)
        try:
            waiting = work.send(None)
        except StopIteration as done:
            events = done.value
        else:
            events = await Guard(exchange, seconds, _late(served, seconds)).go_on(work, waiting)
    finally:
        if served.blocking:
            use_threads(before)
    if events:
        exchange.usage = events[-1]  # by Metering
    body, kind = _whole_body(exchange, dialect, asked, served.name, events), dialect.response_type.encode()
    if not exchange.respond_now(200, body, kind):
        await exchange.respond(200, body, kind)


def _whole_body(exchange: Exchange, dialect: Dialect, asked: Asked, name: str, events: Sequence[Event]) -> bytes:
    """The answer in its dialect; what was emulated is told in a header, too."""
    quick = getattr(dialect, "encode_events", None)
    body: bytes | None = None if quick is None else quick(asked, name, events)
    if body is None:
        response = folded(name, events)
        body = dialect.encode_response(asked, response)
        if emulated := asked.emulated + response.emulated:
            exchange.add_header(EMULATED_HEADER, ",".join(emulated).encode())
    return body


def _late(served: Answering, seconds: float) -> Callable[[], ModelportError]:
    return lambda: ModelTimeout(f"{served.name} did not answer within {seconds:g} s")


def _seconds(exchange: Exchange, asked: Asked, most: float) -> float:
    """How long this answer may take: what the caller asked for, and never more than the server's own limit."""
    seconds = asked.timeout
    if seconds is None and TIMEOUT_HEADER not in exchange.headers:
        return most
    header = header_text(exchange.headers, TIMEOUT_HEADER)
    if header is not None:
        try:
            told = math.nan if "_" in header else float(header)  # 1_000 is a number to Python, and to nobody else
        except ValueError:
            told = math.nan
        if not told > 0:
            name = TIMEOUT_HEADER.decode()
            raise InvalidRequest(f"{name} must be a number of seconds above 0, got {header[:100]!r}", param=name)
        most = min(told, most)
    if seconds is not None and not seconds > 0:
        raise InvalidRequest(f"timeout must be a number of seconds above 0, got {seconds}", param="timeout")
    return most if seconds is None else min(seconds, most)


class _Streamed:
    """One streamed answer: the model's events into the client's connection."""

    def __init__(
        self, app: "App", exchange: Exchange, dialect: Dialect, asked: Asked, served: Answering, times: StreamTimes
    ) -> None:
        self._app = app
        self._exchange = exchange
        exchange.streams = True
        self._times = times
        self._asked = asked
        self._served = served
        encoder = self._encoder = dialect.stream_encoder(asked, served.name)
        self._writer = StreamWriter(
            exchange,
            dialect.stream_type.encode(),
            comment=lambda: getattr(encoder, "keep_alive", b""),  # not of self: a ring is freed late
            backlog=app.limits.backlog if served.blocking else 0,
        )
        if asked.emulated:
            self._writer.headers.append((EMULATED_HEADER, ",".join(asked.emulated).encode()))

    async def run(self, seconds: float) -> None:
        limits = self._app.limits
        guard = Guard(
            self._exchange,
            seconds,
            _late(self._served, seconds),
            on_wait=lambda: self._writer.listen(limits.first_event, limits.keep_alive),
        )
        try:
            await guard.run(self._answer())
        except GeneratorExit:
            raise
        except BaseException as error:
            if not self._exchange.begun:
                raise
            if isinstance(error, ClientGone):
                self._exchange.code = ClientGone.code
            else:
                await self._fail(await self._app.known_error(error, self._exchange, self._served.name))
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            self._exchange.first = self._times.first
            self._writer.close()

    async def _answer(self) -> None:
        async with self._served.stream(self._asked.request) as events:
            await pump(events, self._flush)
        await self._writer.end(self._encoder.finish())

    async def _flush(self, events: list[Event]) -> None:
        self._times.note(events)
        self._exchange.usage = events[-1]  # by Metering, in the end
        if not self._exchange.begun:
            for event in events:
                if isinstance(event, Emulated):
                    self._writer.headers.append((EMULATED_HEADER, ",".join(event.fields).encode()))
        data = self._encoder.encode(events)
        if data:
            await self._writer.write(data)

    async def _fail(self, error: ModelportError) -> None:
        await self._writer.end(self._encoder.fail(error))


# --- the quiet paths ------------------------------------------------------------------------------------------------


async def respond_json(exchange: Exchange, value: Any, status: int = 200) -> None:
    """*value*, as the whole answer."""
    await exchange.respond(status, msgspec.json.encode(value), JSON)


async def health(_app: "App", exchange: Exchange) -> None:
    """The process is alive."""
    await respond_json(exchange, {"status": "ok"})


async def ready(app: "App", exchange: Exchange) -> None:
    """The server takes requests for all of its models; 503 while one of them loads again, or on the way down.

    Where keys are asked for, strangers are not told which models there are.
    """
    inquiry = exchange.headers.get(INQUIRY_HEADER)
    is_ours = bool(inquiry and app.inquiry and compare_digest(inquiry, app.inquiry))
    if is_ours:
        exchange.add_header(REQUESTS_HEADER, b"%d" % app.counters.requests)
    if app.draining:
        raise Overloaded("the server is shutting down: ask another one", retry_after=1.0)
    names_are_told = is_ours or not app.asks_for_keys
    if unready := app.serving.unready:
        which = ", ".join(unready) if names_are_told else f"{len(unready)} of the models"
        raise Overloaded(f"not loaded at the moment: {which}", retry_after=1.0)
    await respond_json(exchange, {"status": "ready", **({"models": app.serving.names} if names_are_told else {})})


async def list_models(app: "App", exchange: Exchange) -> None:
    """The served models, in OpenAI's form."""
    data = [_model_card(app, name) for name in app.serving.names]
    await respond_json(exchange, {"object": "list", "data": data})


async def one_model(app: "App", exchange: Exchange) -> None:
    """One served model, or one alias's; the name is the rest of the path."""
    name = exchange.path.removeprefix("/v1/models/")
    await respond_json(exchange, _model_card(app, app.serving.find(name).name))


def _model_card(app: "App", name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": app.created, "owned_by": "modelport"}
