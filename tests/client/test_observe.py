"""Observers of usage: told of each answer that ends within them, by whichever client and in whichever thread."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport.client import Client
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.client.usage import observe
from modelport.testing import ScriptedModel, reply
from modelport.types import Usage
from tests.seed_autogen import CustomModelClient

HI = [{"role": "user", "content": "hi"}]


class Heard(list[tuple[str, int | None, bool]]):
    """An observer that keeps what it was told."""

    def __call__(self, model: str, usage: Usage, cached: bool) -> None:
        self.append((model, usage.prompt_tokens, cached))


class Waiting:
    """An async model that suspends before it answers."""

    name = "waiting"

    async def stream(self, request: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        yield "yes"
        yield Usage(10, 5)


def counted() -> ScriptedModel:
    return ScriptedModel([*reply("yes"), Usage(10, 5)], name="m")


def pieces(messages: Any) -> Iterator[str]:
    yield "yes"


def registered(**fields: Any) -> OpenAIWrapper:
    wrapper = OpenAIWrapper(config_list=[{"model": "mine", "model_client_cls": "CustomModelClient", **fields}])
    wrapper.register_model_client(CustomModelClient)
    return wrapper


def test_each_answer_within_is_heard_and_none_after() -> None:
    heard, client = Heard(), Client(model=counted())

    client.create(messages=HI)
    with observe(heard):
        client.create(messages=HI)
        Client(model=counted()).create(messages=HI)
    client.create(messages=HI)

    assert heard == [("m", 10, False)] * 2


def test_an_answer_from_the_cache_is_heard_as_such() -> None:
    heard, client = Heard(), Client(model=counted(), cache="memory")

    with observe(heard):
        client.create(messages=HI)
        client.create(messages=HI)

    assert heard == [("m", 10, False), ("m", 10, True)]


def test_observers_may_be_nested() -> None:
    outer, inner, client = Heard(), Heard(), Client(model=counted())

    with observe(outer):
        client.create(messages=HI)
        with observe(inner):
            client.create(messages=HI)

    assert (len(outer), len(inner)) == (2, 1)


def test_a_model_on_the_background_loop_is_heard() -> None:
    heard, client = Heard(), Client(model=Waiting())

    with observe(heard):
        client.create(messages=HI)
        with client.create(messages=HI, stream=True) as stream:
            assert "".join(chunk.text for chunk in stream) == "yes"

    assert heard == [("waiting", 10, False)] * 2


def test_a_stream_that_is_left_early_is_heard() -> None:
    heard, client = Heard(), Client(model=pieces)

    with observe(heard), client.create(messages=HI, stream=True) as stream:
        next(stream)

    assert [model for model, _, _ in heard] == ["pieces"]


async def test_concurrent_tasks_are_heard_by_their_own_observers() -> None:
    blocking, waiting = Client(model=lambda messages: "yes"), Client(model=Waiting())

    async def chat(client: Client) -> Heard:
        heard = Heard()
        with observe(heard):
            await client.acreate(messages=HI)
            async with await client.acreate(messages=HI, stream=True) as stream:
                assert "".join([chunk.text async for chunk in stream]) == "yes"
        return heard

    blocked, waited = await asyncio.gather(chat(blocking), chat(waiting))

    assert [model for model, _, _ in waited] == ["waiting"] * 2
    assert len(blocked) == 2
    assert "waiting" not in [model for model, _, _ in blocked]


def test_another_thread_is_not_heard() -> None:
    heard, client = Heard(), Client(model=counted())

    with observe(heard):
        thread = threading.Thread(target=client.create, kwargs={"messages": HI})
        thread.start()
        thread.join()

    assert heard == []


def test_the_wrapper_of_autogen_is_heard_and_its_cached_answers_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    heard, wrapper = Heard(), registered()

    with observe(heard):
        wrapper.create(messages=HI)
        wrapper.create(messages=HI)

    assert [(model, cached) for model, _, cached in heard] == [("model_name", False), ("model_name", True)]


def test_an_answer_does_not_fail_with_its_observer(caplog: pytest.LogCaptureFixture) -> None:
    def broken(model: str, usage: Usage, cached: bool) -> None:
        raise RuntimeError("not today")

    with caplog.at_level(logging.ERROR, "modelport.client.usage"), observe(broken):
        answer = Client(model=counted()).create(messages=HI)

    assert answer.text == "yes"
    assert "not today" in caplog.text
