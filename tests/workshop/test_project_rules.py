"""One version everywhere, one short public door, and an import that is nearly free."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import modelport

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

HEAVY = frozenset(
    {
        "PIL",
        "anthropic",
        "asyncio",
        "genai_prices",
        "http.client",
        "httpx",
        "httpx2",
        "numpy",
        "openai",
        "pydantic",
        "ray",
        "requests",
        "sqlite3",
        "ssl",
        "starlette",
        "torch",
        "transformers",
        "urllib.request",
        "uvicorn",
        "uvloop",
    }
)


# --- the version ---


def test_the_package_and_the_project_file_agree_on_the_version() -> None:
    assert modelport.__version__ == PYPROJECT["project"]["version"]


def test_the_changelog_tells_of_this_version() -> None:
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert modelport.__version__ in headings


# --- the workshop's own files ---


def test_every_installed_version_is_exact() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wrong = [line for line in lines if line and not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.]+", line)]

    assert wrong == []


def test_every_dependency_has_its_exact_version() -> None:
    pinned = {
        _plain(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {_plain(re.split(r"[\[<>=;! ]", one, maxsplit=1)[0]) for one in wanted} - {"modelport"}

    assert names - pinned == set(), "not in constraints.txt: run make constraints"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_types_are_marked_as_shipped() -> None:
    assert (Path(modelport.__path__[0]) / "py.typed").exists()


# --- the public door ---


def test_the_door_is_short_and_sorted() -> None:
    assert len(modelport.__all__) <= 30
    assert list(modelport.__all__) == sorted(modelport.__all__)


def test_dir_shows_the_door() -> None:
    assert set(modelport.__all__) <= set(dir(modelport))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        modelport.no_such_name  # noqa: B018 - looking it up is the test


# --- the import ---


def modules_after(code: str) -> set[str]:
    """The modules that running *code* loads in a fresh interpreter, above a bare one."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_importing_the_package_loads_next_to_nothing() -> None:
    loaded = modules_after("import modelport")

    assert loaded & HEAVY == set()
    assert len(loaded) <= 40, sorted(loaded)


def test_importing_the_values_and_both_drivers_stays_cheap() -> None:
    loaded = modules_after("import modelport.types, modelport.errors, modelport.model, modelport.sync")

    assert loaded & HEAVY == set()


def test_a_call_in_process_needs_no_event_loop_and_no_network() -> None:
    loaded = modules_after(
        "import modelport\n"
        "model = modelport.as_model(lambda messages, **params: 'hi')\n"
        "request = modelport.ChatRequest(messages=[modelport.Message(role='user', content='hello')])\n"
        "from modelport.sync import run\n"
        "assert run(modelport.generate(model, request), suspends=False).text == 'hi'"
    )

    assert loaded & HEAVY == set()


def test_importing_says_nothing_reads_nothing_and_sets_up_no_logging() -> None:
    script = (
        "import sys\n"
        "opened = []\n"
        "def watch(event, args):\n"
        "    if event.startswith('socket.') or event == 'subprocess.Popen':\n"
        "        opened.append(event)\n"
        "sys.addaudithook(watch)\n"
        "import modelport, modelport.types, modelport.model, modelport.sync\n"
        "import logging\n"
        "assert not logging.getLogger().handlers and not logging.getLogger('modelport').handlers\n"
        "assert not opened, opened\n"
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
