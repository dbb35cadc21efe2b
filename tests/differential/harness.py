"""Both sides, run: AutoGen 0.2.40 in a venv of its own, and modelport in this one. Knows not what the programs do."""

import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.differential.compare import Found, differences

__all__ = ("PROGRAMS", "CannotInstall", "Outcome", "install", "programs", "run_both", "titles")

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAMS = HERE / "programs"
REQUIREMENTS = HERE / "requirements.txt"
VENV = ROOT / ".venv-autogen"
INSTALL_SECONDS = 240
RUN_SECONDS = 120

Outcome = dict[str, dict[str, Any]]  # by program, as side.py writes it


class CannotInstall(Exception):
    """AutoGen 0.2.40 could not be installed; the text says why."""


def programs() -> list[str]:
    """The names of all programs, in order."""
    return sorted(path.stem for path in PROGRAMS.glob("[0-9]*.py"))


def titles() -> dict[str, str]:
    """What each program is about: the first line of its docstring."""
    return {
        name: (PROGRAMS / f"{name}.py").read_text(encoding="utf-8").split('"""')[1].splitlines()[0]
        for name in programs()
    }


def install(venv: Path = VENV) -> Path:
    """AutoGen's interpreter, its venv made if it is not there yet or was made for other versions.

    Raises:
        CannotInstall: venv or pip failed.
    """
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark, stamp = venv / ".stamp", hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if python.exists() and mark.exists() and mark.read_text(encoding="utf-8") == stamp:
        return python
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--requirement"]
    for command in ([sys.executable, "-m", "venv", "--clear", str(venv)], [*pip, str(REQUIREMENTS)]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotInstall(f"{command[0]}: {error}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            errors = [line for line in said if line.lower().startswith("error")] or said[-1:] or ["no reason given"]
            raise CannotInstall(" / ".join(errors[:3]))
    mark.write_text(stamp, encoding="utf-8")
    return python


def run_both(autogen_python: Path) -> tuple[Outcome, Outcome]:
    """Every program on AutoGen and on modelport, each side in one process."""
    with tempfile.TemporaryDirectory(prefix="differential-") as scratch:
        return _run(autogen_python, Path(scratch) / "a"), _run(Path(sys.executable), Path(scratch) / "b", "--mirror")


def _run(python: Path, scratch: Path, *options: str) -> Outcome:
    scratch.mkdir()
    results = scratch / "results.json"
    kept = ("HOME", "LANG", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "PATH": os.pathsep.join(
            [str(python.parent), os.environ.get("PATH", "")]
        ),  # the code that agents run: this Python
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [str(python), str(HERE / "side.py"), str(PROGRAMS), str(scratch / "work"), str(results), *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=RUN_SECONDS,
        check=False,
    )
    if not results.exists():
        raise RuntimeError(f"{python} could not run the programs:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    outcome: Outcome = json.loads(results.read_text(encoding="utf-8"))
    return outcome


@functools.cache
def both() -> tuple[Outcome, Outcome]:
    """run_both(), once in a process."""
    return run_both(install())


def found(autogen: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, list[Found]]:
    """The differences of every program, by its name; an empty list where there are none."""
    return {name: differences(autogen[name], ours[name]) for name in autogen}
