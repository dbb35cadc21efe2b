"""``modelport check``: what it prints, and with which exit status it ends."""

import json
from pathlib import Path

import pytest

from modelport.cli import main
from tests.cli.conftest import Run

GOOD = "def reply(messages, **params):\n    return 'blue'\n"
BROKEN = (
    "class Studio:\n"
    "    name = 'studio'\n"
    "    def compose_messages(self, intermedia_msg): return intermedia_msg\n"
    "    def generate_response(self, messages, **kwargs): return 'text alone'\n"
)


def test_a_model_that_keeps_its_contract_passes(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")

    done = modelport("check", "good.py:reply")

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["held", "is", "a", "model", "recognised", "as", "a", "function"]
    assert " 0 broken" in lines[-1]
    assert not any(line.startswith("BROKEN") for line in lines)


def test_a_model_that_breaks_its_contract_fails_and_is_told_the_mend(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BROKEN, encoding="utf-8")

    done = modelport("check", "bad.py:Studio")

    assert done.returncode == 1
    assert "BROKEN  answers a simple message" in done.stdout
    assert "mend: return text, {} instead of the text alone" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_json_has_every_finding(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BROKEN, encoding="utf-8")

    done = modelport("check", "bad.py:Studio", "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["model"], report["contract"], report["held"]) == ("studio", "agentstudio", False)
    assert {"promise", "held", "what", "mend"} == set(report["findings"][0])
    assert any(finding["held"] is False and finding["mend"] for finding in report["findings"])


def test_a_model_that_is_not_there_is_said_so(modelport: Run) -> None:
    done = modelport("check", "elisa")

    assert done.returncode == 1
    assert "did you mean 'eliza'" in done.stdout


def test_a_model_that_hangs_is_given_up_on(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import threading\ndef slow(messages, **params):\n    threading.Event().wait()\n", encoding="utf-8"
    )

    done = modelport("check", "slow.py:slow", "--timeout", "0.1")

    assert done.returncode == 1
    assert "0.1 s" in done.stdout


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "eliza", "--timeout", seconds]) == 1
    assert "--timeout must be seconds above 0" in capsys.readouterr().err


def test_what_a_model_says_of_itself_cannot_drive_the_terminal(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(
        "def evil(messages, **params):\n    raise ValueError('\\x1b[2J\\x1b]0;x\\x07gone\\nwrong')\n", encoding="utf-8"
    )

    done = modelport("check", "evil.py:evil")

    assert "\x1b" not in done.stdout
    assert "gone wrong" in done.stdout
