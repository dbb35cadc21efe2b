from pathlib import Path

import pytest

from modelport import Client
from modelport.errors import ConfigError

LIST = '[{"model": "eliza", "tags": ["a"]}]'


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_arguments_the_settings_name_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPORT_PROVIDER", "eliza")

    assert Client().create(messages="hello").model == "eliza"


def test_without_arguments_the_settings_name_the_config_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPORT_CONFIG_LIST", LIST)

    assert Client().create(messages="hello").model == "eliza"


def test_what_the_settings_file_says_of_every_request_reaches_the_model(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def look(messages, temperature=None, seed=None): return f'{temperature} {seed}'\n")
    (tmp_path / "modelport.toml").write_text('provider = "m.py:look"\ntemperature = 0.25\nseed = 7\n')

    client = Client()

    assert client.create(messages="hi").text == "0.25 7"
    assert client.create(messages="hi", seed=8).text == "0.25 8"


def test_where_nothing_names_a_model_the_error_says_what_can() -> None:
    with pytest.raises(ConfigError, match="set MODELPORT_CONFIG_LIST, MODELPORT_PROVIDER or MODELPORT_MODEL_SERVER"):
        Client()


def test_a_list_and_a_model_together_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match="give either a config_list or a model, not both"):
        Client([{"model": "eliza"}], model="eliza")
