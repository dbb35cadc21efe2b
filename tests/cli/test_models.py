"""``modelport models``: what can be found by name, and what is broken."""

import json
from pathlib import Path

import pytest

from modelport.cli import main
from tests.cli.conftest import Run

GOOD = "class Mine:\n    name = 'mine'\n    def stream(self, request): ...\n"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models directory of the working directory, with one model."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "mine.py").write_text(GOOD)
    return folder


def test_models_are_listed_with_kind_and_place(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["mine", "native", "models/mine.py:Mine"] in lines
    assert ["eliza", "runtime", "modelport.runtimes.eliza"] in lines


def test_a_broken_file_is_told_with_its_error_and_the_others_are_listed(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "broken.py").write_text("\nimport torhc")

    assert main(["models"]) == 1

    text = capsys.readouterr().out
    assert "cannot be used: broken.py: models/broken.py failed to import: models/broken.py:2: ModuleNotFound" in text
    assert "models/mine.py:Mine" in text


def test_two_models_of_one_name_are_told(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (models / "other.py").write_text(GOOD)

    assert main(["models"]) == 1
    assert "2 models are named 'mine': models/mine.py:Mine and models/other.py:Mine" in capsys.readouterr().out


def test_the_json_says_the_same(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (models / "broken.py").write_text("import torhc")

    assert main(["models", "--json"]) == 1

    report = json.loads(capsys.readouterr().out)
    assert report["models_dir"] == "models"
    [mine] = [each for each in report["models"] if each["name"] == "mine"]
    assert mine == {"name": "mine", "kind": "native", "where": "models/mine.py:Mine"}
    assert [each["name"] for each in report["models"] if "error" in each] == ["broken.py"]


def test_another_directory_may_be_named(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models.rename(models.parent / "llm")

    assert main(["models", "--models-dir", "llm"]) == 0
    assert "llm/mine.py:Mine" in capsys.readouterr().out
    assert main(["models", "--models-dir", "gone"]) == 1
    assert "models_dir is 'gone' (given in code), and there is no such directory" in capsys.readouterr().err


def test_without_a_models_directory_it_says_how_to_make_one(modelport: Run) -> None:
    done = modelport("models")

    assert (done.returncode, done.stderr) == (0, "")
    assert "(there is no models directory: make ./models and put a model's file into it)" in done.stdout


def test_help_has_an_example(modelport: Run) -> None:
    assert "modelport models --models-dir agent_studio/llm --json" in modelport("models", "--help").stdout
