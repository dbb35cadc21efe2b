"""``modelport serve`` as a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ("Served", "serving")

MODELS = '''
import os
import threading
import time


def echo(messages, **params):
    """Says what it heard."""
    content = messages[-1]["content"]
    return content if isinstance(content, str) else "parts: " + ", ".join(part["type"] for part in content)


async def letters(messages, **params):
    for letter in messages[-1]["content"]:
        yield letter


def tooled(messages, tools=None, tool_choice=None, **params):
    """Calls every tool that it is given, once."""
    if not tools or messages[-1]["role"] == "tool":
        return "done: " + ", ".join(m["content"] for m in messages if m["role"] == "tool")
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": t["function"]["name"], "arguments": '{"x": %d}' % n}}
        for n, t in enumerate(tools)
    ]
    return {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": calls}}]}


def slow(messages, **params):
    """Begins, and goes on until a file is there."""
    yield "begun "
    while not os.path.exists(messages[-1]["content"]):
        time.sleep(0.01)
    yield "ended"


def broken(messages, **params):
    raise RuntimeError("the canary in the coal mine")
'''


class Served(NamedTuple):
    process: "subprocess.Popen[str]"
    url: str
    port: int
    models: list[str]


@contextlib.contextmanager
def serving(
    folder: Path, names: Sequence[str], *options: str, stderr: Any = subprocess.PIPE, **env: str
) -> Iterator[Served]:
    """The models of MODELS by these names, served on a free port; killed at the end if still there.

    Where much is logged, *stderr* is a file: nobody reads the pipe before the end.
    """
    (folder / "served.py").write_text(MODELS, encoding="utf-8")
    ready = folder / "ready.json"
    specs = [name if ":" in name else f"{folder}/served.py:{name}" for name in names]
    command = [sys.executable, "-m", "modelport", "serve", *specs, "--port", "0", "--ready-file", str(ready), *options]
    process = subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=stderr, env={**os.environ, **env}
    )
    try:
        told = _wait_for(ready, process)
        yield Served(process, told["url"], told["port"], told["models"])
    finally:
        process.kill()
        process.communicate()
        ready.unlink(missing_ok=True)


def _wait_for(ready: Path, process: "subprocess.Popen[str]") -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            return json.loads(ready.read_bytes())
        if process.poll() is not None:
            raise AssertionError(f"the server ended: {process.communicate()}")
        time.sleep(0.01)
    raise AssertionError("the server was not ready in time")
