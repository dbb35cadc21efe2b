"""A batchable model behind the server: what waits is answered together, and a full queue says when to come again."""

import asyncio
import json
import threading
from typing import Any

from modelport.adapters import as_model
from modelport.server import App, Options
from modelport.server.serving import Serving
from tests.server.helpers import Answer, Client, chat


class Gated:
    name = "gated"
    max_batch_size = 8
    batch_window = 0

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.entered = threading.Event()
        self.gate = threading.Event()

    def generate_batch(self, requests: Any) -> Any:
        self.sizes.append(len(requests))
        self.entered.set()
        self.gate.wait(10)
        return [ValueError("no odd ones") if len(each.messages[0].text) % 2 else "even" for each in requests]


def begin(app: App, text: str, **fields: Any) -> "asyncio.Task[Answer]":
    body = chat(**{"messages": [{"role": "user", "content": text}], **fields})
    return asyncio.ensure_future(Client(app, pieces=(body,)).ask())


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_requests_that_wait_are_answered_together_streamed_or_not_each_with_its_own_status() -> None:
    gated = Gated()
    app = App(Serving([as_model(gated)]), Options())
    first = begin(app, "ab")
    await asyncio.to_thread(gated.entered.wait, 10)

    waiting = [begin(app, "abcd"), begin(app, "abc"), begin(app, "abcdef", stream=True)]
    await settle()
    gated.gate.set()
    answers = await asyncio.gather(first, *waiting)

    assert gated.sizes == [1, 3]
    assert [answer.status for answer in answers] == [200, 200, 502, 200]
    assert answers[1].json["choices"][0]["message"]["content"] == "even"
    assert "no odd ones" in answers[2].error["message"]
    assert b"even" in answers[3].body


async def test_a_full_queue_of_batches_is_503_with_a_time_to_come_again() -> None:
    gated = Gated()
    app = App(Serving([as_model(gated)], queue=2), Options())
    begun = [begin(app, "ab")]
    await asyncio.to_thread(gated.entered.wait, 10)
    begun += [begin(app, "ab"), begin(app, "ab")]
    await settle()

    refused = await begin(app, "ab")
    gated.gate.set()
    await asyncio.gather(*begun)

    assert refused.status == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert json.loads(refused.body)["error"]["code"] == "overloaded"


async def test_a_client_who_leaves_the_queue_costs_the_model_nothing() -> None:
    gated = Gated()
    app = App(Serving([as_model(gated)]), Options())
    first = begin(app, "ab")
    await asyncio.to_thread(gated.entered.wait, 10)
    gone = Client(app, pieces=(chat(),))
    leaving = asyncio.ensure_future(gone.ask())
    await settle()

    gone.leave()
    await asyncio.gather(leaving, return_exceptions=True)
    gated.gate.set()
    await first

    assert gated.sizes == [1]


async def test_the_holders_of_different_keys_take_turns() -> None:
    seen: list[list[str]] = []

    class Noted(Gated):
        max_batch_size = 2

        def generate_batch(self, requests: Any) -> Any:
            seen.append([each.messages[0].text for each in requests])
            return super().generate_batch(requests)

    gated = Noted()
    app = App(Serving([as_model(gated)]), Options(keys={"greedy": "key-1", "modest": "key-2"}))

    def ask_as(key: bytes, text: str) -> "asyncio.Task[Answer]":
        body = chat(messages=[{"role": "user", "content": text}])
        return asyncio.ensure_future(Client(app, pieces=(body,), headers=((b"x-api-key", key),)).ask())

    begun = [ask_as(b"key-1", "g0")]
    await asyncio.to_thread(gated.entered.wait, 10)
    begun += [ask_as(b"key-1", f"g{number}") for number in range(1, 4)]
    await settle()
    begun += [ask_as(b"key-2", "m")]
    await settle()
    gated.gate.set()
    await asyncio.gather(*begun)

    assert seen == [["g0"], ["g1", "m"], ["g2", "g3"]]
