"""SECURITY.md: each promise has its row, and each row tests that are there."""

import re

from tests.docs.tables import DOCS, code_in

ROOT = DOCS.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISED = TEXT.partition("## What is promised")[2].partition("\n## ")[0]
ATTACKED = TEXT.partition("## Where each promise is attacked")[2]
ROWS = [line.strip("|").split("|") for line in ATTACKED.splitlines() if line.startswith("| ") and "---" not in line][1:]


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
