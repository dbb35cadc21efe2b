"""AgentStudio's BaseModel: what its document says, what its own providers do, and what comes of both."""

import asyncio
import functools
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelport import as_model, generate
from modelport.adapters.intermediate import Message, intermediate
from modelport.errors import InvalidRequest
from modelport.media import encode_png, to_data_url
from modelport.model import suspends
from modelport.sync import run
from modelport.types import ChatResponse, Usage, messages_from, request_from_params

PIXELS = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)


class Documented:
    """As AgentStudio's document describes a model: the name, what composes, what answers."""

    name: str = "documented"

    def compose_messages(self, intermedia_msg: list[dict[str, Any]]) -> Any:
        return " | ".join(f"{message['role']}: {message['content']}" for message in intermedia_msg)

    def generate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, int]]:
        return f"<{messages}>", {"total_tokens": 12}


class Provider:
    """As AgentStudio's own providers are: what answers composes by itself, and insists on a model's name."""

    name = "provider"

    def _format_messages(self, raw_messages: Any) -> Any:
        return [{"role": message.role, "content": message.content} for message in raw_messages]

    def generate_response(self, messages: Any, **kwargs: Any) -> Any:
        model = kwargs.get("model")
        if model is None:
            raise ValueError("Model name is not set")
        composed = self._format_messages(raw_messages=messages)

        def with_retry() -> Any:
            return f"{model} read {composed}", {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}

        return with_retry()


def ask(thing: Any, messages: Any = "hello", **fields: Any) -> ChatResponse:
    model = as_model(thing)
    return run(generate(model, request_from_params({"messages": messages, **fields})), suspends=suspends(model))


def test_a_model_written_from_the_document_answers() -> None:
    answer = ask(Documented, [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}])

    assert answer.text == "<system: be brief | user: hello>"
    assert answer.usage == Usage(total_tokens=12)
    assert answer.raw == (answer.text, {"total_tokens": 12})


def test_a_model_written_as_agentstudios_own_answers() -> None:
    answer = ask(Provider)

    assert answer.text == "provider read [{'role': 'user', 'content': 'hello'}]"
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=4)


def test_a_model_that_composes_in_a_method_of_its_own_is_given_the_plain_messages() -> None:
    class Indirect(Provider):
        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return self._prepared(messages), {}

        def _prepared(self, messages: Any) -> str:
            return str(self._format_messages(messages))

    assert ask(Indirect).text == "[{'role': 'user', 'content': 'hello'}]"


@pytest.mark.parametrize("composer", ["compose_messages", "_format_messages", "format_messages"])
def test_whatever_agentstudio_has_called_the_method_that_composes_is_known(composer: str) -> None:
    members = {
        "name": "mine",
        composer: lambda self, messages: [message.content for message in messages],
        "generate_response": lambda self, messages, **kwargs: (f"composed {messages}", {}),
    }

    assert ask(type("Mine", (), members)).text == "composed ['hello']"


def test_a_base_class_that_only_promises_to_compose_is_looked_past() -> None:
    class Base:
        name = "base"

        def compose_messages(self, intermedia_msg: Any) -> Any:
            raise NotImplementedError

        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    class Mine(Base):
        def _format_messages(self, raw_messages: Any) -> Any:
            return [message.content for message in raw_messages]

        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return str(messages), {}

    assert ask(Mine).text == "['hello']"


def test_the_name_of_the_model_asked_for_reaches_it_and_else_its_own() -> None:
    assert ask(Provider, model="checkpoint-7").text.startswith("checkpoint-7 read")
    assert ask(Provider).text.startswith("provider read")


def test_parameters_reach_generate_response_where_it_takes_any() -> None:
    class Listening(Documented):
        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return json.dumps(kwargs), {}

    answer = ask(Listening, temperature=0.5, max_tokens=7)

    assert json.loads(answer.text) == {"temperature": 0.5, "max_tokens": 7, "model": "documented"}


def test_parameters_that_generate_response_does_not_name_are_kept_from_it() -> None:
    class Narrow(Documented):
        def generate_response(self, messages: Any, temperature: Any = None) -> Any:  # type: ignore[override]
            return f"{temperature}", {}

    model = as_model(Narrow)

    assert model.accepts == {"temperature"}  # type: ignore[attr-defined]
    assert ask(Narrow, temperature=0.5).text == "0.5"


def test_the_config_reaches_the_constructor_and_every_call() -> None:
    class Configured(Documented):
        def __init__(self, device: str) -> None:
            self.device = device

        def generate_response(self, messages: Any, temperature: Any = None) -> Any:  # type: ignore[override]
            return f"{self.device} at {temperature}", {}

    model = as_model(Configured, config={"device": "cuda", "temperature": 0.1, "model_client_cls": "Configured"})
    answer = run(generate(model, request_from_params({"messages": "hi"})), suspends=False)

    assert answer.text == "cuda at 0.1"


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("info", "usage"),
    [
        ({}, None),
        ({"total_tokens": None}, Usage()),
        ({"total_tokens": 0}, Usage(total_tokens=0)),
        ({"total_tokens": np.int64(5)}, Usage(total_tokens=5)),
        ({"prompt_tokens": 2, "completion_tokens": 3}, Usage(prompt_tokens=2, completion_tokens=3)),
        ({"total_tokens": 5, "cost": 0.5, "system_fingerprint": "x"}, Usage(total_tokens=5, cost=0.5)),
    ],
)
def test_tokens_are_what_the_info_says_and_none_is_unknown(info: Any, usage: Usage | None) -> None:
    class Counting(Documented):
        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return "x", info

    assert ask(Counting).usage == usage


# --- messages ---------------------------------------------------------------------------------------------------------


def test_a_message_is_read_by_key_and_by_attribute() -> None:
    [message] = intermediate(messages_from([{"role": "user", "content": "hi", "name": "ann"}]))

    assert (message["role"], message["content"]) == (message.role, message.content) == ("user", "hi")
    assert message.name == message["name"] == "ann"


def test_a_message_says_what_it_has_where_it_is_asked_for_what_it_has_not() -> None:
    with pytest.raises(AttributeError, match=r"this message has no 'text', only role, content"):
        _ = Message("user", "hi").text


def test_several_pieces_of_one_message_become_several_messages_of_its_role() -> None:
    path = Path("screen.png")
    parts = [{"type": "text", "text": "before"}, PIXELS, path, {"type": "text", "text": "after"}]

    messages = intermediate(messages_from([{"role": "user", "content": parts}]))

    assert [message.role for message in messages] == ["user"] * 4
    assert messages[0].content == "before"
    assert messages[1].content is PIXELS
    assert messages[2].content is path
    assert messages[3].content == "after"


@pytest.mark.parametrize(
    "image", [Image.fromarray(PIXELS), encode_png(PIXELS), to_data_url(PIXELS)], ids=["PIL", "bytes", "data URL"]
)
def test_an_image_of_another_form_becomes_the_array_that_it_holds(image: Any) -> None:
    part = {"type": "image_url", "image_url": {"url": image}} if isinstance(image, str) else image

    [message] = intermediate(messages_from([{"role": "user", "content": [part]}]))

    assert np.array_equal(message.content, PIXELS)


def test_an_image_that_is_somewhere_else_is_refused_by_its_place() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}]

    with pytest.raises(InvalidRequest) as caught:
        intermediate(messages_from([{"role": "user", "content": parts}]))

    assert caught.value.param == "messages[0].content[0]"
    assert str(caught.value).startswith(
        "messages[0].content[0]: AgentStudio's models take images as NumPy arrays or paths: "
    )


def test_an_empty_turn_is_empty_text() -> None:
    [message] = intermediate(messages_from([{"role": "assistant", "content": None}]))

    assert message.content == ""


def test_what_a_model_does_to_its_messages_does_not_reach_the_caller() -> None:
    class Careless(Documented):
        def compose_messages(self, intermedia_msg: Any) -> Any:
            intermedia_msg[0].content = "changed"
            intermedia_msg.clear()
            return "x"

    given = [{"role": "user", "content": "hi"}]
    ask(Careless, given)

    assert given == [{"role": "user", "content": "hi"}]


# --- sync and async ---------------------------------------------------------------------------------------------------


class AsyncStudio(Documented):
    """Both of its methods wait."""

    async def compose_messages(self, intermedia_msg: Any) -> Any:
        await asyncio.sleep(0)
        return super().compose_messages(intermedia_msg)

    async def generate_response(self, messages: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().generate_response(messages)


def test_an_async_model_answers_blocking_callers() -> None:
    assert ask(AsyncStudio).text == "<user: hello>"


async def test_an_async_model_answers_on_the_callers_loop() -> None:
    model = as_model(AsyncStudio)

    assert suspends(model)
    assert (await generate(model, request_from_params({"messages": "hi"}))).text == "<user: hi>"


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class DecoratedStudio(AsyncStudio):
    generate_response = logged(AsyncStudio.generate_response)


def test_an_async_model_behind_a_decorator_answers_blocking_callers() -> None:
    assert ask(DecoratedStudio).text == "<user: hello>"


async def test_an_async_model_behind_a_decorator_answers_on_an_event_loop() -> None:
    answer = await generate(as_model(DecoratedStudio), request_from_params({"messages": "hi"}))

    assert answer.text == "<user: hi>"


@pytest.mark.parametrize("composer_is_async", [False, True])
async def test_a_blocking_model_does_not_block_the_loop_that_awaits_it(composer_is_async: bool) -> None:
    threads = []

    class Noting(Documented):
        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            threads.append(threading.get_ident())
            return super().generate_response(messages)

    class Waiting(Noting):
        async def compose_messages(self, intermedia_msg: Any) -> Any:
            return super().compose_messages(intermedia_msg)

    cls = Waiting if composer_is_async else Noting
    answer = await generate(as_model(cls), request_from_params({"messages": "hi"}))

    assert answer.text == "<user: hi>"
    assert threads != [threading.get_ident()]
