"""Runs the code blocks of README.md and docs/, so that a page cannot drift from the code.

In a page, top to bottom, in one empty folder of its own:

- ``python`` is executed; names live on until the page ends; ``await`` works at the top level.
- ``python`` whose first line is ``# file: NAME`` is written to that file instead.
- ``toml`` whose first line is ``# file: NAME`` is written to that file; without such a line it is for reading.
- ``output`` is what the block above it printed (``...`` stands for anything).
- ``console`` runs each ``$ command``; text below a command is what it prints, and without text it must succeed. A
  command that ends in ``&`` stays in the background until the page ends; the page goes on once its text is printed.
- any other language (``sh``, ``text``, ``json``, ...) is for reading; ``<!-- skip: next -->`` passes over one block.

A page's servers listen on ports 8000 to 8009: as ``--port 8000`` and ``:8000`` these stand for ports that are free when
the page is run, the same ones all through it.
"""

import ast
import asyncio
import contextlib
import doctest
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from inspect import CO_COROUTINE
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

__all__ = ("pages",)

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0  # seconds for a background command to print what the page says
_FILE = "# file: "
_PORT = re.compile(r"(--port |:)(800\d)\b")
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def pages() -> Sybil:
    """What collects the pages; hand its ``pytest()`` to ``pytest_collect_file``."""
    return Sybil(
        path=str(ROOT),
        parsers=[
            CodeBlockParser("python", _run_python),
            CodeBlockParser("toml", _write_toml),
            CodeBlockParser("output", _compare_output),
            CodeBlockParser("console", _run_console),
            SkipParser(),
        ],
        patterns=["README.md", "docs/*.md", "docs/**/*.md"],
        setup=_open_page,
        teardown=_close_page,
        fixtures=["clean_environment", "no_network"],
    )


class _Page:
    """The folder, the output and the background processes of one page."""

    def __init__(self) -> None:
        self.came_from = Path.cwd()
        self.folder = Path(tempfile.mkdtemp(prefix="page-"))
        self.printed = ""
        self.running: list[subprocess.Popen[str]] = []
        self.modules = set(sys.modules)
        self.ports: dict[str, str] = {}
        os.chdir(self.folder)
        sys.path.insert(0, str(self.folder))

    def text(self, parsed: object) -> str:
        """A block's text, with ports that are free here in place of those that it names."""
        return _PORT.sub(lambda found: found[1] + self._port(found[2]), str(parsed))

    def _port(self, number: str) -> str:
        if number not in self.ports:
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                self.ports[number] = str(taken.getsockname()[1])
        return self.ports[number]

    def close(self) -> None:
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        sys.path.remove(str(self.folder))
        for name in set(sys.modules) - self.modules:
            if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(self.folder)):
                del sys.modules[name]
        os.chdir(self.came_from)
        shutil.rmtree(self.folder, ignore_errors=True)


def _open_page(namespace: dict[str, Any]) -> None:
    namespace["__name__"] = "__page__"
    namespace["__page__"] = _Page()


def _close_page(namespace: dict[str, Any]) -> None:
    namespace["__page__"].close()


# --- python ---


def _run_python(example: Example) -> None:
    page: _Page = example.namespace["__page__"]
    source = textwrap.dedent(page.text(example.parsed))
    if _is_file(page, source):
        return
    # Blank lines above make the line numbers of a traceback those of the page.
    padded = "\n" * (example.line + example.parsed.line_offset) + source
    code = compile(padded, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if code.co_flags & CO_COROUTINE:
            asyncio.run(eval(code, example.namespace))
        else:
            exec(code, example.namespace)
    page.printed = printed.getvalue()


def _write_toml(example: Example) -> None:
    page: _Page = example.namespace["__page__"]
    _is_file(page, textwrap.dedent(page.text(example.parsed)))


def _is_file(page: _Page, source: str) -> bool:
    """Writes *source* to the file that its first line names, if it names one."""
    first, _, rest = source.partition("\n")
    if not first.startswith(_FILE):
        return False
    target = page.folder / first.removeprefix(_FILE).strip()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(rest, encoding="utf-8")
    return True


def _compare_output(example: Example) -> None:
    page: _Page = example.namespace["__page__"]
    _must_match(page.text(example.parsed), page.printed, "the block above")


# --- console ---


def _run_console(example: Example) -> None:
    page: _Page = example.namespace["__page__"]
    for command, expected in _commands(page.text(example.parsed)):
        if command.endswith("&"):
            _start(page, command.removesuffix("&"), expected)
        else:
            _run(page, command, expected)


def _commands(text: str) -> list[tuple[str, str]]:
    """Each command of a block with the text expected below it; a trailing backslash continues a command."""
    found: list[tuple[str, str]] = []
    continued = False
    for line in textwrap.dedent(text).splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), ""))
        elif continued:
            found[-1] = (found[-1][0] + "\n" + line.removeprefix("> "), "")
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
        continued = line.endswith("\\") and not (found and found[-1][1])
    return found


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}


def _run(page: _Page, command: str, expected: str) -> None:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=page.folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    page.printed = done.stdout
    if expected.strip():
        _must_match(expected, done.stdout, command)
    elif done.returncode:
        raise AssertionError(f"$ {command}\nfailed with status {done.returncode}:\n{done.stdout}")


def _start(page: _Page, command: str, expected: str) -> None:
    log = page.folder / f".background-{len(page.running)}"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=page.folder,
            env={**_environment(), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    page.running.append(process)
    give_up = time.monotonic() + PATIENCE
    while not _begins(expected, log.read_text(encoding="utf-8")):
        if process.poll() is not None or time.monotonic() > give_up:
            _must_match(expected, log.read_text(encoding="utf-8"), command)
        time.sleep(0.02)


# --- comparing ---


def _matches(expected: str, printed: str) -> bool:
    return doctest.OutputChecker().check_output(expected.strip() + "\n", printed.strip() + "\n", _FLAGS)


def _begins(expected: str, printed: str) -> bool:
    return _matches(expected, printed) or _matches(expected.rstrip() + "\n...", printed)


def _must_match(expected: str, printed: str, what: str) -> None:
    if not _matches(expected, printed):
        raise AssertionError(f"{what}\nshould print:\n{expected}\nbut printed:\n{printed}")
