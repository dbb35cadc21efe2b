"""What code a config list may name that was read from a file or a variable, and was not written in code."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelport import Client
from modelport.config import (
    Entry,
    config_list_from_json,
    entries,
    filter_config,
    load,
    open_entry,
    read_config_list,
    read_settings,
)
from modelport.config.config_list import with_fields
from modelport.config.explaining import explain
from modelport.errors import ConfigError
from modelport.model import Model
from tests.config.conftest import STUDIO, Write

REFUSED = "is code outside of the folders that a config list from a file or a variable may name"


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's file in a folder that is no root."""
    path = tmp_path_factory.mktemp("outside") / "evil.py"
    path.write_text(
        "import pathlib\npathlib.Path(__file__).with_suffix('.ran').touch()\n" + STUDIO.replace("\n    ", "\n")
    )
    return path


def read(given: dict[str, Any]) -> Entry:
    return entries(read_config_list(json.dumps([given])))[0]


def opened(given: dict[str, Any]) -> Model:
    return open_entry(read(given))


# --- refused ---


def test_a_file_elsewhere_is_neither_imported_nor_loaded(here: Path, outside: Path) -> None:
    for spec in (f"{outside}:Studio", f"{outside}", f"../{outside.parent.name}/evil.py:Studio"):
        with pytest.raises(ConfigError, match=REFUSED):
            opened({"model": spec})

    assert not outside.with_suffix(".ran").exists()


def test_a_link_is_judged_by_where_it_leads(here: Path, outside: Path) -> None:
    (here / "mine.py").symlink_to(outside)

    with pytest.raises(ConfigError, match=REFUSED):
        opened({"model": "mine.py:Studio"})

    assert not outside.with_suffix(".ran").exists()


@pytest.mark.parametrize(
    "spec", ["os:system", "builtins:exec", "subprocess:run", "msgspec:Struct", "modelport.cli:main", "__main__:main"]
)
def test_a_module_elsewhere_is_refused(here: Path, spec: str) -> None:
    with pytest.raises(ConfigError, match=REFUSED):
        opened({"model": spec})


def test_what_is_installed_below_the_working_directory_lies_elsewhere(
    write: Write, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(".venv/lib/site-packages/installed_pack.py", STUDIO)
    monkeypatch.syspath_prepend(str(here / ".venv/lib/site-packages"))

    with pytest.raises(ConfigError, match=REFUSED):
        opened({"model": "installed_pack:Studio"})


@pytest.mark.parametrize("field", ["model", "provider", "spec"])
def test_every_field_that_names_code_is_held_to_it(here: Path, outside: Path, field: str) -> None:
    with pytest.raises(ConfigError, match=REFUSED):
        opened({field: f"{outside}:Studio"})


def test_an_entry_stays_what_it_is_when_it_is_filtered_copied_or_completed(here: Path, outside: Path) -> None:
    [given] = read_config_list(json.dumps([{"model": f"{outside}:Studio", "tags": ["x"]}]))

    for each in (filter_config([given], {"tags": ["x"]})[0], given.copy(), with_fields(given, {"timeout": 5})):
        with pytest.raises(ConfigError, match=REFUSED):
            open_entry(entries([each])[0])


def test_the_client_holds_its_list_to_it(here: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAI_CONFIG_LIST", json.dumps([{"model": f"{outside}:Studio"}]))

    with pytest.raises(Exception, match=REFUSED):
        Client(config_list="OAI_CONFIG_LIST", timeout=5).create(messages=[{"role": "user", "content": "hi"}])

    assert not outside.with_suffix(".ran").exists()


def test_a_list_in_the_settings_file_was_read_too(write: Write, outside: Path) -> None:
    write("modelport.toml", f"[[config_list]]\nmodel = '{outside}:Studio'\n")

    [verdict] = explain(read_config_list(read_settings().config_list))

    assert REFUSED in verdict.problems[0]


# --- allowed ---


def test_files_and_modules_of_the_working_directory_are_loaded(write: Write) -> None:
    write("deep/mine.py", STUDIO)
    write("roots_pack.py", STUDIO)

    assert opened({"model": "deep/mine.py:Studio"}).name == "studio"
    assert opened({"model": "roots_pack:Studio"}).name == "studio"


def test_names_are_loaded_wherever_they_lead(write: Write) -> None:
    write("models/mine.py", STUDIO)

    assert opened({"model": "studio"}).name == "studio"
    assert opened({"model": "eliza"}).name == "eliza"


def test_a_file_beside_the_list_is_loaded(here: Path, outside: Path) -> None:
    outside.with_name("list.json").write_text(json.dumps([{"model": f"{outside}:Studio"}]))

    [entry] = entries(config_list_from_json(str(outside.with_name("list.json"))))

    assert open_entry(entry).name == "studio"


def test_a_folder_may_be_added(write: Write, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("modelport.toml", f"code_roots = ['{outside.parent}']")
    assert opened({"model": f"{outside}:Studio"}).name == "studio"

    write("modelport.toml", "")
    monkeypatch.setenv("MODELPORT_CODE_ROOTS", str(outside.parent))
    assert opened({"model": f"{outside}:Studio"}).name == "studio"


def test_a_list_in_code_may_name_any_code(here: Path, outside: Path) -> None:
    assert open_entry(entries([{"model": f"{outside}:Studio"}])[0]).name == "studio"
    assert load(f"{outside}:Studio").name == "studio"
