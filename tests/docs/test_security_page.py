"""SECURITY.md: each promise has its row, and each row tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

from modelport.server import Limits
from modelport.wrappers import schemas
from tests.docs.tables import DOCS, code_in

ROOT = DOCS.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISED = TEXT.partition("## What is promised")[2].partition("\n## ")[0]
ATTACKED, _, SUFFERED = TEXT.partition("## Where each promise is attacked")[2].partition(
    "### Attacks that others suffered"
)


def rows_of(text: str) -> list[list[str]]:
    return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ") and "---" not in line][1:]


ROWS = rows_of(ATTACKED)


@cache
def names_in(path: Path) -> frozenset[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_promise_has_a_row_in_its_place() -> None:
    promises = [
        text.replace("\n", " ").lower() for text in re.findall(r"^\*\*(.+?)\*\*", PROMISED, re.MULTILINE | re.DOTALL)
    ]

    rows = [row[0].strip().lower() for row in ROWS]

    assert len(rows) == len(promises)
    assert [(promise, row) for promise, row in zip(promises, rows, strict=True) if row not in promise] == []


def test_every_test_that_is_named_is_there() -> None:
    missing: list[str] = []
    for row in ROWS:
        folder = ""
        for name in code_in(row[1]):
            if name.endswith("/"):
                folder = name
            elif not (ROOT / ("" if "/" in name else folder) / name).is_file():
                missing.append(name)

    assert missing == []


def test_every_attack_that_others_suffered_is_tried_by_tests_that_are_there() -> None:
    named = {row[0].strip(): code_in(row[1]) for row in rows_of(SUFFERED)}

    missing = [
        name
        for names in named.values()
        for name in names
        if name.partition("::")[2] not in names_in(ROOT / name.partition("::")[0])
    ]

    assert len(named) == 15
    assert [attack for attack, names in named.items() if not names] == []
    assert missing == []


def test_every_file_of_attacks_is_named() -> None:
    files = {f"tests/attacks/{path.name}" for path in (ROOT / "tests" / "attacks").glob("test_*.py")}

    assert sorted(file for file in files if f"`{file}`" not in ATTACKED) == []


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(TEXT.split())

    assert f"at most {schemas._BYTES // 1024} KiB, {schemas._DEPTH} levels and {schemas._NODES} values" in text
    assert schemas._SECONDS == 0.5
    assert f"Of one address {Limits().wrong_keys} wrong keys a minute" in text
