"""``load()`` and ``close()`` of a user's class: once, before it is asked, and at the end."""

import asyncio
import threading
from typing import Any

import pytest

from modelport import Client
from modelport.adapters import as_model
from modelport.errors import LoadError
from modelport.model import generate
from modelport.types import ChatRequest, Message, TextDelta

HELLO = ChatRequest(messages=(Message("user", "hello"),))


class Weights:
    """Counts what is done to it; blocking."""

    name = "weights"

    def __init__(self) -> None:
        self.done: list[str] = []
        self.weights: str | None = None

    def load(self) -> None:
        self.done.append("load")
        self.weights = "loaded"

    def stream(self, request: ChatRequest) -> Any:
        self.done.append("stream")
        yield TextDelta(str(self.weights))

    def close(self) -> None:
        self.done.append("close")


class AsyncWeights(Weights):
    """The same, async."""

    async def load(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().load()

    async def stream(self, request: ChatRequest) -> Any:
        self.done.append("stream")
        yield TextDelta(str(self.weights))

    async def aclose(self) -> None:
        self.done.append("aclose")


class Batched(Weights):
    """Answers batches."""

    stream: Any = None

    def generate_batch(self, requests: Any) -> list[str]:
        self.done.append("batch")
        return [str(self.weights)] * len(requests)


@pytest.mark.parametrize(
    ("cls", "ends"),
    [
        (Weights, ["load", "stream", "stream", "close"]),
        (AsyncWeights, ["load", "stream", "stream", "aclose"]),
        (Batched, ["load", "batch", "batch", "close"]),
    ],
)
def test_a_client_loads_once_before_the_first_answer_and_closes_at_the_end(cls: type[Weights], ends: list[str]) -> None:
    weights = cls()
    with Client(model=weights) as client:
        before = list(weights.done)
        texts = [client.create(messages="hello").text for _ in range(2)]

    assert before == []
    assert texts == ["loaded", "loaded"]
    assert weights.done == ends


async def test_start_loads_before_anything_is_asked() -> None:
    weights = Weights()
    model: Any = as_model(weights)
    await model.start()
    await model.start()
    answer = await generate(model, HELLO)

    assert weights.done == ["load", "stream"]
    assert answer.choices[0].message.text == "loaded"


async def test_whoever_comes_while_it_loads_waits_and_leaving_does_not_stop_it() -> None:
    entered, go = threading.Event(), threading.Event()

    class Slow(Weights):
        def load(self) -> None:
            entered.set()
            go.wait(10)
            super().load()

    slow = Slow()
    model = as_model(slow)
    first, second = (asyncio.ensure_future(generate(model, HELLO)) for _ in range(2))
    await asyncio.to_thread(entered.wait, 10)
    first.cancel()
    await asyncio.wait({first})
    go.set()
    answer = await second

    assert first.cancelled()
    assert slow.done == ["load", "stream"]
    assert answer.choices[0].message.text == "loaded"


class Broken(Weights):
    """Loads the second time."""

    def load(self) -> None:
        if not self.done:
            self.done.append("tried")
            raise OSError("no weights here")
        super().load()


class AsyncBroken(AsyncWeights):
    """The same, async."""

    async def load(self) -> None:  # type: ignore[override]
        if not self.done:
            self.done.append("tried")
            raise OSError("no weights here")
        await super().load()


@pytest.mark.parametrize("cls", [Broken, AsyncBroken])
def test_what_does_not_load_is_a_load_error_and_is_tried_again(cls: type[Weights]) -> None:
    with Client(model=cls()) as client:
        with pytest.raises(LoadError, match=rf"{cls.__name__}\.load\(\) raised OSError: no weights here") as caught:
            client.create(messages="hello")
        text = client.create(messages="hello").text

    assert isinstance(caught.value.__cause__, OSError)
    assert text == "loaded"


def test_a_load_that_demands_more_is_no_hook_and_neither_is_a_constructor() -> None:
    class Demanding(Weights):
        def load(self, path: str) -> None:  # type: ignore[override]
            raise AssertionError(path)

    class Made(Weights):
        @classmethod
        def load(cls) -> None:
            raise AssertionError

    for cls in (Demanding, Made):
        with Client(model=cls()) as client:
            assert client.create(messages="hello").text == "None"
