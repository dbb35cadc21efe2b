"""Two sides' results, field by field. Knows which field differs and how, and nothing of why that may be right."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ("MISSING", "Found", "differences", "shown")

MISSING = "(nothing)"  # stands for a field that one side does not have

# What a model's usage has here beside AutoGen's fields, in every program that reports it.
_BESIDE = frozenset({"answers", "unknown_cost", "estimated"})


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
    """*value* as a person reads it: text as it is, errors as a traceback ends, all else as JSON."""
    if isinstance(value, dict) and _is_error(value):
        return f"{value['error'][0]}: {value.get('text', '')}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _values(field: str, theirs: Any, ours: Any) -> Iterator[Found]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if _is_error(theirs) and _is_error(ours):
            yield from _errors(field, theirs, ours)
            return
        if _is_error(theirs) or _is_error(ours):
            yield Found(field, theirs, ours)
            return
        beside = _BESIDE if "prompt_tokens" in ours else ()
        for name in dict.fromkeys([*theirs, *(each for each in ours if each not in beside)]):
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


def _is_error(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("error"), list) and value.keys() <= {"error", "text"}


def _plain(values: Sequence[Any]) -> bool:
    return not any(isinstance(each, dict | list) for each in values)


def _errors(field: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[Found]:
    """A class below AutoGen's is the same to who catches it, a text that goes on to who looks for its beginning."""
    if theirs["error"][0] not in {*ours["error"], "Exception"}:
        yield Found(f"{field}.error", theirs["error"][0], ours["error"])
    text = theirs.get("text")
    if text is not None and not ours["text"].startswith(text.rstrip(" .") or "(empty)"):
        yield Found(f"{field}.text", text, ours["text"])


def _lines(field: str, theirs: Sequence[str], ours: Sequence[str]) -> Iterator[Found]:
    matcher = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            yield Found(field, "\n".join(theirs[a:b]) or MISSING, "\n".join(ours[c:d]) or MISSING)
