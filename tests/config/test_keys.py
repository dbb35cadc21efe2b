"""Config lists out of keys, with the results of autogen-agentchat 0.2.40 for the same files and variables."""

import os
from pathlib import Path
from typing import Any

import pytest

from modelport.config.keys import (
    config_list_from_dotenv,
    config_list_from_models,
    config_list_gpt4_gpt35,
    config_list_openai_aoai,
    get_config,
    get_config_list,
)
from modelport.errors import ConfigError
from tests.config.conftest import Write

AZURE = {"api_type": "azure", "api_version": "2024-02-01"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """The variables that the helpers set are gone afterwards."""
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_API_BASE",
        "AZURE_OPENAI_API_KEY",
        "AZURE_OPENAI_API_BASE",
        "OTHER",
        "THIRD",
    ):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_without_keys_there_are_no_entries() -> None:
    assert config_list_openai_aoai() == []


def test_keys_and_addresses_are_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k1\nk2")
    monkeypatch.setenv("OPENAI_API_BASE", "b1\nb2")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "a1")
    monkeypatch.setenv("AZURE_OPENAI_API_BASE", "z1")
    openai = [{"api_key": "k1", "base_url": "b1"}, {"api_key": "k2", "base_url": "b2"}]
    azure = [{"api_key": "a1", "base_url": "z1", **AZURE}]

    assert config_list_openai_aoai() == openai + azure
    assert config_list_openai_aoai(exclude="aoai") == openai
    assert config_list_openai_aoai(exclude="openai") == azure


def test_blank_keys_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k1\nk2\n\n")

    assert config_list_openai_aoai() == [{"api_key": "k1"}, {"api_key": "k2"}]


def test_azure_keys_without_addresses_keep_the_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "a1")

    assert config_list_openai_aoai() == [{"api_key": "a1", "base_url": "", **AZURE}]


def test_a_key_file_replaces_its_variable(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("key_openai.txt", " fk \n")
    monkeypatch.setenv("OPENAI_API_KEY", "k1")

    assert config_list_openai_aoai(key_file_path=None) == [{"api_key": "k1"}]
    assert config_list_openai_aoai() == [{"api_key": "fk"}]
    assert os.environ["OPENAI_API_KEY"] == "fk"


def test_entries_are_repeated_model_by_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k1\nk2")

    assert [(each["model"], each["api_key"]) for each in config_list_from_models(model_list=["a", "b"])] == [
        ("a", "k1"),
        ("a", "k2"),
        ("b", "k1"),
        ("b", "k2"),
    ]
    assert config_list_from_models() == [{"api_key": "k1"}, {"api_key": "k2"}]
    assert [each["model"] for each in config_list_gpt4_gpt35()] == ["gpt-4", "gpt-4", "gpt-3.5-turbo", "gpt-3.5-turbo"]


def test_single_entries_take_values_or_the_names_of_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", "http://env")

    assert get_config("k", "") == {"api_key": "k"}
    assert get_config(None, "OTHER", "OTHER", "lit") == {
        "api_key": None,
        "base_url": "http://env",
        "api_type": "http://env",
        "api_version": "lit",
    }


def test_lists_of_keys_and_addresses_must_be_of_one_length() -> None:
    assert get_config_list(["a", " "], ["x", "y"], "t", "v") == [
        {"api_key": "a", "base_url": "x", "api_type": "t", "api_version": "v"}
    ]
    with pytest.raises(ConfigError, match="one address for each of the 1 api_keys, and has 0"):
        get_config_list(["a"], [])


DOTENV = "OPENAI_API_KEY=dot\nOTHER='quoted #x' # c\nexport THIRD=3\n"


def test_a_dotenv_file_gives_an_entry_for_each_model_that_has_a_key(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(".env", DOTENV)
    given: dict[str, Any] = {
        "m": "OTHER",
        "gpt-4": {"api_key_env_var": "THIRD", "base_url": "u", "api_type": "t", "api_version": "v"},
        "gone": "NOPE",
    }

    found = config_list_from_dotenv(".env", given)

    assert found == [
        {"api_key": "quoted #x", "model": "m"},
        {"api_key": "3", "base_url": "u", "api_type": "t", "api_version": "v", "model": "gpt-4"},
        {"api_key": "dot", "model": "gpt-3.5-turbo"},
    ]
    assert caplog.messages == ["no key for model gone: set NOPE in the environment or in .env"]
    assert set(given) == {"m", "gpt-4", "gone"}


def test_a_dotenv_file_is_found_from_the_working_directory_upward(
    write: Write, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(".env", DOTENV)
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")

    assert config_list_from_dotenv(filter_dict={"model": {"gpt-4"}}) == [{"api_key": "dot", "model": "gpt-4"}]


def test_what_the_environment_has_comes_before_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(".env", DOTENV)
    monkeypatch.setenv("OPENAI_API_KEY", "env")

    assert {each["api_key"] for each in config_list_from_dotenv(".env")} == {"env"}


def test_a_missing_dotenv_file_is_a_warning_and_the_environment_counts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "env")

    assert len(config_list_from_dotenv("no.env")) == 2
    assert caplog.messages == ["there is no file no.env; keys are taken from the environment alone"]


def test_a_map_of_something_else_is_told(write: Write) -> None:
    write(".env", DOTENV)

    with pytest.raises(ConfigError, match=r"model_api_key_map\['m'\] must be a variable's name or a dict, got int"):
        config_list_from_dotenv(".env", {"m": 5})
    with pytest.raises(ConfigError, match=r"model_api_key_map\['m'\] has key; it may have api_key_env_var"):
        config_list_from_dotenv(".env", {"m": {"key": "OTHER"}})
