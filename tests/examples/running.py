"""Running examples as their readers do: as processes. Knows no example."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ("EXAMPLES", "run_program", "served")

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_program(*arguments: str, typed: str = "", timeout: float = 15) -> str:
    """What examples/*arguments[0]* prints, *typed* at it; a warning is an error, and an error fails the test."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / arguments[0]), *arguments[1:]],
        input=typed,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def served(*specs: str) -> Iterator[str]:
    """`modelport serve` in a process of its own; gives its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "modelport", "serve", *specs, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        yield found[0]
    finally:
        process.kill()
        process.communicate()
