"""Finding an extension by its name."""

import sys
from pathlib import Path

import pytest

from modelport.errors import LoadError, ModelNotFound
from modelport.registry import Registry, did_you_mean, nearest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of three extensions, of which one does not import, and files that are none."""
    files = {
        "__init__.py": "",
        "good.py": "def load(argument, **options): return ('good', argument, options)",
        "value.py": "load = 'a value'",
        "broken.py": "import torhc\ndef load(): ...",
        "helpers.py": "def loader(): ...\nunload = 1\n    # load = 2",
        "_private.py": "def load(): ...",
        "notes.txt": "load = 1",
    }
    folder = tmp_path / "kinds_for_tests"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text.replace("\n    #", "\n#"))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [each for each in sys.modules if each.startswith("kinds_for_tests")]:
        monkeypatch.delitem(sys.modules, name)
    return "kinds_for_tests"


def test_every_file_with_the_attribute_is_listed_and_none_is_imported(package: str) -> None:
    assert Registry("runtimes", package, "load").names() == ["broken", "good", "value"]
    assert f"{package}.broken" not in sys.modules


def test_an_extension_is_its_files_attribute(package: str) -> None:
    assert Registry("runtimes", package, "load").load("good")("x", a=1) == ("good", "x", {"a": 1})
    assert Registry("runtimes", package, "load").load("value") == "a value"


def test_an_unknown_name_is_told_with_what_there_is(package: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        Registry("runtimes", package, "load").load("godo")

    assert caught.value.message == "no runtimes named 'godo'; did you mean 'good'? (there are: broken, good, value)"


def test_a_file_that_does_not_import_is_told(package: str) -> None:
    with pytest.raises(LoadError, match=r"runtimes 'broken' failed to import: .*'torhc' \(is 'torhc' installed\?\)"):
        Registry("runtimes", package, "load").load("broken")


def test_a_package_that_is_not_there_holds_nothing() -> None:
    assert Registry("toolcalls", "modelport.there_is_no_such_folder", "PARSER").names() == []


def test_names_may_be_asked_for(package: str) -> None:
    registry = Registry("runtimes", package, "load")

    assert "good" in registry
    assert "helpers" not in registry


@pytest.mark.parametrize("name", ["../good", "good.py", "", "a.b", "__init__", "_private", "good\0"])
def test_a_name_leads_nowhere_but_to_a_file_of_the_folder(package: str, name: str) -> None:
    with pytest.raises(ModelNotFound):
        Registry("runtimes", package, "load").load(name)


def test_what_is_near_is_found_whatever_its_case() -> None:
    assert nearest("STUDOI", ["studio", "other"]) == ["studio"]
    assert did_you_mean("x", ["studio"]) == ""
    assert did_you_mean("elzia", ["eliza"]) == "; did you mean 'eliza'?"
