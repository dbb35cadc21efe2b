"""Images by address: fetched only where that was allowed, only from where anybody may, and only as images."""

import asyncio
import contextlib
import ipaddress
import json
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis.strategies import integers

from modelport.adapters import as_model
from modelport.errors import InvalidRequest, RequestTooLarge
from modelport.media import decode_data_url
from modelport.server import App, Limits, Options, create_app
from modelport.server.addresses import is_public
from modelport.server.fetching import Fetcher
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, ImagePart, Message, TextPart
from tests.server.certificates import Authority
from tests.server.helpers import ask, chat

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
LIMITS = Limits(media=1000, media_count=3, media_time=2.0, body=100_000)

INSIDE = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
169.254.170.2 100.64.0.1 100.100.100.200 100.127.255.255 192.0.0.192 168.63.129.16 192.0.2.1 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 fe80::1
fe80::1%eth0 2606:4700::1111%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1 2001::1 2001:0:7f00:1:: 2001:10::1
2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 3fff::1 100::1 4000::1 5f00::1 localhost example.org 1 0x7f.1 127.1
"""
OUTSIDE = "8.8.8.8 1.1.1.1 172.15.255.255 172.32.0.1 100.128.0.1 2606:4700::1111"
THIS_MACHINE = """
127.0.0.1 127.1 0x7f000001 0x7f.1 2130706433 017700000001 0177.0.0.1 0 localhost localhost. LOCALHOST [::1]
[::ffff:127.0.0.1] [::ffff:7f00:1] [::]
"""


def http(body: bytes = PNG, status: str = "200 OK", *headers: str, length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", "content-type: image/png", *headers]
    if length:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Site:
    """A server on loopback that says *answer* to whoever comes, and notes what was asked of it."""

    def __init__(self, answer: bytes, *, pause: bytes = b"") -> None:
        self.answer = answer
        self.pause = pause  # after the answer, never; else this piece again and again
        self.heard: list[bytes] = []
        self.port = 0
        self._tasks: list[asyncio.Task[Any]] = []
        self.came = anyio.Event()
        self.left = anyio.Event()

    @contextlib.asynccontextmanager
    async def running(self, context: ssl.SSLContext | None = None) -> AsyncIterator["Site"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)  # the loop closes sockets in its next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        self.came.set()
        try:
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()
            while self.pause:
                await asyncio.sleep(0.01)
                writer.write(self.pause)
                await writer.drain()
            writer.write_eof()
            await reader.read()
        except (OSError, asyncio.IncompleteReadError, NotImplementedError):
            pass
        finally:
            self.left.set()
            writer.transport.abort()


def resolving(*addresses: str) -> Callable[[str, int], Any]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def to(site: Site, limits: Limits = LIMITS, **options: Any) -> Fetcher:
    """Takes loopback for public, and the site's port for the scheme's."""
    options.setdefault("resolve", resolving("127.0.0.1"))
    return Fetcher(limits, allowed=lambda _: True, ports={"http": site.port, "https": site.port}, **options)


def asking(*urls: str) -> ChatRequest:
    parts = [ImagePart(url, detail="low") for url in urls]
    return ChatRequest(messages=(Message("system", "look"), Message("user", (TextPart("here"), *parts))))


async def settled(fetcher: Fetcher, *urls: str) -> list[Any]:
    request = await fetcher.settle(asking(*urls))
    content = request.messages[1].content
    assert content is not None
    return [part.image for part in content if isinstance(part, ImagePart)]


async def refusal(fetcher: Fetcher, *urls: str) -> str:
    with pytest.raises(InvalidRequest) as caught:
        await settled(fetcher, *urls)
    return caught.value.message


# --- what is fetched ---


async def test_an_image_comes_as_if_it_had_been_sent() -> None:
    async with Site(http()).running() as site:
        request = await to(site).settle(asking("http://pictures.example/a.png?x=1#part"))

    assert request.messages[0] == Message("system", "look")
    content = request.messages[1].content
    assert content is not None
    assert content[0] == TextPart("here")
    assert isinstance(content[1], ImagePart)
    assert (decode_data_url(content[1].image), content[1].detail) == (PNG, "low")
    [question] = site.heard
    assert question == (
        b"GET /a.png?x=1 HTTP/1.1\r\nHost: pictures.example\r\nUser-Agent: modelport\r\nAccept: image/*\r\n"
        b"Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    "answer",
    [
        http(),
        http(length=False),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(PNG), PNG),
        http(PNG + b"x" * (1000 - len(PNG))),
    ],
)
async def test_answers_of_every_framing_are_read(answer: bytes) -> None:
    async with Site(answer).running() as site:
        [image] = await settled(to(site), "http://a.example/")

    assert decode_data_url(image).startswith(PNG)


async def test_an_address_that_comes_twice_is_asked_once_and_what_was_sent_is_left_alone() -> None:
    sent = "data:image/png;base64,aGVsbG8="
    async with Site(http()).running() as site:
        images = await settled(to(site), "http://a.example/1", sent, "http://a.example/1")

    assert len(site.heard) == 1
    assert images[0] == images[2] != images[1] == sent


async def test_a_request_without_addresses_is_the_same_one() -> None:
    request = asking("data:image/png;base64,aGVsbG8=")

    assert await Fetcher(LIMITS).settle(request) is request


async def test_over_https_the_certificate_must_be_the_hosts(tmp_path: Path) -> None:
    authority = await anyio.to_thread.run_sync(Authority, tmp_path)
    good = await anyio.to_thread.run_sync(lambda: authority.sign("pictures.example"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await anyio.to_thread.run_sync(server.load_cert_chain, *good)
    client = await anyio.to_thread.run_sync(lambda: ssl.create_default_context(cafile=str(authority.file)))
    async with Site(http()).running(server) as site:
        [image] = await settled(to(site, context=client), "https://pictures.example/")
        other = await refusal(to(site, context=client), "https://other.example/")
        stranger = await refusal(to(site), "https://pictures.example/")

    assert decode_data_url(image) == PNG
    assert "its server could not be asked" in other
    assert "its server could not be asked" in stranger
    assert len(site.heard) == 1


# --- where nobody is sent ---


@pytest.mark.parametrize(
    "address",
    INSIDE.split(),
)
def test_addresses_that_not_everybody_may_reach_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_addresses_that_anybody_may_reach_are_not(address: str) -> None:
    assert is_public(address)


@given(integers(0, 2**32 - 1) | integers(0, 2**128 - 1) | integers(2**125, 2**126 - 1))
def test_no_address_is_public_that_the_standard_library_does_not_take_for_global(number: int) -> None:
    address = ipaddress.ip_address(number)

    assert address.is_global or not is_public(str(address))


@given(integers(0, 2**32 - 1))
def test_no_form_of_version_6_leads_to_version_4(number: int) -> None:
    forms = [
        number,
        number | 0xFFFF << 32,
        number | 0x64FF9B << 96,
        0x2002 << 112 | number << 80,
        0x2001 << 112 | number,
    ]

    assert not any(is_public(str(ipaddress.IPv6Address(form))) for form in forms)


@pytest.mark.parametrize(
    "found",
    [
        ("127.0.0.1",),
        ("8.8.8.8", "127.0.0.1"),
        ("2606:4700::1111", "::1"),
        ("8.8.8.8", "169.254.169.254"),
        ("::ffff:10.0.0.1",),
        (),
    ],
)
async def test_a_name_that_leads_inside_even_among_others_is_not_asked(found: tuple[str, ...]) -> None:
    async with Site(http()).running() as site:
        fetcher = Fetcher(LIMITS, resolve=resolving(*found), ports={"http": site.port})
        message = await refusal(fetcher, "http://inside.example/")

    assert message.endswith("its host is not one that this server may go to")
    assert not any(address in message for address in found)
    assert site.heard == []


async def as_the_system(host: str, port: int) -> Sequence[str]:
    """Numbers in every form that the C library takes."""
    if ":" in host:
        return [host]
    return ["127.0.0.1" if host.rstrip(".") == "localhost" else socket.inet_ntoa(socket.inet_aton(host))]


@pytest.mark.parametrize(
    "host",
    THIS_MACHINE.split(),
)
async def test_every_way_to_write_this_machine_is_found_out_by_resolving(host: str) -> None:
    async with Site(http()).running() as site:
        fetcher = Fetcher(LIMITS, resolve=as_the_system, ports={"http": site.port})
        message = await refusal(fetcher, f"http://{host}/", f"http://{host}:{site.port}/")

    assert "is not to be had" in message
    assert site.heard == []


async def test_the_connection_goes_to_what_was_checked_though_the_name_changes_its_mind() -> None:
    asked: list[str] = []

    async def fickle(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with Site(http()).running() as site:
        await settled(to(site, resolve=fickle), "http://fickle.example/")

    assert asked == ["fickle.example"]


@pytest.mark.parametrize(
    "url",
    [
        "http://user@a.example/",
        "http://user:password@a.example/",
        "http://a.example:22/",
        "http://a.example:0/",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http:///x",
        "http://",
        "http://a.example\\@b.example/",
        "http://a b/",
        "http://a.example/\r\nX-Evil: 1",
        "http://a.example/\x00",
        "http://ä.example/",
        "http://a.example/ä",
        "http://[::1%25eth0]/",
        "http://[::1/",
        "http://-a.example/",
        "http://a_b.example/",
        "http://a.example%2f@b/",
        "HTTP://\u2488.example/",
    ],
    ids=ascii,
)
async def test_an_address_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    async with Site(http()).running() as site:
        message = await refusal(to(site), url)

    assert "is not to be had: its " in message
    assert site.heard == []


# --- what is not taken ---


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (http(b"", "302 Found", "location: http://127.0.0.1/"), "redirects are not followed"),
        (http(b"", "301 Moved", "location: https://a.example/"), "redirects are not followed"),
        (http(b"", "304 Not Modified"), "redirects are not followed"),
        (http(b"secret", "404 Not Found"), "its server answered 404"),
        (http(PNG, "206 Partial Content"), "its server answered 206"),
        (http(b"<html>", "200 OK"), "what is there is no image"),
        (http(b""), "what is there is no image"),
        (http(b"root:x:0:0:root", "200 OK"), "what is there is no image"),
        (http(zlib.compress(PNG), "200 OK", "content-encoding: gzip"), "compressed on the way"),
        (http(PNG + b"x" * 1000), "larger than 1000 bytes"),
        (http(PNG + b"x" * 1000, length=False), "larger than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n", "its server"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n" + PNG, "broke off"),
        (b"", "broke off"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n", ""),
        (b"SSH-2.0-OpenSSH\r\n", "could not be asked"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "its server answered 100"),
    ],
)
async def test_what_is_no_image_at_once_is_refused_and_not_repeated(answer: bytes, complaint: str) -> None:
    async with Site(answer).running() as site:
        message = await refusal(to(site), "http://a.example/x")

    assert message.startswith("messages[1].content[1]: the image at 'http://a.example/x' is not to be had: ")
    assert complaint in message
    assert "secret" not in message
    assert "root" not in message


@pytest.mark.parametrize(
    ("begun", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n" + PNG, b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
async def test_a_server_that_is_slow_or_never_ends_is_given_up(begun: bytes, piece: bytes) -> None:
    site = Site(begun, pause=piece)
    async with site.running():
        message = await refusal(to(site, Limits(media=1_000_000, media_time=0.3)), "http://a.example/")

    assert "it did not come within 0.3 s" in message or "broke off" in message


async def test_too_many_addresses_are_refused_before_any_is_asked() -> None:
    async with Site(http()).running() as site:
        with pytest.raises(RequestTooLarge, match="4 images would have to be fetched; this server fetches at most 3"):
            await settled(to(site), *(f"http://a.example/{number}" for number in range(4)))

    assert site.heard == []


async def test_all_images_together_are_bounded() -> None:
    async with Site(http(PNG + b"x" * 900)).running() as site:
        with pytest.raises(RequestTooLarge, match="larger than 2000 bytes together"):
            await settled(to(site, Limits(body=2000, media=1000)), "http://a.example/1", "http://a.example/2")


async def test_whoever_leaves_ends_the_fetching() -> None:
    site = Site(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", pause=b"1\r\nx\r\n")
    async with site.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(settled, to(site, Limits(media_time=100)), "http://a.example/")
        await site.came.wait()
        tasks.cancel_scope.cancel()
    with anyio.fail_after(5):
        await site.left.wait()


# --- through the server ---


def served(site: Site, *, allowed: bool) -> App:
    def seeing(messages: Any, **params: Any) -> str:
        return json.dumps(messages[-1]["content"])

    app = create_app({"seeing": as_model(seeing)}, Options(media_urls=allowed, limits=LIMITS))
    if allowed:
        app.fetcher = to(site)
    return app


CHAT = chat(
    messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://pictures.example/"}}]}]
)
RESPONSES = json.dumps(
    {
        "model": "seeing",
        "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "http://pictures.example/"}]}],
    }
).encode()
MESSAGES = json.dumps(
    {
        "model": "seeing",
        "max_tokens": 100,
        "messages": [
            {
                "role": "user",
                "content": [{"type": "image", "source": {"type": "url", "url": "http://pictures.example/"}}],
            }
        ],
    }
).encode()
WIRES = [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES), ("/v1/messages", MESSAGES)]


@pytest.mark.parametrize(("path", "body"), WIRES, ids=lambda value: value if isinstance(value, str) else "")
async def test_every_wire_that_has_addresses_gives_them_to_the_model_as_images(path: str, body: bytes) -> None:
    async with Site(http()).running() as site:
        answer = await ask(served(site, allowed=True), path=path, body=body)

    assert answer.status == 200, answer.body
    assert b"data:image/png;base64,iVBORw0KGgpwaXhlbHM=" in answer.body
    assert len(site.heard) == 1


@pytest.mark.parametrize(("path", "body"), WIRES, ids=lambda value: value if isinstance(value, str) else "")
async def test_no_wire_fetches_unless_that_is_allowed(path: str, body: bytes) -> None:
    async with Site(http()).running() as site:
        before = await ask(served(site, allowed=True), path=path, body=body)
        answer = await ask(served(site, allowed=False), path=path, body=body)

    assert before.status == 200
    assert answer.status == 400
    assert b"no URL is fetched here" in answer.body
    assert len(site.heard) == 1


@pytest.mark.parametrize("url", ["ftp://a.example/x", "file:///etc/passwd", "//a.example/", "gopher://a", "x" * 3000])
async def test_other_addresses_stay_refused(url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]
    async with Site(http()).running() as site:
        answer = await ask(served(site, allowed=True), body=chat(messages=[{"role": "user", "content": content}]))

    assert (answer.status, answer.error["param"]) == (400, "messages[0].content[0].image_url.url")


async def test_with_the_real_checks_a_request_cannot_reach_this_machine() -> None:
    app = create_app([ScriptedModel(reply("in"), name="m")], Options(media_urls=True))
    async with Site(http()).running() as site:
        for host in ("127.0.0.1", "localhost", "[::1]"):
            for port in ("", f":{site.port}"):
                content = [{"type": "image_url", "image_url": {"url": f"http://{host}{port}/"}}]
                answer = await ask(app, body=chat(messages=[{"role": "user", "content": content}]))

                assert answer.status == 400
                assert "is not to be had" in answer.error["message"]
    assert site.heard == []
