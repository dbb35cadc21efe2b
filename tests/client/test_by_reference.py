"""What users put into entries is held by reference: never copied, pickled, compared, or asked whether it is true."""

from types import SimpleNamespace
from typing import Any

import pytest

from modelport.client import Client
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.config import filter_config

HI = [{"role": "user", "content": "hi"}]


class Untouchable:
    """A loaded model, strict about what is done with it."""

    name = "untouchable"

    def __call__(self, messages: Any, **params: Any) -> str:
        return "one two three"

    def __deepcopy__(self, memo: Any) -> Any:
        raise AssertionError("copied deeply")

    def __copy__(self) -> Any:
        raise AssertionError("copied")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    def __bool__(self) -> bool:
        raise AssertionError("asked whether it is true")

    def __len__(self) -> int:
        raise AssertionError("asked how long it is")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise AssertionError("pickled")


class Holding:
    """A ModelClient that is given a loaded model, and keeps what it gets."""

    made: list["Holding"]

    def __init__(self, config: Any, **kwargs: Any) -> None:
        self.config, self.kwargs = config, kwargs
        self.asked: list[dict[str, Any]] = []
        type(self).made = [self]

    def create(self, params: Any) -> Any:
        self.asked.append(params)
        message = SimpleNamespace(content="yes", function_call=None)
        return SimpleNamespace(choices=[SimpleNamespace(message=message)], model="m")

    def message_retrieval(self, response: Any) -> list[str]:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("kind", [Client, OpenAIWrapper])
@pytest.mark.parametrize("cache", [{}, {"cache": "memory"}])
def test_a_loaded_object_reaches_the_class_as_it_is(kind: Any, cache: dict[str, Any]) -> None:
    loaded = Untouchable()
    client = kind(
        config_list=[{"model": "m", "model_client_cls": "Holding", "loaded": loaded, "in": {"a": [loaded]}}],
        shared=loaded,
        **({"cache_seed": None} if kind is OpenAIWrapper else {}),
    )

    client.register_model_client(Holding, tokenizer=loaded)
    response = client.create(messages=HI, also=loaded, **cache)

    [made] = Holding.made
    assert client.extract_text_or_completion_object(response) == ["yes"]
    assert made.config["loaded"] is made.config["in"]["a"][0] is made.kwargs["tokenizer"] is loaded
    assert made.asked[0]["loaded"] is made.asked[0]["also"] is made.asked[0]["shared"] is loaded


@pytest.mark.parametrize(
    "make",
    [
        lambda model: Client(model=model),
        lambda model: Client(config_list=[{"model": model}, {"provider": model}, {"spec": model}]),
        lambda model: Client(model=model, cache="memory", timeout=60, max_retries=1, role_rules=["alternate"]),
        lambda model: OpenAIWrapper(model=model, cache_seed=None),
        lambda model: OpenAIWrapper(config_list=[{"model": model}], cache="memory"),
    ],
)
def test_it_may_be_the_model(make: Any) -> None:
    client = make(Untouchable())

    response = client.create(messages=HI)

    assert client.extract_text_or_completion_object(response) == ["one two three"]


def test_filtering_a_config_list_by_another_field_leaves_it_alone() -> None:
    entries = [{"model": "a", "loaded": Untouchable()}, {"model": "b", "loaded": Untouchable()}]

    [kept] = filter_config(entries, {"model": ["b"]})

    assert kept["loaded"] is entries[1]["loaded"]
