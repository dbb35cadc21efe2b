"""The ASGI app: one gate in front of one table of routes, and one place where errors get their form. No I/O of its own.

Every request passes the same checks in the same order: Host, Origin, API key, path, method. A path is closed unless its
route says that it is open.
"""

import asyncio
import http
import logging
import re
import time
from collections.abc import Iterable, Mapping
from functools import partial
from time import perf_counter

from msgspec import Struct

from modelport.dialects.anthropic_messages import DIALECT as ANTHROPIC
from modelport.dialects.base import Dialect, urls_are_fetched
from modelport.dialects.ollama_embed import DIALECT as OLLAMA_EMBED
from modelport.dialects.ollama_embeddings import DIALECT as OLLAMA_EMBEDDINGS
from modelport.dialects.ollama_generate import DIALECT as OLLAMA_GENERATE
from modelport.dialects.openai_chat import DIALECT as OPENAI_CHAT
from modelport.dialects.openai_embeddings import DIALECT as OPENAI_EMBEDDINGS
from modelport.dialects.port import DIALECT as PORT
from modelport.errors import ContractBroken, InvalidRequest, ModelError, ModelportError, Overloaded
from modelport.model import Model
from modelport.secret import Secret, redact
from modelport.server import anthropic, completions, ollama, openapi, port, responses
from modelport.server.agentstudio import DIALECT as AGENTSTUDIO, generate as ask_agentstudio
from modelport.server.auth import Gate, Keys
from modelport.server.counting import GONE, MANY, Counters, code_of
from modelport.server.endpoints import Endpoint, asking, health, ready
from modelport.server.fetching import Fetcher
from modelport.server.http import ClientGone, Exchange, Headers, Receive, Scope, Send, peer_text
from modelport.server.limits import Limits
from modelport.server.logs import current_request, tell_refusal, tell_request
from modelport.server.metrics import PATH as METRICS_PATH, metrics
from modelport.server.permitted import permitted
from modelport.server.quotas import Caller, current_caller, set_caller
from modelport.server.serving import Serving
from modelport.storage.api_keys import KeyFile
from modelport.storage.responses import ResponseStore
from modelport.sync import offload

__all__ = ("ROUTES", "App", "Options", "PathNotFound", "Route", "WrongMethod", "create_app")

logger: logging.Logger = logging.getLogger(__name__)

NO_ROUTE = "none"  # of requests for what is not there
_PLACE = re.compile(r" at 0x[0-9A-Fa-f]{6,}")  # as Python writes it of an object that has no better text
_TELLING = 5  # characters of a path that may be told from another
_ERRORS = frozenset(status.value for status in http.HTTPStatus if status >= 400)


class Route(Struct, frozen=True, kw_only=True):
    """One path. ``dialect`` is whose form errors take; ``open`` lets it be asked without a key; a path that ends in
    ``/`` stands for all below it."""

    path: str
    method: str
    endpoint: Endpoint
    dialect: Dialect = OPENAI_CHAT
    open: bool = False


ROUTES: tuple[Route, ...] = (
    Route(path=OPENAI_CHAT.path, method="POST", endpoint=asking(OPENAI_CHAT)),
    Route(path=responses.DIALECT.path, method="POST", endpoint=responses.create, dialect=responses.DIALECT),
    Route(path=responses.BELOW_PATH, method="GET", endpoint=responses.retrieve, dialect=responses.DIALECT),
    Route(path=responses.BELOW_PATH, method="DELETE", endpoint=responses.delete, dialect=responses.DIALECT),
    Route(path=completions.DIALECT.path, method="POST", endpoint=completions.create, dialect=completions.DIALECT),
    Route(path=ANTHROPIC.path, method="POST", endpoint=anthropic.messages, dialect=ANTHROPIC),
    Route(path=anthropic.COUNT_PATH, method="POST", endpoint=anthropic.count_tokens, dialect=ANTHROPIC),
    Route(path=PORT.path, method="POST", endpoint=port.generate, dialect=PORT),
    Route(path=port.HELLO_PATH, method="GET", endpoint=port.hello, dialect=PORT),
    Route(path=AGENTSTUDIO.path, method="POST", endpoint=ask_agentstudio, dialect=AGENTSTUDIO),
    Route(path=OPENAI_EMBEDDINGS.path, method="POST", endpoint=asking(OPENAI_EMBEDDINGS), dialect=OPENAI_EMBEDDINGS),
    Route(path=ollama.DIALECT.path, method="POST", endpoint=asking(ollama.DIALECT), dialect=ollama.DIALECT),
    Route(path=OLLAMA_GENERATE.path, method="POST", endpoint=asking(OLLAMA_GENERATE), dialect=OLLAMA_GENERATE),
    Route(path=OLLAMA_EMBED.path, method="POST", endpoint=asking(OLLAMA_EMBED), dialect=OLLAMA_EMBED),
    Route(path=OLLAMA_EMBEDDINGS.path, method="POST", endpoint=asking(OLLAMA_EMBEDDINGS), dialect=OLLAMA_EMBEDDINGS),
    Route(path=ollama.PS_PATH, method="GET", endpoint=ollama.ps, dialect=ollama.DIALECT),
    Route(path=ollama.TAGS_PATH, method="GET", endpoint=ollama.tags, dialect=ollama.DIALECT),
    Route(path=ollama.SHOW_PATH, method="POST", endpoint=ollama.show, dialect=ollama.DIALECT),
    Route(path=ollama.VERSION_PATH, method="GET", endpoint=ollama.version, dialect=ollama.DIALECT),
    Route(path="/v1/models", method="GET", endpoint=anthropic.list_models),
    Route(path="/v1/models/", method="GET", endpoint=anthropic.one_model),
    Route(path="/health", method="GET", endpoint=health, open=True),
    Route(path="/ready", method="GET", endpoint=ready, open=True),
    Route(path=METRICS_PATH, method="GET", endpoint=metrics),
    Route(path=openapi.PATH, method="GET", endpoint=openapi.document),
)
_PROBED = frozenset(route.path for route in ROUTES if route.open)  # by machines, every few seconds


class Options(Struct, frozen=True, kw_only=True):
    """How the app behaves. *hosts* None lets every Host header through, which needs *keys*."""

    limits: Limits = Limits()
    keys: Mapping[str, str] = {}  # name → API key
    key_file: str | None = None  # of ``modelport keys``; read again as it changes
    hosts: tuple[str, ...] | None = ("localhost", "127.0.0.1", "::1")
    origins: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    prices: Mapping[str, tuple[float, float]] = {}  # name → US dollars for 1,000 tokens of prompt and completion
    threads: int = 1  # calls at a time of one model whose code blocks
    media_urls: bool = False  # fetch images that requests name by address
    secrets: tuple[Secret, ...] = ()  # taken out of what errors say
    agentstudio_pickle: bool = False  # whether AgentStudio's own wire is open
    store_responses: str | None = None  # the file where answers of /v1/responses are kept


class PathNotFound(InvalidRequest):
    """Nothing is served under that path."""

    code = "path_not_found"
    status = 404


class WrongMethod(InvalidRequest):
    """The path is right, the method is not."""

    code = "method_not_allowed"
    status = 405


class App:
    """An ASGI callable. ``draining`` is set on the way down; ``created`` is when it was made, as Unix time."""

    def __init__(self, serving: Serving, options: Options, routes: Iterable[Route] = ROUTES) -> None:
        self._serving = serving
        self.limits: Limits = options.limits
        self.routes: tuple[Route, ...] = tuple(routes)
        self.created: int = int(time.time())
        self.draining = False
        self.failure: ModelportError | None = None  # why it did not start
        self.fetcher: Fetcher | None = Fetcher(options.limits) if options.media_urls else None
        key_file = None if options.key_file is None else KeyFile(options.key_file)
        self._keys = Keys(options.keys, key_file, wrong=options.limits.wrong_keys)
        self.asks_for_keys: bool = bool(self._keys)  # on every route that is not open
        self._gate = Gate(options.hosts, options.origins)
        self._exact = {route.path: route for route in self.routes if not route.path.endswith("/")}
        self._below = tuple(route for route in self.routes if route.path.endswith("/"))
        self.agentstudio_pickle: bool = options.agentstudio_pickle
        self.kept_responses: responses.KeptResponses | None = None
        if options.store_responses is not None:
            self.kept_responses = responses.KeptResponses(ResponseStore(options.store_responses))
        self._secrets = options.secrets
        self.counters: Counters = Counters()
        self._ended = self.counters.ended
        self.in_flight: int = 0  # requests that are being answered
        self.inquiry: bytes = b""  # who knows it is told at /ready how many requests there were; empty: nobody
        self.access_log: bool = False  # a record for each request, in the log "modelport.access"

    @property
    def serving(self) -> Serving:
        """The served models; within a request, those that its API key may use."""
        return permitted(self._serving, current_caller()) if self.asks_for_keys else self._serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        route = self._route(exchange.path, exchange.method)
        if anthropic.is_spoken(exchange):
            exchange.add_header(b"request-id", exchange.request_id.encode())  # where Anthropic's clients look for it
        self.in_flight += 1
        current_request.set(exchange.request_id)
        caller: Caller | None = None
        if self.fetcher is not None:
            urls_are_fetched.set(True)
        try:
            self._check_origin(exchange)
            if route is None or not route.open:
                if self.asks_for_keys:
                    caller = await self._admit(exchange)
                elif self.in_flight > self.limits.concurrent:
                    raise self._busy()
            if route is None:
                raise self._nothing_at(exchange.path[:200])
            if exchange.method != route.method and not (exchange.method == "HEAD" and route.method == "GET"):
                raise WrongMethod(f"{route.path} takes {self._methods(route)}, not {exchange.method}")
            await route.endpoint(self, exchange)
        except ClientGone as gone:
            exchange.code = ClientGone.code
            logger.debug("%s: %s", exchange.request_id, gone)
        except GeneratorExit:
            raise
        except BaseException as error:
            await self._refuse(exchange, route, error)
        finally:
            self.in_flight -= 1
            ended, seconds = self._ended, perf_counter() - exchange.began
            path = NO_ROUTE if route is None else route.path
            ended.append((path, exchange.model, exchange.status or GONE, seconds))
            if exchange.code or self.access_log or len(ended) >= MANY:
                self._conclude(exchange, caller, seconds)
            if caller is not None or self.fetcher is not None:
                self._forget(caller)

    def _conclude(self, exchange: Exchange, caller: Caller | None, seconds: float) -> None:
        if len(self._ended) >= MANY:
            self.counters.settle()
        if exchange.code:
            self.counters.error(exchange.code)
        if self.access_log and not (exchange.status == 200 and exchange.path in _PROBED):
            tell_request(exchange, None if caller is None else caller.name, seconds)

    def note_refusal(self, code: str, identity: str, peer: tuple[str, int] | None) -> None:
        """What never became a request was refused with this code, under this id, by the connection to *peer*."""
        self.counters.error(code)
        if self.access_log:
            tell_refusal(code, identity, peer_text(peer))

    def _forget(self, caller: Caller | None) -> None:
        """Whoever asks next in the same context, this app or another, is somebody else."""
        urls_are_fetched.set(False)
        if caller is not None:
            caller.leave()
            set_caller(None)

    def _route(self, path: str, method: str) -> Route | None:
        route = self._exact.get(path)
        if route is not None:
            return route
        below = [one for one in self._below if path.startswith(one.path) and path != one.path]
        return next((one for one in below if one.method == method), below[0] if below else None)

    def _check_origin(self, exchange: Exchange) -> None:
        headers, given = exchange.headers, exchange.scope["headers"]
        hosts = 1 if len(headers) == len(given) else sum(name == b"host" for name, _ in given)
        self._gate.check(headers, exchange.scope.get("scheme", "http"), hosts=hosts)

    async def _admit(self, exchange: Exchange) -> Caller | None:
        """Whose API key came with a request that needs one. The caller has been let in, and must leave."""
        if self._keys.are_old:
            await self._keys.refresh()
        headers, given = exchange.headers, exchange.scope["headers"]
        peer = exchange.scope.get("client")
        address = None if peer is None else peer[0]
        caller = self._keys.check(headers, None if len(headers) == len(given) else given, address)
        if self.in_flight > self.limits.concurrent:
            raise self._busy()
        if caller is not None:
            caller.enter()
            set_caller(caller)
        return caller

    def _busy(self) -> Overloaded:
        most = self.limits.concurrent
        return Overloaded(f"{most} requests are being answered already: try again in a moment", retry_after=1.0)

    def _nothing_at(self, path: str) -> PathNotFound:
        end = path.rstrip("/")
        near = next((one.path for one in self.routes if one.path.endswith(end) or end.endswith(one.path)), None)
        hint = "" if near is None or len(end) < _TELLING else f"; did you mean {near}? Look at the client's base URL"
        return PathNotFound(f"nothing is served at {path}{hint} (served: {self._paths()})")

    def _methods(self, route: Route) -> str:
        return ", ".join(one.method for one in self.routes if one.path == route.path)

    def _paths(self) -> str:
        return ", ".join(f"{route.method} {route.path}" for route in self.routes)

    async def _refuse(self, exchange: Exchange, route: Route | None, error: BaseException) -> None:
        known = await self.known_error(error, exchange, exchange.path)
        if exchange.begun:
            return  # what has begun as an answer cannot become an error; the server closes the connection
        dialect = OPENAI_CHAT if route is None else route.dialect
        if anthropic.is_spoken(exchange):
            dialect = ANTHROPIC
        try:
            body = _error_body(dialect, known, exchange)
            status, headers = _status(known), _error_headers(known, "" if route is None else self._methods(route))
        except (TypeError, ValueError, OverflowError):  # a user's own kind of error, with fields of no known type
            known = ModelError(f"{exchange.path[:200]} failed with a {type(known).__name__} that cannot be told")
            status, body, headers = known.status, _error_body(dialect, known, exchange), ()
        await exchange.respond(status, body, dialect.response_type.encode(), headers)

    async def known_error(self, error: BaseException, exchange: Exchange, where: str) -> ModelportError:
        """*error*, or what the client may know of one that nobody foresaw: the log has the rest, under the same id."""
        known = await self._known(error, exchange, where)
        exchange.code = code_of(known)
        return known

    async def _known(self, error: BaseException, exchange: Exchange, where: str) -> ModelportError:
        if isinstance(error, ModelportError):
            cause = error.__cause__
            if type(error) is ModelError and cause is not None and not isinstance(cause, ModelportError):
                await offload(partial(logger.error, "%s: %s failed", exchange.request_id, where, exc_info=cause))
            return self._without_secrets(error)
        if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
            return Overloaded("the server is shutting down", retry_after=1.0)
        # A log may be a full disk or a pipe that nobody reads.
        await offload(partial(logger.error, "%s: %s failed", exchange.request_id, where, exc_info=error))
        if isinstance(error, UnicodeEncodeError):
            return ContractBroken(
                "the model's answer holds half a character (a lone surrogate), which no wire can carry: "
                "join the halves, or leave them out with text.encode('utf-8', 'ignore').decode()"
            )
        return ModelError(f"{where} failed unexpectedly; the server's log has the reason under {exchange.request_id}")

    def _without_secrets(self, error: ModelportError) -> ModelportError:
        """*error* with none of the operator's secrets in what it says: models repeat keys that upstreams refused.

        Nor with where something lies in memory, which an object's text may say and which helps whoever attacks it.
        """
        message = _PLACE.sub("", redact(error.message, self._secrets))
        if message != error.message:
            error.args = (message, *error.args[1:])
        return error

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "no WebSockets here"})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._serving.start()
                except ModelportError as error:
                    self.failure = error
                    await self._serving.aclose()
                    await send({"type": "lifespan.startup.failed"})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._serving.aclose()
                await self._keys.aclose()
                if self.kept_responses is not None:
                    await offload(self.kept_responses.store.close)
                await send({"type": "lifespan.shutdown.complete"})
                return


def _error_body(dialect: Dialect, error: ModelportError, exchange: Exchange) -> bytes:
    if dialect is ANTHROPIC:
        return ANTHROPIC.encode_error(error, exchange.request_id)
    return dialect.encode_error(error)


def _status(error: ModelportError) -> int:
    return error.status if error.status in _ERRORS else ModelError.status


def _is_being_cancelled() -> bool:
    """Whether this exchange is being ended from outside; a model may have raised the same error by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _error_headers(error: ModelportError, methods: str) -> Headers:
    headers: list[tuple[bytes, bytes]] = []
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, -int(-error.retry_after // 1))))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if error.status == 405 and methods:
        headers.append((b"allow", methods.encode()))
    if error.status == 408:
        headers.append((b"connection", b"close"))
    return headers


def create_app(models: Iterable[Model] | Mapping[str, Model], options: Options | None = None) -> App:
    """An ASGI app that serves *models*, each under its name (or under its key)."""
    options = options or Options()
    serving = Serving(
        models, aliases=options.aliases, threads=options.threads, queue=options.limits.queue, prices=options.prices
    )
    return App(serving, options)
