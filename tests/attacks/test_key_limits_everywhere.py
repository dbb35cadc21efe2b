"""What a key may take holds on every route, by either header: no path, form of answer or failure gets round it."""

from pathlib import Path

import anyio
import msgspec
import pytest

from modelport.adapters import as_model
from modelport.server import App, Route
from modelport.server.app import ROUTES
from modelport.storage.api_keys import KeyLimits
from tests.server.helpers import Answer, Client, Gated, ask, chat
from tests.server.keyring import Ring
from tests.server.test_quotas import Counting

CLOSED = [route for route in ROUTES if not route.open]
PRICES = {"m": (100.0, 100.0)}
LIMITS = {
    "requests": KeyLimits(requests=1),
    "tokens": KeyLimits(tokens=5),
    "concurrency": KeyLimits(concurrency=1),
    "budget": KeyLimits(budget=0.5),
}
ASKING: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hello"}]},
    "/v1/responses": {"input": "hello"},
    "/v1/completions": {"prompt": "hello"},
    "/v1/messages": {"max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]},
    "/api/chat": {"messages": [{"role": "user", "content": "hello"}]},
    "/api/generate": {"prompt": "hello"},
}


def header(kind: str, key: str) -> list[tuple[bytes, bytes]]:
    if kind == "x-api-key":
        return [(b"x-api-key", key.encode())]
    return [(b"authorization", f"Bearer {key}".encode())]


async def knock(app: App, route: Route, kind: str, key: str, body: bytes = b"{}") -> Answer:
    path = route.path + "m" if route.path.endswith("/") else route.path
    return await ask(app, route.method, path, body, headers=header(kind, key))


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("kind", ["x-api-key", "bearer"])
async def test_a_limit_that_is_reached_closes_every_route(limit: str, kind: str, tmp_path: Path) -> None:
    keys = Ring(tmp_path / "keys")
    key = await keys.add("ann", LIMITS[limit])
    waiting = Gated("waits")
    app = await keys.app(Counting("m", tokens=10), waiting, prices={**PRICES, "waits": (1.0, 1.0)})
    held = Client(app, pieces=(chat(model="waits", stream=True),), headers=header("bearer", key))

    async with anyio.create_task_group() as tasks:
        if limit == "concurrency":
            tasks.start_soon(held.ask)
            await waiting.begun.wait()
        else:
            assert (await ask(app, body=chat(model="m"), headers=header("x-api-key", key))).status == 200
        answers = {route: await knock(app, route, kind, key) for route in CLOSED}
        held.leave()

    assert {route.path: answer.status for route, answer in answers.items() if answer.status != 429} == {}
    assert all(b"'ann'" in answer.body for answer in answers.values())


@pytest.mark.parametrize("limit", ["requests", "tokens", "budget"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKING)
async def test_an_answer_of_every_wire_counts_streamed_or_whole(
    path: str, stream: bool, limit: str, tmp_path: Path
) -> None:
    keys = Ring(tmp_path / "keys")
    key = await keys.add("ann", LIMITS[limit])
    app = await keys.app(Counting("m", tokens=10), prices=PRICES)
    body = msgspec.json.encode({"model": "m", "stream": stream, **ASKING[path]})

    first, second = [await ask(app, path=path, body=body, headers=header("bearer", key)) for _ in "ab"]

    assert (first.status, second.status) == (200, 429)


class Batches:
    """Answers many together, and says of each what it took."""

    name = "m"
    max_batch_size = 8

    def generate_batch(self, requests: list[object]) -> list[str]:
        return ["x" * 400 for _ in requests]


@pytest.mark.parametrize("limit", ["tokens", "budget"])
async def test_answers_that_are_made_together_count_for_each_who_asked(limit: str, tmp_path: Path) -> None:
    keys = Ring(tmp_path / "keys")
    few, many = await keys.add("few", LIMITS[limit]), await keys.add("many")
    app = await keys.app(as_model(Batches()), prices=PRICES)
    statuses: dict[str, list[int]] = {few: [], many: []}

    async def knock_once(key: str) -> None:
        answer = await ask(app, body=chat(model="m"), headers=header("bearer", key))
        statuses[key].append(answer.status)

    for _ in range(2):
        async with anyio.create_task_group() as tasks:
            for key in (few, many, many):
                tasks.start_soon(knock_once, key)

    assert statuses == {few: [200, 429], many: [200] * 4}
