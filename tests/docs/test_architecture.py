"""docs/architecture.md: every file, folder and name that it mentions is there."""

import ast
import re
import tomllib
from functools import cache
from inspect import iscoroutinefunction
from pathlib import Path

import pytest

from modelport.agents import ConversableAgent
from modelport.config import assembly
from tests.docs.tables import DOCS, code_in, page, table

ROOT = DOCS.parent
SOURCE = ROOT / "src" / "modelport"
MENTIONED = sorted(set(code_in(re.sub(r"^```.*?^```", "", page("architecture.md"), flags=re.MULTILINE | re.DOTALL))))
NAMES = [each for each in MENTIONED if "::" in each]
PATHS = [each for each in MENTIONED if re.fullmatch(r"[\w./]+(\.py|/)", each)]
LATER = {"integrations/"}  # the page says that it is not there yet


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a module defines at its top level, and the methods of its classes as ``Class.method``."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{method.name}" for method in methods}
    return frozenset(found)


@pytest.mark.parametrize("mention", NAMES)
def test_every_name_that_the_page_mentions_is_in_its_file(mention: str) -> None:
    path, _, name = mention.partition("::")

    assert name in names_in(SOURCE / path)


@pytest.mark.parametrize("mention", PATHS)
def test_every_path_that_the_page_mentions_exists(mention: str) -> None:
    assert mention in LATER or (SOURCE / mention).exists() or (ROOT / mention).exists()


def test_the_page_names_enough_to_be_worth_checking() -> None:
    assert len(NAMES) > 50
    assert len(PATHS) > 15


def test_the_floors_are_those_that_the_linter_enforces() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    enforced = [
        {name.strip(" ()") for name in layer.split("|")} - {each.strip("/") for each in LATER} for layer in layers
    ]

    floors = [
        {name.strip("/").removesuffix(".py") for name in code_in(row[0])}
        for row in table("architecture.md", "## The floors")
    ]

    assert floors == [floor for floor in enforced if floor]


def _inside(part: str) -> list[Path]:
    path = SOURCE / part
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _imported(path: Path) -> set[str]:
    """The parts of agents/ that a file imports from: ``agents/turns.py``, ``agents/tools/``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or "", *(f"{node.module}.{each.name}" for each in node.names)]
        for module in modules:
            packages = module.split(".")[1:3]
            if packages[:1] == ["agents"] and len(packages) == 2:
                folder = "/".join(packages)
                found |= {each for each in (f"{folder}.py", f"{folder}/") if (SOURCE / each).exists()}
    return found


def test_inside_agents_imports_point_down_the_table() -> None:
    rows = [code_in(row[0]) for row in table("architecture.md", "### Inside agents/")]
    place = {part: number for number, row in enumerate(rows) for part in row}

    upwards = {
        f"{path.relative_to(SOURCE)} imports {other}"
        for part in place
        for path in _inside(part)
        for other in _imported(path)
        if place[other] < place[part]
    }

    there = {f"agents/{path.name}{'/' if path.is_dir() else ''}" for path in (SOURCE / "agents").iterdir()}
    assert set(place) == there - {"agents/__init__.py", "agents/__pycache__/"}
    assert upwards == set()


def test_the_parts_of_an_agent_stand_on_what_the_page_says() -> None:
    rows = re.findall(
        r"^\| `agents/conversable/\w+\.py::(\w+)` \|[^|]*\|([^|]*)\|", page("architecture.md"), flags=re.MULTILINE
    )

    bases = {
        kind.__name__: tuple(base.__name__ for base in kind.__bases__ if base is not object)
        for kind in ConversableAgent.__mro__[1:-1]
    }

    assert {name: tuple(code_in(cell)) for name, cell in rows} == bases


def test_the_order_of_an_agents_own_reply_functions_is_that_of_the_walk() -> None:
    walk = page("architecture.md").partition("in this order:")[2].partition("The model is called")[0]
    said = re.findall(r"`agents/conversable/\w+\.py::\w+\.(\w+)`", walk)
    runner = ConversableAgent("runner", model="eliza", code_execution_config={"use_docker": False})

    asked = [entry["reply_func"] for entry in runner._reply_func_list]

    assert said == [function.__name__ for function in asked if not iscoroutinefunction(function)]


def test_the_order_of_the_wrappers_is_that_of_their_assembly() -> None:
    listed = re.findall(r"^\| `wrappers/(\w+)\.py::(\w+)`", page("architecture.md"), flags=re.MULTILINE)
    said = (assembly.__doc__ or "").partition("the model\n")[2].partition("\n\n")[0]

    kept = [line.split()[0] for line in said.splitlines()]

    before = ["batching", "deadline", "concurrency", "rate", "retrying", "honouring", "roles"]
    assert kept == [*before, "caching", "metering", "defaulting"]
    assert [name for name, _ in listed] == [
        {"concurrency": "limiting", "rate": "limiting"}.get(each, each) for each in kept
    ]
