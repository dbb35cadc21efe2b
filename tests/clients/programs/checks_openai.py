"""The openai package: chat completions, its streaming helpers, Responses, completions, embeddings, models."""

import json
import math

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel
from reporting import KEY, MODEL, OPENAI, PNG, URL

SERVED = ["obliging", "other", "textual"]
HELLO = [{"role": "user", "content": "Good morning, 世界!"}]
ASKS = [{"role": "user", "content": "What is the weather in San Francisco for 3 days?"}]
SAID = "You said: Good morning, 世界!"


class get_weather(BaseModel):
    """The weather of a place."""

    city: str
    days: int


class Weather(BaseModel):
    city: str
    days: int
    warm: bool


PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS, "strict": True}}
FLAT = {"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True}


@pytest.fixture
def client():
    with OpenAI(base_url=OPENAI, api_key=KEY, max_retries=0) as made:
        yield made


@pytest.fixture
async def aclient():
    async with AsyncOpenAI(base_url=OPENAI, api_key=KEY, max_retries=0) as made:
        yield made


def test_the_two_lines():
    client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)

    answer = client.chat.completions.create(model="obliging", messages=[{"role": "user", "content": "Good morning!"}])

    assert answer.choices[0].message.content == "You said: Good morning!"


def test_the_environment_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", OPENAI)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    with OpenAI() as client:
        assert client.responses.create(model=MODEL, input="Good morning!").output_text == "You said: Good morning!"


class TestChatCompletions:
    def test_whole(self, client):
        answer = client.chat.completions.create(model=MODEL, messages=HELLO)

        assert answer.choices[0].message.content == SAID
        assert answer.choices[0].finish_reason == "stop"
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 5)

    async def test_whole_async(self, aclient):
        answer = await aclient.chat.completions.create(model=MODEL, messages=HELLO)

        assert answer.choices[0].message.content == SAID

    def test_streamed(self, client):
        options = {"include_usage": True}
        chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options=options))

        pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        assert "".join(piece or "" for piece in pieces) == SAID
        assert sum(bool(piece) for piece in pieces) > 1
        assert chunks[-1].usage.completion_tokens == 5

    async def test_streamed_async(self, aclient):
        stream = await aclient.chat.completions.create(model=MODEL, messages=HELLO, stream=True)

        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]) == SAID

    def test_the_streaming_helper(self, client):
        with client.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_completion()

        assert kinds.count("content.delta") > 1
        assert kinds[-1] == "content.done"
        assert final.choices[0].message.content == SAID

    def test_the_streaming_helper_with_a_tool(self, client):
        with client.chat.completions.stream(
            model=MODEL, messages=ASKS, tools=[openai.pydantic_function_tool(get_weather)]
        ) as stream:
            events = list(stream)
            final = stream.get_final_completion()

        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
        assert [event.parsed_arguments for event in done] == [get_weather(city="San Francisco", days=3)]
        assert final.choices[0].message.tool_calls[0].function.parsed_arguments.days == 3
        assert final.choices[0].finish_reason == "tool_calls"

    async def test_the_streaming_helper_with_a_form_async(self, aclient):
        async with aclient.chat.completions.stream(model=MODEL, messages=ASKS, response_format=Weather) as stream:
            seen = [event.parsed async for event in stream if event.type == "content.delta"]
            final = await stream.get_final_completion()

        assert final.choices[0].message.parsed == Weather(city="San Francisco", days=3, warm=True)
        assert len(seen) > 1

    def test_parse_a_form(self, client):
        answer = client.chat.completions.parse(model=MODEL, messages=ASKS, response_format=Weather)

        assert answer.choices[0].message.parsed == Weather(city="San Francisco", days=3, warm=True)

    async def test_parse_a_form_async(self, aclient):
        answer = await aclient.chat.completions.parse(model=MODEL, messages=ASKS, response_format=Weather)

        assert answer.choices[0].message.parsed == Weather(city="San Francisco", days=3, warm=True)

    def test_parse_a_tool(self, client):
        tools = [openai.pydantic_function_tool(get_weather)]
        answer = client.chat.completions.parse(model=MODEL, messages=ASKS, tools=tools)

        [call] = answer.choices[0].message.tool_calls
        assert call.function.parsed_arguments == get_weather(city="San Francisco", days=3)

    def test_a_tool_there_and_back(self, client):
        asked = client.chat.completions.create(model=MODEL, messages=ASKS, tools=[TOOL]).choices[0].message
        [call] = asked.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        answer = client.chat.completions.create(model=MODEL, messages=[*ASKS, asked, result], tools=[TOOL])

        assert answer.choices[0].message.content == "The tools said: sunny"

    @pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
    def test_a_tool_that_is_demanded(self, client, choice):
        answer = client.chat.completions.create(model=MODEL, messages=HELLO, tools=[TOOL], tool_choice=choice)

        assert [call.function.name for call in answer.choices[0].message.tool_calls] == ["get_weather"]

    def test_no_tool_where_none_may_be_called(self, client):
        answer = client.chat.completions.create(model=MODEL, messages=ASKS, tools=[TOOL], tool_choice="none")

        assert answer.choices[0].message.tool_calls is None

    def test_json_mode(self, client):
        asks = [{"role": "user", "content": "A joke as JSON with 'setup' and 'punchline'."}]
        answer = client.chat.completions.create(model=MODEL, messages=asks, response_format={"type": "json_object"})

        assert answer.choices[0].message.content == '{"setup": "the setup", "punchline": "the punchline"}'

    def test_a_picture(self, client):
        parts = [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
        ]
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])

        assert answer.choices[0].message.content == "I was shown 1 pictures, and told: What is it?"

    def test_bounds(self, client):
        short = client.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=2)
        stopped = client.chat.completions.create(model=MODEL, messages=HELLO, stop=["morning"])
        many = client.chat.completions.create(model=MODEL, messages=HELLO, n=3)

        assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("You said: ", "length")
        assert stopped.choices[0].message.content == "You said: Good "
        assert [choice.message.content for choice in many.choices] == [SAID] * 3

    def test_errors_are_the_clients_own(self, client):
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="gpt-5", messages=HELLO)
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=MODEL, messages=HELLO, temperature=9)
        with pytest.raises(openai.AuthenticationError), OpenAI(base_url=OPENAI, api_key="wrong") as other:
            other.chat.completions.create(model=MODEL, messages=HELLO)

    def test_the_raw_answer_has_its_request_id(self, client):
        answer = client.chat.completions.create(model=MODEL, messages=HELLO)

        assert answer._request_id


class TestResponses:
    def test_whole(self, client):
        answer = client.responses.create(model=MODEL, input="Good morning, 世界!", instructions="Be brief.")

        assert answer.output_text == SAID
        assert answer.status == "completed"
        assert answer.usage.output_tokens == 5

    async def test_whole_async(self, aclient):
        answer = await aclient.responses.create(model=MODEL, input="Good morning, 世界!")

        assert answer.output_text == SAID

    def test_streamed(self, client):
        events = list(client.responses.create(model=MODEL, input="Good morning, 世界!", stream=True))

        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == SAID
        assert events[-1].type == "response.completed"

    def test_the_streaming_helper(self, client):
        with client.responses.stream(model=MODEL, input="Good morning, 世界!") as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_response()

        assert {"response.created", "response.output_text.delta", "response.completed"} <= kinds
        assert final.output_text == SAID

    async def test_the_streaming_helper_with_a_form_async(self, aclient):
        async with aclient.responses.stream(model=MODEL, input=ASKS, text_format=Weather) as stream:
            async for _ in stream:
                pass
            final = await stream.get_final_response()

        assert final.output_parsed == Weather(city="San Francisco", days=3, warm=True)

    def test_parse_a_form(self, client):
        answer = client.responses.parse(model=MODEL, input=ASKS, text_format=Weather)

        assert answer.output_parsed == Weather(city="San Francisco", days=3, warm=True)

    def test_a_tool_there_and_back(self, client):
        asked = client.responses.create(model=MODEL, input=ASKS, tools=[FLAT])
        [call] = [item for item in asked.output if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        answer = client.responses.create(model=MODEL, input=[*ASKS, *asked.output, result], tools=[FLAT])

        assert call.arguments == '{"city": "San Francisco", "days": 3}'
        assert answer.output_text == "The tools said: sunny"

    def test_a_tool_streamed(self, client):
        with client.responses.stream(model=MODEL, input=ASKS, tools=[FLAT]) as stream:
            deltas = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
            final = stream.get_final_response()

        [call] = [item for item in final.output if item.type == "function_call"]
        assert "".join(deltas) == call.arguments == '{"city": "San Francisco", "days": 3}'

    def test_a_conversation_that_goes_on_from_an_answer_that_is_kept(self, client):
        first = client.responses.create(model=MODEL, input=ASKS, tools=[FLAT])
        [call] = [item for item in first.output if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        answer = client.responses.create(model=MODEL, previous_response_id=first.id, input=[result], tools=[FLAT])

        assert answer.output_text == "The tools said: sunny"
        assert client.responses.retrieve(first.id).id == first.id
        client.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(first.id)

    def test_thoughts(self, client):
        answer = client.responses.create(model=MODEL, input="Good morning, 世界!", reasoning={"effort": "low"})

        assert [item.type for item in answer.output] == ["reasoning", "message"]
        assert answer.usage.output_tokens_details.reasoning_tokens == 5

    def test_a_picture(self, client):
        parts = [
            {"type": "input_text", "text": "What is it?"},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        ]
        answer = client.responses.create(model=MODEL, input=[{"role": "user", "content": parts}])

        assert answer.output_text == "I was shown 1 pictures, and told: What is it?"

    def test_a_bound_that_is_met(self, client):
        answer = client.responses.create(model=MODEL, input="Good morning, 世界!", max_output_tokens=2)

        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")


class TestAModelOfTextAlone:
    """What the port does in its stead, by asking in words."""

    def test_a_tool_there_and_back(self, client):
        asked = client.chat.completions.create(model="textual", messages=ASKS, tools=[TOOL]).choices[0].message
        [call] = asked.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        answer = client.chat.completions.create(model="textual", messages=[*ASKS, asked, result], tools=[TOOL])

        assert answer.choices[0].message.content == "The tools said: sunny"

    def test_a_tool_streamed(self, client):
        tools = [openai.pydantic_function_tool(get_weather)]
        with client.chat.completions.stream(model="textual", messages=ASKS, tools=tools) as stream:
            final = stream.get_final_completion()

        [call] = final.choices[0].message.tool_calls
        assert call.function.parsed_arguments == get_weather(city="San Francisco", days=3)

    def test_a_tool_by_responses(self, client):
        answer = client.responses.create(model="textual", input=ASKS, tools=[FLAT])

        assert [json.loads(item.arguments) for item in answer.output if item.type == "function_call"] == [
            {"city": "San Francisco", "days": 3}
        ]

    def test_parse_a_form(self, client):
        answer = client.chat.completions.parse(model="textual", messages=ASKS, response_format=Weather)

        assert answer.choices[0].message.parsed == Weather(city="San Francisco", days=3, warm=True)

    def test_what_was_done_in_its_stead_is_said(self, client):
        raw = client.chat.completions.with_raw_response.create(model="textual", messages=ASKS, n=2, tools=[TOOL])

        assert {"n", "tools"} <= set(raw.headers["x-modelport-emulated"].split(","))


class TestOthers:
    def test_completions(self, client):
        answer = client.completions.create(model=MODEL, prompt=["One", "Two"])

        assert [choice.text for choice in answer.choices] == ["You said: One", "You said: Two"]

    def test_completions_streamed(self, client):
        chunks = client.completions.create(model=MODEL, prompt="One", stream=True)

        assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == "You said: One"

    def test_embeddings(self, client):
        answer = client.embeddings.create(model=MODEL, input=["one", "two"])
        small = client.embeddings.create(model=MODEL, input="one", dimensions=3, encoding_format="float")

        assert [round(math.hypot(*each.embedding), 5) for each in answer.data] == [1, 1]
        assert len(small.data[0].embedding) == 3

    async def test_embeddings_async(self, aclient):
        answer = await aclient.embeddings.create(model=MODEL, input=["one"])

        assert len(answer.data[0].embedding) == 8

    def test_models(self, client):
        assert [model.id for model in client.models.list()] == SERVED
        assert client.models.retrieve(MODEL).id == MODEL

    async def test_models_async(self, aclient):
        assert [model.id async for model in aclient.models.list()] == SERVED
