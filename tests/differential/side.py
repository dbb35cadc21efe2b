"""One side of the comparison: runs every program in this interpreter and writes down what came of each.

Run as a script, by AutoGen's interpreter and by ours: `side.py PROGRAMS SCRATCH RESULTS.json [--mirror] [NAME ...]`.
Knows nothing of the other side. With --mirror, `autogen` is `modelport.autogen`.
"""

import asyncio
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import io
import json
import logging
import os
import random
import re
import runpy
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

HERE = Path(__file__).parent
LIMIT = 20.0  # seconds that one program may take


class Mirror(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import autogen.x` gives modelport.autogen.x, the very same module."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname == "autogen" or fullname.startswith("autogen."):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        try:
            module = importlib.import_module(f"modelport.{spec.name}")
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(str(error).replace("modelport.", ""), name=spec.name) from error
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        for spec in self._specs.values():
            if spec is not None and spec.name == module.__name__:
                module.__spec__ = spec  # the import system has put ours in its place


# --- what must differ, made the same ---


def public_texts(autogen: Any) -> list[tuple[re.Pattern[str], str]]:
    """The library's long default texts, each with the name to put in its place: their words are no behaviour."""
    group = autogen.GroupChat
    sample = group(agents=[autogen.ConversableAgent("a"), autogen.ConversableAgent("b")], messages=[])
    texts = {
        "AssistantAgent.DEFAULT_SYSTEM_MESSAGE": autogen.AssistantAgent.DEFAULT_SYSTEM_MESSAGE,
        "AssistantAgent.DEFAULT_DESCRIPTION": autogen.AssistantAgent.DEFAULT_DESCRIPTION,
        "ConversableAgent.DEFAULT_SUMMARY_PROMPT": autogen.ConversableAgent.DEFAULT_SUMMARY_PROMPT,
        "GroupChat.DEFAULT_INTRO_MSG": group.DEFAULT_INTRO_MSG,
    }
    for mode, text in autogen.UserProxyAgent.DEFAULT_USER_PROXY_AGENT_DESCRIPTIONS.items():
        texts[f"UserProxyAgent description {mode}"] = text
    for name in vars(sample):
        if name.startswith("select_speaker_") and isinstance(getattr(sample, name), str):
            texts[f"GroupChat.{name}"] = getattr(sample, name)
    patterns = []
    for name, text in sorted(texts.items(), key=lambda pair: -len(pair[1])):
        parts = re.split(r"\{(roles|agentlist)\}", text)
        pattern = "".join(re.escape(part) if i % 2 == 0 else "(.*?)" for i, part in enumerate(parts))
        shown = "".join(f" {part}=\\{i // 2 + 1}" for i, part in enumerate(parts) if i % 2)
        patterns.append((re.compile(pattern, re.DOTALL), f"«{name}{shown}»"))
    return patterns


ALWAYS = (
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0xADDRESS"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?"), "TIMESTAMP"),
    (re.compile(r"\x1b\[[0-9;]*m"), ""),  # colours: on or off by what the terminal is
)


def normalised(value: Any, patterns: Sequence[tuple[re.Pattern[str], str]]) -> Any:
    if isinstance(value, str):
        for pattern, name in patterns:
            value = pattern.sub(name, value)
        return value
    if isinstance(value, dict):
        return {normalised(key, patterns): normalised(each, patterns) for key, each in value.items()}
    return [normalised(each, patterns) for each in value] if isinstance(value, list) else value


# --- running ---


class TimeUp(BaseException):
    """A program took too long. Not an Exception: nothing on the way may catch it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeUp(f"took more than {seconds} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_program(path: Path, folder: Path, support: Any) -> dict[str, Any]:
    """What the program printed, reported and warned of, and how it ended."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    support.FINDINGS.clear()
    random.seed(0)
    said, crash, started = io.StringIO(), None, time.perf_counter()
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(said):
        warnings.simplefilter("always")
        try:
            with time_limit(LIMIT):
                runpy.run_path(str(path), run_name="__main__")
        except (Exception, TimeUp, SystemExit) as error:
            crash = {**support.failed(error), "traceback": "".join(traceback.format_exception(error))}
    asyncio.set_event_loop_policy(None)
    return {
        "stdout": said.getvalue(),
        "reported": json.loads(json.dumps(support.FINDINGS)),
        "warnings": sorted({str(each.message) for each in warned if each.category is UserWarning}),
        "crash": crash,
        "seconds": round(time.perf_counter() - started, 3),
    }


def _fresh(autogen: Any) -> Callable[[], None]:
    """Puts the library's own global state back to what it was at the start."""
    stream = autogen.io.IOStream.get_global_default()

    def reset() -> None:
        autogen.io.IOStream.set_global_default(stream)
        with contextlib.suppress(Exception):
            autogen.runtime_logging.stop()

    return reset


def main(arguments: list[str]) -> None:
    programs, scratch, results = (Path(each).resolve() for each in arguments[:3])
    names = [each for each in arguments[3:] if not each.startswith("--")]
    if "--mirror" in arguments:
        sys.meta_path.insert(0, Mirror())
    sys.path.insert(0, str(HERE))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        autogen = importlib.import_module("autogen")  # its loggers write to what stdout is now, and are not compared
        for each in ("io", "runtime_logging"):
            importlib.import_module(f"autogen.{each}")
    logging.getLogger().addHandler(logging.NullHandler())
    support = importlib.import_module("support")
    patterns = [*public_texts(autogen), *ALWAYS]
    reset = _fresh(autogen)
    found = {}
    for path in sorted(programs.glob("[0-9]*.py")):
        if names and not any(path.stem.startswith(name) for name in names):
            continue
        folder = scratch / path.stem
        result = run_program(path, folder, support)
        reset()
        places = [(re.compile(re.escape(str(folder))), "FOLDER"), (re.compile(re.escape(str(programs))), "PROGRAMS")]
        found[path.stem] = normalised(result, [*patterns, *places])
        found[path.stem]["stdout"] = found[path.stem]["stdout"].splitlines()
    results.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # threads that a library left behind must not keep the process
