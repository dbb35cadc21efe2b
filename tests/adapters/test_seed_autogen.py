"""The custom model of AutoGen's tutorial, as it stands there: its words, its order, its dummy answer."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# (the tutorial's class has no types)

from types import SimpleNamespace
from typing import Any

import pytest

from modelport import as_model, generate
from modelport.sync import run
from modelport.types import Usage, request_from_params
from tests.seed_autogen import CustomModelClient

CONFIG = {
    "model": "Open-Orca/Mistral-7B-OpenOrca",
    "model_client_cls": "CustomModelClient",
    "device": "cuda",
    "n": 1,
    "params": {
        "max_length": 1000,
    },
}


def ask(model: Any, **fields: Any) -> Any:
    return run(generate(model, request_from_params({"messages": "hello", **fields})), suspends=False)


def test_the_tutorials_class_answers_with_its_dummy_text(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(as_model(CustomModelClient, config=CONFIG))

    assert answer.text == "this is a dummy text response"
    assert answer.model == "model_name"
    assert capsys.readouterr().out == f"CustomModelClient config: {CONFIG}\n"


def test_the_whole_entry_of_the_config_list_reaches_the_constructor_as_a_dict_of_its_own() -> None:
    seen: list[Any] = []

    class Keeping(CustomModelClient):
        def __init__(self, config, **kwargs):
            seen.append((config, kwargs))

    as_model(Keeping, config=CONFIG, arguments={"loaded": "weights"})

    assert seen == [(CONFIG, {"loaded": "weights"})]
    assert seen[0][0] is not CONFIG


def test_the_tutorials_class_gives_as_many_answers_as_it_is_asked_for() -> None:
    answer = ask(as_model(CustomModelClient, config=CONFIG), n=3)

    assert [choice.message.text for choice in answer.choices] == ["this is a dummy text response"] * 3
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


def test_an_empty_usage_is_one_that_was_not_counted_and_a_cost_of_0_is_0() -> None:
    assert ask(as_model(CustomModelClient)).usage == Usage(cost=0.0)


def test_what_create_is_given_is_the_entry_and_the_request_and_nothing_unset() -> None:
    seen: list[Any] = []

    class Listening(CustomModelClient):
        def create(self, params):
            seen.append(params)
            return super().create(params)

    messages = [{"role": "user", "content": "hello"}]
    ask(as_model(Listening, config=CONFIG), messages=messages, temperature=0.0, n=2)

    assert seen == [
        {
            "model": "Open-Orca/Mistral-7B-OpenOrca",
            "model_client_cls": "CustomModelClient",
            "device": "cuda",
            "n": 2,
            "params": {"max_length": 1000},
            "temperature": 0.0,
            "messages": [{"role": "user", "content": "hello"}],
        }
    ]
    assert seen[0]["messages"][0] is messages[0]


def test_the_response_itself_stays_at_hand_and_the_cost_that_it_was_given() -> None:
    answer = ask(as_model(CustomModelClient))

    assert isinstance(answer.raw, SimpleNamespace)
    assert answer.raw.cost == 0
