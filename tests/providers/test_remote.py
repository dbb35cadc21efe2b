"""RemoteModel against real servers on real sockets, and against what is no server of ours."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from PIL import Image

from modelport.dialects.port import DIALECT, MissingParts
from modelport.errors import (
    ConfigError,
    ConnectionFailed,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    ModelportError,
    ModelTimeout,
    Overloaded,
    ProtocolError,
    RateLimited,
    Unauthorized,
)
from modelport.media import ImageFile
from modelport.model import Model, generate
from modelport.providers.remote import Deadlines, RemoteModel, load
from modelport.secret import Secret
from modelport.server import Limits, Options, create_app
from modelport.sync import iterate, run
from modelport.testing import ScriptedModel, reply
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    ImagePart,
    Message,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from tests.providers.helpers import CountingProxy, answering, http, listening
from tests.server.helpers import Gated, running

ASK = ChatRequest(messages=(Message("user", "hi"),))


def looking(*images: Any) -> ChatRequest:
    return ChatRequest(messages=(Message("user", tuple(ImagePart(image) for image in images)),))


def images(request: ChatRequest) -> list[Any]:
    return [part.image for message in request.messages for part in message.content or () if isinstance(part, ImagePart)]


def call(model: Model, request: ChatRequest = ASK) -> ChatResponse:
    return run(generate(model, request), suspends=True)


def frame(seed: int = 0, height: int = 400, width: int = 600) -> Any:
    """A small screenshot: flat windows with noise in them."""
    array = np.zeros((height, width, 3), np.uint8)
    array[100:200] = np.random.default_rng(seed).integers(0, 256, (100, width, 3), np.uint8)
    return array


class Serving:
    """A served model, and the address that it is served at."""

    def __init__(self, model: ScriptedModel, port: int) -> None:
        self.model = model
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    @property
    def last(self) -> ChatRequest:
        return self.model.requests[-1]


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    model = ScriptedModel([*reply("Hello, ", "you"), Usage(3, 2)])
    with running(create_app([model])) as port:
        yield Serving(model, port)


# --- answers ---


def test_a_blocking_call_is_answered(served: Serving) -> None:
    response = call(RemoteModel(served.url))

    assert (response.text, response.usage) == ("Hello, you", Usage(3, 2))
    assert served.last == ASK


async def test_an_async_call_is_answered(served: Serving) -> None:
    remote = RemoteModel(served.url)

    assert (await generate(remote, ASK)).text == "Hello, you"

    await remote.aclose()


async def test_a_blocking_call_inside_a_running_loop_is_answered(served: Serving) -> None:
    assert call(RemoteModel(served.url)).text == "Hello, you"


def test_a_stream_comes_as_the_events_that_the_model_gave(served: Serving) -> None:
    assert list(iterate(RemoteModel(served.url).stream(ASK), suspends=True)) == [*reply("Hello, ", "you"), Usage(3, 2)]


def test_every_kind_of_event_crosses() -> None:
    events: list[Event] = [
        Started("m", "id", cached=True),
        ToolCallDelta(0, "c", "f", "{}"),
        ToolCallDelta(1, "d", "g", "[]"),
        Finish("tool_calls"),
        TextDelta("two", 1),
        Finish("length", 1),
        Usage(1, 2, cost=0.5),
    ]
    with running(create_app([ScriptedModel(events)])) as port:
        got: list[Event] = list(iterate(RemoteModel(f"http://127.0.0.1:{port}").stream(ASK), suspends=True))

    assert got == events


def test_the_model_is_asked_by_name() -> None:
    with running(create_app({"a": ScriptedModel(reply("A")), "b": ScriptedModel(reply("B"))})) as port:
        url = f"http://127.0.0.1:{port}"

        assert call(RemoteModel(url)).text == "A"
        assert call(RemoteModel(url, model="b")).text == "B"
        assert call(load(f"{url}/b")).text == "B"
        assert call(RemoteModel(url), ChatRequest(messages=ASK.messages, model="b")).text == "B"
        with pytest.raises(ModelNotFound, match="no model named 'c' is served here"):
            call(RemoteModel(url, model="c"))


async def test_the_server_says_what_it_serves(served: Serving) -> None:
    remote = RemoteModel(served.url)

    hello = await remote.hello()
    await remote.aclose()

    assert (hello.service, hello.versions, hello.models) == ("modelport", (1,), ("scripted",))


def test_calls_share_connections(served: Serving) -> None:
    proxy = CountingProxy(served.port)
    with listening(proxy.serve) as url:
        remote = RemoteModel(url)
        for _ in range(5):
            call(remote)
        run(remote.aclose(), suspends=True)

    assert proxy.connections == 1


async def test_many_calls_at_once_are_answered_each_with_its_own(served: Serving) -> None:
    remote = RemoteModel(served.url)
    before = len(served.model.requests)

    asked = [ChatRequest(messages=(Message("user", f"{number}"),)) for number in range(40)]
    answers = await asyncio.gather(*(generate(remote, request) for request in asked))
    await remote.aclose()

    assert {answer.text for answer in answers} == {"Hello, you"}
    assert sorted(request.messages[0].text for request in served.model.requests[before:]) == sorted(map(str, range(40)))


def test_one_remote_model_serves_loop_after_loop(served: Serving) -> None:
    remote = RemoteModel(served.url)

    async def once() -> str:
        text = (await generate(remote, ASK)).text
        await remote.aclose()
        return text

    assert [asyncio.run(once()) for _ in range(3)] == ["Hello, you"] * 3
    assert call(remote).text == "Hello, you"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop on Windows")
def test_uvloop_is_as_good_a_loop(served: Serving) -> None:
    uvloop = pytest.importorskip("uvloop")
    remote = RemoteModel(served.url)

    async def talk() -> list[str]:
        texts = [(await generate(remote, ASK)).text for _ in range(2)]
        with pytest.raises(ConnectionFailed, match="nothing listens"):
            await generate(RemoteModel(f"http://127.0.0.1:{closed_port()}", retries=0), ASK)
        await remote.aclose()
        return texts

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(talk()) == ["Hello, you"] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_can_call_too_and_so_can_its_parent_after(served: Serving) -> None:
    remote = RemoteModel(served.url)
    call(remote)

    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if call(remote).text == "Hello, you" else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert call(remote).text == "Hello, you"


# --- images ---


def test_images_arrive_as_what_they_were(served: Serving, tmp_path: Path) -> None:
    path = tmp_path / "shot.png"
    Image.new("RGB", (3, 3), (1, 2, 3)).save(path)
    given = [
        frame(),
        frame()[::2, ::-1].astype(">f4"),
        Image.new("RGBA", (5, 5), (1, 2, 3, 4)),
        path,
        b"x" * 9,
        "data:,x",
    ]

    call(RemoteModel(served.url), looking(*given))
    array, floats, picture, file, data, url = images(served.last)

    assert np.array_equal(array, given[0])
    assert (floats.dtype, np.array_equal(floats, given[1])) == (given[1].dtype, True)
    assert picture == given[2]
    assert (file, isinstance(file, ImageFile) and file.name) == (path.read_bytes(), "shot.png")
    assert (data, url) == (b"x" * 9, "data:,x")


def test_a_file_that_is_not_there_is_refused_here_and_by_its_place(served: Serving, tmp_path: Path) -> None:
    before = len(served.model.requests)

    with pytest.raises(InvalidRequest, match=r"messages\[0\]\.content\[1\]\.image: .*gone\.png is not there") as caught:
        call(RemoteModel(served.url), looking(frame(), tmp_path / "gone.png"))

    assert caught.value.param == "messages[0].content[1].image"
    assert len(served.model.requests) == before


def test_a_served_remote_model_passes_images_on(served: Serving) -> None:
    shot = frame()
    with running(create_app([RemoteModel(served.url)])) as port:
        remote = RemoteModel(f"http://127.0.0.1:{port}")

        assert [call(remote, looking(shot)).text for _ in range(2)] == ["Hello, you"] * 2

    assert np.array_equal(images(served.last)[0], shot)


def conversation(count: int, make: Any) -> Iterator[ChatRequest]:
    """Growing by one image a turn."""
    messages: list[Message] = []
    for number in range(count):
        messages.append(Message("user", (ImagePart(make(number)),)))
        yield ChatRequest(messages=tuple(messages))
        messages.append(Message("assistant", "seen"))


def frozen(number: int) -> Any:
    array = frame(number)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "make",
    [frame, frozen, lambda number: Image.fromarray(frame(number)), lambda number: frame(number).tobytes()],
    ids=["writable arrays", "read-only arrays", "pictures", "bytes"],
)
def test_each_image_of_a_conversation_crosses_once(served: Serving, make: Any) -> None:
    proxy, sent = CountingProxy(served.port), []
    with listening(proxy.serve) as url:
        remote = RemoteModel(url)
        for request in conversation(8, make):
            before = proxy.sent
            call(remote, request)
            sent.append(proxy.sent - before)
            assert all(np.array_equal(*pair) for pair in zip(images(served.last), images(request), strict=True))
        run(remote.aclose(), suspends=True)

    assert sent[0] > 150_000
    assert max(sent) < sent[0] + 4000


def test_a_file_crosses_once(served: Serving, tmp_path: Path) -> None:
    path, proxy = tmp_path / "shot.bin", CountingProxy(served.port)
    path.write_bytes(os.urandom(100_000))
    os.utime(path, (time.time() - 60,) * 2)
    with listening(proxy.serve) as url:
        remote = RemoteModel(url)
        for _ in range(3):
            call(remote, looking(path))
        run(remote.aclose(), suspends=True)

    assert 100_000 < proxy.sent < 104_000


def test_a_screenshot_needs_a_sixth_of_its_bytes(served: Serving) -> None:
    proxy = CountingProxy(served.port)
    shot = frame(0, 1080, 1920)
    with listening(proxy.serve) as url:
        remote = RemoteModel(url)
        call(remote, looking(shot))
        run(remote.aclose(), suspends=True)

    assert np.array_equal(images(served.last)[0], shot)
    assert proxy.sent < 8_294_883 / 6


def test_a_frame_buffer_that_is_used_again_is_sent_as_it_is_now(served: Serving) -> None:
    remote, buffer = RemoteModel(served.url), frame()

    for place in [(0, 0, 0), (399, 599, 2), (250, 300, 1), (0, 0, 0)]:
        buffer[place] ^= 1
        call(remote, looking(buffer))
        assert np.array_equal(images(served.last)[0], buffer)
    buffer[:] = np.roll(buffer, 8, axis=1)
    call(remote, looking(buffer))
    assert np.array_equal(images(served.last)[0], buffer)
    buffer.shape = (600, 400, 3)
    call(remote, looking(buffer))
    assert images(served.last)[0].shape == (600, 400, 3)


def test_numbers_that_are_equal_but_not_the_same_are_sent_as_they_are_now(served: Serving) -> None:
    remote, array = RemoteModel(served.url), np.zeros(100_000)

    call(remote, looking(array))
    array[7] = -0.0
    call(remote, looking(array))

    assert np.signbit(images(served.last)[0][7])


def test_a_read_only_view_of_a_writable_array_is_not_trusted(served: Serving) -> None:
    remote, base = RemoteModel(served.url), frame()
    view = base[:]
    view.flags.writeable = False

    call(remote, looking(view))
    base[0, 0, 0] = 77
    call(remote, looking(view))

    assert images(served.last)[0][0, 0, 0] == 77


def test_a_picture_or_a_file_that_has_changed_is_sent_as_it_is_now(served: Serving, tmp_path: Path) -> None:
    remote, picture, path = RemoteModel(served.url), Image.new("RGB", (300, 300)), tmp_path / "a.bin"

    for number in range(3):
        picture.putpixel((7, 7), (number, 0, 0))
        path.write_bytes(bytes([number]) * 1000)
        call(remote, looking(picture, path))
        assert images(served.last)[0].getpixel((7, 7)) == (number, 0, 0)
        assert images(served.last)[1] == bytes([number]) * 1000


def test_parts_that_the_server_has_forgotten_are_sent_again() -> None:
    model, shot = ScriptedModel(reply("seen")), frame()
    ports: list[int] = []

    # Each time a new server, with nothing kept, at the same address as far as the client knows.
    with listening(lambda connection: CountingProxy(ports[-1]).serve(connection)) as url:
        remote = RemoteModel(url)
        for _ in range(3):
            with running(create_app([model])) as port:
                ports.append(port)
                call(remote, looking(shot, b"y" * 1000))
                run(remote.aclose(), suspends=True)

    assert len(model.requests) == 3
    assert all(np.array_equal(images(request)[0], shot) for request in model.requests)


def test_a_server_that_never_has_enough_is_given_up() -> None:
    error = DIALECT.encode_error(MissingParts("more", missing=[bytes(32)]))

    with (
        answering(http(error, status="409 Conflict", kind=DIALECT.response_type)) as url,
        pytest.raises(ProtocolError, match="again and again"),
    ):
        call(RemoteModel(url), looking(b"x" * 1000))


# --- nobody, or somebody else ---


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_nobody_there_is_told_with_the_mend() -> None:
    url = f"http://127.0.0.1:{closed_port()}"

    with pytest.raises(ConnectionFailed, match=f"nothing listens at {url}: is `modelport serve` running"):
        call(RemoteModel(url))


def test_a_server_that_comes_up_between_tries_is_found() -> None:
    with running(create_app([ScriptedModel(reply("up"))])) as port:
        seen = []

        def serve(connection: socket.socket) -> None:
            seen.append(connection)
            if len(seen) > 2:
                CountingProxy(port).serve(connection)

        with listening(serve) as url:
            remote = RemoteModel(url, retries=2)
            assert call(remote).text == "up"
            run(remote.aclose(), suspends=True)

    assert len(seen) == 3


def test_a_server_that_hangs_up_unasked_is_tried_as_often_as_was_said() -> None:
    seen: list[socket.socket] = []
    with (
        listening(seen.append) as url,
        pytest.raises(ConnectionFailed, match="closed the connection without an answer"),
    ):
        call(RemoteModel(url, retries=1))

    assert len(seen) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (http(b"<html>It works!</html>"), ProtocolError, r"answered 200 with text/html \(<html>It works"),
        (
            http(b'{"error": "x"}', status="404 Not Found", kind="application/json"),
            ProtocolError,
            "not a modelport server",
        ),
        (http(b"", status="302 Found", extra="location: http://example.org/\r\n"), ProtocolError, "answered 302"),
        (http(b"", status="401 No"), Unauthorized, "give its api_key"),
        (http(b"", status="429 No", extra="retry-after: 7\r\n"), RateLimited, "try again later"),
        (http(b"", status="503 No"), Overloaded, "try again later"),
        (http(b"\x80", status="400 No", kind="application/vnd.modelport.v9"), ProtocolError, "another version"),
        (http(b"no frames", kind=DIALECT.stream_type), ProtocolError, "not a modelport answer"),
        (http(b"\0\0\0\1\x90", kind=DIALECT.stream_type), ConnectionFailed, "in the middle of its answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", ProtocolError, r"does not speak HTTP \(it began with b'SSH-2.0"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000 + b"\r\n", ProtocolError, "bytes of headers"),
        (http(b"12345")[:-2], ConnectionFailed, "went away before its answer ended"),
    ],
)
def test_what_is_no_server_of_ours_is_named(answer: bytes, kind: type[ModelportError], says: str) -> None:
    with answering(answer) as url, pytest.raises(kind, match=says) as caught:
        call(RemoteModel(url))

    assert type(caught.value) is kind
    if kind is RateLimited:
        assert caught.value.retry_after == 7


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    encoder = DIALECT.stream_encoder(None, "m")  # type: ignore[arg-type]
    body = encoder.encode(reply("old")) + encoder.finish()
    head = f"HTTP/1.0 200 OK\r\ncontent-type: {DIALECT.stream_type}\r\n\r\n".encode()

    with answering(b"HTTP/1.1 100 Continue\r\n\r\n" + head + body) as url:
        assert call(RemoteModel(url)).text == "old"


def test_no_proxy_is_asked_whatever_the_environment_says(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY")

    assert call(RemoteModel(served.url)).text == "Hello, you"


def test_the_models_own_error_arrives_as_what_it_is() -> None:
    app = create_app([ScriptedModel([RateLimited("slow down", retry_after=3)])])
    with running(app) as port, pytest.raises(RateLimited, match="slow down") as caught:
        call(RemoteModel(f"http://127.0.0.1:{port}"))

    assert caught.value.retry_after == 3


# --- keys ---


def test_a_key_is_sent_and_a_wrong_one_is_told() -> None:
    app = create_app([ScriptedModel(reply("x"))], Options(keys={"anna": "sesame"}))
    with running(app) as port:
        url = f"http://127.0.0.1:{port}"

        assert call(RemoteModel(url, api_key="sesame")).text == "x"
        assert call(RemoteModel(url, api_key=Secret("sesame"))).text == "x"
        for key in (None, "wrong"):
            with pytest.raises(Unauthorized):
                call(RemoteModel(url, api_key=key))


def test_the_key_is_not_shown() -> None:
    remote = RemoteModel("http://127.0.0.1:1", api_key="sesame-open")

    assert "sesame" not in repr(remote) + repr(vars(remote)) + remote.identity + remote.name


# --- deadlines and leaving ---


def hang(connection: socket.socket) -> None:
    while connection.recv(1 << 16):
        pass


@pytest.mark.parametrize(
    ("timeout", "says"),
    [
        (0.2, r"at http://127\.0\.0\.1:\d+ did not answer within 0\.2 s"),
        (Deadlines(first_event=0.2, total=60), r"gave no first event within 0\.2 s"),
    ],
)
def test_a_server_that_hangs_is_given_up_at_the_deadline(timeout: Any, says: str) -> None:
    with listening(hang) as url, pytest.raises(ModelTimeout, match=says):
        call(RemoteModel(url, timeout=timeout))


def test_signs_of_life_are_no_first_event() -> None:
    app = create_app([Gated()], Options(limits=Limits(first_event=0.01, keep_alive=0.01)))
    with running(app) as port, pytest.raises(ModelTimeout, match="gave no first event"):
        call(RemoteModel(f"http://127.0.0.1:{port}", timeout=Deadlines(first_event=0.3)))


def test_an_answer_that_stops_in_the_middle_is_given_up_at_the_deadline() -> None:
    model = Gated()
    model.go.release()
    with running(create_app([model])) as port:
        remote = RemoteModel(f"http://127.0.0.1:{port}", timeout=Deadlines(first_event=10, total=0.5))
        events: Iterator[Event] = iterate(remote.stream(ASK), suspends=True)

        assert next(events) == TextDelta("1 ")
        with pytest.raises(ModelTimeout, match=r"did not answer within 0\.5 s"):
            next(events)


class Watched:
    """Says when it is asked and when it is left, to threads; gives one delta if told so, and then nothing."""

    name = "watched"

    def __init__(self, *events: Event) -> None:
        self._given = events
        self.asked, self.left = threading.Event(), threading.Event()

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        try:
            yield self._events()
        finally:
            self.left.set()

    async def _events(self) -> AsyncIterator[Event]:
        for event in self._given:
            yield event
        self.asked.set()
        await anyio.sleep_forever()


@pytest.mark.parametrize("events", [(), (TextDelta("a"),)], ids=["before the head", "in the middle"])
async def test_a_cancelled_call_ends_the_models_work_at_once(events: tuple[Event, ...]) -> None:
    model = Watched(*events)
    with running(create_app([model])) as port:
        task = asyncio.create_task(generate(RemoteModel(f"http://127.0.0.1:{port}"), ASK))
        await anyio.to_thread.run_sync(model.asked.wait, 5)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await anyio.to_thread.run_sync(model.left.wait, 5)


async def test_leaving_a_stream_ends_the_models_work_at_once() -> None:
    model = Watched(TextDelta("a"))
    with running(create_app([model])) as port:
        async with RemoteModel(f"http://127.0.0.1:{port}").stream(ASK) as events:
            assert await anext(events) == TextDelta("a")

        assert await anyio.to_thread.run_sync(model.left.wait, 5)


def test_leaving_a_blocking_iterator_ends_the_models_work_at_once() -> None:
    model = Watched(TextDelta("a"))
    with running(create_app([model])) as port:
        events: Iterator[Event] = iterate(RemoteModel(f"http://127.0.0.1:{port}").stream(ASK), suspends=True)
        assert next(events) == TextDelta("a")

        events.close()  # type: ignore[attr-defined]

        assert model.left.wait(5)


async def test_a_connection_of_an_answer_that_was_left_is_not_used_again(served: Serving) -> None:
    remote = RemoteModel(served.url)
    async with remote.stream(ASK) as events:
        await anext(events)

    assert (await generate(remote, ASK)).text == "Hello, you"

    await remote.aclose()


# --- servers that go ---

SERVER = """
import sys
from modelport.server import create_app
from modelport.server.run import listen, make_server, url_of
from tests.server.helpers import Gated

model = Gated()
for _ in range(3):
    model.go.release()
sock = listen("127.0.0.1", int(sys.argv[1]))
print(url_of(sock), flush=True)
make_server(create_app([model])).run(sockets=[sock])
"""


@pytest.fixture
def process() -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server in a process of its own, whose model gives three deltas and then hangs."""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, "0"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as server:
        assert server.stdout is not None
        try:
            yield server, server.stdout.readline().strip()
        finally:
            server.kill()


def test_a_server_that_dies_in_the_middle_of_an_answer_is_told(process: tuple["subprocess.Popen[str]", str]) -> None:
    server, url = process
    events: Iterator[Event] = iterate(RemoteModel(url).stream(ASK), suspends=True)
    got = [next(events) for _ in range(3)]

    server.kill()

    with pytest.raises(ConnectionFailed, match="went away"):
        next(events)
    assert got == [TextDelta("1 "), TextDelta("2 "), TextDelta("3 ")]
    with pytest.raises(ConnectionFailed, match="nothing listens at"):
        call(RemoteModel(url))


def test_an_idle_connection_that_the_server_has_closed_is_no_failure(served: Serving) -> None:
    proxy = CountingProxy(served.port)
    with listening(proxy.serve) as url:
        remote = RemoteModel(url, retries=0)
        for _ in range(3):
            assert call(remote).text == "Hello, you"
            proxy.cut()

    assert proxy.connections == 3


def test_the_answer_to_a_request_that_was_refused_half_way_is_read() -> None:
    app = create_app([ScriptedModel(reply("x"))], Options(limits=Limits(body=100_000)))
    with running(app) as port:
        remote = RemoteModel(f"http://127.0.0.1:{port}")
        with pytest.raises(ModelportError, match=r"larger than 100000 bytes|closed the connection|went away"):
            call(remote, looking(os.urandom(3_000_000)))
        assert call(remote).text == "x"


def test_a_server_that_says_too_much_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelport.providers.remote._MOST_REPLY", 10_000)
    app = create_app([ScriptedModel(reply(*["x" * 1000] * 50))])
    with running(app) as port, pytest.raises(ProtocolError, match="more than 10000 bytes"):
        call(RemoteModel(f"http://127.0.0.1:{port}"))


# --- options ---


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:80",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://x:port",
        "http://x/?q",
        "http://x/#f",
        "http://x y",
        "http://é",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"the address must be like http://127\.0\.0\.1:8000"):
        RemoteModel(url)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout": 0}, r"timeout \(total\) must be a number of seconds above 0"),
        ({"timeout": Deadlines(connect=-1)}, r"timeout \(connect\)"),
        ({"retries": -1}, "retries must be a whole number"),
        ({"api_key": "a\r\nx-evil: 1"}, "api_key holds characters that no key has"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        RemoteModel("http://127.0.0.1:8000", **options)
    with pytest.raises(ConfigError, match="must not hold a user or a password"):
        RemoteModel("http://me:secret@127.0.0.1")


@pytest.mark.parametrize(
    ("argument", "url", "name"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "remote:127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000", "remote:127.0.0.1:8000"),
        ("http://127.0.0.1:8000/eliza", "http://127.0.0.1:8000", "eliza"),
        ("https://example.org/gate/", "https://example.org/gate", "remote:example.org"),
        ("https://example.org/gate/eliza", "https://example.org/gate", "eliza"),
        ("http://[::1]:80/x", "http://[::1]", "x"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000", "remote:127.0.0.1:8000"),
        ("http://127.0.0.1:8000/v1/eliza", "http://127.0.0.1:8000", "eliza"),
        ("https://example.org/gate/v1/", "https://example.org/gate", "remote:example.org"),
    ],
)
def test_a_spec_names_the_address_and_the_model(argument: str, url: str, name: str) -> None:
    remote = load(argument)

    assert (remote.url, remote.name) == (url, name)


def test_a_spec_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="remote needs the server's address"):
        load(None)


def test_an_error_of_the_model_is_not_asked_again() -> None:
    model = ScriptedModel([ModelError("broken")])
    with running(create_app([model])) as port, pytest.raises(ModelError, match="broken"):
        call(RemoteModel(f"http://127.0.0.1:{port}"))

    assert len(model.requests) == 1
