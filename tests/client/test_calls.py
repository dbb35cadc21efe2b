"""What one call of the client may ask for: a callback for the pieces, a time limit, a cache; and what still holds."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport.client import Answer, Chunk, Client
from modelport.errors import AllModelsFailed, InvalidRequest, ModelTimeout
from modelport.testing import ScriptedModel, reply
from modelport.types import TextDelta

HI = [{"role": "user", "content": "hi"}]


def pieces(messages: Any) -> Iterator[str]:
    yield from ("one ", "two ", "three")


async def async_pieces(messages: Any) -> AsyncIterator[str]:
    for piece in ("one ", "two ", "three"):
        await asyncio.sleep(0)
        yield piece


def whole(messages: Any) -> str:
    return "one two three"


def said(chunks: list[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks if chunk.text]


# --- on_chunk ---


@pytest.mark.parametrize(("model", "heard"), [(pieces, 3), (async_pieces, 3), (whole, 1)])
async def test_the_whole_answer_is_given_and_its_pieces_are_told(model: Any, heard: int) -> None:
    client, blocking, plain, awaited = Client(model=model), list[Chunk](), list[Chunk](), list[Chunk]()

    async def later(chunk: Chunk) -> None:
        await asyncio.sleep(0)
        awaited.append(chunk)

    answers = [
        await asyncio.to_thread(client.create, messages=HI, on_chunk=blocking.append),
        await client.acreate(messages=HI, on_chunk=plain.append),
        await client.acreate(messages=HI, on_chunk=later),
    ]

    assert [answer.text for answer in answers] == ["one two three"] * 3
    assert [type(answer) for answer in answers] == [Answer] * 3
    assert all(answer.usage is not None and answer.entry for answer in answers)
    for chunks in (blocking, plain, awaited):
        assert "".join(said(chunks)) == "one two three"
        assert len(said(chunks)) == heard


def test_a_blocking_call_tells_in_its_own_thread() -> None:
    threads: set[int] = set()

    Client(model=async_pieces).create(messages=HI, on_chunk=lambda _: threads.add(threading.get_ident()))

    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("ask", ["create", "acreate"])
async def test_a_callback_that_fails_fails_the_call_and_the_model_is_left(ask: str) -> None:
    model, spare = ScriptedModel(reply("a", "b")), ScriptedModel(reply("c"))
    client = Client(config_list=[{"model": model}, {"model": spare}])

    def fail(chunk: Chunk) -> None:
        raise KeyError("the screen is gone")

    async def call() -> None:
        if ask == "create":
            client.create(messages=HI, on_chunk=fail)
        else:
            await client.acreate(messages=HI, on_chunk=fail)

    with pytest.raises(KeyError, match="the screen is gone"):
        await call()

    assert (model.open, spare.requests) == (0, [])


@pytest.mark.parametrize("ask", ["create", "acreate"])
async def test_an_answer_that_no_filter_takes_is_told_once_it_is_the_last(ask: str) -> None:
    client, chunks = Client(config_list=[{"model": whole}, {"model": pieces}]), list[Chunk]()
    asked: dict[str, Any] = {"messages": HI, "on_chunk": chunks.append, "filter_func": lambda context, response: False}

    answer = await (client.acreate(**asked) if ask == "acreate" else asyncio.to_thread(client.create, **asked))

    assert (answer.text, answer.pass_filter, answer.config_id) == ("one two three", False, 1)
    assert said(chunks) == ["one two three"]


def test_the_error_of_a_model_is_the_calls() -> None:
    half = ScriptedModel([TextDelta("half an an"), RuntimeError("cut off")])
    chunks: list[Chunk] = []

    with pytest.raises(RuntimeError, match="cut off"):
        Client(config_list=[{"model": half}, {"model": whole}]).create(messages=HI, on_chunk=chunks.append)

    assert said(chunks) == ["half an an"]


@pytest.mark.parametrize(
    "wrong", [{"on_chunk": "print"}, {"on_chunk": print, "stream": True}, {"timeout": 0}, {"timeout": "soon"}]
)
def test_what_makes_no_sense_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Client(model=whole).create(messages=HI, **wrong)

    assert caught.value.param in wrong


# --- timeout ---


async def stuck(messages: Any) -> str:
    await asyncio.Event().wait()
    return "never"


def test_a_call_may_have_a_time_limit_of_its_own() -> None:
    client = Client(model=stuck, timeout=1000)

    with pytest.raises(ModelTimeout, match=r"0\.01 s"):
        client.create(messages=HI, timeout=0.01)


async def test_each_entry_has_the_calls_time_and_the_next_is_tried() -> None:
    answer = await Client(config_list=[{"model": stuck}, {"model": whole}]).acreate(messages=HI, timeout=0.01)

    assert (answer.text, answer.config_id) == ("one two three", 1)
    with pytest.raises(AllModelsFailed):
        await Client(config_list=[{"model": stuck}, {"model": stuck}]).acreate(messages=HI, timeout=0.01)


def test_a_call_may_have_more_time_than_its_entry() -> None:
    client = Client(model=whole, timeout=1e-9)

    assert client.create(messages=HI, timeout=60).text == "one two three"


# --- limits and caches ---


async def test_the_limit_of_an_entry_holds_for_calls_with_a_cache_of_their_own() -> None:
    open_now, most = 0, 0

    async def counting(messages: Any) -> str:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        open_now -= 1
        return "yes"

    client = Client(model=counting, max_concurrency=1)
    one: list[dict[str, Any]] = [{}, {"cache": "memory"}, {"timeout": 60}]
    await asyncio.gather(*(client.acreate(messages=HI, **extra) for extra in one))

    assert most == 1


def test_a_cache_that_a_call_names_is_opened_once(tmp_path: Path) -> None:
    model = ScriptedModel(reply("yes"))
    client = Client(model=model)

    for cache in ("memory", "memory", tmp_path / "a.sqlite", str(tmp_path / "a.sqlite")):
        client.create(messages=HI, cache=cache)

    assert len(model.requests) == 2


# --- threads ---


async def test_a_thousand_calls_of_a_blocking_function_need_no_thousand_threads() -> None:
    gate = threading.Event()

    def waits(messages: Any) -> str:
        gate.wait(10)
        return "yes"

    client = Client(model=waits)
    calls = [asyncio.ensure_future(client.acreate(messages=HI)) for _ in range(1000)]
    await asyncio.sleep(0)
    most = threading.active_count()
    gate.set()
    answers = await asyncio.gather(*calls)

    assert len(answers) == 1000
    assert most < 150


async def test_blocking_models_that_call_each_other_do_not_wait_for_their_own_threads() -> None:
    inner = Client(model=whole)

    def outer(messages: Any) -> str:
        return asyncio.run(inner.acreate(messages=messages)).text

    client = Client(model=outer)
    answers = await asyncio.gather(*(client.acreate(messages=HI) for _ in range(200)))

    assert {answer.text for answer in answers} == {"one two three"}
