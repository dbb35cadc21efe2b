"""Config lists: read from variables, files and text; filtered as AutoGen 0.2.40 does."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelport.config import config_list_from_json, filter_config, read_config_list
from modelport.errors import ConfigError
from tests.config.conftest import Write

ENTRIES: list[dict[str, Any]] = [
    {"model": "a"},
    {"model": "b", "tags": ["x", "y"]},
    {"model": "a", "api_type": "azure"},
    {"model": "c", "tags": []},
    {"model": None, "tags": ["z"]},
    {"tags": ["x"], "n": 1},
    {"model": "a", "tags": ["y"], "n": 0},
    {},
]
ALL = list(range(8))

# What autogen-agentchat 0.2.40 keeps of ENTRIES: filter, kept, kept with exclude=True.
AUTOGEN: list[tuple[Any, list[int], list[int]]] = [
    (None, ALL, ALL),
    ({}, ALL, ALL),
    ({"model": ["a"]}, [0, 2, 6], [1, 3, 4, 5, 7]),
    ({"model": ["a", "b"]}, [0, 1, 2, 6], [3, 4, 5, 7]),
    ({"model": [None]}, [], ALL),
    ({"model": ["a", None]}, [0, 2, 6], [1, 3, 4, 5, 7]),
    ({"model": {"a", "c"}}, [0, 2, 3, 6], [1, 4, 5, 7]),
    ({"tags": ["x"]}, [1, 5], [0, 2, 3, 4, 6, 7]),
    ({"tags": ["x", "z"]}, [1, 4, 5], [0, 2, 3, 6, 7]),
    ({"tags": []}, [], ALL),
    ({"tags": [None]}, [], ALL),
    ({"model": ["a"], "api_type": ["azure"]}, [2], [1, 3, 4, 5, 7]),
    ({"model": ["a"], "tags": ["x", "y"]}, [6], [3, 4, 7]),
    ({"n": [1]}, [5], [0, 1, 2, 3, 4, 6, 7]),
    ({"n": [0, 1]}, [5, 6], [0, 1, 2, 3, 4, 7]),
    ({"n": [True]}, [5], [0, 1, 2, 3, 4, 6, 7]),
    ({"nope": ["q"]}, [], ALL),
    ({"nope": [None]}, [], ALL),
    ({"model": ["zzz"]}, [], ALL),
]


def kept(filter_dict: Any, *, exclude: bool = False) -> list[int]:
    found = filter_config(ENTRIES, filter_dict, exclude)
    return [next(index for index, entry in enumerate(ENTRIES) if entry is each) for each in found]


@pytest.mark.parametrize(("filter_dict", "included", "excluded"), AUTOGEN)
def test_a_filter_keeps_what_autogens_keeps(filter_dict: Any, included: list[int], excluded: list[int]) -> None:
    assert kept(filter_dict) == included
    assert kept(filter_dict, exclude=True) == excluded


def test_one_text_is_one_accepted_value_and_not_its_letters() -> None:
    assert kept({"model": "a"}) == [0, 2, 6]
    assert filter_config([{"model": "gpt"}], {"model": "gpt-4"}) == []


def test_values_that_cannot_be_hashed_are_compared_all_the_same() -> None:
    assert filter_config([{"params": {"a": 1}}], {"params": [{"a": 1}]}) == [{"params": {"a": 1}}]
    assert filter_config([{"steps": [{"a": 1}]}], {"steps": [{"a": 1}]}) == [{"steps": [{"a": 1}]}]


@pytest.mark.parametrize(
    ("filter_dict", "told"),
    [
        ({"model": 5}, r"filter_dict\['model'\] must be a list of accepted values, got int"),
        ({"model": None}, r"filter_dict\['model'\] must be a list of accepted values, got NoneType"),
        (["model"], "filter_dict must be a dict of field to accepted values, got list"),
    ],
)
def test_a_filter_that_is_none_is_told(filter_dict: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        filter_config(ENTRIES, filter_dict)


# --- where lists come from ---

LIST = [{"model": "a", "tags": ["x"]}, {"model": "b"}]


def test_a_variable_may_hold_the_list_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAI_CONFIG_LIST", json.dumps(LIST))

    assert config_list_from_json("OAI_CONFIG_LIST") == LIST
    assert config_list_from_json("OAI_CONFIG_LIST", filter_dict={"tags": ["x"]}) == LIST[:1]


def test_a_variable_may_name_a_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("deep/list.json", json.dumps(LIST))
    monkeypatch.setenv("OAI_CONFIG_LIST", str(path))

    assert config_list_from_json("OAI_CONFIG_LIST") == LIST


def test_a_file_is_found_in_its_location(write: Write, here: Path) -> None:
    write("deep/OAI_CONFIG_LIST", "\ufeff" + json.dumps(LIST))

    assert config_list_from_json("OAI_CONFIG_LIST", file_location=str(here / "deep")) == LIST
    assert config_list_from_json("deep/OAI_CONFIG_LIST", file_location=None) == LIST


def test_neither_variable_nor_file_says_what_was_looked_for(here: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no environment variable OAI_CONFIG_LIST is set, and there is no file"):
        config_list_from_json("OAI_CONFIG_LIST")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"api_key": "sk-canary",}]', r"LIST is not JSON: .* at line 1, column \d+"),
        ('"sk-canary"', "LIST must hold a list of entries, and holds text"),
        ("5", "LIST must hold a list of entries, and holds a number"),
        ("null", "LIST must hold a list of entries, and holds null"),
        ('[{"model": "x"}, "sk-canary"]', "LIST: entry 1 must be an object, and is text"),
        ("[" * 100_000, "LIST is not a config list: nested too deeply"),
        ("[\0]", "LIST is not JSON"),
    ],
)
def test_a_list_that_is_none_is_told_without_its_text(write: Write, text: str, told: str) -> None:
    write("LIST", text)

    with pytest.raises(ConfigError, match=told) as caught:
        config_list_from_json("LIST")

    assert "canary" not in str(caught.value)


def test_bytes_that_are_no_text_and_a_directory_are_told(write: Write, here: Path) -> None:
    write("LIST").write_bytes(b"\xff\xfe[\x00")
    (here / "FOLDER").mkdir()

    with pytest.raises(ConfigError, match="LIST is not UTF-8 text"):
        config_list_from_json("LIST")
    with pytest.raises(ConfigError, match="FOLDER is a directory"):
        config_list_from_json("FOLDER")


def test_a_list_is_read_from_whatever_people_have(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("list.json", json.dumps(LIST))
    monkeypatch.setenv("HOUSE_LIST", json.dumps(LIST))

    for source in (LIST, tuple(LIST), json.dumps(LIST), path, "list.json", "HOUSE_LIST"):
        assert read_config_list(source) == LIST
    assert read_config_list(LIST[0]) == read_config_list(json.dumps(LIST[0])) == LIST[:1]
    assert read_config_list(LIST)[0] is LIST[0]
    with pytest.raises(ConfigError, match="got int"):
        read_config_list(5)
