"""pydantic-ai: agents over chat completions, Responses and Anthropic's Messages."""

import base64

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelProfile, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.embeddings import Embedder
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from reporting import KEY, MODEL, OPENAI, PNG, URL

ASK = "What is the weather in San Francisco for 3 days?"


class Forecast(BaseModel):
    city: str
    days: int


def made(kind, key=KEY, name=MODEL):
    if kind == "anthropic":
        # Of a model whose name it does not know, it has to be told that it keeps a schema.
        profile = ModelProfile(supports_json_schema_output=True)
        return AnthropicModel(name, provider=AnthropicProvider(base_url=URL, api_key=key), profile=profile)
    model = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}[kind]
    return model(name, provider=OpenAIProvider(base_url=OPENAI, api_key=key))


@pytest.fixture(params=["chat", "responses", "anthropic"])
def kind(request):
    return request.param


@pytest.fixture
def model(kind):
    return made(kind)


def get_weather(city: str, days: int) -> str:
    """The weather of a place."""
    return f"{city}: sunny for {days} days"


def test_the_two_lines():
    model = OpenAIChatModel("obliging", provider=OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY))

    answer = Agent(model).run_sync("Good morning!")
    assert answer.output == "You said: Good morning!"


async def test_run(model):
    result = await Agent(model, instructions="Be brief.").run("Good morning!")

    assert result.output == "You said: Good morning!"
    assert result.usage.output_tokens == 4


async def test_run_stream(model):
    async with Agent(model).run_stream("Good morning!") as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]

    assert "".join(pieces) == "You said: Good morning!"
    assert len(pieces) > 1


async def test_a_conversation(model):
    agent = Agent(model)
    first = await agent.run("One")
    second = await agent.run("Two", message_history=first.all_messages())

    assert second.output == "You said: Two"
    assert second.usage.input_tokens > first.usage.input_tokens


async def test_tools(model):
    result = await Agent(model, tools=[get_weather]).run(ASK)

    assert result.output == "The tools said: San Francisco: sunny for 3 days"
    assert result.usage.requests == 2


async def test_tools_streamed(model):
    async with Agent(model, tools=[get_weather]).run_stream(ASK) as result:
        output = await result.get_output()

    assert output == "The tools said: San Francisco: sunny for 3 days"


@pytest.mark.parametrize("output", [ToolOutput, NativeOutput, PromptedOutput])
async def test_structured_output(model, kind, output):
    if kind == "anthropic" and output is PromptedOutput:
        pytest.skip(
            "the model that is asked here needs a form in the request, and Anthropic's has none without a schema"
        )
    result = await Agent(model, output_type=output(Forecast)).run(ASK)

    assert result.output == Forecast(city="San Francisco", days=3)


@pytest.mark.parametrize("kind", ["chat", "responses", "anthropic"])
async def test_an_agent_of_a_model_of_text_alone(kind):
    model = made(kind, name="textual")
    told = await Agent(model, tools=[get_weather]).run(ASK)
    formed = await Agent(model, output_type=Forecast).run(ASK)

    assert told.output == "The tools said: San Francisco: sunny for 3 days"
    assert formed.output == Forecast(city="San Francisco", days=3)


async def test_structured_output_streamed(model):
    async with Agent(model, output_type=Forecast).run_stream(ASK) as result:
        outputs = [output async for output in result.stream_output(debounce_by=None)]

    assert outputs[-1] == Forecast(city="San Francisco", days=3)


async def test_structured_output_after_a_tool(model):
    result = await Agent(model, output_type=Forecast, tools=[get_weather]).run(ASK)

    assert result.output == Forecast(city="San Francisco", days=3)
    assert result.usage.requests == 2


async def test_a_picture(model):
    picture = BinaryContent(data=base64.b64decode(PNG), media_type="image/png")
    result = await Agent(model).run(["What is it?", picture])

    assert result.output == "I was shown 1 pictures, and told: What is it?"


async def test_a_wrong_key_is_the_clients_own_error(kind):
    with pytest.raises(ModelHTTPError) as caught:
        await Agent(made(kind, key="wrong")).run("Hello")

    assert caught.value.status_code == 401


async def test_embeddings():
    model = OpenAIEmbeddingModel(MODEL, provider=OpenAIProvider(base_url=OPENAI, api_key=KEY))
    result = await Embedder(model).embed_query("one")

    assert len(result.embeddings[0]) == 8
