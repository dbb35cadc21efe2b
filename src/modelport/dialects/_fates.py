"""Requests in JSON, read; why a field is refused is looked up in a dialect's own tables of fates. Knows no wire.

A table maps the path of each field to its fate and a note: ``rejected: nothing is left out here``. Inside of lists and
of what is told apart by its ``type`` a path looks like ``messages[].content[text].text``; ``tools[*]`` is every other
type.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import DecodeError, ValidationError

from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types.complaints import NOTHING, translate_validation

__all__ = ("Fates", "decoded", "explained", "note_of", "reason_of")

Fates = Mapping[str, str]
T = TypeVar("T")

_IN_BRACKETS = re.compile(r"\[[^]]*\]")
_KIND = re.compile(r"Invalid (?:enum )?value '([^']*)'")
_REJECTED = "rejected: "


def decoded(decode: Callable[[bytes], T], body: bytes, *tables: Fates) -> T:
    """*body* by *decode*, a decoder of JSON.

    Raises:
        InvalidRequest: it is not JSON, or a field is unknown, wrong or refused; ``param`` names the field.
    """
    try:
        return decode(body)
    except ValidationError as error:
        raise explained(error, *tables) from None
    except UnicodeDecodeError:
        raise InvalidRequest("the body is not UTF-8: send JSON, encoded as UTF-8") from None
    except DecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None


def note_of(fates: Fates, name: str) -> str:
    """What the table says of *name* beside its fate."""
    return fates[name].partition(": ")[2]


def reason_of(path: str, *tables: Fates, kind: str | None = None, others: bool = True) -> str | None:
    """Why what stands at *path* (where it has that *kind* as its type) is refused; None if no row says so.

    *others*: also look at rows for all other types.
    """
    ends = (f"[{kind}]", "[*]") if others else (f"[{kind}]",)
    bare = _IN_BRACKETS.sub("", path)
    for table in tables:
        for name, fate in table.items():
            if not fate.startswith(_REJECTED) or _IN_BRACKETS.sub("", name) != bare:
                continue
            if kind is None and not name.endswith("]"):
                return fate.removeprefix(_REJECTED)
            if kind is not None and name.endswith(ends):
                return fate.removeprefix(_REJECTED)
    return None


def explained(error: ValidationError, *tables: Fates, where: str = "", given: Any = NOTHING) -> InvalidRequest:
    """*error* in our words; where the field that it is about has a row that rejects it, with the reason.

    *where* and *given* are as in ``translate_validation``.
    """
    invalid = translate_validation(error, where, given)
    path = invalid.param
    if path is None:
        return invalid
    above, _, name = path.rpartition(".")
    found = _KIND.search(str(error)) if name == "type" else None
    if found is not None:
        why = reason_of(above, *tables, kind=found[1])
    else:  # what is of a rejected type often has a field of that name, and it may stand before the type
        why = reason_of(path, *tables) or reason_of(above, *tables, kind=name, others=False)
    if why is None:
        return invalid
    what = path if found is None else f"{path}: {found[1][:60]!r} is not taken here"
    return UnsupportedField(f"{what}: {why}; leave it out", param=path)
