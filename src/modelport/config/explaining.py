"""Why each entry of a config list can be used, or cannot. Makes no model unless asked to; shows no secret."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from modelport.config.config_list import matches
from modelport.config.construct import misfit
from modelport.config.entry import Entry, entry_from
from modelport.config.opening import locate_entry, missing_key, open_entry
from modelport.errors import ConfigError, ModelportError, NotRegistered
from modelport.secret import MASK, Secret, redact, sounds_secret, without_userinfo

__all__ = ("Verdict", "explain", "masked", "secrets_of")

_WAYS = {
    "registered": "model_client_cls",
    "object": "an object",
    "spec": "a spec",
    "provider": "provider",
    "api": "an API",
}


class Verdict(Struct, frozen=True, kw_only=True):
    """What is to be said of one entry.

    ``kept``: the filter keeps it; ``usable``: nothing is known against it. ``problems`` are what must be mended,
    ``notes`` what is worth knowing (a class to register, a field that the filter looked at). ``fields`` are those of
    the entry, secrets masked.
    """

    index: int
    label: str
    way: str | None
    kept: bool
    usable: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    fields: dict[str, Any]


def explain(
    config_list: Collection[Any],
    *,
    filter_dict: Mapping[str, Collection[Any]] | None = None,
    models_dir: str | os.PathLike[str] | None = None,
    make: bool = False,
) -> list[Verdict]:
    """A verdict on every entry; with *make*, the models of those that are kept are made (and weights loaded)."""
    return [_verdict(each, index, filter_dict or {}, models_dir, make) for index, each in enumerate(config_list)]


def masked(value: Any, name: str = "") -> Any:
    """*value* as it may be shown: secrets, and what by its *name* is one, as ``***``; objects by their class."""
    if isinstance(value, Secret) or (sounds_secret(name) and isinstance(value, str | bytes) and value):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): masked(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(each, name) for each in value]
    if isinstance(value, str):
        return without_userinfo(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return f"<{getattr(value, '__name__', type(value).__name__)}>"


def secrets_of(given: Any, name: str = "") -> list[str]:
    """Every text in *given* that is a secret by its type or its name, to be taken out of what is printed."""
    if isinstance(given, Secret):
        return [given.reveal()]
    if isinstance(given, Mapping):
        return [found for key, each in given.items() for found in secrets_of(each, str(key))]
    if isinstance(given, list | tuple | set | frozenset):
        return [found for each in given for found in secrets_of(each, name)]
    return [given] if isinstance(given, str) and sounds_secret(name) else []


def _verdict(
    given: Any,
    index: int,
    filter_dict: Mapping[str, Collection[Any]],
    models_dir: str | os.PathLike[str] | None,
    make: bool,
) -> Verdict:
    fields = masked(given) if isinstance(given, Mapping) else {}
    kept, notes = _filtered(given if isinstance(given, Mapping) else {}, filter_dict)
    problems: list[str] = []
    entry: Entry | None = None
    try:
        entry = entry_from(given, index)
    except ConfigError as error:
        problems.append(error.message)
    else:
        found, more = _looked_up(entry, models_dir, make and kept)
        problems += found
        notes += more
        key = missing_key(entry)
        if key is not None and not any("key is missing" in each for each in problems):
            problems.append(key.removeprefix(f"{entry.label}: "))
    secrets = secrets_of(given)
    return Verdict(
        index=index,
        label=entry.label if entry is not None else f"config_list[{index}]",
        way=None if entry is None else _WAYS[entry.source],
        kept=kept,
        usable=not problems,
        problems=tuple(redact(each, secrets) for each in problems),
        notes=tuple(redact(each, secrets) for each in notes),
        fields=fields,
    )


def _filtered(given: Mapping[str, Any], filter_dict: Mapping[str, Collection[Any]]) -> tuple[bool, list[str]]:
    kept, notes = True, []
    for field, accepted in filter_dict.items():
        value = given.get(field)
        if matches(value, list(accepted)):
            continue
        kept = False
        came = f"is {masked(value, field)!r}" if value is not None else "is not set"
        notes.append(f"dropped by the filter: {field} {came}, accepted: {', '.join(map(str, accepted))}")
    return kept, notes


def _looked_up(entry: Entry, models_dir: str | os.PathLike[str] | None, make: bool) -> tuple[list[str], list[str]]:
    try:
        target = locate_entry(entry, models_dir=models_dir)
        if make:
            return [], [f"made: {open_entry(entry, models_dir=models_dir).name}"]
    except NotRegistered:
        return [], [f"needs client.register_model_client({entry.model_client_cls}) before it is used"]
    except ModelportError as error:
        return [error.message.removeprefix(f"{entry.label}: ")], []
    notes = [f"found: {target.where}"]
    if not target.opens:
        problem = misfit(target.thing, entry.options, where=target.where, besides=entry.given)
        if problem is not None:
            return [problem], notes
    return [], notes
