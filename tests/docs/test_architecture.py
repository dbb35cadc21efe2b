"""docs/architecture.md: every file, folder and name that it mentions is there."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from modelport.config import assembly
from tests.docs.tables import DOCS, code_in, page, table

ROOT = DOCS.parent
SOURCE = ROOT / "src" / "modelport"
MENTIONED = sorted(set(code_in(re.sub(r"^```.*?^```", "", page("architecture.md"), flags=re.MULTILINE | re.DOTALL))))
NAMES = [each for each in MENTIONED if "::" in each]
PATHS = [each for each in MENTIONED if re.fullmatch(r"[\w./]+(\.py|/)", each)]
LATER = {"agents/", "workers/", "toolcalls/", "integrations/"}  # the page says that they are not there yet


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


def test_the_order_of_the_wrappers_is_that_of_their_assembly() -> None:
    listed = re.findall(r"^\| `wrappers/(\w+)\.py::(\w+)`", page("architecture.md"), flags=re.MULTILINE)
    said = (assembly.__doc__ or "").partition("the model\n")[2].partition("\n\n")[0]

    kept = [line.split()[0] for line in said.splitlines()]

    before, after = ["deadline", "concurrency", "rate", "retrying", "honouring"], ["caching", "metering", "defaulting"]
    assert kept == [*before, "roles", *after]
    assert [name for name, _ in listed] == [
        {"concurrency": "limiting", "rate": "limiting"}.get(each, each) for each in kept
    ]
