"""The rules of the house that no tool checks for us, each over every file of src/modelport."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workshop.rules import (
    Finding,
    dangerous_code,
    hidden_imports,
    long_file,
    long_functions,
    unfinished_marks,
)

SOURCE = Path(__file__).parents[2] / "src" / "modelport"
FILES = sorted(SOURCE.rglob("*.py"))

# Modules that may import modelport's own modules inside a function, each with its reason.
LATE_IMPORTS = {
    "__init__.py": "the public names are loaded when first used, so that import modelport is nearly free",
    "cli/__init__.py": "a command's file is loaded when that command runs, so that --help is quick",
}

# Functions that may be longer than forty lines, each with its reason.
LONG_FUNCTIONS: dict[str, str] = {}


def _relative(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _explain(findings: Iterator[Finding] | list[Finding], path: Path) -> str:
    return "\n".join(f"{_relative(path)}:{finding.line}: {finding.text}" for finding in findings)


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 5


@pytest.mark.parametrize("path", FILES, ids=_relative)
def test_every_file_stops_at_five_hundred_lines(path: Path) -> None:
    assert _explain(long_file(path.read_text(encoding="utf-8")), path) == ""


@pytest.mark.parametrize("path", FILES, ids=_relative)
def test_every_function_stops_at_forty_lines(path: Path) -> None:
    findings = [
        finding
        for finding in long_functions(path.read_text(encoding="utf-8"))
        if f"{_relative(path)}:{finding.name}" not in LONG_FUNCTIONS
    ]

    assert _explain(findings, path) == ""


@pytest.mark.parametrize("path", FILES, ids=_relative)
def test_nothing_can_run_code_out_of_data(path: Path) -> None:
    assert _explain(dangerous_code(path.read_text(encoding="utf-8")), path) == ""


@pytest.mark.parametrize("path", FILES, ids=_relative)
def test_own_modules_are_imported_at_the_top(path: Path) -> None:
    if _relative(path) in LATE_IMPORTS:
        return

    assert _explain(hidden_imports(path.read_text(encoding="utf-8")), path) == ""


@pytest.mark.parametrize("path", FILES, ids=_relative)
def test_nothing_is_left_half_done(path: Path) -> None:
    assert _explain(unfinished_marks(path.read_text(encoding="utf-8")), path) == ""


@pytest.mark.parametrize("path", FILES, ids=_relative)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{_relative(path)} has no docstring"


def test_every_late_import_on_the_list_is_still_there() -> None:
    for name in LATE_IMPORTS:
        assert (SOURCE / name).exists(), f"{name} is gone: take it off LATE_IMPORTS"


# --- public names ---


def _public_modules() -> list[str]:
    names = []
    for path in FILES:
        parts = ("modelport", *path.relative_to(SOURCE).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts = parts[:-1]
        folder_mark_only = len(ast.parse(path.read_text(encoding="utf-8")).body) <= 1  # a docstring
        if not folder_mark_only and not any(part.startswith("_") for part in parts):
            names.append(".".join(parts))
    return names


@pytest.mark.parametrize("name", _public_modules())
def test_a_public_module_lists_its_names_and_has_them(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", None)

    assert isinstance(listed, tuple), f"{name}.__all__ must be a tuple of names, and is {listed!r}"
    assert len(set(listed)) == len(listed), f"{name}.__all__ repeats a name"
    missing = [each for each in listed if not hasattr(module, each)]
    assert missing == [], f"{name}.__all__ lists what is not there"


@pytest.mark.parametrize("name", _public_modules())
def test_a_public_module_lists_every_class_and_function_that_it_defines(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }

    assert defined - set(module.__all__) == set(), f"{name}.__all__ misses these: list them, or begin them with _"
