"""schemathesis asks a real server whatever its description allows, and what it does not, and holds it to its word.

Which checks are not on everywhere, and why, is in schemathesis.toml. The cases are the same each time.
"""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.server.processes import Served, serving

HERE = Path(__file__).parent
OPTIONS = ("--isolation", "inline", "--store-responses", "answers.db", "--allow-agentstudio-pickle")
RUN = "import schemathesis.cli; schemathesis.cli.schemathesis()"


@pytest.mark.slow
@pytest.mark.timeout(300)  # half a minute where nothing else runs
def test_the_server_keeps_to_its_own_description(tmp_path: Path) -> None:
    options = ["--config-file", f"{HERE}/schemathesis.toml", "run", "--no-color"]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.server.schemathesis_hooks", "PYTHONPATH": str(HERE.parents[1])}

    with serving(tmp_path, [f"{HERE}/dutiful.py:Dutiful"], *OPTIONS, MODELPORT_API_KEYS="tester:sesame") as served:
        place = [f"{served.url}/openapi.json", "--header", "Authorization: Bearer sesame"]
        command = [sys.executable, "-c", RUN, *options, *place]
        done = subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True, timeout=280, check=False)
        counted = metrics(served)

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert sum(float(line.split()[-1]) for line in counted if 'status="200"' in line) > 500


def metrics(served: Served) -> list[str]:
    request = urllib.request.Request(f"{served.url}/metrics", headers={"authorization": "Bearer sesame"})
    with urllib.request.urlopen(request) as answer:
        text: str = answer.read().decode()
    return [line for line in text.splitlines() if line.startswith("modelport_requests_total{")]
