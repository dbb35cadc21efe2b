"""LangChain's own standard tests of chat models and of embeddings, over langchain-openai."""

import base64
from types import SimpleNamespace

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests
from reporting import KEY, MODEL, OPENAI, PNG, URL


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """The standard tests fetch a picture to have one; here it is given to them."""
    monkeypatch.setattr(httpx, "get", lambda url, **kwargs: SimpleNamespace(content=base64.b64decode(PNG)))


class _Standard(ChatModelIntegrationTests):
    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        return {"model": MODEL, "base_url": OPENAI, "api_key": KEY, "stream_usage": True}

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_image_tool_message(self):
        return True

    @property
    def supports_json_mode(self):
        return True

    @property
    def model_override_value(self):
        return "other"


class TestChatCompletions(_Standard):
    @property
    def supported_usage_metadata_details(self):
        return {"invoke": ["reasoning_output"], "stream": ["reasoning_output"]}

    def invoke_with_reasoning_output(self, *, stream=False):
        model = ChatOpenAI(**self.chat_model_params, reasoning_effort="low")
        if not stream:
            return model.invoke("Hello")
        chunks = list(model.stream("Hello"))
        return sum(chunks[1:], chunks[0])


class TestResponses(_Standard):
    @property
    def chat_model_params(self):
        return {**super().chat_model_params, "use_responses_api": True}


class TestAModelOfTextAlone(_Standard):
    """Its tools and its forms are the port's, by asking in words."""

    @property
    def chat_model_params(self):
        return {**super().chat_model_params, "model": "textual"}


class TestEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self):
        # Else it sends tokens, which only OpenAI's own models could read.
        return {"model": MODEL, "base_url": OPENAI, "api_key": KEY, "check_embedding_ctx_length": False}


def test_a_wrong_key_is_the_clients_own_error():
    model = ChatOpenAI(model=MODEL, base_url=OPENAI, api_key="wrong", max_retries=0)

    with pytest.raises(openai.AuthenticationError):
        model.invoke("Hello")


def test_the_two_lines():
    model = ChatOpenAI(base_url=f"{URL}/v1", api_key=KEY, model="obliging")

    answer = model.invoke("Good morning!")

    assert answer.content == "You said: Good morning!"
