"""Ollama's Python client: chat, streams, tools, forms, pictures, generate, embed, list, show."""

import base64
import json

import ollama
import pytest
from ollama import AsyncClient, Client
from pydantic import BaseModel
from reporting import KEY, MODEL, PNG, URL

SERVED = ["obliging", "other", "textual"]
HELLO = [{"role": "user", "content": "Good morning, 世界!"}]
ASKS = [{"role": "user", "content": "What is the weather in San Francisco for 3 days?"}]
SAID = "You said: Good morning, 世界!"
HEADERS = {"Authorization": f"Bearer {KEY}"}


class Weather(BaseModel):
    city: str
    days: int


def get_weather(city: str, days: int) -> str:
    """The weather of a place.

    Args:
        city: where
        days: for how long
    """
    return f"{city}: sunny for {days} days"


@pytest.fixture
def client():
    return Client(host=URL, headers=HEADERS)


@pytest.fixture
def aclient():
    return AsyncClient(host=URL, headers=HEADERS)


def test_the_two_lines():
    client = Client(host=URL, headers={"Authorization": f"Bearer {KEY}"})

    answer = client.chat(model="obliging", messages=[{"role": "user", "content": "Good morning!"}])

    assert answer.message.content == "You said: Good morning!"


def test_the_environment_alone(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", URL)

    assert Client(headers=HEADERS).chat(model=MODEL, messages=HELLO).message.content == SAID


def test_whole(client):
    answer = client.chat(model=MODEL, messages=HELLO, options={"temperature": 0, "num_predict": 50})

    assert (answer.message.content, answer.done_reason) == (SAID, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (3, 5)


async def test_whole_async(aclient):
    assert (await aclient.chat(model=MODEL, messages=HELLO)).message.content == SAID


def test_streamed(client):
    pieces = [chunk.message.content for chunk in client.chat(model=MODEL, messages=HELLO, stream=True)]

    assert "".join(pieces) == SAID
    assert sum(bool(piece) for piece in pieces) > 1


async def test_streamed_async(aclient):
    stream = await aclient.chat(model=MODEL, messages=HELLO, stream=True)

    assert "".join([chunk.message.content async for chunk in stream]) == SAID


def test_a_function_as_a_tool_there_and_back(client):
    asked = client.chat(model=MODEL, messages=ASKS, tools=[get_weather]).message
    [call] = asked.tool_calls
    result = get_weather(**call.function.arguments)
    back = {"role": "tool", "content": result, "tool_name": call.function.name}
    answer = client.chat(model=MODEL, messages=[*ASKS, asked, back], tools=[get_weather])

    assert call.function.arguments == {"city": "San Francisco", "days": 3}
    assert answer.message.content == "The tools said: San Francisco: sunny for 3 days"


def test_a_tool_streamed(client):
    chunks = client.chat(model=MODEL, messages=ASKS, tools=[get_weather], stream=True)

    calls = [call for chunk in chunks for call in chunk.message.tool_calls or ()]
    assert [call.function.arguments for call in calls] == [{"city": "San Francisco", "days": 3}]


def test_a_form(client):
    answer = client.chat(model=MODEL, messages=ASKS, format=Weather.model_json_schema())

    assert Weather.model_validate_json(answer.message.content) == Weather(city="San Francisco", days=3)


def test_json(client):
    answer = client.chat(model=MODEL, messages=HELLO, format="json")

    assert json.loads(answer.message.content) == {"answer": "the answer"}


def test_a_picture(client):
    message = {"role": "user", "content": "What is it?", "images": [base64.b64decode(PNG)]}

    assert client.chat(model=MODEL, messages=[message]).message.content.startswith("I was shown 1 pictures")


def test_thoughts(client):
    answer = client.chat(model=MODEL, messages=HELLO, think="low")

    assert answer.message.thinking == "I was asked to think. "


def test_generate(client):
    answer = client.generate(model=MODEL, prompt="One", system="Be brief.")

    assert answer.response == "You said: One"


def test_generate_streamed(client):
    assert (
        "".join(chunk.response for chunk in client.generate(model=MODEL, prompt="One", stream=True)) == "You said: One"
    )


def test_embed(client):
    vectors = client.embed(model=MODEL, input=["one", "two"]).embeddings

    assert [len(vector) for vector in vectors] == [8, 8]


async def test_embed_async(aclient):
    assert len((await aclient.embed(model=MODEL, input="one", dimensions=3)).embeddings[0]) == 3


def test_list(client):
    assert [model.model for model in client.list().models] == SERVED


def test_show(client):
    assert {"completion", "tools"} <= set(client.show(MODEL).capabilities)


def test_errors_are_the_clients_own(client):
    with pytest.raises(ollama.ResponseError) as missing:
        client.chat(model="llama", messages=HELLO)
    with pytest.raises(ollama.ResponseError) as refused:
        Client(host=URL, headers={"Authorization": "Bearer wrong"}).chat(model=MODEL, messages=HELLO)

    assert (missing.value.status_code, refused.value.status_code) == (404, 401)
