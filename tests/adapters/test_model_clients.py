"""AutoGen's ModelClient: every form of response, what is kept of it, sync and async."""

import asyncio
import functools
import threading
from types import SimpleNamespace as Object
from typing import Any

import pydantic
import pytest
from openai.types.chat import ChatCompletion

from modelport import as_model, generate
from modelport.errors import ModelError
from modelport.model import suspends
from modelport.sync import run
from modelport.types import ChatResponse, Usage, request_from_params

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "finish_reason": "length",
            "logprobs": None,
            "message": {"role": "assistant", "content": "hello", "refusal": None},
        }
    ],
}


class Part(pydantic.BaseModel):
    content: str | None


class OneChoice(pydantic.BaseModel):
    message: Part
    finish_reason: str


class Response(pydantic.BaseModel):
    choices: list[OneChoice]
    model: str


class Client:
    """Answers with what it was made with; its methods are written as the tutorial's."""

    def __init__(self, response: Any) -> None:
        self.response = response

    def create(self, params: Any) -> Any:
        return self.response

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> Any:
        return 0.25

    def get_usage(self, response: Any) -> Any:
        return {}


class MessageClient(Client):
    """Gives whole messages back."""

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message for choice in response.choices]


def ask(client: Any, **fields: Any) -> ChatResponse:
    model = as_model(client)
    return run(generate(model, request_from_params({"messages": "hi", **fields})), suspends=suspends(model))


FORMS = {
    "a namespace": Object(choices=[Object(message=Object(content="hello"), finish_reason="length")], model="m-1"),
    "a dict": COMPLETION,
    "a pydantic model": Response(
        choices=[OneChoice(message=Part(content="hello"), finish_reason="length")], model="m-1"
    ),
    "an OpenAI object": ChatCompletion.model_validate(COMPLETION),
}


@pytest.mark.parametrize("response", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("cls", [Client, MessageClient])
def test_a_response_of_any_form_is_read_alike(cls: Any, response: Any) -> None:
    answer = ask(cls(response))

    assert (answer.text, answer.model, answer.choices[0].finish_reason) == ("hello", "m-1", "length")
    assert answer.usage == Usage(cost=0.25)
    assert answer.raw is response


def test_plain_text_is_a_response_too() -> None:
    answer = ask(Client("hello"))

    assert (answer.text, answer.raw) == ("hello", "hello")


def test_methods_written_for_plain_text_are_given_it() -> None:
    class Shouting(Client):
        def message_retrieval(self, response: str) -> list[str]:
            return [response.upper()]

    assert ask(Shouting("hello")).text == "HELLO"


def test_methods_written_for_dicts_are_given_them() -> None:
    class Keyed(Client):
        def message_retrieval(self, response: Any) -> Any:
            return [choice["message"]["content"] for choice in response["choices"]]

        def cost(self, response: Any) -> Any:
            response["cost"] = 1
            return response["cost"]

    assert ask(Keyed(dict(COMPLETION))).usage == Usage(cost=1.0)


def test_a_cost_method_that_sets_the_cost_on_a_dict_that_has_no_attributes_works_all_the_same() -> None:
    class Setting(Client):
        def cost(self, response: Any) -> Any:
            response.cost = 0
            return 0

    assert ask(Setting(COMPLETION)).usage == Usage(cost=0.0)


def test_several_choices_are_told_apart() -> None:
    response = Object(choices=[Object(message=Object(content=text)) for text in "abc"], model="m")

    assert [choice.message.text for choice in ask(Client(response)).choices] == ["a", "b", "c"]


TOOL_CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}},
    {"type": "function", "function": {"name": "wait", "arguments": {"seconds": 2}}},
]


def message_response(**message: Any) -> Object:
    return Object(choices=[Object(message=Object(content=None, **message), finish_reason="stop")], model="m")


@pytest.mark.parametrize("cls", [Client, MessageClient])
def test_parallel_tool_calls_are_kept_with_an_id_each(cls: Any) -> None:
    answer = ask(cls(message_response(tool_calls=TOOL_CALLS)))

    first, second = answer.message.tool_calls or ()
    assert (first.id, first.name, first.arguments) == ("call_1", "look", '{"at": "sky"}')
    assert (second.name, second.arguments) == ("wait", '{"seconds":2}')
    assert second.id.startswith("call_")
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("cls", [Client, MessageClient])
def test_the_older_function_call_is_kept(cls: Any) -> None:
    call = Object(name="look", arguments='{"at": "sky"}')

    answer = ask(cls(message_response(function_call=call)))

    [kept] = answer.message.tool_calls or ()
    assert (kept.name, kept.arguments) == ("look", '{"at": "sky"}')
    assert answer.choices[0].finish_reason == "function_call"


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_kept_apart_from_what_is_said(name: str) -> None:
    message = Object(content="blue", **{name: "the sky, then"})

    answer = ask(MessageClient(Object(choices=[Object(message=message)], model="m")))

    assert (answer.text, answer.message.reasoning) == ("blue", "the sky, then")


def test_content_in_parts_is_joined() -> None:
    message = Object(content=[{"type": "text", "text": "bl"}, {"type": "text", "text": "ue"}])

    assert ask(MessageClient(Object(choices=[Object(message=message)], model="m"))).text == "blue"


def test_a_finish_reason_that_nobody_knows_is_a_plain_stop() -> None:
    choice = Object(message=Object(content="x"), finish_reason="eos_token")

    assert ask(Client(Object(choices=[choice], model="m"))).choices[0].finish_reason == "stop"


# --- usage and cost ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "usage"),
    [
        ({}, Usage(cost=0.25)),
        (
            {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.1, "model": "m"},
            Usage(prompt_tokens=3, completion_tokens=4, cost=0.25),
        ),
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}, Usage(3, 4, 9, cost=0.25)),
        ({"total_tokens": 7}, Usage(total_tokens=7, cost=0.25)),
        ({"prompt_tokens": None, "completion_tokens": 4}, Usage(completion_tokens=4, cost=0.25)),
        ({"model": "m"}, Usage(cost=0.25)),
        ({"prompt_tokens": 3.0, "completion_tokens": 4.0}, Usage(3, 4, cost=0.25)),
    ],
)
def test_usage_is_what_the_client_counted(given: dict[str, Any], usage: Usage) -> None:
    class Counting(Client):
        def get_usage(self, response: Any) -> Any:
            return given

    assert ask(Counting(COMPLETION)).usage == usage


def test_a_client_that_does_not_know_its_cost_takes_it_from_its_usage() -> None:
    class Priced(Client):
        def cost(self, response: Any) -> None:
            return None

        def get_usage(self, response: Any) -> Any:
            return {"total_tokens": 7, "cost": 0.5}

    assert ask(Priced(COMPLETION)).usage == Usage(total_tokens=7, cost=0.5)


def test_a_client_that_neither_counts_nor_tells_its_cost_answers_without_usage() -> None:
    class Bare:
        def create(self, params: Any) -> Any:
            return COMPLETION

        def message_retrieval(self, response: Any) -> Any:
            return [response["choices"][0]["message"]["content"]]

    assert ask(Bare()).usage is None


# --- sync and async ---------------------------------------------------------------------------------------------------


class AsyncClient(Client):
    """Every method of it waits."""

    async def create(self, params: Any) -> Any:
        await asyncio.sleep(0)
        return self.response

    async def message_retrieval(self, response: Any) -> Any:
        await asyncio.sleep(0)
        return super().message_retrieval(response)

    async def cost(self, response: Any) -> Any:
        return 0.5

    async def get_usage(self, response: Any) -> Any:
        return {"total_tokens": 7}


def test_an_async_client_answers_blocking_callers() -> None:
    answer = ask(AsyncClient(FORMS["a namespace"]))

    assert (answer.text, answer.usage) == ("hello", Usage(total_tokens=7, cost=0.5))


async def test_an_async_client_answers_on_the_callers_loop() -> None:
    model = as_model(AsyncClient(FORMS["a namespace"]))

    assert suspends(model)
    assert (await generate(model, request_from_params({"messages": "hi"}))).text == "hello"


async def test_a_blocking_client_does_not_block_the_loop_that_awaits_it() -> None:
    loops_thread, threads = threading.get_ident(), []

    class Noting(Client):
        def create(self, params: Any) -> Any:
            threads.append(threading.get_ident())
            return super().create(params)

    await generate(as_model(Noting(COMPLETION)), request_from_params({"messages": "hi"}))

    assert threads != [loops_thread]


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


class DecoratedClient(AsyncClient):
    create = logged(AsyncClient.create)
    message_retrieval = logged(AsyncClient.message_retrieval)


def test_an_async_client_behind_a_decorator_answers_blocking_callers() -> None:
    assert ask(DecoratedClient(FORMS["a namespace"])).text == "hello"


async def test_an_async_client_behind_a_decorator_answers_on_an_event_loop() -> None:
    model = as_model(DecoratedClient(FORMS["a namespace"]))

    assert (await generate(model, request_from_params({"messages": "hi"}))).text == "hello"


def test_a_response_that_raises_when_it_is_looked_at_is_named() -> None:
    class Thorny:
        model = "m"

        @property
        def choices(self) -> Any:
            raise ConnectionResetError("the tensor is gone")

    with pytest.raises(ModelError) as caught:
        ask(Client(Thorny()))

    assert str(caught.value) == ("the response of Client.create() raised ConnectionResetError: the tensor is gone")
    assert isinstance(caught.value.__cause__, ConnectionResetError)


def test_a_blocking_client_is_called_in_the_thread_of_its_blocking_caller() -> None:
    threads = []

    class Noting(Client):
        def create(self, params: Any) -> Any:
            threads.append(threading.get_ident())
            return super().create(params)

    ask(Noting(COMPLETION))

    assert threads == [threading.get_ident()]


async def test_a_blocking_create_beside_async_methods_stays_off_the_loop() -> None:
    threads = []

    class Mixed(Client):
        def create(self, params: Any) -> Any:
            threads.append(threading.get_ident())
            return super().create(params)

        async def message_retrieval(self, response: Any) -> Any:
            return super().message_retrieval(response)

    answer = await generate(as_model(Mixed(COMPLETION)), request_from_params({"messages": "hi"}))

    assert answer.text == "hello"
    assert threads != [threading.get_ident()]
