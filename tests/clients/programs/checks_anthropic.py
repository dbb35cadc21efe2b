"""The anthropic package: messages, streams, tools, pictures, thoughts, count_tokens, models."""

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic
from pydantic import BaseModel
from reporting import KEY, MODEL, PNG, URL

SERVED = ["obliging", "other", "textual"]
HELLO = [{"role": "user", "content": "Good morning, 世界!"}]
ASKS = [{"role": "user", "content": "What is the weather in San Francisco for 3 days?"}]
SAID = "You said: Good morning, 世界!"
TOOL = {
    "name": "get_weather",
    "description": "The weather of a place.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
ASK = {"model": MODEL, "max_tokens": 100}


class Weather(BaseModel):
    city: str
    days: int


@pytest.fixture
def client():
    with Anthropic(base_url=URL, api_key=KEY, max_retries=0) as made:
        yield made


@pytest.fixture
async def aclient():
    async with AsyncAnthropic(base_url=URL, api_key=KEY, max_retries=0) as made:
        yield made


def test_the_two_lines():
    client = Anthropic(base_url=URL, api_key=KEY)

    hi = [{"role": "user", "content": "Good morning!"}]
    answer = client.messages.create(model="obliging", max_tokens=100, messages=hi)

    assert answer.content[0].text == "You said: Good morning!"


def test_the_environment_alone(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", URL)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)

    with Anthropic() as client:
        assert client.messages.create(**ASK, messages=HELLO).content[0].text == SAID


def test_whole(client):
    answer = client.messages.create(**ASK, messages=HELLO, system="Be brief.")

    assert answer.content[0].text == SAID
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens == 5


async def test_whole_async(aclient):
    answer = await aclient.messages.create(**ASK, messages=HELLO)

    assert answer.content[0].text == SAID


def test_streamed_event_by_event(client):
    events = list(client.messages.create(**ASK, messages=HELLO, stream=True))

    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert "".join(event.delta.text for event in events if event.type == "content_block_delta") == SAID


def test_the_streaming_helper(client):
    with client.messages.stream(**ASK, messages=HELLO) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()

    assert "".join(pieces) == final.content[0].text == SAID
    assert len(pieces) > 1
    assert final.usage.output_tokens == 5


async def test_the_streaming_helper_async(aclient):
    async with aclient.messages.stream(**ASK, messages=HELLO) as stream:
        pieces = [piece async for piece in stream.text_stream]

    assert "".join(pieces) == SAID


def test_a_tool_there_and_back(client):
    asked = client.messages.create(**ASK, messages=ASKS, tools=[TOOL])
    [call] = [block for block in asked.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns = [*ASKS, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
    answer = client.messages.create(**ASK, messages=turns, tools=[TOOL])

    assert (asked.stop_reason, call.input) == ("tool_use", {"city": "San Francisco", "days": 3})
    assert answer.content[0].text == "The tools said: sunny"


def test_a_tool_streamed(client):
    with client.messages.stream(**ASK, messages=ASKS, tools=[TOOL]) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()

    assert kinds.count("input_json") > 1
    assert final.content[0].input == {"city": "San Francisco", "days": 3}


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_of_a_model_of_text_alone(client, stream):
    if stream:
        with client.messages.stream(model="textual", max_tokens=100, messages=ASKS, tools=[TOOL]) as events:
            answer = events.get_final_message()
    else:
        answer = client.messages.create(model="textual", max_tokens=100, messages=ASKS, tools=[TOOL])

    assert answer.stop_reason == "tool_use"
    assert answer.content[-1].input == {"city": "San Francisco", "days": 3}


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_tool_that_is_demanded(client, choice):
    answer = client.messages.create(**ASK, messages=HELLO, tools=[TOOL], tool_choice=choice)

    assert [block.name for block in answer.content if block.type == "tool_use"] == ["get_weather"]


def test_the_tool_runner(client):
    @anthropic.beta_tool
    def get_weather(city: str, days: int) -> str:
        """The weather of a place."""
        return f"{city}: sunny for {days} days"

    runner = client.beta.messages.tool_runner(**ASK, messages=ASKS, tools=[get_weather])

    assert runner.until_done().content[0].text == "The tools said: San Francisco: sunny for 3 days"


def test_parse_a_form(client):
    answer = client.messages.parse(**ASK, messages=ASKS, output_format=Weather)

    assert answer.parsed_output == Weather(city="San Francisco", days=3)


def test_a_picture(client):
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    answer = client.messages.create(**ASK, messages=[{"role": "user", "content": parts}])

    assert answer.content[0].text == "I was shown 1 pictures, and told: What is it?"


def test_thoughts(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    answer = client.messages.create(model=MODEL, max_tokens=2000, messages=HELLO, thinking=thinking)

    assert [block.type for block in answer.content] == ["thinking", "text"]


def test_bounds(client):
    short = client.messages.create(model=MODEL, max_tokens=2, messages=HELLO)
    stopped = client.messages.create(**ASK, messages=HELLO, stop_sequences=["morning"])

    assert short.stop_reason == "max_tokens"
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "morning")


def test_count_tokens(client):
    assert client.messages.count_tokens(model=MODEL, messages=HELLO, tools=[TOOL]).input_tokens > 0


async def test_count_tokens_async(aclient):
    assert (await aclient.messages.count_tokens(model=MODEL, messages=HELLO)).input_tokens > 0


def test_models(client):
    assert [model.id for model in client.models.list()] == SERVED
    assert client.models.retrieve(MODEL).id == MODEL


def test_errors_are_the_clients_own(client):
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="claude", max_tokens=10, messages=HELLO)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=MODEL, max_tokens=0, messages=HELLO)
    with pytest.raises(anthropic.AuthenticationError), Anthropic(base_url=URL, api_key="wrong") as other:
        other.messages.create(**ASK, messages=HELLO)
