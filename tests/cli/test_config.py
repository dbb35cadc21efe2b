"""``modelport config check`` and ``show``: every entry explained, no secret shown."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelport.cli import main
from tests.cli.conftest import Run

MINE = """
class Mine:
    name = "mine"
    def __init__(self, device="cpu"): open("made", "w").close()
    def compose_messages(self, intermedia_msg): return intermedia_msg
    def generate_response(self, messages, **kwargs): return "hi", {}
"""
ENTRIES: list[dict[str, Any]] = [
    {"model": "mine", "device": "cuda", "tags": ["fast"], "hf_token": "sk-canary-1"},
    {"model_client_cls": "Custom", "api_key": "sk-canary-2", "params": {"password": "canary-3"}},
    {"provider": "eliza", "api_key_env": "HOUSE_KEY", "tags": ["fast"]},
    {"model": "minne"},
    {"model": "x", "base-url": "http://canary:canary@host"},
    {"provider": "mine", "devise": "cuda"},
    {"provider": "mine", "device": "cuda", "tags": ["slow"]},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and a config list, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text(MINE)
    (tmp_path / "list.json").write_text(json.dumps(ENTRIES))
    return tmp_path


def test_every_entry_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "list.json"]) == 1

    blocks = capsys.readouterr().out.split("config_list[")[1:]
    starts = [block.partition("\n")[0].partition("] ")[2] or block.partition("\n")[0] for block in blocks]
    text = "\n".join(blocks)
    assert "Mine takes no option 'hf_token'" in text
    assert "needs client.register_model_client(Custom) before it is used" in text
    assert "its key is missing: set the environment variable HOUSE_KEY" in text
    assert "no model named 'minne'; did you mean 'mine'?" in text
    assert "base-url is no field; did you mean 'base_url'?" in text
    assert "takes no option 'devise'; did you mean 'device'?" in text
    assert "found: models/mine.py:Mine" in text
    assert starts[1] == "(Custom): usable, by model_client_cls"
    assert text.endswith("7 entries, 7 kept, 2 usable\n")
    assert not Path("made").exists()


def test_a_filter_says_what_it_keeps_and_why_it_drops_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", "list.json", "--filter", "tags=slow,other", "--filter", "device=cuda"]) == 0

    text = capsys.readouterr().out
    assert "config_list[0] (mine): dropped" in text
    assert "dropped by the filter: tags is ['fast'], accepted: slow, other" in text
    assert "dropped by the filter: tags is not set, accepted: slow, other" in text
    assert "config_list[6] (mine): usable, by provider" in text
    assert text.endswith("7 entries, 1 kept, 1 usable\n")


def test_a_filter_that_keeps_nothing_is_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "list.json", "--filter", "model=gpt-4"]) == 1
    assert capsys.readouterr().out.endswith("7 entries, and the filter keeps none\n")


def test_numbers_and_truth_are_filtered_as_what_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.dumps([{"model": "mine", "n": 2}, {"model": "mine", "stream": True}])

    assert main(["config", "check", listed, "--filter", "n=2"]) == 0
    assert main(["config", "check", listed, "--filter", "stream=true"]) == 0
    assert capsys.readouterr().out.count("1 kept, 1 usable") == 2


def test_models_are_made_when_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", '{"model": "mine"}', "--load"]) == 0
    assert "made: mine" in capsys.readouterr().out
    assert Path("made").exists()


def test_the_json_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "list.json", "--json"]) == 1

    report = json.loads(capsys.readouterr().out)
    assert report["usable"] is False
    assert [entry["usable"] for entry in report["entries"]] == [False, True, False, False, False, False, True]
    assert report["entries"][1]["fields"]["api_key"] == "***"
    assert report["entries"][1]["fields"]["params"] == {"password": "***"}


@pytest.mark.parametrize("form", [[], ["--json"], ["--load"], ["--filter", "api_key=x"], ["--filter", "hf_token=x"]])
def test_no_form_shows_a_secret(folder: Path, capsys: pytest.CaptureFixture[str], form: list[str]) -> None:
    main(["config", "check", "list.json", *form])

    printed = capsys.readouterr()
    assert "canary" not in printed.out + printed.err


def test_a_models_error_that_repeats_a_secret_is_shown_without_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "leaky.py").write_text(
        MINE.replace('device="cpu"', "api_key").replace(
            'open("made", "w").close()', "raise ValueError('bad ' + api_key)"
        )
    )

    main(["config", "check", '{"model": "leaky.py", "api_key": "sk-canary"}', "--load"])

    text = capsys.readouterr().out
    assert "ValueError: bad ***" in text
    assert "canary" not in text


def test_the_list_is_found_where_autogen_has_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAI_CONFIG_LIST", '[{"model": "eliza"}]')

    assert main(["config", "check"]) == 0
    assert "config_list[0] (eliza): usable, by a spec" in capsys.readouterr().out


def test_the_setting_names_the_list(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "modelport.toml").write_text("[[config_list]]\nmodel = 'eliza'\n")

    assert main(["config", "check"]) == 0


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["check", "gone.json"], 1, "no environment variable gone.json is set, and there is no file of that name"),
        (["check", "[{"], 1, "config_list is not JSON"),
        (["check", "list.json", "--filter", "tags"], 2, "--filter must be FIELD=VALUE, got 'tags'"),
        (["check", "list.json", "--models-dir", "gone"], 1, "models_dir is 'gone'"),
        (["mend"], 2, "invalid choice: 'mend'"),
        ([], 2, "required"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_on_stderr(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, told: str
) -> None:
    assert main(["config", *arguments]) == status

    printed = capsys.readouterr()
    assert told in printed.err + printed.out
    assert "Traceback" not in printed.err


def test_show_tells_each_setting_and_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "modelport.toml").write_text("timeout = 5\n")
    monkeypatch.setenv("MODELPORT_API_KEY", "sk-canary")

    assert main(["config", "show"]) == 0

    text = capsys.readouterr().out
    assert f"settings file: {folder / 'modelport.toml'}" in text
    assert f"timeout          5.0   [{folder / 'modelport.toml'}]" in text
    assert "api_key          ***   [MODELPORT_API_KEY]" in text
    assert "seed             (not set)" in text


def test_show_as_json(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPORT_SEED", "4")

    assert main(["config", "show", "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["seed"] == {"value": 4, "source": "MODELPORT_SEED"}
    assert shown["models_dir"] == {"value": "models", "source": "default"}


def test_help_has_an_example(modelport: Run) -> None:
    done: subprocess.CompletedProcess[str] = modelport("config", "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert "modelport config check configs.json --filter tags=fast,cheap" in done.stdout
