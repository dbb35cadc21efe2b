"""Images that a request names by address, fetched for the model: only where the operator has allowed it.

An address is resolved once, every answer to that is checked, and the connection goes to what was checked: a name that
answers otherwise the next time changes nothing. Nothing is sent but the path and the host; no redirect is followed;
what comes must be an image, and is bounded in size and time. Errors do not tell what an address led to.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httptools
from msgspec import Struct
from msgspec.structs import replace

from modelport.errors import InvalidRequest, RequestTooLarge
from modelport.media import encode_data_url, is_url, media_type_of
from modelport.server.addresses import is_public
from modelport.server.limits import Limits
from modelport.sync import offload
from modelport.types import ChatRequest, ImagePart, Message

__all__ = ("Fetcher",)

_PORTS = {"https": 443, "http": 80}
_MOST_HEAD = 64 * 1024  # bytes of an answer's headers
_LANES = 4  # images of one request at a time
_AT_ONCE = 32  # images of all requests at a time
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]{2,45}")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class _Place(Struct, frozen=True):
    """A URL that may be asked: ``path`` with its query."""

    scheme: str
    host: str
    port: int
    path: str


class Fetcher:
    """Fetches images within *limits*. *resolve* gives a host's addresses, *allowed* says which may be gone to, *ports*
    has the one port of each scheme."""

    def __init__(
        self,
        limits: Limits,
        *,
        resolve: Resolve | None = None,
        allowed: Callable[[str], bool] = is_public,
        ports: "dict[str, int] | None" = None,
        context: Any = None,
    ) -> None:
        self._limits = limits
        self._resolve = resolve or _addresses
        self._allowed = allowed
        self._ports = ports or _PORTS
        self._context: ssl.SSLContext | None = context
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def settle(self, request: ChatRequest) -> ChatRequest:
        """*request* with each image that was an address as a ``data:`` URL.

        Raises:
            InvalidRequest: an address may not be asked, or gives no image. ``param`` names the message and the part.
            RequestTooLarge: there are too many, or one is too large.
        """
        named = _addressed(request.messages)
        if not named:
            return request
        urls = list(dict.fromkeys(url for _, url in named))
        most = self._limits.media_count
        if len(urls) > most:
            raise RequestTooLarge(f"{len(urls)} images would have to be fetched; this server fetches at most {most}")
        where = {url: place for place, url in reversed(named)}
        lanes = asyncio.Semaphore(_LANES)

        async def one(url: str) -> str:
            async with lanes, self._places:
                return await self._one(url, where[url])

        tasks = [asyncio.ensure_future(one(url)) for url in urls]
        try:
            found = dict(zip(urls, await asyncio.gather(*tasks), strict=True))
        finally:
            for task in tasks:
                task.cancel()
        if sum(map(len, found.values())) > self._limits.body:
            raise RequestTooLarge(f"the images that were fetched are larger than {self._limits.body} bytes together")
        return replace(request, messages=tuple(_settled(message, found) for message in request.messages))

    async def _one(self, url: str, where: str) -> str:
        try:
            async with asyncio.timeout(self._limits.media_time):
                data = await self._fetch(url)
        except TimeoutError:
            problem = f"it did not come within {self._limits.media_time:g} s"
        except (OSError, httptools.HttpParserError, ssl.CertificateError):
            problem = "its server could not be asked"
        except _Refused as refused:
            problem = str(refused)
        else:
            if media_type_of(data) is not None:
                return await offload(encode_data_url, data)
            problem = "what is there is no image (png, jpeg, gif, webp or bmp)"
        raise InvalidRequest(f"{where}: the image at {url[:200]!r} is not to be had: {problem}", param=where)

    async def _fetch(self, url: str) -> bytes:
        place = self._parse(url)
        addresses = await self._resolve(place.host, place.port)
        if not addresses or not all(map(self._allowed, addresses)):
            raise _Refused("its host is not one that this server may go to")
        context = None
        if place.scheme == "https":
            if self._context is None:
                self._context = await offload(ssl.create_default_context)
            context = self._context
        answer = _Answer(self._limits.media)
        reader, writer = await asyncio.open_connection(
            addresses[0], place.port, ssl=context, server_hostname=place.host if context else None
        )
        try:
            writer.write(_question(place))
            while not answer.complete:
                data = await reader.read(65536)
                answer.feed(data)
        finally:
            writer.transport.abort()
        return answer.body()

    def _parse(self, url: str) -> _Place:
        if not re.fullmatch(r"[!-\[\]-~]+", url):
            raise _Refused("its address has characters that must be written otherwise")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _Refused("its address is none") from None
        host = parts.hostname or ""
        if parts.scheme not in self._ports or not _HOST.fullmatch(host):
            raise _Refused("its address is none of http or https with a plain host")
        if parts.username is not None or parts.password is not None:
            raise _Refused("its address holds a user or a password")
        if port is not None and port != self._ports[parts.scheme]:
            raise _Refused(f"its port is not {self._ports[parts.scheme]}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _Place(parts.scheme, host, self._ports[parts.scheme], path)


class _Refused(Exception):
    """Why an image is not fetched, or not taken; nothing in it tells what an address led to."""


def _question(place: _Place) -> bytes:
    host = f"[{place.host}]" if ":" in place.host else place.host
    return (
        f"GET {place.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: modelport\r\nAccept: image/*\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


class _Answer:
    """An answer on its way in; what the parser tells of it."""

    def __init__(self, most: int) -> None:
        self.complete = False
        self._most = most
        self._size = 0
        self._head_size = 0
        self._has_head = False
        self._ends_with_connection = True
        self._pieces: list[bytes] = []
        self._refused: _Refused | None = None
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Some bytes; none at the end of the connection."""
        if not data:
            if not self._has_head or not self._ends_with_connection:
                raise _Refused("its server broke off")
            self.complete = True
            return
        if not self._has_head:
            self._head_size += len(data)
            if self._head_size > _MOST_HEAD + 65536:
                raise _Refused("its server's answer has too many headers")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._refused is not None:
                raise self._refused from None
            raise

    def body(self) -> bytes:
        """All of the body."""
        return b"".join(self._pieces)

    # --- what the parser tells ---

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key in {b"content-length", b"transfer-encoding"}:
            self._ends_with_connection = False
        if key == b"content-length" and value.strip().isdigit() and int(value[:20]) > self._most:
            self._refuse(f"it is larger than {self._most} bytes")
        if key == b"content-encoding" and value.strip().lower() != b"identity":
            self._refuse("it is compressed on the way, though that was not asked for")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 300 <= status < 400:
            self._refuse(
                "its server sends elsewhere, and redirects are not followed: give the address that it leads to"
            )
        if status != 200:
            self._refuse(f"its server answered {status}")
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > self._most:
            self._refuse(f"it is larger than {self._most} bytes")
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.complete = True

    def _refuse(self, why: str) -> None:
        self._refused = self._refused or _Refused(why)
        raise self._refused


async def _addresses(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(each[4][0]) for each in found]


def _addressed(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Where in *messages* an image is an address, and which."""
    found = []
    for number, message in enumerate(messages):
        content = message.content
        if content is None or isinstance(content, str):
            continue
        for at, part in enumerate(content):
            if isinstance(part, ImagePart) and _is_address(part.image):
                found.append((f"messages[{number}].content[{at}]", part.image))
    return found


def _is_address(image: object) -> bool:
    return isinstance(image, str) and is_url(image) and image[:5].lower() != "data:"


def _settled(message: Message, found: dict[str, str]) -> Message:
    content = message.content
    if content is None or isinstance(content, str):
        return message
    parts = tuple(
        replace(part, image=found[part.image]) if isinstance(part, ImagePart) and _is_address(part.image) else part
        for part in content
    )
    return replace(message, content=parts)
