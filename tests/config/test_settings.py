"""Settings: four places, one order, and each value remembers its place."""

import re
from pathlib import Path
from typing import Any

import pytest

import modelport
from modelport.config import Settings, read_settings
from modelport.config.settings import settings_file
from modelport.errors import ConfigError
from modelport.secret import Secret
from tests.config.conftest import Write


def read(environ: dict[str, str] | None = None, **explicit: Any) -> Settings:
    return read_settings(environ=environ or {}, **explicit)


def test_without_anything_the_defaults_hold(here: Path) -> None:
    settings = read()

    assert (settings.models_dir, settings.temperature, settings.sources) == ("models", None, {})


def test_what_is_given_comes_before_the_environment_and_that_before_the_file(write: Write) -> None:
    path = write("modelport.toml", "seed = 1\ntimeout = 10\nmax_tokens = 100\n")

    settings = read({"MODELPORT_SEED": "2", "MODELPORT_TIMEOUT": "20"}, seed=3)

    assert (settings.seed, settings.timeout, settings.max_tokens) == (3, 20.0, 100)
    assert settings.sources == {"seed": "given in code", "timeout": "MODELPORT_TIMEOUT", "max_tokens": str(path)}


def test_every_setting_may_stand_in_the_environment(here: Path) -> None:
    settings = read(
        {
            "MODELPORT_PROVIDER": "mine",
            "MODELPORT_MODELS_DIR": "llm",
            "MODELPORT_MODEL_SERVER": "http://h:1",
            "MODELPORT_TEMPERATURE": "0.5",
            "MODELPORT_MAX_TOKENS": "7",
            "MODELPORT_MAX_RETRIES": "2",
            "MODELPORT_TIMEOUT": "1.5",
            "MODELPORT_SEED": "-4",
            "MODELPORT_API_KEY": "sk-canary",
            "MODELPORT_CONFIG_LIST": "list.json",
        }
    )

    assert (settings.provider, settings.models_dir, settings.model_server) == ("mine", "llm", "http://h:1")
    assert (settings.temperature, settings.max_tokens, settings.max_retries) == (0.5, 7, 2)
    assert (settings.timeout, settings.seed, settings.api_key) == (1.5, -4, Secret("sk-canary"))
    assert settings.config_list == "list.json"
    assert "canary" not in repr(settings) + str(settings.shown())


def test_an_empty_variable_is_not_set(here: Path) -> None:
    assert read({"MODELPORT_SEED": " "}).seed is None


def test_the_file_is_found_upward(write: Write, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("modelport.toml", "models-dir = 'llm'\n")
    (here / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(here / "a" / "b")

    assert settings_file(environ={}) == str(path)
    assert read().models_dir == str(here / "llm")


def test_a_variable_may_name_another_file(write: Write, here: Path) -> None:
    write("modelport.toml", "seed = 1")
    write("other/house.toml", "seed = 2")

    assert read({"MODELPORT_CONFIG": "other/house.toml"}).seed == 2
    with pytest.raises(ConfigError, match=r"MODELPORT_CONFIG names gone\.toml, and there is no such file"):
        read({"MODELPORT_CONFIG": "gone.toml"})


def test_a_file_may_hold_the_config_list_itself(write: Write) -> None:
    write("modelport.toml", "[[config_list]]\nmodel = 'eliza'\n[[config_list]]\nmodel = 'x'\napi_key = 'sk-canary'\n")

    settings = read()

    assert settings.config_list == [{"model": "eliza"}, {"model": "x", "api_key": "sk-canary"}]
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("temprature = 1", r"modelport\.toml: no setting is called 'temprature'; did you mean 'temperature'"),
        ("sources = {}", "no setting is called 'sources'"),
        ("seed = 'x'", r"seed is 'x' \(.*modelport\.toml\): must be a whole number"),
        ("timeout = 0", r"timeout is 0 \(.*\): must be a number > 0"),
        ("temperature = 3", "temperature is 3"),
        ("max_retries = -1", "max_retries is -1"),
        ("api_key = 5", "api_key must be text, got int"),
        ("config_list = [1]", "config_list is list"),
        ("seed =", r"modelport\.toml is not readable as TOML"),
        ("a\0", r"modelport\.toml is not readable as TOML"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(write: Write, text: str, told: str) -> None:
    write("modelport.toml", text)

    with pytest.raises(ConfigError, match=told):
        read()


def test_bytes_that_are_no_text_are_told(write: Write) -> None:
    write("modelport.toml").write_bytes(b"\xff")

    with pytest.raises(ConfigError, match="is not readable as TOML"):
        read()


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"MODELPORT_TEMPRATURE": "1"}, "MODELPORT_TEMPRATURE is no setting; did you mean 'MODELPORT_TEMPERATURE'"),
        ({"MODELPORT_SEED": "abc"}, r"seed is 'abc' \(MODELPORT_SEED\)"),
        ({"MODELPORT_SEED": "1.5"}, "seed is '1.5'"),
        ({"MODELPORT_TIMEOUT": "nan"}, "timeout is 'nan'"),
        ({"MODELPORT_TIMEOUT": "-1"}, "timeout is '-1'"),
    ],
)
def test_a_wrong_variable_is_told(here: Path, environ: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read(environ)


def test_every_variable_that_the_package_reads_is_known(here: Path) -> None:
    folder = Path(modelport.__path__[0])
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    variables = set(re.findall(r"\bMODELPORT_[A-Z_]*[A-Z]\b", text)) - {"MODELPORT_CONFIG"}

    assert "MODELPORT_API_KEYS" in variables
    for variable in variables:
        read({variable: ""})


def test_a_setting_that_is_not_known_is_told_in_code_too(here: Path) -> None:
    with pytest.raises(ConfigError, match="no setting is called 'modelsdir'; did you mean 'models_dir'"):
        read(modelsdir="x")


def test_a_path_may_be_given_as_one(here: Path) -> None:
    assert read(models_dir=Path("llm")).models_dir == "llm"
