"""The rules themselves: each takes the text of a file and gives what is wrong with it. Knows no file of modelport's."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

__all__ = (
    "Finding",
    "dangerous_code",
    "hidden_imports",
    "long_file",
    "long_functions",
    "unfinished_marks",
)

MOST_LINES = 500
MOST_FUNCTION_LINES = 40

# Modules whose loaders run code that the data names.
UNSAFE_MODULES = frozenset(
    {"_pickle", "cPickle", "cloudpickle", "dill", "jsonpickle", "joblib", "marshal", "pickle", "pickle5", "shelve"}
)
UNSAFE_BUILTINS = frozenset({"eval", "exec", "__import__"})
UNSAFE_CALLS = frozenset(
    {
        "torch.load",
        "numpy.load",
        "np.load",
        "yaml.load",
        "yaml.unsafe_load",
        "os.system",
        "os.popen",
        "pandas.read_pickle",
    }
)
MARKS = ("TODO", "FIXME", "XXX", "HACK")


class Finding(NamedTuple):
    line: int
    name: str
    text: str


def long_file(source: str) -> list[Finding]:
    lines = source.count("\n") + 1
    if lines <= MOST_LINES:
        return []
    return [Finding(MOST_LINES, "", f"{lines} lines; a file stops at {MOST_LINES}: split it by what it knows")]


def long_functions(source: str) -> Iterator[Finding]:
    """Functions longer than forty lines, their docstrings and decorators not counted."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
        last = node.end_lineno or first.lineno
        lines = last - first.lineno + 1
        if lines > MOST_FUNCTION_LINES:
            yield Finding(node.lineno, node.name, f"{node.name}() has {lines} lines; more than {MOST_FUNCTION_LINES}")


def dangerous_code(source: str) -> Iterator[Finding]:
    """Imports and calls through which data could become running code."""
    for node in ast.walk(ast.parse(source)):
        for name in _imported(node):
            if name.partition(".")[0] in UNSAFE_MODULES or name in UNSAFE_CALLS:
                yield Finding(node.lineno, name, f"imports {name}: data must never become code")  # type: ignore[attr-defined]
        if isinstance(node, ast.Name) and node.id in UNSAFE_BUILTINS:
            yield Finding(node.lineno, node.id, f"uses {node.id}: data must never become code")
        elif isinstance(node, ast.Attribute):
            dotted = ast.unparse(node)
            if dotted in UNSAFE_CALLS or dotted.removeprefix("builtins.") in UNSAFE_BUILTINS:
                yield Finding(node.lineno, dotted, f"uses {dotted}: data must never become code")
        elif isinstance(node, ast.Call):
            yield from _pickling_options(node)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _pickling_options(node: ast.Call) -> Iterator[Finding]:
    for keyword in node.keywords:
        if keyword.arg == "allow_pickle" and not (
            isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        ):
            yield Finding(node.lineno, "allow_pickle", "allow_pickle must be False: data must never become code")
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
            yield Finding(node.lineno, "shell", "shell=True: give a list of arguments instead")


def hidden_imports(source: str) -> Iterator[Finding]:
    """Imports of modelport's own modules anywhere but at the top of a file."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for node in ast.walk(function):
            relative = isinstance(node, ast.ImportFrom) and node.level
            for name in (*_imported(node), *(["modelport"] if relative else [])):
                if name.partition(".")[0] == "modelport":
                    yield Finding(
                        node.lineno,  # type: ignore[attr-defined]
                        name,
                        f"imports {name} inside a function: imports point one way, at the top of the file",
                    )


def unfinished_marks(source: str) -> Iterator[Finding]:
    for number, line in enumerate(source.splitlines(), start=1):
        for mark in MARKS:
            if f"{mark}:" in line or f"# {mark}" in line or f"{mark}(" in line:
                yield Finding(number, mark, f"carries a {mark}: finish it, or open an issue and say so there")
