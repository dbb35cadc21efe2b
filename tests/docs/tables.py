"""The tables of the pages, read back, so that tests can hold them against the code."""

import re
from pathlib import Path

__all__ = ("DOCS", "code_in", "page", "table")

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def table(name: str, heading: str) -> list[list[str]]:
    """The rows of the first table below *heading* of a page, each a list of its cells; without the head."""
    prose = re.sub(r"^```.*?^```", "", page(name), flags=re.MULTILINE | re.DOTALL)
    _, found, below = prose.partition(f"\n{heading}\n")
    assert found, f"{name} has no heading {heading!r}"
    rows: list[list[str]] = []
    for line in below.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))])
        elif rows or line.startswith("#"):
            break
    assert len(rows) > 2, f"{name} has no table below {heading!r}"
    return rows[2:]


def code_in(cell: str) -> list[str]:
    """What a cell has between backticks."""
    return re.findall(r"`([^`]+)`", cell)
