"""Blocking code that takes ``cancel`` is told when nobody waits for its answer any more."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from modelport.adapters import as_model
from modelport.errors import ModelTimeout, UnsupportedField
from modelport.model import generate
from modelport.sync import run
from modelport.sync.cancel import AnswerCancelled, CancelToken
from modelport.types import ChatRequest, messages_from, request_from_params
from modelport.wrappers.deadline import Deadline
from modelport.wrappers.honouring import honour

ASK = ChatRequest(messages=messages_from("hi"))


class Heard:
    """Runs until it is told to stop."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.heard = threading.Event()

    def work(self, cancel: CancelToken) -> None:
        self.entered.set()
        try:
            for _ in range(10_000):
                cancel.check()
                time.sleep(0.001)
        except AnswerCancelled:
            self.heard.set()
            raise


def whole(heard: Heard) -> Any:
    def reply(messages: Any, cancel: CancelToken) -> str:
        heard.work(cancel)
        return "never"

    return reply


def in_pieces(heard: Heard) -> Any:
    def reply(messages: Any, *, cancel: CancelToken) -> Iterator[str]:
        yield "a"
        heard.work(cancel)

    return reply


def studio(heard: Heard) -> Any:
    class Studio:
        name = "studio"

        def compose_messages(self, intermedia_msg: Any) -> Any:
            return intermedia_msg

        def generate_response(self, messages: Any, cancel: CancelToken, **kwargs: Any) -> tuple[str, dict[str, int]]:
            heard.work(cancel)
            return "never", {}

    return Studio()


def waiting_studio(heard: Heard) -> Any:
    class Studio:
        name = "studio"

        async def compose_messages(self, intermedia_msg: Any) -> Any:
            return intermedia_msg

        def generate_response(self, messages: Any, cancel: CancelToken) -> tuple[str, dict[str, int]]:
            heard.work(cancel)
            return "never", {}

    return Studio()


@pytest.mark.parametrize("make", [whole, in_pieces, studio, waiting_studio])
async def test_a_caller_who_leaves_is_heard_of(make: Any) -> None:
    heard = Heard()
    task = asyncio.ensure_future(generate(as_model(make(heard)), ASK))
    await asyncio.to_thread(heard.entered.wait, 10)

    task.cancel()

    assert await asyncio.to_thread(heard.heard.wait, 10)


@pytest.mark.parametrize("make", [whole, in_pieces, studio])
async def test_a_deadline_that_passes_is_heard_of(make: Any) -> None:
    heard = Heard()

    with pytest.raises(ModelTimeout):
        await generate(Deadline(as_model(make(heard)), 0.02), ASK)

    assert await asyncio.to_thread(heard.heard.wait, 10)


def test_while_its_caller_waits_nothing_is_cancelled() -> None:
    def reply(messages: Any, cancel: CancelToken) -> str:
        cancel.check()
        return str(cancel.cancelled)

    assert run(generate(as_model(reply), ASK), suspends=False).text == "False"
    assert run(generate(as_model(reply), ASK), suspends=True).text == "False"


def test_a_value_of_that_name_in_the_configuration_comes_first() -> None:
    def reply(messages: Any, cancel: str) -> str:
        return cancel

    model = as_model(reply, config={"cancel": "never"})

    assert run(generate(model, ASK), suspends=False).text == "never"


def test_naming_cancel_is_no_promise_to_take_other_fields() -> None:
    def reply(messages: Any, cancel: CancelToken) -> str:
        return "text"

    with pytest.raises(UnsupportedField, match="top_k"):
        run(generate(honour(as_model(reply)), request_from_params({"messages": "hi", "top_k": 3})), suspends=False)
