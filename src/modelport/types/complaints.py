"""msgspec's complaints in our own words: the field, what it must be, what came. Knows no field by name."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import ValidationError

from modelport.errors import InvalidRequest

__all__ = ("NOTHING", "half_character", "shown", "translate_validation")

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "bytes": "bytes",
    "null": "null",
}
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`(?P<bound>[^,]*?)(?:, got `(?P<came>[^`]+)`)?$")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
NOTHING: Any = object()
"""Stands for a value that is not at hand."""


def translate_validation(error: ValidationError, where: str = "", given: Any = NOTHING) -> InvalidRequest:
    """*error* as ours; *where* is the path of what was converted, *given* is that, so that the value can be shown."""
    complaint, _, path = str(error).partition(" - at `")
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    unknown = re.search(r"unknown field `(.+?)`", complaint)
    missing = re.search(r"missing required field `(.+?)`", complaint)
    named = unknown or missing
    if named:
        path = f"{path}.{named[1]}".lstrip(".")
    field = where + (path if path.startswith("[") or not where or not path else f".{path}")
    if unknown:
        said = "is not a field that is known here: leave it out"
    elif missing:
        said = "is missing"
    else:
        said = _in_words(complaint, _at(given, path))
    return InvalidRequest(f"{field or 'the request'} {said}", param=field or None)


def _in_words(complaint: str, value: Any) -> str:
    expected = _EXPECTED.match(complaint)
    if expected is None:
        enum = re.match(r"Invalid enum value (.+)$", complaint)
        return f"is {enum[1]}, which is not one of the values it may have" if enum else f"is wrong: {complaint}"
    kinds = [_WORDS.get(kind, kind) for kind in expected["kinds"].split(" | ")]
    # that a field may be null is no help to someone who set it
    must = " or ".join(kind for kind in kinds if kind != "null" or len(kinds) == 1)
    came = expected["came"]
    if value is not NOTHING and not isinstance(value, str):  # text in the wrong place may be a key
        return f"must be {must}{expected['bound']}, got {shown(value)}"
    return f"must be {must}{expected['bound']}" + (f", got {_WORDS.get(came, came)}" if came else "")


def half_character(fields: Mapping[str, Any], where: str = "") -> InvalidRequest:
    """The complaint about text among *fields* that no encoding of Unicode has a form for."""
    field = next((name for name, value in fields.items() if isinstance(value, str) and not _is_whole(value)), "")
    name = f"{where}.{field}".strip(".") or "the request"
    return InvalidRequest(
        f"{name} holds half a character (a lone surrogate): join the halves, or leave them out with "
        "text.encode('utf-8', 'ignore').decode()",
        param=name,
    )


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: Any) -> str:
    """*value* for an error: plain and short ones as they are, of others only the type."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 40):
        return repr(value) if len(repr(value)) <= 60 else type(value).__name__
    kind = type(value).__name__
    return (
        f"text of {len(value)} characters"
        if isinstance(value, str)
        else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    )


def _at(given: Any, path: str) -> Any:
    for name, number in _STEP.findall(path):
        try:
            given = given[int(number)] if number else given[name]
        except (LookupError, TypeError):
            return NOTHING
    return given
