"""Entries of a config list: what each field is for, and what is said of a wrong one."""

import threading
from collections import UserDict
from typing import Any

import pytest

from modelport.config import Entry, entries, entry_from, open_entry
from modelport.errors import ConfigError, LoadError, ModelNotFound, NotRegistered
from modelport.model import generate
from modelport.secret import Secret
from modelport.sync import run
from modelport.types import ChatRequest, Message
from tests.config.conftest import CLIENT, STUDIO, Write

ASK = ChatRequest(messages=(Message(role="user", content="hello"),))


def entry(**given: Any) -> Entry:
    return entry_from(given)


# --- what each field is for ---


def test_the_seeds_own_entry_is_read_as_the_seed_means_it() -> None:
    given = {
        "model": "Open-Orca/Mistral-7B-OpenOrca",
        "model_client_cls": "CustomModelClient",
        "device": "cuda",
        "n": 1,
        "params": {"max_length": 1000},
    }

    [read] = entries([given])

    assert (read.source, read.model_client_cls, read.model) == (
        "registered",
        "CustomModelClient",
        "Open-Orca/Mistral-7B-OpenOrca",
    )
    assert dict(read.defaults) == {"n": 1}
    assert dict(read.options) == {"device": "cuda", "params": {"max_length": 1000}}
    assert dict(read.given) == given
    assert read.label == "config_list[0] (CustomModelClient)"


@pytest.mark.parametrize(
    ("given", "source", "thing"),
    [
        ({"model": "eliza"}, "spec", "eliza"),
        ({"model": "mine.py:Mine", "api_key": "k"}, "spec", "mine.py:Mine"),
        ({"spec": "openai:gpt", "api_key": "k"}, "spec", "openai:gpt"),
        ({"provider": "mine"}, "provider", "mine"),
        ({"provider": "transformers", "model": "gpt2"}, "provider", "transformers"),
        ({"model": "gpt-4", "api_key": "k"}, "api", None),
        ({"model": "gpt-4", "base_url": "http://host/v1"}, "api", None),
        ({"model": "gpt-4", "api_type": "azure"}, "api", None),
        ({"model_client_cls": "Mine", "base_url": "http://host"}, "registered", None),
        ({"model_client_cls": Entry}, "object", Entry),
    ],
)
def test_an_entry_names_its_model_in_one_of_these_ways(given: dict[str, Any], source: str, thing: object) -> None:
    read = entry(**given)

    assert (read.source, read.thing) == (source, thing)


def test_the_ports_fields_are_read() -> None:
    read = entry(
        model="x", price=[0.1, 2], timeout=5, max_retries=0, api_rate_limit=0.5, max_concurrency=3, tags=["a", "b"]
    )

    assert (read.price, read.timeout, read.max_retries) == ((0.1, 2.0), 5.0, 0)
    assert (read.api_rate_limit, read.max_concurrency, read.tags) == (0.5, 3, ("a", "b"))
    assert dict(read.options) == {}


def test_a_key_becomes_a_secret_and_may_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE_KEY", "sk-house")

    assert entry(model="x", api_key="sk-1").api_key == Secret("sk-1")
    assert entry(model="x", api_key_env="HOUSE_KEY").api_key == Secret("sk-house")
    assert entry(model="x", api_key_env="NO_SUCH").api_key is None


def test_objects_are_held_by_reference_and_never_copied() -> None:
    lock, weights = threading.Lock(), [1, 2]

    read = entry(model_client_cls="Mine", lock=lock, weights=weights)

    assert read.options["lock"] is lock
    assert read.given["weights"] is weights


def test_call_fields_of_autogen_are_neither_options_nor_defaults() -> None:
    read = entry(model="x", cache_seed=None, filter_func=len, context={}, stream=True)

    assert set(read.call) == {"cache_seed", "filter_func", "context", "stream"}
    assert (dict(read.options), dict(read.defaults)) == ({}, {})


def test_one_entry_is_a_list_of_one_and_any_mapping_is_an_entry() -> None:
    assert [each.index for each in entries(UserDict(model="x"))] == [0]
    assert [each.index for each in entries(({"model": "x"}, {"model": "y"}))] == [0, 1]


def test_a_label_shows_no_password_of_an_address() -> None:
    assert "pw" not in entry(spec="remote:http://user:pw@host:1/x").label


# --- what is said of a wrong one ---


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": "x", "base-url": "http://h"}, ".base-url is no field; did you mean 'base_url'?"),
        ({"model": "x", "baseURL": "http://h"}, ".baseURL is no field; did you mean 'base_url'?"),
        ({"model": "x", "api_base": "http://h"}, ".api_base is no field; did you mean 'base_url'?"),
        ({"model_client_class": "X"}, ".model_client_class is no field; did you mean 'model_client_cls'?"),
        ({"modelClientCls": "X"}, ".modelClientCls is no field; did you mean 'model_client_cls'?"),
        ({"model": "x", "temprature": 1}, ".temprature is no field; did you mean 'temperature'?"),
        (
            {"model": "x", "temperature": 3},
            ".temperature is no default for a request: temperature must be a number <= 2.0",
        ),
        ({"model": "x", "n": "two"}, ".n is no default for a request: "),
        ({"modle": "x"}, " names no model: give model, model_client_cls, provider or base_url (is 'modle' meant"),
        ({}, " names no model: give model, model_client_cls, provider or base_url"),
        ({"model": ""}, ".model must be text that is not empty, got str"),
        ({"model": 5}, ".model must be a name, a spec or a model, got 5"),
        ({"model": ["a"]}, ".model must be a name, a spec or a model, got list"),
        (
            {"model_client_cls": "A", "provider": "b"},
            " names its model 2 times, by model_client_cls and provider: keep",
        ),
        (
            {"model_client_cls": 5},
            ".model_client_cls must be a class, or the name of one that will be registered, got 5",
        ),
        ({"model": "x", "timeout": 0}, ".timeout must be a number above 0, got 0"),
        ({"model": "x", "timeout": True}, ".timeout must be a number above 0, got True"),
        ({"model": "x", "timeout": float("nan")}, ".timeout must be a number above 0, got nan"),
        ({"model": "x", "max_retries": -1}, ".max_retries must be a whole number, 0 or more, got -1"),
        ({"model": "x", "max_retries": 1.5}, ".max_retries must be a whole number, 0 or more, got 1.5"),
        ({"model": "x", "max_concurrency": 0}, ".max_concurrency must be a whole number, 1 or more, got 0"),
        ({"model": "x", "max_batch_size": 0}, ".max_batch_size must be a whole number, 1 or more, got 0"),
        ({"model": "x", "batch_window": -1}, ".batch_window must be a number, 0 or more, got -1"),
        ({"model": "x", "price": "1"}, ".price must be [dollars for 1,000 prompt tokens, dollars for 1,000 completion"),
        ({"model": "x", "price": [1]}, ".price must be [dollars"),
        ({"model": "x", "price": [1, -1]}, ".price must be [dollars"),
        ({"model": "x", "tags": "fast"}, ".tags must be a list of texts, got str"),
        ({"model": "x", "tags": [1]}, ".tags must be a list of texts, got list"),
        ({"model": "x", "base_url": "host:80"}, ".base_url must be an address that begins with http:// or https://"),
        ({"model": "x", "api_key": 5}, ".api_key must be text or a Secret, got 5"),
        ({"model": "x", "label": 5}, ".label must be text, got 5"),
        ({1: "x"}, " has a field that is no text: int"),
        ("model", " must be a dict, got str"),
        (None, " must be a dict, got NoneType"),
    ],
)
def test_a_wrong_entry_is_told_by_its_index_and_field(given: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        entries([{"model": "fine"}, given])

    assert caught.value.message.startswith("config_list[1]" + told)
    assert caught.value.param is not None
    assert caught.value.param.startswith("config_list[1]")


@pytest.mark.parametrize("option", ["top_k", "max_length", "params", "models", "device_map", "urls", "organization"])
def test_an_option_that_is_merely_similar_to_a_field_is_an_option(option: str) -> None:
    assert set(entry(model="x", **{option: 1}).options) == {option}


def test_a_class_of_the_users_own_may_take_options_of_any_name() -> None:
    assert set(entry(model_client_cls="Mine", temperatures=[1], api_keys=["a"]).options) == {"temperatures", "api_keys"}


@pytest.mark.parametrize("config_list", ["[]", b"[]", None, 5])
def test_what_is_no_list_is_told(config_list: Any) -> None:
    with pytest.raises(ConfigError, match="config_list must be a list of dicts, got"):
        entries(config_list)


def test_no_error_repeats_what_may_be_a_key() -> None:
    for field in ("price", "timeout", "tags", "max_retries", "base_url", "n", "temperature", "api_rate_limit"):
        with pytest.raises(ConfigError) as caught:
            entry(model="x", **{field: "sk-canary"})

        assert "canary" not in str(caught.value), field


# --- opening ---


def opened(**given: Any) -> str:
    return run(generate(open_entry(entry(**given)), ASK), suspends=False).text


def test_a_model_client_found_by_its_spec_gets_the_whole_entry(write: Write) -> None:
    write("one.py", CLIENT)

    assert (
        opened(model="one.py:CustomModelClient", device="cuda", price=[1, 1]) == "config ['device', 'model', 'price']"
    )


def test_another_class_gets_the_options_that_it_takes(write: Write) -> None:
    write("models/one.py", STUDIO)

    assert opened(provider="studio", device="tpu", timeout=5, temperature=1) == "on tpu"


def test_an_option_that_its_class_does_not_take_names_the_entry(write: Write) -> None:
    write("models/one.py", STUDIO)

    with pytest.raises(LoadError, match=r"^config_list\[0\] \(studio\): .*Studio takes no option 'devise'; did you"):
        opened(provider="studio", devise="tpu")


def test_a_class_or_function_in_the_entry_needs_no_registration() -> None:
    class Mine:
        def __init__(self, config: dict[str, Any]) -> None:
            self.config = config

        def create(self, params: dict[str, Any]) -> str:
            return f"on {self.config['device']}"

        def message_retrieval(self, response: Any) -> list[str]:
            return [response.choices[0].message.content]

        def cost(self, response: Any) -> float:
            return 0

        @staticmethod
        def get_usage(response: Any) -> dict[str, Any]:
            return {}

    assert opened(model_client_cls=Mine, device="cuda") == "on cuda"
    assert opened(model=lambda messages, **params: "a function") == "a function"


def test_a_class_that_must_be_registered_says_how() -> None:
    with pytest.raises(NotRegistered, match=r"client\.register_model_client\(Mine\)"):
        open_entry(entry(model_client_cls="Mine"))


def test_a_key_that_its_variable_does_not_hold_is_named() -> None:
    with pytest.raises(ConfigError, match="its key is missing: set the environment variable HOUSE_KEY"):
        open_entry(entry(provider="eliza", api_key_env="HOUSE_KEY"))


def test_an_api_without_its_provider_says_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"needs the provider 'nonesuch', and there are: .*provider='remote'"):
        open_entry(entry(model="m", base_url="http://127.0.0.1:9/v1", api_type="nonesuch"))


def test_a_model_that_is_not_there_names_the_entry() -> None:
    with pytest.raises(
        ModelNotFound, match=r"^config_list\[0\] \(elisa\): no model named 'elisa'; did you mean 'eliza'"
    ):
        open_entry(entry(model="elisa"))


def test_a_providers_argument_is_the_model() -> None:
    with pytest.raises(ConfigError, match="eliza takes no argument, got 'doctor'"):
        open_entry(entry(provider="eliza", model="doctor"))


def test_an_address_with_a_key_is_no_name_of_a_model_at_openai() -> None:
    model = open_entry(entry(model="remote:http://127.0.0.1:9/name", api_key="sk-1"))

    assert (type(model).__name__, model.name) == ("RemoteModel", "name")


def test_an_address_and_a_name_reach_a_remote_model() -> None:
    model = open_entry(entry(provider="remote", base_url="http://127.0.0.1:9", model="org/name", api_key="sk-1"))

    assert model.name == "org/name"
