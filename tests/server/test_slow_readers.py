"""Readers who are slow, where calls of a model take turns: none of them keeps the model from the others."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

from modelport.adapters import as_model
from modelport.server import Limits, Options, create_app
from tests.server.helpers import Client, ask, chat


def content(body: bytes) -> str:
    pieces = [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: {")]
    return "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece.get("choices"))


async def test_a_slow_reader_does_not_hold_up_others_of_a_model_that_takes_turns() -> None:
    def story(messages: Any) -> Iterator[str]:
        for _ in range(2000):
            yield "word "

    app = create_app([as_model(story, name="story")])
    slow = Client(app, pieces=[chat(stream=True)])
    slow.room.clear()
    asking = asyncio.create_task(slow.ask())

    other = await asyncio.wait_for(ask(app, body=chat()), 10)
    slow.room.set()
    late = await asking

    assert other.json["choices"][0]["message"]["content"] == "word " * 2000
    assert content(late.body) == "word " * 2000


async def test_but_only_so_much_is_kept_for_it() -> None:
    def endless(messages: Any) -> Iterator[str]:
        while True:
            yield "x" * 1000

    app = create_app([as_model(endless, name="endless")], Options(limits=Limits(backlog=50_000)))
    client = Client(app, pieces=[chat(stream=True)])
    client.room.clear()

    await asyncio.wait_for(client.ask(), 10)

    assert sum(map(len, client.writes)) == 0


async def test_nor_does_one_who_has_not_even_taken_a_comment() -> None:
    go_on = threading.Event()

    def thinks(messages: Any) -> Iterator[str]:
        if messages[-1]["content"] == "think":
            assert go_on.wait(20)
        yield "thought"
        yield " twice"

    app = create_app([as_model(thinks, name="thinks")], Options(limits=Limits(first_event=0.01, keep_alive=0.01)))
    slow = Client(app, pieces=[chat(stream=True, messages=[{"role": "user", "content": "think"}])])
    slow.room.clear()
    asking = asyncio.create_task(slow.ask())
    await asyncio.wait_for(slow.stuck.wait(), 10)
    go_on.set()

    other = await asyncio.wait_for(ask(app, body=chat()), 10)
    slow.room.set()
    late = await asking

    assert other.json["choices"][0]["message"]["content"] == "thought twice"
    assert content(late.body) == "thought twice"
