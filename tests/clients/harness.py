"""Clients that nobody here wrote, run: their venvs, one server, and a program of checks for each.

A program is run by its venv's own Python, which has no modelport, and writes down what came of each check. Knows not
what the programs check.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.clients.clients import CLIENTS, GROUPS, PROGRAMS, Client, pins, requirements
from tests.server.processes import serving

__all__ = ("INSTALL_SECONDS", "RUN_SECONDS", "CannotInstall", "Check", "Ran", "install", "required", "run_all")

ROOT = Path(__file__).parents[2]
VENVS = ROOT / ".venv-clients"
MODELS = Path(__file__).parent / "models.py"
SERVED = {"obliging": "Obliging", "other": "Obliging", "textual": "textual"}  # by the name that clients ask for
KEY = "sk-clients"
INSTALL_SECONDS = 300
RUN_SECONDS = 300

# What a package may need of the machine; no key, no proxy, no setting of the developer's own.
KEPT = ("LANG", "PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
NOWHERE = "http://127.0.0.1:9"  # the proxy of whoever wants to leave the machine
SILENT = {
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it is fetched when LiteLLM is imported
    "LITELLM_TELEMETRY": "False",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}


class CannotInstall(Exception):
    """A venv of clients could not be made; the text says why."""


class Check(NamedTuple):
    """What came of one check: ``passed``, ``failed``, ``skipped`` or ``xfailed``, and why or how."""

    outcome: str
    said: str = ""


class Ran(NamedTuple):
    """What came of a client's program: its checks, by name, in their order; or how it ended without any."""

    version: str
    checks: dict[str, Check]
    crash: str = ""


def required() -> bool:
    """Whether a venv that cannot be made is a failure: in CI, or where MODELPORT_REQUIRE_CLIENTS asks for it."""
    return any(
        os.environ.get(name, "").lower() not in {"", "0", "false"} for name in ("CI", "MODELPORT_REQUIRE_CLIENTS")
    )


def install(group: str, venvs: Path = VENVS) -> Path:
    """A venv's interpreter, the venv made if it is not there yet or was made for other versions.

    Raises:
        CannotInstall: venv or pip failed.
    """
    venv = venvs / group
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = hashlib.sha256(requirements(group).read_bytes() + sys.version.encode()).hexdigest()
    mark = venv / ".stamp"
    if python.exists() and mark.exists() and mark.read_text(encoding="utf-8") == stamp:
        return python
    # Our own pip fills it; what is never imported is not compiled either.
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet", "install"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)],
        [*pip, "--no-compile", "--requirement", str(requirements(group))],
    ):
        _must_succeed(command)
    mark.write_text(stamp, encoding="utf-8")
    return python


def _must_succeed(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(f"{command[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        errors = [line for line in said if line.lower().startswith("error")] or said[-1:] or ["no reason given"]
        raise CannotInstall(" / ".join(errors[:3]))


def run_all(clients: Iterable[Client] = CLIENTS) -> dict[str, Ran]:
    """What came of every client's program, by its package; the venvs are made first, where they are not there.

    Raises:
        CannotInstall: a venv could not be made.
    """
    clients = list(clients)
    with ThreadPoolExecutor(len(GROUPS)) as pool:
        groups = [group for group in GROUPS if any(client.group == group for client in clients)]
        pythons = dict(zip(groups, pool.map(install, groups), strict=True))
    with tempfile.TemporaryDirectory(prefix="clients-") as scratch:
        folder = Path(scratch)
        served = serving(
            folder,
            [f"{MODELS}:{model}" for model in SERVED.values()],
            *(option for name in SERVED for option in ("--name", name)),
            *("--store-responses", str(folder / "answers.db")),
            MODELPORT_API_KEYS=KEY,
        )
        with served as server, ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
            ran = pool.map(lambda client: _run(client, pythons[client.group], server.url, folder), clients)
            return dict(zip([client.package for client in clients], ran, strict=True))


def _run(client: Client, python: Path, url: str, folder: Path) -> Ran:
    """What came of one client's program."""
    report, home = folder / f"{client.package}.jsonl", folder / f"home-{client.package}"
    home.mkdir()
    version = pins(client.group)[client.package]
    try:
        done = subprocess.run(
            [
                *(str(python), "-m", "pytest", "--quiet", "--tb=short", "-c", str(PROGRAMS / "pytest.ini")),
                *("--rootdir", str(PROGRAMS), "--report", str(report), str(client.program)),
            ],
            cwd=home,
            env=_environment(url, home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=RUN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return Ran(version, {}, f"its program took more than {RUN_SECONDS} s: {error.stdout!r}")
    if done.returncode > 1 or not report.exists():
        return Ran(version, {}, f"its program could not run:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    found = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return Ran(version, {each["check"]: Check(each["outcome"], each["said"]) for each in found})


def _environment(url: str, home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    proxies = dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), NOWHERE
    )
    here = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1")
    return {
        **kept,
        **proxies,
        **here,
        **SILENT,
        "CLIENTS_KEY": KEY,
        "CLIENTS_URL": url,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(PROGRAMS),
    }
