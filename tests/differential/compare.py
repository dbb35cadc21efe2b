"""Two sides' results, field by field. Knows which field differs and how, and nothing of why that may be right."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ("MISSING", "Found", "differences", "shown")

MISSING = "(nothing)"  # stands for a field that one side does not have


class Found(NamedTuple):
    """A field that differs; the values as JSON has them, printed lines as a text of lines."""

    field: str
    autogen: Any
    ours: Any


def differences(autogen: Mapping[str, Any], ours: Mapping[str, Any]) -> list[Found]:
    """Where the results of one program differ: what it reported, printed and warned of, and how it ended."""
    found = [*_values("", autogen["reported"], ours["reported"])]
    found += _lines("(printed)", autogen["stdout"], ours["stdout"])
    found += _lines("(warnings)", autogen["warnings"], ours["warnings"])
    crash = ours["crash"]
    if crash is not None:
        found.append(Found("(ended)", "at its end", f"{crash['error'][0]}: {crash['text']}"))
    return found


def shown(value: Any) -> str:
    """*value* as a person reads it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _values(field: str, theirs: Any, ours: Any) -> Iterator[Found]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if set(theirs) == {"error", "text"} == set(ours):
            yield from _errors(field, theirs, ours)
            return
        for name in dict.fromkeys([*theirs, *ours]):
            inner = f"{field}.{name}" if field else name
            yield from _values(inner, theirs.get(name, MISSING), ours.get(name, MISSING))
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours) and _plain(theirs) and _plain(ours):
            yield Found(field, theirs, ours)
            return
        for index in range(max(len(theirs), len(ours))):
            pair = [each[index] if index < len(each) else MISSING for each in (theirs, ours)]
            yield from _values(f"{field}[{index}]", *pair)
    elif theirs != ours or (type(theirs) is not type(ours) and bool in {type(theirs), type(ours)}):
        yield Found(field, theirs, ours)


def _plain(values: Sequence[Any]) -> bool:
    return not any(isinstance(each, dict | list) for each in values)


def _errors(field: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[Found]:
    """The same class, or one below it, is the same to a program that catches it."""
    if theirs["error"][0] not in ours["error"]:
        yield Found(f"{field}.error", theirs["error"][0], ours["error"])
    if theirs["text"] != ours["text"]:
        yield Found(f"{field}.text", theirs["text"], ours["text"])


def _lines(field: str, theirs: Sequence[str], ours: Sequence[str]) -> Iterator[Found]:
    matcher = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            yield Found(field, "\n".join(theirs[a:b]) or MISSING, "\n".join(ours[c:d]) or MISSING)
