"""LangChain's own standard tests of chat models, over langchain-anthropic."""

import base64
from types import SimpleNamespace

import anthropic
import httpx
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_tests.integration_tests import ChatModelIntegrationTests
from reporting import KEY, MODEL, PNG, URL


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """The standard tests fetch a picture to have one; here it is given to them."""
    monkeypatch.setattr(httpx, "get", lambda url, **kwargs: SimpleNamespace(content=base64.b64decode(PNG)))


class TestMessages(ChatModelIntegrationTests):
    @property
    def chat_model_class(self):
        return ChatAnthropic

    @property
    def chat_model_params(self):
        return {"model": MODEL, "base_url": URL, "api_key": KEY}

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_image_tool_message(self):
        return True

    @property
    def supports_anthropic_inputs(self):
        return True

    @property
    def model_override_value(self):
        return "other"


def test_a_wrong_key_is_the_clients_own_error():
    model = ChatAnthropic(model=MODEL, base_url=URL, api_key="wrong", max_retries=0)

    with pytest.raises(anthropic.AuthenticationError):
        model.invoke("Hello")


def test_the_two_lines():
    model = ChatAnthropic(base_url=URL, api_key=KEY, model="obliging")

    answer = model.invoke("Good morning!")

    assert answer.content == "You said: Good morning!"
