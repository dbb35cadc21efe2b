"""What a key may take, and that every route holds it to that."""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from modelport.adapters import as_model
from modelport.errors import Overloaded, RateLimited, Unauthorized
from modelport.server import App, Route
from modelport.server.app import ROUTES
from modelport.server.auth import Keys
from modelport.server.quotas import Caller
from modelport.storage.api_keys import KeyFile, KeyLimits, StoredKey
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, Event, Finish, TextDelta, Usage
from tests.server.helpers import Answer, Client, Gated, ask, chat
from tests.server.keyring import Ring

CLOSED = [route for route in ROUTES if not route.open]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """Answers with its name, says what it took, and counts how often it was asked."""

    def __init__(self, name: str, tokens: int = 10) -> None:
        self.name = name
        self.tokens = tokens
        self.asked = 0

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        self.asked += 1
        yield self._events()

    async def _events(self) -> AsyncIterator[Event]:
        yield TextDelta(f"I am {self.name}")
        yield Usage(prompt_tokens=self.tokens - 1, completion_tokens=1)
        yield Finish()


@pytest.fixture
def keys(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "keys")


def bearer(key: object) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {key}".encode())]


def path_of(route: Route) -> str:
    return route.path + "open" if route.path.endswith("/") else route.path


async def knock(app: App, key: str, route: Route, body: bytes | None = None) -> Answer:
    return await ask(app, route.method, path_of(route), chat() if body is None else body, headers=bearer(key))


# --- the limits themselves ---


def test_requests_are_counted_over_any_sixty_seconds() -> None:
    clock = Clock()
    caller = Caller("ann", KeyLimits(requests=2), clock=clock)
    caller.enter()
    clock.now += 30
    caller.enter()

    with pytest.raises(RateLimited) as caught:
        caller.enter()

    assert caught.value.message == "the API key 'ann' is limited to 2 requests a minute: try again in 31 s"
    assert caught.value.retry_after == 31
    clock.now += 29
    with pytest.raises(RateLimited):
        caller.enter()
    clock.now += 2
    caller.enter()
    with pytest.raises(RateLimited):
        caller.enter()


def test_whoever_waits_as_long_as_was_said_is_let_in() -> None:
    clock = Clock()
    caller = Caller("ann", KeyLimits(requests=50, tokens=100), clock=clock)
    admitted: list[float] = []
    for number in range(300):
        try:
            caller.enter()
        except RateLimited as refused:
            clock.now += refused.retry_after or 0
            caller.enter()
        admitted.append(clock.now)
        caller.charge(number % 7)
        clock.now += 0.1

    assert max(sum(1 for each in admitted if at <= each < at + 60) for at in admitted) <= 50


def test_refused_requests_do_not_count() -> None:
    clock = Clock()
    caller = Caller("ann", KeyLimits(requests=1), clock=clock)
    caller.enter()
    for _ in range(100):
        with pytest.raises(RateLimited):
            caller.enter()

    clock.now += 61
    caller.enter()


def test_tokens_are_counted_when_they_are_known_and_the_next_request_waits() -> None:
    clock = Clock()
    caller = Caller("ann", KeyLimits(tokens=100), clock=clock)
    caller.enter()
    caller.charge(99)
    caller.enter()
    caller.charge(500)

    with pytest.raises(RateLimited, match="limited to 100 tokens a minute"):
        caller.enter()
    clock.now += 61
    caller.enter()


def test_what_is_kept_of_a_busy_minute_is_bounded() -> None:
    clock = Clock()
    caller = Caller("ann", KeyLimits(requests=10**9, tokens=10**9), clock=clock)
    for _ in range(20_000):
        caller.enter()
        caller.charge(3)
        clock.now += 0.01

    assert len(caller._requests._slots) <= 62
    assert len(caller._tokens._slots) <= 62


# --- every route ---


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.path)
async def test_every_route_counts_and_names_the_limit(route: Route, keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(requests=1))
    other = await keys.add("bob")
    app = await keys.app(Counting("open"))

    first = await knock(app, key, route)
    second = await knock(app, key, route)
    elsewhere = await knock(app, key, CLOSED[0])
    others = await knock(app, other, route)

    assert first.status != 429
    assert (second.status, elsewhere.status) == (429, 429)
    assert 1 <= int(second.headers["retry-after"]) <= 61
    assert b"limited to 1 requests a minute" in second.body
    assert others.status != 429


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.path)
async def test_no_route_asks_or_shows_a_model_that_the_key_may_not_use(route: Route, keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(models=("open",)))
    hidden = Counting("hidden-one")
    app = await keys.app(hidden, Counting("open"), aliases={"other-name": "hidden-one"})
    bodies = [chat(model=name, prompt="x", input="x", max_tokens=5) for name in ("hidden-one", "other-name", "default")]

    answers = [await knock(app, key, route, body) for body in [*bodies, b""]]
    if route.path.endswith("/"):
        answers += [
            await ask(app, route.method, route.path + name, headers=bearer(key))
            for name in ("hidden-one", "other-name")
        ]

    assert hidden.asked == 0
    assert not any(b"I am hidden-one" in answer.body for answer in answers)
    assert b"hidden-one" not in answers[-1].body.replace(b"not 'hidden-one'", b"")


async def test_the_refusal_names_the_models_that_the_key_may_use(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(models=("b", "nickname", "gone")))
    models = [Counting("a"), Counting("b"), Counting("c")]
    app = await keys.app(*models, aliases={"nickname": "c"})

    refused = await ask(app, body=chat(model="a"), headers=bearer(key))
    unknown = await ask(app, body=chat(model="nobody"), headers=bearer(key))
    default = await ask(app, body=chat(), headers=bearer(key))
    listed = await ask(app, "GET", "/v1/models", headers=bearer(key))

    assert (refused.status, refused.error["param"], refused.error["code"]) == (403, "model", "forbidden")
    assert refused.error["message"] == "the API key 'ann' may use b, c, not 'a'"
    assert (unknown.status, unknown.error["message"]) == (403, "the API key 'ann' may use b, c, not 'nobody'")
    assert default.json["choices"][0]["message"]["content"] == "I am b"
    assert [card["id"] for card in listed.json["data"]] == ["b", "c"]


async def test_a_key_whose_models_are_not_served_here_may_use_none(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(models=("elsewhere",)))
    app = await keys.app(Counting("a"))

    answer = await ask(app, body=chat(), headers=bearer(key))

    assert (answer.status, answer.error["message"]) == (
        403,
        "the API key 'ann' may use no model that is served here, not 'default'",
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_what_answers_take_is_counted_streamed_or_not(keys: Ring, stream: bool) -> None:
    key = await keys.add("ann", KeyLimits(tokens=15))
    app = await keys.app(Counting("m", tokens=10))

    statuses = [(await ask(app, body=chat(stream=stream), headers=bearer(key))).status for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_blocking_models_are_counted_too(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(tokens=5))
    app = await keys.app(ScriptedModel([*reply("hello"), Usage(3, 3)], name="m"))

    statuses = [(await ask(app, body=chat(), headers=bearer(key))).status for _ in range(2)]

    assert statuses == [200, 429]


class Lengths:
    name = "lengths"

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [[float(len(text)), 1.0] for text in texts]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "lengths", "input": ["x" * 100]}),
        ("/v1/completions", {"model": "m", "prompt": ["one", "two"], "max_tokens": 5}),
        ("/v1/responses", {"model": "m", "input": "hello"}),
        ("/v1/messages", {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}),
    ],
)
async def test_every_wire_is_counted(keys: Ring, path: str, body: object) -> None:
    key = await keys.add("ann", KeyLimits(tokens=10))
    app = await keys.app(as_model(Lengths()), Counting("m", tokens=10))

    statuses = [(await ask(app, path=path, body=json.dumps(body).encode(), headers=bearer(key))).status for _ in "ab"]

    assert statuses == [200, 429]


async def test_requests_at_a_time_are_counted_until_they_end_however_they_do(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(concurrency=1))
    model = Gated()
    app = await keys.app(model, Counting("m"))
    first = Client(app, pieces=(chat(stream=True),), headers=bearer(key))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.ask)
        await model.begun.wait()
        second = await ask(app, body=chat(model="m"), headers=bearer(key))
        first.leave()
        await model.left.wait()
    failed = [await ask(app, body=b"{", headers=bearer(key)) for _ in range(2)]
    after = await ask(app, body=chat(model="m"), headers=bearer(key))

    assert (second.status, second.headers["retry-after"]) == (429, "1")
    assert "limited to 1 requests at a time" in second.error["message"]
    assert [answer.status for answer in failed] == [400, 400]
    assert after.status == 200


# --- a file that changes under a running server ---


async def admitted(keys: Keys, key: str) -> str | None:
    if keys.are_old:
        await keys.refresh()
    try:
        caller = keys.check({b"x-api-key": key.encode()})
    except Unauthorized:
        return None
    return None if caller is None else caller.name


async def test_a_revoked_key_is_refused_and_a_new_one_known_after_a_second(keys: Ring) -> None:
    clock = Clock()
    ann = await keys.add("ann")
    known = await keys.known(clock)
    await keys.revoke("ann")
    bob = await keys.add("bob")

    before = await admitted(known, ann), await admitted(known, bob)
    clock.now += 1.0
    after = await admitted(known, ann), await admitted(known, bob)

    assert before == ("ann", None)
    assert after == (None, "bob")


async def test_a_server_whose_last_key_was_revoked_lets_nobody_in(keys: Ring) -> None:
    clock = Clock()
    ann = await keys.add("ann")
    known = await keys.known(clock)
    await keys.revoke("ann")
    clock.now += 1.0

    assert await admitted(known, ann) is None
    with pytest.raises(Unauthorized, match="an API key is needed"):
        known.check({})


async def test_what_was_taken_stays_counted_when_the_file_is_read_again(keys: Ring) -> None:
    clock = Clock()
    ann = await keys.add("ann", KeyLimits(requests=1))
    known = await keys.known(clock)
    before = known.check({b"x-api-key": ann.encode()})
    await keys.add("bob")
    clock.now += 1.0
    await known.refresh()

    assert known.check({b"x-api-key": ann.encode()}) is before


async def test_a_key_that_has_expired_is_told_so(keys: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await keys.add("ann", KeyLimits(expires=4_000_000_000))
    known = await keys.known(time.monotonic)
    assert known.check({b"x-api-key": ann.encode()}) is not None
    monkeypatch.setattr("modelport.server.auth.time.time", lambda: 4_000_000_000.0)

    with pytest.raises(Unauthorized, match="'ann' has expired"):
        known.check({b"x-api-key": ann.encode()})


def do_harm(path: Path, harm: str) -> None:
    if harm == "removed":
        path.unlink()
    elif harm == "damaged":
        path.write_bytes(b"x" * 5000)
    else:
        path.chmod(0o666)


def mend(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.mark.parametrize("harm", ["removed", "damaged", "open to others"])
async def test_while_the_file_cannot_be_read_nobody_is_let_in(
    keys: Ring, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    if harm == "open to others" and os.name != "posix":
        pytest.skip("Windows has other permissions")
    clock = Clock()
    ann = await keys.add("ann")
    known = await keys.known(clock)
    content = await anyio.to_thread.run_sync(keys.path.read_bytes)
    clock.now += 1.0
    await anyio.to_thread.run_sync(do_harm, keys.path, harm)

    for _ in range(3):
        with pytest.raises(Overloaded, match="API keys cannot be checked just now"):
            await admitted(known, ann)
    assert len(caplog.records) == 1
    assert ann not in caplog.text

    await anyio.to_thread.run_sync(mend, keys.path, content)
    assert await admitted(known, ann) == "ann"


async def test_many_who_wait_for_the_file_read_it_once(keys: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    ann = await keys.add("ann")
    known = await keys.known(clock)
    clock.now += 1.0
    reads = []
    read = KeyFile.read

    def counted(self: KeyFile) -> tuple[StoredKey, ...]:
        reads.append(1)
        return read(self)

    monkeypatch.setattr(KeyFile, "read", counted)
    names: list[str | None] = []

    async def enter() -> None:
        names.append(await admitted(known, ann))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(enter)

    assert names == ["ann"] * 50
    assert len(reads) == 1


async def test_who_leaves_while_the_file_is_read_harms_nobody_else(keys: Ring) -> None:
    clock = Clock()
    ann = await keys.add("ann")
    known = await keys.known(clock)
    clock.now += 1.0

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(known.refresh)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    assert await admitted(known, ann) == "ann"
