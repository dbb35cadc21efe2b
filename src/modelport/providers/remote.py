"""A model that another process serves, over modelport's own wire: ``remote:http://host:port`` or ``…/name``.

Images are read and encoded here, on the caller's side, each once; those that the server has had lately are named and
not sent. What comes back is checked and bounded: it becomes events or a typed error, and nothing else.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Sequence
from types import TracebackType
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from modelport.dialects.port import (
    DIALECT,
    HELLO_PATH,
    EncodedPart,
    MissingParts,
    foreign_error,
    images_of,
    pack,
)
from modelport.errors import ConfigError, InvalidRequest, ModelportError, ModelTimeout, ProtocolError
from modelport.providers._http import NotAnswered, Pool, Reply, Target
from modelport.providers._memo import Beliefs, Memo
from modelport.providers._tls import Trust, Untrusted
from modelport.secret import Secret
from modelport.sync import offload
from modelport.types import ChatRequest, Event, ImagePart, Started

__all__ = ("Deadlines", "Hello", "RemoteModel", "load")

_MOST_REPLY = 256 * 1024 * 1024  # bytes of one answer
_MOST_ERROR = 64 * 1024  # bytes that are read of an answer that is an error
_LANES = 4  # threads that encode the images of one request
_BACK_OFF = 0.1  # seconds before the first retry; twice as long before each further one

T = TypeVar("T")
Named = list[tuple[str, ImagePart]]
Parts = list[tuple[ImagePart, EncodedPart]]


class Deadlines(Struct, frozen=True, kw_only=True):
    """How long to wait, in seconds; None is for ever. ``first_event`` and ``total`` count from the call."""

    connect: float = 5.0
    first_event: float | None = None
    total: float | None = 600.0


class Hello(Struct, frozen=True, kw_only=True):
    """What a server says of itself: the versions of the wire that it speaks, and the models that it serves."""

    service: str
    versions: tuple[int, ...]
    models: tuple[str, ...]


class RemoteModel:
    """The model *model* of the server at *url* (None: the request's, or the server's default).

    *timeout* is for a whole answer, in seconds, or :class:`Deadlines`. *retries* is how often a request is sent again
    when the connection failed before anything was answered; what was answered is never asked again.

    Of an https address, the certificate must be the one that *tls_fingerprint* names (``sha256:`` and hex digits, as
    ``modelport serve`` prints it), or come from an authority: those in the PEM file *ca_file*, else this machine's.
    With both, both are asked for.
    """

    suspends = True
    accepts = None  # the server judges the request
    embeds: bool | None = None  # the server knows

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        api_key: "str | Secret | None" = None,
        timeout: "float | Deadlines | None" = 600.0,
        retries: int = 2,
        tls_fingerprint: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._target = Target.parse(url.rstrip("/").removesuffix("/v1"))  # which OpenAI's clients need in it
        trust = Trust.parse(tls_fingerprint, ca_file, self._target.scheme)
        self._model = model
        self._key = None if api_key is None else Secret(api_key)
        self._deadlines = timeout if isinstance(timeout, Deadlines) else Deadlines(total=timeout)
        self._retries = retries
        self._check()
        self._pool = Pool(self._target, connect=self._deadlines.connect, trust=trust)
        self._memo = Memo()
        self._beliefs = Beliefs()
        self.name: str = model or f"remote:{self._target.authority}"
        self.identity: str = f"remote:{self._target.url}/{model or ''}"

    def _check(self) -> None:
        for name in ("connect", "first_event", "total"):
            seconds = getattr(self._deadlines, name)
            if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
                raise ConfigError(f"timeout ({name}) must be a number of seconds above 0, got {seconds!r}")
        if self._retries < 0:
            raise ConfigError(f"retries must be a whole number from 0, got {self._retries!r}")
        key = "" if self._key is None else self._key.reveal()
        if not (key.isascii() and key.isprintable()):
            raise ConfigError("api_key holds characters that no key has, such as a line break: check where it is from")

    def __repr__(self) -> str:
        return f"RemoteModel({self._target.url!r}, model={self._model!r})"

    @property
    def url(self) -> str:
        """The server's address."""
        return self._target.url

    def stream(self, request: ChatRequest, /) -> "_Answer":
        """The served model's answer.

        Raises (on entering, or while iterating):
            ConnectionFailed: nothing listens there, or it went away.
            ProtocolError: what answers is no modelport server, another version of one, or one that is not trusted.
            ModelTimeout: a deadline passed.
            InvalidRequest: a file cannot be read, or something in the request cannot be sent.
            ModelportError: whatever the server told, as what it was there.
        """
        return _Answer(self, request)

    async def hello(self) -> Hello:
        """Ask the server who it is.

        Raises:
            As :meth:`stream`.
        """
        clock = _Clock(self)
        reply = await self._send("GET", HELLO_PATH, (), clock)
        try:
            body = await clock.before_first(reply.body(_MOST_ERROR, clock.first))
        finally:
            reply.close()
        if reply.status == 200:
            try:
                hello = msgspec.json.decode(body, type=Hello)
            except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
                hello = None
            if hello is not None and hello.service == "modelport":
                return hello
        raise self._translate(reply, body)

    async def aclose(self) -> None:
        """Closes the idle connections."""
        await self._pool.aclose()

    # --- one request ---

    async def _ask(self, request: ChatRequest, clock: "_Clock") -> Reply:
        """The server's answer to *request*, when its head has come and is a stream's."""
        if self._model is not None:
            request = replace(request, model=self._model)
        parts = await self._encode(request)
        digests = {part.digest for _, part in parts}
        known = self._beliefs.among(digests)
        for again in (False, True):
            body = pack(request, parts, stream=True, timeout=clock.seconds, leave_out=known)
            reply = await self._send("POST", DIALECT.path, body, clock)
            if reply.status == 200 and _kind(reply) == DIALECT.stream_type:
                self._beliefs.add(digests)
                return reply
            try:
                text = await clock.before_first(reply.body(_MOST_ERROR, clock.first))
            finally:
                reply.close()
            error = self._translate(reply, text)
            if not isinstance(error, MissingParts):
                raise error
            if again:
                break
            self._beliefs.remove(digests)
            known = set(known).difference(error.missing)
        raise ProtocolError(f"{self.url} asks again and again for images that were sent")

    async def _encode(self, request: ChatRequest) -> Parts:
        images = images_of(request)
        lanes: list[Named] = [[] for _ in range(_LANES)]
        quick: Named = []
        for number, (where, part) in enumerate(images):
            if self._memo.is_quick(part.image):
                quick.append((where, part))
            else:
                # One lane reads what was seen before, as fast as memory gives it; the others compress what is new.
                at = 0 if self._memo.is_known(part.image) else 1 + number % (_LANES - 1)
                lanes[at].append((where, part))
        work = [offload(self._encode_all, lane) for lane in lanes if lane]
        encoded = {id(part): one for part, one in self._encode_all(quick)}
        for lane in await asyncio.gather(*work) if len(work) > 1 else [await each for each in work]:
            encoded.update((id(part), one) for part, one in lane)
        return [(part, encoded[id(part)]) for _, part in images]

    def _encode_all(self, images: Sequence[tuple[str, ImagePart]]) -> Parts:
        parts: Parts = []
        for where, part in images:
            try:
                parts.append((part, self._memo.encode(part.image)))
            except InvalidRequest as error:
                raise type(error)(f"{where}: {error.message}", param=where) from None
        return parts

    async def _send(self, method: str, path: str, body: Sequence[Any], clock: "_Clock") -> Reply:
        headers = {"Accept": "*/*", "User-Agent": "modelport"}
        if body:
            headers["Content-Type"] = DIALECT.request_type
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        tries, fresh = 0, False
        while True:
            try:
                asking = self._pool.ask(method, path, headers, body, deadline=clock.first, fresh=fresh)
                return await clock.before_first(asking)
            except NotAnswered as failed:
                if not failed.reused:  # else it was only an idle connection that the server has closed meanwhile
                    if tries >= self._retries or clock.is_late(soon := _BACK_OFF * 2**tries * random.uniform(0.5, 1)):  # noqa: S311
                        raise failed.why from failed.__cause__
                    tries += 1
                    await asyncio.sleep(soon)
                fresh = True
            except Untrusted:
                raise
            except ProtocolError as error:
                raise ProtocolError(f"{self.url}: {error.message}: give the address of `modelport serve`") from None

    def _translate(self, reply: Reply, body: bytes) -> ModelportError:
        if _kind(reply) == DIALECT.response_type:
            error = DIALECT.decode_error(reply.status, body, reply.headers)
        else:
            error = foreign_error(reply.status, body, reply.headers, self.url)
        error.request_id = _identity(reply)
        return error


def _identity(reply: Reply) -> str | None:
    """What the far side calls the request."""
    identity = reply.headers.get("x-request-id", "")
    return identity if 0 < len(identity) <= 128 and identity.isascii() and identity.isprintable() else None


def _kind(reply: Reply) -> str:
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Clock:
    """The deadlines of one answer, by the loop's clock."""

    def __init__(self, model: RemoteModel) -> None:
        deadlines = model._deadlines
        now = asyncio.get_running_loop().time()
        waits = [seconds for seconds in (deadlines.first_event, deadlines.total) if seconds is not None]
        self.seconds = deadlines.total
        self.total = None if deadlines.total is None else now + deadlines.total
        self.first = now + min(waits) if waits else None
        self._first_seconds = min(waits, default=None)
        self._who = f"{model.name} at {model.url}"

    def is_late(self, after: float) -> bool:
        """Whether the first deadline is less than *after* seconds away."""
        return self.first is not None and asyncio.get_running_loop().time() + after >= self.first

    async def before_first(self, work: Awaitable[T]) -> T:
        """What *work* gives; its time-out in our words."""
        try:
            return await work
        except TimeoutError as error:
            if isinstance(error, ModelportError):
                raise
            raise self.late(first=True) from None

    def late(self, *, first: bool) -> ModelTimeout:
        """The error that tells which deadline has passed."""
        if first and self._first_seconds != self.seconds:
            return ModelTimeout(f"{self._who} gave no first event within {self._first_seconds:g} s")
        return ModelTimeout(f"{self._who} did not answer within {self.seconds:g} s")


class _Answer:
    """One answer: asked on entering; leaving it before its end closes the connection."""

    __slots__ = ("_clock", "_decoder", "_events", "_got", "_model", "_reply", "_request", "_size")

    def __init__(self, model: RemoteModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request
        self._reply: Reply | None = None
        self._events: deque[Event] = deque()
        self._decoder = DIALECT.stream_decoder()
        self._size = 0
        self._got = False

    async def __aenter__(self) -> AsyncIterator[Event]:
        self._clock = _Clock(self._model)
        self._reply = await self._model._ask(self._request, self._clock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._reply is not None:
            self._reply.close()
            self._reply = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._reply is None:
                raise StopAsyncIteration
            reply = self._reply
            try:
                await self._read(reply)
            except ModelportError as error:
                error.request_id = _identity(reply)
                raise
        return self._events.popleft()

    async def _read(self, reply: Reply) -> None:
        clock = self._clock
        try:
            data = await reply.read(clock.total if self._got else clock.first)
        except TimeoutError as error:
            if isinstance(error, ModelportError):
                raise
            raise clock.late(first=not self._got) from None
        if data is None:
            self._decoder.finish()
            reply.close()
            self._reply = None
            return
        self._size += len(data)
        if self._size > _MOST_REPLY:
            raise ProtocolError(f"{self._model.url} answered with more than {_MOST_REPLY} bytes")
        events = self._decoder.feed(data)
        self._events += events if self._got or not events else self._named(events)
        self._got = self._got or bool(self._events)

    def _named(self, events: list[Event]) -> list[Event]:
        """The first events with the model's name, where the request chose among several and the model gave none."""
        chosen = self._request.model if self._model._model is None else None
        started = events[0] if isinstance(events[0], Started) else None
        if chosen is None or (started is not None and started.model is not None):
            return events
        rest = events if started is None else events[1:]
        return [replace(started or Started(), model=chosen), *rest]


def load(argument: str | None = None, **options: Any) -> RemoteModel:
    """The model of ``remote:URL`` or ``remote:URL/NAME``; *options* are those of :class:`RemoteModel`.

    A path's last piece is the model's name; one that ends in ``/`` stands before every path instead, as behind a
    reverse proxy. A last ``/v1`` of the address, as it is for OpenAI's clients, counts for nothing.

    Raises:
        ConfigError: no address was given, or it is wrong.
    """
    if not argument:
        raise ConfigError("remote needs the server's address: remote:http://127.0.0.1:8000 or remote:http://…/NAME")
    start, slashes, rest = argument.partition("://")
    place, slash, path = rest.partition("/")
    prefix, _, name = path.rpartition("/")
    if name and name != "v1" and options.get("model") is None:
        options["model"] = name
        path = prefix
    return RemoteModel(f"{start}{slashes}{place}{slash}{path}", **options)
