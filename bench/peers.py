"""The venv of the peers: made with venv and pip, exact versions, once. Knows not what is measured with them."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ("Peers", "install")

HERE = Path(__file__).parent
CONSTRAINTS = HERE / "constraints.txt"
VENV = HERE / ".venv"
WANTED = ("autogen-agentchat", "openai", "requests", "numpy", "fastapi", "litserve", "uvicorn", "uvloop", "httptools")


@dataclass(frozen=True)
class Peers:
    """Where the peers' Python is, or why there is none."""

    python: Path | None
    why: str = ""

    @property
    def missing(self) -> str:
        """What a line says whose peer could not be measured."""
        return f"peer not installed: {self.why}"


def versions() -> dict[str, str]:
    """The exact versions in constraints.txt."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {name: version for name, _, version in pairs}


def stamp() -> str:
    """Changes whenever the venv has to be made anew."""
    return hashlib.sha256(CONSTRAINTS.read_bytes() + sys.version.encode() + repr(WANTED).encode()).hexdigest()


def install(venv: Path = VENV) -> Peers:
    """The peers, installed if they are not yet. What keeps them from it is said, and printed, never raised."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = venv / ".stamp"
    if python.exists() and mark.exists() and mark.read_text(encoding="utf-8") == stamp():
        return Peers(python)
    pinned = versions()
    print(f"installing the peers into {venv}: {', '.join(f'{name} {pinned[name]}' for name in WANTED)}", flush=True)
    why = _make(venv, python)
    if why:
        print(f"the peers could not be installed, and what is measured beside them is left out: {why}", file=sys.stderr)
        return Peers(None, why)
    mark.write_text(stamp(), encoding="utf-8")
    return Peers(python)


def _make(venv: Path, python: Path) -> str:
    """Makes the venv; gives what went wrong, or nothing."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        [*pip, "--constraint", str(CONSTRAINTS), *WANTED],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            return f"{command[0]}: {error}"
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            errors = [line for line in said if line.lower().startswith("error")] or said[-1:] or ["no reason given"]
            return " / ".join(errors[:3])
    return ""
