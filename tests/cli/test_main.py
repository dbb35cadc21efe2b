"""The door of the command line: finding commands, failing in one line, and being quick about it."""

import argparse
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelport import __version__, cli
from modelport.errors import ModelError, ModelNotFound
from tests.cli.conftest import Run

COMMANDS = sorted(path.stem for path in Path(cli.__file__).parent.glob("*.py") if not path.stem.startswith("_"))


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A command ``fail`` that raises what the test puts into ``error``."""
    command = SimpleNamespace(HELP="fails", configure=lambda parser: None, error=None)

    def run(_args: argparse.Namespace) -> int:
        raise command.error

    command.run = run
    monkeypatch.setattr(cli, "_load", lambda _name: command)
    return command


# --- help ---


def test_help_lists_every_command_file_with_its_own_help_line(modelport: Run) -> None:
    done = modelport("--help")

    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert f"{name}" in done.stdout
        assert import_module(f"modelport.cli.{name}").HELP in done.stdout


def test_help_says_what_the_exit_statuses_mean(modelport: Run) -> None:
    printed = modelport("--help").stdout

    assert [
        line.split()[0] for line in printed.splitlines() if line.startswith("  ") and line.split()[0].isdigit()
    ] == [
        "0",
        "1",
        "2",
        "130",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, modelport: Run) -> None:
    done = modelport(name, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: modelport {name}")
    assert f"modelport {name} " in done.stdout.split("example")[-1]


def test_help_runs_no_command_file() -> None:
    script = (
        "import sys; from modelport.cli import main; main(['--help']);"
        "print([name for name in sys.modules if name.startswith('modelport.cli.')], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stderr.strip() == "[]"


def test_help_loads_nothing_that_a_command_needs() -> None:
    code = "import sys; from modelport.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)

    loaded = set(done.stderr.split())
    assert "modelport.cli" in loaded
    assert not {"asyncio", "msgspec", "importlib.metadata", "inspect", "modelport.client"} & loaded


def test_no_command_at_all_prints_the_help_to_stderr_and_is_a_usage_error(modelport: Run) -> None:
    done = modelport()

    assert (done.returncode, done.stdout) == (2, "")
    assert "COMMAND" in done.stderr


def test_the_version_is_that_of_the_package(modelport: Run) -> None:
    assert modelport("--version").stdout.strip() == f"modelport {__version__}"


def test_an_unknown_command_is_a_usage_error_that_names_the_nearest(modelport: Run) -> None:
    done = modelport("chatt", "--anything")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("modelport: error: no command 'chatt'; did you mean 'chat'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["../errors", "_terminal", "__init__", "chat.py", "", "chat\0"])
def test_a_command_is_never_a_path_or_a_private_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name]) == 2
    assert "no command" in capsys.readouterr().err


def test_a_wrong_option_is_a_usage_error(modelport: Run) -> None:
    done = modelport("chat", "--no-such-option")

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


# --- failing ---


def test_one_of_our_errors_is_one_line_on_stderr(failing: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    failing.error = ModelNotFound("no model named 'x'\n  (there are:\n a, b)")

    assert cli.main(["fail"]) == 1
    assert capsys.readouterr() == ("", "modelport: error: no model named 'x' (there are: a, b)\n")


def test_an_unforeseen_error_is_one_line_too_and_says_how_to_see_more(
    failing: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = KeyError("x")

    assert cli.main(["fail"]) == 1
    assert capsys.readouterr().err == "modelport: error: unexpected KeyError: 'x' (--debug shows where)\n"


def test_what_a_models_own_code_raised_says_how_to_see_where(
    failing: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = ModelError("mine() raised KeyError: 'x'")
    failing.error.__cause__ = KeyError("x")

    assert cli.main(["fail"]) == 1
    assert capsys.readouterr().err == "modelport: error: mine() raised KeyError: 'x' (--debug shows where)\n"


@pytest.mark.parametrize("arguments", [["--debug", "fail"], ["fail", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(
    arguments: list[str], failing: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = ModelNotFound("gone")

    assert cli.main(arguments) == 1
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.endswith("modelport: error: gone\n")


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), 130), (SystemExit(3), 3), (SystemExit(), 0), (SystemExit("no"), 1), (BrokenPipeError(), 1)],
)
def test_ways_to_stop_have_their_exit_statuses(
    error: BaseException, status: int, failing: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.error = error
    monkeypatch.setattr(cli, "_drop_output", lambda: None)

    assert cli.main(["fail"]) == status


def test_a_reader_that_goes_away_is_no_failure_worth_a_word(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-m", "modelport", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert writer.stdout is not None
    writer.stdout.close()

    assert writer.stderr is not None
    with writer.stderr:
        assert writer.stderr.read() == b""
    writer.wait(timeout=60)


def test_a_terminal_that_cannot_show_a_character_gets_a_question_mark(tmp_path: Path) -> None:
    (tmp_path / "replies.txt").write_text("naïve ☃\n", encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "modelport", "chat", "scripted:replies.txt", "-m", "x"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
        cwd=tmp_path,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )

    assert done.stdout.decode("latin-1").strip() == "naïve ?"


# --- commands of other packages ---


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs a package with this command module's text."""

    def install(text: str) -> None:
        (tmp_path / "greeting_command.py").write_text(text, encoding="utf-8")
        info = tmp_path / "greeting-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text("[modelport.cli]\ngreet = greeting_command\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "greeting_command", raising=False)

    return install


def test_an_installed_package_can_bring_a_command(installed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    installed(
        "HELP = 'greets'\n"
        "def configure(parser): parser.add_argument('whom')\n"
        "def run(args): print('hello', args.whom); return 7\n"
    )

    assert cli.main(["greet", "Ada"]) == 7
    assert capsys.readouterr().out == "hello Ada\n"
    assert cli.main(["--help"]) == 0
    assert "greet" in capsys.readouterr().out


def test_an_installed_command_that_lacks_something_is_told_what(
    installed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    installed("HELP = 'greets'\n")

    assert cli.main(["greet"]) == 1
    assert capsys.readouterr().err == ("modelport: error: greeting_command is not a command: it lacks configure, run\n")
