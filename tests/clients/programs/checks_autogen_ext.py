"""AutoGen 0.7: the chat completion client of autogen-ext, and agents of autogen-agentchat over it."""

import base64
import io

import openai
import PIL.Image
import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken, Image
from autogen_core.models import (
    AssistantMessage,
    CreateResult,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel
from reporting import KEY, MODEL, OPENAI, PNG, URL

HELLO = [SystemMessage(content="Be brief."), UserMessage(content="Good morning!", source="user")]
ASKS = [UserMessage(content="What is the weather in San Francisco for 3 days?", source="user")]
ABLE = {
    "family": "unknown",
    "function_calling": True,
    "json_output": True,
    "structured_output": True,
    "vision": True,
    "multiple_system_messages": True,
}


class Forecast(BaseModel):
    city: str
    days: int


async def get_weather(city: str, days: int) -> str:
    """The weather of a place."""
    return f"{city}: sunny for {days} days"


TOOL = FunctionTool(get_weather, description="The weather of a place.")


def made(**options):
    return OpenAIChatCompletionClient(
        **{"model": MODEL, "base_url": OPENAI, "api_key": KEY, "model_info": ABLE, **options}
    )


@pytest.fixture
async def client():
    client = made()
    yield client
    await client.close()


async def test_the_two_lines():
    able = dict.fromkeys(("function_calling", "json_output", "structured_output", "vision"), True)
    client = OpenAIChatCompletionClient(
        base_url=f"{URL}/v1", api_key=KEY, model="obliging", model_info={**able, "family": "unknown"}
    )

    answer = await client.create([UserMessage(content="Good morning!", source="user")])

    assert answer.content == "You said: Good morning!"


async def test_create(client):
    answer = await client.create(HELLO)

    assert (answer.content, answer.finish_reason) == ("You said: Good morning!", "stop")
    assert answer.usage.completion_tokens == 4
    assert client.total_usage().completion_tokens == 4


async def test_create_stream(client):
    *pieces, last = [piece async for piece in client.create_stream(HELLO)]

    assert "".join(pieces) == last.content == "You said: Good morning!"
    assert len(pieces) > 1
    assert isinstance(last, CreateResult)


async def test_create_stream_with_usage(client):
    pieces = [piece async for piece in client.create_stream(HELLO, include_usage=True)]

    assert pieces[-1].usage.completion_tokens == 4


async def test_tools_there_and_back(client):
    asked = await client.create(ASKS, tools=[TOOL])
    [call] = asked.content
    result = FunctionExecutionResult(content="sunny", call_id=call.id, name=call.name, is_error=False)
    turns = [
        *ASKS,
        AssistantMessage(content=asked.content, source="assistant"),
        FunctionExecutionResultMessage(content=[result]),
    ]
    answer = await client.create(turns, tools=[TOOL])

    assert (asked.finish_reason, call.arguments) == ("function_calls", '{"city": "San Francisco", "days": 3}')
    assert answer.content == "The tools said: sunny"


async def test_tools_streamed(client):
    pieces = [piece async for piece in client.create_stream(ASKS, tools=[TOOL])]

    assert [call.name for call in pieces[-1].content] == ["get_weather"]


@pytest.mark.parametrize("choice", ["required", TOOL], ids=["required", "one"])
async def test_a_tool_that_is_demanded(client, choice):
    answer = await client.create(HELLO, tools=[TOOL], tool_choice=choice)

    assert [call.name for call in answer.content] == ["get_weather"]


async def test_json_output(client):
    asks = [UserMessage(content="A joke as JSON with 'setup' and 'punchline'.", source="user")]

    assert (await client.create(asks, json_output=True)).content.startswith('{"setup"')


async def test_json_output_of_a_form(client):
    answer = await client.create(ASKS, json_output=Forecast)

    assert Forecast.model_validate_json(answer.content) == Forecast(city="San Francisco", days=3)


async def test_json_output_of_a_form_streamed(client):
    pieces = [piece async for piece in client.create_stream(ASKS, json_output=Forecast)]

    assert Forecast.model_validate_json(pieces[-1].content) == Forecast(city="San Francisco", days=3)


async def test_a_picture(client):
    picture = Image(PIL.Image.open(io.BytesIO(base64.b64decode(PNG))))
    answer = await client.create([UserMessage(content=["What is it?", picture], source="user")])

    assert answer.content == "I was shown 1 pictures, and told: What is it?"


async def test_a_call_that_is_cancelled(client):
    token = CancellationToken()
    token.cancel()

    with pytest.raises(BaseException) as caught:
        await client.create(HELLO, cancellation_token=token)

    assert type(caught.value).__name__ == "CancelledError"


async def test_an_assistant_agent(client):
    result = await AssistantAgent("assistant", model_client=client).run(task="Good morning!")

    assert result.messages[-1].content == "You said: Good morning!"


async def test_an_assistant_agent_with_a_tool(client):
    agent = AssistantAgent("assistant", model_client=client, tools=[get_weather], reflect_on_tool_use=True)
    result = await agent.run(task=ASKS[0].content)

    assert result.messages[-1].content == "The tools said: San Francisco: sunny for 3 days"


async def test_an_assistant_agent_streamed(client):
    agent = AssistantAgent("assistant", model_client=client, model_client_stream=True)
    kinds = [type(event).__name__ async for event in agent.run_stream(task="Good morning!")]

    assert kinds.count("ModelClientStreamingChunkEvent") > 1
    assert kinds[-1] == "TaskResult"


async def test_an_assistant_agent_with_a_form(client):
    agent = AssistantAgent("assistant", model_client=client, output_content_type=Forecast)
    result = await agent.run(task=ASKS[0].content)

    assert result.messages[-1].content == Forecast(city="San Francisco", days=3)


async def test_a_team(client):
    agents = [AssistantAgent(name, model_client=client) for name in ("one", "two")]
    result = await RoundRobinGroupChat(agents, termination_condition=MaxMessageTermination(3)).run(task="Good morning!")

    assert [message.source for message in result.messages] == ["user", "one", "two"]


async def test_a_wrong_key_is_the_clients_own_error():
    client = made(api_key="wrong")

    with pytest.raises(openai.AuthenticationError):
        await client.create(HELLO)
    await client.close()
