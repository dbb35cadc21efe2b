"""OpenAI's Agents SDK, over Responses and over chat completions."""

import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from reporting import KEY, MODEL, OPENAI, URL

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)

ASK = "What is the weather in San Francisco for 3 days?"

set_tracing_disabled(True)


class Forecast(BaseModel):
    city: str
    days: int


@function_tool
def get_weather(city: str, days: int) -> str:
    """The weather of a place."""
    return f"{city}: sunny for {days} days"


@pytest.fixture(params=[OpenAIResponsesModel, OpenAIChatCompletionsModel], ids=["responses", "chat"])
async def model(request):
    async with AsyncOpenAI(base_url=OPENAI, api_key=KEY, max_retries=0) as client:
        yield request.param(model=MODEL, openai_client=client)


async def test_the_two_lines():
    client = AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY)
    agent = Agent(name="assistant", model=OpenAIResponsesModel(model="obliging", openai_client=client))

    result = await Runner.run(agent, "Good morning!")

    assert result.final_output == "You said: Good morning!"


async def test_run(model):
    result = await Runner.run(Agent(name="assistant", instructions="Be brief.", model=model), "Good morning!")

    assert result.final_output == "You said: Good morning!"
    assert result.context_wrapper.usage.output_tokens == 4


async def test_run_streamed(model):
    result = Runner.run_streamed(Agent(name="assistant", model=model), "Good morning!")
    kinds = [
        getattr(event.data, "type", "") async for event in result.stream_events() if event.type == "raw_response_event"
    ]

    assert result.final_output == "You said: Good morning!"
    assert kinds.count("response.output_text.delta") > 1


async def test_tools(model):
    result = await Runner.run(Agent(name="assistant", tools=[get_weather], model=model), ASK)

    assert result.final_output == "The tools said: San Francisco: sunny for 3 days"


async def test_tools_streamed(model):
    result = Runner.run_streamed(Agent(name="assistant", tools=[get_weather], model=model), ASK)
    kinds = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]

    assert kinds == ["tool_called", "tool_output", "message_output_created"]
    assert result.final_output == "The tools said: San Francisco: sunny for 3 days"


async def test_a_tool_that_is_demanded(model):
    settings = ModelSettings(tool_choice="required")
    result = await Runner.run(
        Agent(name="assistant", tools=[get_weather], model=model, model_settings=settings), "Good morning in 'Oslo'!"
    )

    assert result.final_output.startswith("The tools said: Oslo: sunny")


async def test_structured_output(model):
    result = await Runner.run(Agent(name="assistant", output_type=Forecast, model=model), ASK)

    assert result.final_output == Forecast(city="San Francisco", days=3)


async def test_a_handoff(model):
    weather = Agent(name="meteorologist", instructions="You know the weather.", model=model)
    triage = Agent(name="triage", handoffs=[weather], model=model)
    result = await Runner.run(triage, "Let me talk to a meteorologist.")

    assert result.last_agent.name == "meteorologist"


async def test_a_conversation(model):
    agent = Agent(name="assistant", model=model)
    first = await Runner.run(agent, "One")
    second = await Runner.run(agent, [*first.to_input_list(), {"role": "user", "content": "Two"}])

    assert second.final_output == "You said: Two"


async def test_a_conversation_that_is_kept_here():
    async with AsyncOpenAI(base_url=OPENAI, api_key=KEY) as client:
        agent = Agent(name="assistant", model=OpenAIResponsesModel(model=MODEL, openai_client=client))
        first = await Runner.run(agent, "One")
        second = await Runner.run(agent, "Two", previous_response_id=first.last_response_id)

    assert second.final_output == "You said: Two"
    assert second.context_wrapper.usage.input_tokens > first.context_wrapper.usage.input_tokens


async def test_a_wrong_key_is_the_clients_own_error():
    async with AsyncOpenAI(base_url=OPENAI, api_key="wrong", max_retries=0) as client:
        agent = Agent(name="assistant", model=OpenAIResponsesModel(model=MODEL, openai_client=client))

        with pytest.raises(openai.AuthenticationError):
            await Runner.run(agent, "Hello")
