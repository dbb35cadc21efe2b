"""What every program of checks has: the server's address, its key, the one model, and a file of results.

A plugin of pytest, loaded in a venv that has no modelport: knows nothing of it but its address. Whoever reaches beyond
this machine fails the check that did.
"""

import ipaddress
import json
import os
import sys
from pathlib import Path

import pytest

MODEL = "obliging"
KEY = os.environ.get("CLIENTS_KEY", "")
URL = os.environ.get("CLIENTS_URL", "")
OPENAI = f"{URL}/v1"

# A picture of one pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

# What cannot be asked of a newer Python, by the check's name.
NOT_ON = {"test_structured_output_pydantic_2_v1": ((3, 14), "pydantic's v1 does not run there")}

_refused = []


def _watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in {None, "", "localhost"}:
        return
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    _refused.append(host)
    raise OSError(f"these checks stay on this machine, and may not reach {host!r}")


sys.addaudithook(_watch)


def pytest_addoption(parser):
    parser.addoption("--report", help="the file of results, one JSON line for each check")


def pytest_collection_modifyitems(items):
    for item in items:
        python, why = NOT_ON.get(item.originalname, ((9,), ""))
        if sys.version_info >= python:
            item.add_marker(pytest.mark.skip(reason=f"on this Python: {why}"))


@pytest.fixture(autouse=True)
def _stays_here():
    _refused.clear()
    yield
    assert not _refused, f"tried to reach {sorted(set(_refused))}"


class _Report:
    def __init__(self, path):
        self.path = path
        self.outcomes = {}

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.partition("::")[2]
        found = self.outcomes.get(name)
        said = ""
        if report.outcome == "skipped":
            xfail = getattr(report, "wasxfail", None)
            outcome = "skipped" if xfail is None else "xfailed"
            said = report.longrepr[2].removeprefix("Skipped: ") if xfail is None else xfail.removeprefix("reason: ")
        elif report.outcome == "failed":
            outcome, said = "failed", str(report.longrepr)
        elif report.when != "call":
            return
        else:
            outcome = "passed"
        if found is None or outcome == "failed":
            self.outcomes[name] = {"check": name, "outcome": outcome, "said": said}

    def pytest_sessionfinish(self):
        lines = [json.dumps(outcome) for outcome in self.outcomes.values()]
        Path(self.path).write_text("\n".join(lines), encoding="utf-8")


def pytest_configure(config):
    path = config.getoption("--report")
    if path:
        config.pluginmanager.register(_Report(path), "checks-report")
