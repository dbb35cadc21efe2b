"""AutoGen's wrapper, blocking and awaited: the same entries, answers and errors; pieces told as they come."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport.client import Chunk
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.errors import AllModelsFailed, InvalidRequest, NotRegistered
from modelport.testing import ScriptedModel, reply
from modelport.types import TextDelta, ToolCallDelta
from tests.seed_autogen import CustomModelClient

HI = [{"role": "user", "content": "hi"}]


class Counting(CustomModelClient):
    """Says how often it was asked, and notes in which thread."""

    def __init__(self, config: Any, **kwargs: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.threads: set[int] = set()

    def create(self, params: Any) -> Any:
        self.asked.append(params)
        self.threads.add(threading.get_ident())
        response: Any = super().create(params)  # type: ignore[no-untyped-call]
        response.choices[0].message.content = f"answer {len(self.asked)}"
        return response


class Raising(Counting):
    def create(self, params: Any) -> Any:
        raise RuntimeError("out of memory")


class Async(Counting):
    """A client whose create is awaited, and which notes on which loop."""

    loop: Any = None

    async def create(self, params: Any) -> Any:
        self.loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        return super().create(params)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def wrapper(*classes: type, **fields: Any) -> OpenAIWrapper:
    made = OpenAIWrapper(
        config_list=[{"model": "m", "model_client_cls": cls.__name__, "cache_seed": None, **fields} for cls in classes]
    )
    for cls in classes:
        made.register_model_client(cls)
    return made


def client_of(response: Any) -> Any:
    return response.message_retrieval_function.__self__.client


def texts(response: Any) -> Any:
    return OpenAIWrapper.extract_text_or_completion_object(response)


# --- acreate: as create ---


async def test_a_blocking_class_is_asked_beside_the_loop() -> None:
    response = await wrapper(Counting).acreate(messages=HI)

    assert texts(response) == ["answer 1"]
    assert (response.cost, response.config_id, response.pass_filter) == (0, 0, True)
    assert threading.get_ident() not in client_of(response).threads
    assert client_of(response).asked == [{"messages": HI, "model": "m", "model_client_cls": "Counting"}]


async def test_an_async_class_is_awaited_on_the_callers_loop() -> None:
    response = await wrapper(Async).acreate(messages=HI)

    assert texts(response) == ["answer 1"]
    assert client_of(response).loop is asyncio.get_running_loop()


async def test_the_next_entry_is_asked_after_an_error() -> None:
    response = await wrapper(Raising, Counting).acreate(messages=HI)

    assert (response.config_id, texts(response)) == (1, ["answer 1"])


async def test_the_error_of_all_entries_has_each_ones() -> None:
    with pytest.raises(AllModelsFailed) as caught:
        await wrapper(Raising, Raising).acreate(messages=HI)

    assert [str(error) for _, error in caught.value.errors] == ["out of memory"] * 2


async def test_the_only_entrys_error_is_raised_as_it_is() -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        await wrapper(Raising).acreate(messages=HI)


async def test_a_class_that_is_not_registered_is_named() -> None:
    client = OpenAIWrapper(config_list=[{"model": "m", "model_client_cls": "Counting"}])

    with pytest.raises(NotRegistered, match="Counting"):
        await client.acreate(messages=HI)


async def test_answers_are_cached_under_seed_41_and_counted_so() -> None:
    client = OpenAIWrapper(config_list=[{"model": "m", "model_client_cls": "Counting"}])
    client.register_model_client(Counting)

    first, second = await client.acreate(messages=HI), await client.acreate(messages=HI)
    third = await asyncio.to_thread(client.create, messages=HI)

    assert texts(first) == texts(second) == texts(third) == ["answer 1"]
    assert client.actual_usage_summary is not None
    assert client.total_usage_summary is not None
    assert client.actual_usage_summary["model_name"]["answers"] == 1
    assert client.total_usage_summary["model_name"]["answers"] == 3


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_filter_may_be_async_where_it_is_awaited(is_async: bool) -> None:
    def takes(context: Any, response: Any) -> bool:
        return list(texts(response)) == ["answer 2"]

    async def takes_later(context: Any, response: Any) -> bool:
        await asyncio.sleep(0)
        return list(texts(response)) == ["answer 2"]

    client = wrapper(Counting, Counting)
    response = await client.acreate(messages=HI, filter_func=takes_later if is_async else takes)

    assert (response.config_id, response.pass_filter) == (1, False)


def test_an_async_filter_of_a_blocking_call_is_refused() -> None:
    async def takes(context: Any, response: Any) -> bool:
        return True

    with pytest.raises(InvalidRequest, match="acreate"):
        wrapper(Counting).create(messages=HI, filter_func=takes)


async def test_the_price_of_the_call_counts() -> None:
    response = await wrapper(Counting, price=[1, 2]).acreate(messages=[{"role": "user", "content": "x" * 4000}])

    assert response.cost > 1


async def test_a_thousand_calls_at_once_need_no_thousand_threads() -> None:
    client, gate = wrapper(Counting), threading.Event()
    inner = client_of(await client.acreate(messages=HI))
    plain = inner.create

    def waits(params: Any) -> Any:
        gate.wait(10)
        return plain(params)

    inner.create = waits
    calls = [asyncio.ensure_future(client.acreate(messages=HI)) for _ in range(1000)]
    await asyncio.sleep(0)
    most = threading.active_count()
    gate.set()
    answers = await asyncio.gather(*calls)

    assert len(answers) == 1000
    assert most < 150


# --- models of ours ---


def pieces(messages: Any) -> Iterator[str]:
    yield from ("one ", "two ", "three")


async def async_pieces(messages: Any) -> AsyncIterator[str]:
    for piece in ("one ", "two ", "three"):
        await asyncio.sleep(0)
        yield piece


def whole(messages: Any) -> str:
    return "one two three"


def ours(model: Any, **fields: Any) -> OpenAIWrapper:
    return OpenAIWrapper(config_list=[{"model": model, "cache_seed": None, **fields}])


@pytest.mark.parametrize("model", [pieces, async_pieces, whole, "eliza"])
@pytest.mark.parametrize("stream", [{}, {"stream": True}, {"stream": False}])
async def test_stream_gives_the_whole_response_of_a_model_of_ours(model: Any, stream: dict[str, Any]) -> None:
    client = await asyncio.to_thread(ours, model, **stream)

    awaited, blocking = await client.acreate(messages=HI), await asyncio.to_thread(client.create, messages=HI)

    assert texts(awaited) == texts(blocking)
    assert awaited.choices[0].message.role == "assistant"


@pytest.mark.parametrize(("model", "heard"), [(pieces, 3), (async_pieces, 3), (whole, 1)])
async def test_pieces_are_told_as_they_come(model: Any, heard: int) -> None:
    blocking: list[Chunk] = []
    awaited: list[Chunk] = []

    async def later(chunk: Chunk) -> None:
        await asyncio.sleep(0)
        awaited.append(chunk)

    client = ours(model, stream=True)
    first = await asyncio.to_thread(client.create, messages=HI, on_chunk=blocking.append)
    second = await client.acreate(messages=HI, on_chunk=later)

    for response, chunks in ((first, blocking), (second, awaited)):
        assert [chunk.text for chunk in chunks if chunk.text] == (
            ["one ", "two ", "three"] if heard > 1 else ["one two three"]
        )
        assert texts(response) == ["one two three"]


def test_stream_reaches_a_registered_class_as_in_autogen_and_its_answer_is_one_piece() -> None:
    chunks: list[Chunk] = []

    response = wrapper(Counting, stream=True).create(messages=HI, on_chunk=chunks.append)

    assert client_of(response).asked[0]["stream"] is True
    assert [chunk.text for chunk in chunks if chunk.text] == ["answer 1"]


def test_an_answer_from_the_cache_is_told_too() -> None:
    client = OpenAIWrapper(config_list=[{"model": pieces}])
    chunks: list[Chunk] = []

    client.create(messages=HI)
    client.create(messages=HI, on_chunk=chunks.append)

    assert [chunk.text for chunk in chunks if chunk.text] == ["one two three"]


def test_an_answer_that_the_filter_rejects_is_not_told() -> None:
    client = OpenAIWrapper(config_list=[{"model": pieces}, {"model": whole}], cache_seed=None)
    chunks: list[Chunk] = []

    response = client.create(
        messages=HI,
        on_chunk=chunks.append,
        filter_func=lambda context, response: response.model == "whole",
    )

    assert response.config_id == 1
    assert [chunk.text for chunk in chunks if chunk.text] == ["one two three"]


def test_tool_calls_are_told() -> None:
    model = ScriptedModel([ToolCallDelta(0, "call_1", "look", '{"at": 1}'), *reply()])
    chunks: list[Chunk] = []

    OpenAIWrapper(config_list=[{"model": model}]).create(messages=HI)
    OpenAIWrapper(config_list=[{"model": model}]).create(messages=HI, on_chunk=chunks.append)

    assert [chunk.tool_call.name for chunk in chunks if chunk.tool_call] == ["look"]


def failing_callback(chunk: Chunk) -> None:
    raise KeyError("the screen is gone")


@pytest.mark.parametrize("ask", ["create", "acreate"])
async def test_a_callback_that_fails_fails_the_call_and_the_model_is_left(ask: str) -> None:
    model, spare = ScriptedModel(reply("a", "b")), ScriptedModel(reply("c"))
    client = OpenAIWrapper(config_list=[{"model": model}, {"model": spare}], cache_seed=None)

    async def call() -> None:
        if ask == "create":
            client.create(messages=HI, on_chunk=failing_callback)
        else:
            await client.acreate(messages=HI, on_chunk=failing_callback)

    with pytest.raises(KeyError, match="the screen is gone"):
        await call()

    assert (model.open, spare.requests) == (0, [])


def test_what_was_said_cannot_be_unsaid() -> None:
    half = ScriptedModel([TextDelta("half an an"), RuntimeError("cut off")])
    chunks: list[Chunk] = []

    def ask(**heard: Any) -> Any:
        return OpenAIWrapper(config_list=[{"model": half}, {"model": whole}], cache_seed=None).create(
            messages=HI, **heard
        )

    assert texts(ask()) == ["one two three"]
    with pytest.raises(RuntimeError, match="cut off"):
        ask(on_chunk=chunks.append)
    assert [chunk.text for chunk in chunks] == ["half an an"]


@pytest.mark.parametrize("given", ["print", 3, []])
def test_what_cannot_be_called_is_no_callback(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="on_chunk"):
        ours(whole).create(messages=HI, on_chunk=given)


def test_an_async_callback_needs_an_awaited_call() -> None:
    async def later(chunk: Chunk) -> None:
        raise AssertionError

    with pytest.raises(InvalidRequest, match="acreate"):
        ours(whole).create(messages=HI, on_chunk=later)
