"""The official client against a real ``modelport serve``."""

import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.server.processes import Served, serving

KEY = "sk-test"
HELLO: list[Any] = [{"role": "user", "content": "héllo 世界"}]
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("add", "sub")
]
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("sdk")
    with serving(folder, ["echo", "letters", "tooled", "broken"], MODELPORT_API_KEYS=KEY) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(served: Served) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_a_whole_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="echo", messages=HELLO, max_completion_tokens=5, temperature=0)

    assert answer.choices[0].message.content == "héllo 世界"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_with_its_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="letters", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )

    *chunks, last = list(stream)

    assert [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content] == list("héllo 世界")
    assert all(chunk.usage is None for chunk in chunks)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens > 0


def test_the_streaming_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="letters", messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()

    assert "content.delta" in kinds
    assert final.choices[0].message.content == "héllo 世界"


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_tool_calls_there_and_back(client: openai.OpenAI, stream: bool) -> None:
    if stream:
        with client.chat.completions.stream(model="tooled", messages=HELLO, tools=TOOLS) as events:
            choice: Any = events.get_final_completion().choices[0]
    else:
        choice = client.chat.completions.create(model="tooled", messages=HELLO, tools=TOOLS).choices[0]

    calls = choice.message.tool_calls
    back: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name} ok"} for call in calls
    ]
    said = choice.message.model_dump(exclude={"parsed"})
    for call in said["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    turns: list[Any] = [*HELLO, said, *back]
    final = client.chat.completions.create(model="tooled", messages=turns, tools=TOOLS)

    assert choice.finish_reason == "tool_calls"
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("add", '{"x": 0}'),
        ("sub", '{"x": 1}'),
    ]
    assert final.choices[0].message.content == "done: add ok, sub ok"


def test_images_and_text_together(client: openai.OpenAI) -> None:
    parts: list[Any] = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": PNG}}]

    answer = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": parts}])

    assert answer.choices[0].message.content == "parts: text, image_url"


def test_several_choices_are_emulated_and_said_to_be(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="echo", messages=HELLO, n=3, stop=["世"])

    assert [choice.message.content for choice in raw.parse().choices] == ["héllo "] * 3
    assert set(raw.headers["x-modelport-emulated"].split(",")) == {"n", "stop"}


def test_a_form_that_a_model_never_keeps_is_an_error(client: openai.OpenAI) -> None:
    class Form(BaseModel):
        x: int

    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.parse(model="letters", messages=HELLO, response_format=Form)

    assert (caught.value.param, caught.value.code) == ("response_format", "contract_broken")


def test_a_form_is_kept_for_a_model_that_knows_none(client: openai.OpenAI) -> None:
    class Form(BaseModel):
        x: int

    says: list[Any] = [{"role": "user", "content": 'It is {"x": 3}.'}]

    answer = client.chat.completions.parse(model="echo", messages=says, response_format=Form)

    assert answer.choices[0].message.parsed == Form(x=3)


def test_errors_are_the_clients_own_kinds(client: openai.OpenAI, served: Served) -> None:
    create = client.chat.completions.create

    with pytest.raises(openai.NotFoundError, match="served: echo, letters, tooled, broken"):
        create(model="gpt-5", messages=HELLO)
    with pytest.raises(openai.BadRequestError) as wrong:
        create(model="echo", messages=HELLO, temperature=7)
    with pytest.raises(openai.BadRequestError) as unknown:
        create(model="echo", messages=HELLO, extra_body={"top_k": 5})
    with pytest.raises(openai.InternalServerError) as broken:
        create(model="broken", messages=HELLO)
    with pytest.raises(openai.AuthenticationError), openai.OpenAI(base_url=f"{served.url}/v1", api_key="no") as other:
        other.chat.completions.create(model="echo", messages=HELLO)

    assert (wrong.value.param, unknown.value.param) == ("temperature", "top_k")
    assert broken.value.status_code == 502


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["echo", "letters", "tooled", "broken"]
    assert client.models.retrieve("echo").id == "echo"


async def test_the_async_client_whole_and_streamed(async_client: openai.AsyncOpenAI) -> None:
    whole = await async_client.chat.completions.create(model="echo", messages=HELLO)
    stream = await async_client.chat.completions.create(model="letters", messages=HELLO, stream=True)
    letters = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]

    assert whole.choices[0].message.content == "héllo 世界"
    assert [letter for letter in letters if letter] == list("héllo 世界")


async def test_the_async_client_may_leave_in_the_middle(async_client: openai.AsyncOpenAI) -> None:
    stream = await async_client.chat.completions.create(model="letters", messages=HELLO, stream=True)
    async for _ in stream:
        break
    await stream.close()

    again = await async_client.chat.completions.create(model="letters", messages=HELLO)

    assert again.choices[0].message.content == "héllo 世界"


def test_functions_the_older_word_for_tools(client: openai.OpenAI) -> None:
    function: Any = {"name": "add", "parameters": {"type": "object"}}

    answer = client.chat.completions.create(model="tooled", messages=HELLO, functions=[function])

    assert answer.choices[0].finish_reason == "function_call"
    assert answer.choices[0].message.function_call is not None
    assert answer.choices[0].message.function_call.name == "add"


def test_nothing_is_written_where_the_server_was_started(served: Served) -> None:
    assert served.process.poll() is None
    assert isinstance(served.process.args, list)
    folder = Path(served.process.args[4]).parent
    assert {path.name for path in folder.iterdir()} <= {"served.py", "ready.json", "__pycache__"}
