"""The differences that are meant, each with its reason: read from expected.json, and written back there.

An expected difference names a program, a field, both values and why ours is right. One that does not occur any more is
as wrong as one that is not listed. `python -m tests.differential` lists what it finds; the reasons are written by hand.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.differential.compare import Found

__all__ = ("KINDS", "Expected", "disagreement", "load", "save", "update")

FILE = Path(__file__).with_name("expected.json")
KINDS = {
    "better": "mended: AutoGen fails, loses or hides something here",
    "more": "AutoGen's, and something beside it",
    "words": "the same outcome, said in other words",
    "left out": "not here",
}


class Expected(NamedTuple):
    """Fields of one program that differ for one reason."""

    program: str
    kind: str  # one of KINDS
    why: str
    fields: tuple[Found, ...]


def load(file: Path = FILE) -> list[Expected]:
    """What is expected, in the order of the programs."""
    return [
        Expected(each["program"], each["kind"], each["why"], tuple(Found(**one) for one in each["fields"]))
        for each in json.loads(file.read_text(encoding="utf-8"))
    ]


def save(expected: Iterable[Expected], file: Path = FILE) -> None:
    plain = [{**each._asdict(), "fields": [one._asdict() for one in each.fields]} for each in expected]
    file.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def disagreement(program: str, found: Iterable[Found], expected: Iterable[Expected]) -> str:
    """What was found and not expected, and expected and not found; nothing if they agree."""
    listed = [one for each in expected if each.program == program for one in each.fields]
    actual = list(found)
    lines = [f"not expected: {_line(one)}" for one in actual if one not in listed]
    lines += [f"expected, and does not occur: {_line(one)}" for one in listed if one not in actual]
    return "\n".join(lines)


def _line(one: Found) -> str:
    return f"{one.field}\n    autogen: {one.autogen!r}\n    ours:    {one.ours!r}"


def update(found: Mapping[str, list[Found]], expected: Iterable[Expected]) -> list[Expected]:
    """*expected* with the values found now. A field that is new stands in a row without a reason."""
    old = list(expected)
    rows: list[Expected] = []
    for program, fields in found.items():
        mine = [each for each in old if each.program == program]
        left = list(fields)
        for row in mine:
            names = [one.field for one in row.fields]
            kept = [one for one in left if one in row.fields] or [one for one in left if one.field in names]
            left = [one for one in left if one not in kept]
            if kept:
                rows.append(row._replace(fields=tuple(kept)))
        if left:
            rows.append(Expected(program, "", "", tuple(left)))
    return rows


def example(row: Expected) -> tuple[Any, Any]:
    """Both values of the first field of *row*."""
    return row.fields[0].autogen, row.fields[0].ours
