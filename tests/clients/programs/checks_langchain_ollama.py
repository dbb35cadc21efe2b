"""LangChain's own standard tests of chat models and of embeddings, over langchain-ollama."""

import base64
from types import SimpleNamespace

import httpx
import ollama
import pytest
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests
from reporting import KEY, MODEL, PNG, URL

KEYED = {"base_url": URL, "client_kwargs": {"headers": {"Authorization": f"Bearer {KEY}"}}}


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """The standard tests fetch a picture to have one; here it is given to them."""
    monkeypatch.setattr(httpx, "get", lambda url, **kwargs: SimpleNamespace(content=base64.b64decode(PNG)))


class TestChat(ChatModelIntegrationTests):
    @property
    def chat_model_class(self):
        return ChatOllama

    @property
    def chat_model_params(self):
        return {"model": MODEL, **KEYED}

    @property
    def has_tool_choice(self):
        return False  # Ollama's wire has none

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_json_mode(self):
        return True

    @property
    def model_override_value(self):
        return "other"


class TestEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return OllamaEmbeddings

    @property
    def embedding_model_params(self):
        return {"model": MODEL, **KEYED}


def test_a_wrong_key_is_the_clients_own_error():
    model = ChatOllama(model=MODEL, base_url=URL)

    with pytest.raises(ollama.ResponseError) as caught:
        model.invoke("Hello")

    assert caught.value.status_code == 401


def test_the_two_lines():
    keyed = {"headers": {"Authorization": f"Bearer {KEY}"}}
    model = ChatOllama(base_url=URL, client_kwargs=keyed, model="obliging")

    answer = model.invoke("Good morning!")

    assert answer.content == "You said: Good morning!"
