"""Answers remembered."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelport.errors import ModelError
from modelport.model import generate
from modelport.storage.cache import MemoryCache, SQLiteCache
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Finish,
    ImagePart,
    Message,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    messages_from,
)
from modelport.wrappers.caching import Caching

ASK = ChatRequest(messages=messages_from("hi"))
OTHER = ChatRequest(messages=messages_from("ho"))


def answer(model: Caching, request: ChatRequest) -> ChatResponse:
    return run(generate(model, request), suspends=False)


class Identified(ScriptedModel):
    identity = "code 1"


async def test_the_second_answer_is_the_first_and_says_that_it_is_cached() -> None:
    model = ScriptedModel(
        [
            Started(model="m", id="1", raw=object()),
            ReasoningDelta("hm"),
            TextDelta("par"),
            TextDelta("is"),
            ToolCallDelta(index=0, id="c", name="f", arguments="{}"),
            Finish("tool_calls"),
            Usage(1, 2, cost=0.5),
        ],
        reply("another"),
    )
    cached = Caching(model, MemoryCache())

    first, second = await generate(cached, ASK), await generate(cached, ASK)

    assert (first.cached, second.cached) == (False, True)
    assert second.choices == first.choices
    assert (second.id, second.model, second.usage, second.raw) == ("1", "m", Usage(1, 2, cost=0.5), None)
    assert len(model.requests) == 1


async def test_another_request_is_asked() -> None:
    model = ScriptedModel(reply("one"), reply("two"))
    cached = Caching(model, MemoryCache())

    assert [(await generate(cached, ask)).text for ask in (ASK, OTHER, ASK)] == ["one", "two", "one"]


async def test_changed_code_is_another_model() -> None:
    store = MemoryCache()
    old, new = Identified(reply("old")), Identified(reply("new"))
    new.identity = "code 2"

    assert (await generate(Caching(old, store), ASK)).text == "old"
    assert (await generate(Caching(new, store), ASK)).text == "new"


async def test_half_an_answer_is_not_stored() -> None:
    model = ScriptedModel([TextDelta("par"), ModelError("lost")], reply("whole"))
    cached = Caching(model, MemoryCache())

    with pytest.raises(ModelError):
        await generate(cached, ASK)
    async with cached.stream(ASK) as events:
        await anext(events)

    assert (await generate(cached, ASK)).text == "whole"
    assert len(model.requests) == 3


def test_content_that_cannot_be_read_is_not_cached(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "modelport")
    model = ScriptedModel(reply("one"), reply("two"))
    cached = Caching(model, MemoryCache())
    ask = ChatRequest(messages=(Message("user", (ImagePart(object()),)),))

    assert [(answer(cached, ask)).text for _ in range(2)] == ["one", "two"]
    assert "not cached" in caplog.text


async def test_a_changed_file_is_another_request(tmp_path: Path) -> None:
    image = tmp_path / "shot.png"
    model = ScriptedModel(reply("one"), reply("two"))
    cached = Caching(model, MemoryCache())
    ask = ChatRequest(messages=(Message("user", (ImagePart(image),)),))

    texts = []
    for content in (b"1", b"1", b"2"):
        image.write_bytes(content)
        texts.append((await generate(cached, ask)).text)

    assert texts == ["one", "one", "two"]


class Failing:
    blocking = False

    def get(self, key: bytes) -> bytes | None:
        raise OSError("the disk is gone")

    def set(self, key: bytes, value: bytes) -> None:
        raise OSError("the disk is gone")


def test_a_cache_that_fails_costs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    assert (answer(Caching(ScriptedModel(reply("yes")), Failing()), ASK)).text == "yes"
    assert "the disk is gone" in caplog.text


def test_bytes_that_are_no_answer_are_made_anew(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryCache()
    cached = Caching(ScriptedModel(reply("yes")), store)
    key = run(cached.key(ASK), suspends=False)
    assert key is not None
    store.set(key, b"\xc1 nonsense")

    assert (answer(cached, ASK)).text == "yes"
    assert (answer(cached, ASK)).cached
    assert "cannot be read" in caplog.text


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SQLiteCache]:
    cache = SQLiteCache(tmp_path / "cache.sqlite")
    yield cache
    cache.close()


async def test_a_file_is_read_and_written_off_the_loop(file: SQLiteCache) -> None:
    with_file = Caching(ScriptedModel(reply("yes")), file)

    first, second = await generate(with_file, ASK), await generate(with_file, ASK)  # the guards would see it block

    assert (first.cached, second.cached) == (False, True)
