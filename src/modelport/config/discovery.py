"""The models directory: drop a file in, and what it defines is found by name. Makes no instance of anything.

Every ``.py`` file of the directory counts, and every folder with an ``__init__.py``, but for names that begin with
``_`` or ``.``. A file that does not import is reported and skips only itself; two models of one name are an error.
"""
# Paths are text here, as the user wrote them and reads them again.
# ruff: noqa: PTH113, PTH114, PTH118, PTH123, PTH208

import os
from typing import NamedTuple

from msgspec import Struct

from modelport.config.candidates import Candidate, candidates
from modelport.config.files import import_file, shown
from modelport.errors import ConfigError, LoadError

__all__ = ("Found", "Listing", "find_in", "list_models")


class Found(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model that :func:`modelport.load` can find, or a file that it cannot use (then ``error`` says why).

    ``where`` is a spec that leads to it by place (``models/mine.py:Mine``), or the package it comes from.
    """

    name: str
    kind: str
    where: str
    error: str | None = None


class Listing(NamedTuple):
    """The models directory's files that were looked into: what they hold, and those that did not import."""

    found: list[tuple[str, Candidate]]
    broken: list[tuple[str, str]]


def list_models(directory: str) -> Listing:
    """Every model of the directory; imports every file."""
    return _look_into(directory, None)


def find_in(directory: str, name: str, *, thorough: bool) -> Listing:
    """The models called *name*, and what was broken on the way.

    Only files whose text has *name* in it are imported, unless *thorough*: a name may be put together while running.

    Raises:
        ConfigError: two models of that name; names both files.
    """
    listing = _look_into(directory, None if thorough else name)
    named = [(path, each) for path, each in listing.found if each.name == name]
    if len(named) > 1:
        places = " and ".join(f"{shown(path)}:{each.attribute}" for path, each in named)
        raise ConfigError(
            f"two models are named {name!r}: {places}; rename one, or name the one you want by its place", param="name"
        )
    return Listing(named, listing.broken)


def _look_into(directory: str, mentioning: str | None) -> Listing:
    inside = os.path.realpath(directory) + os.sep
    found: list[tuple[str, Candidate]] = []
    broken: list[tuple[str, str]] = []
    for path in _python_files(directory):
        if not os.path.realpath(path).startswith(inside):
            broken.append((path, f"{shown(path)} is a link that leads out of {shown(directory)}: copy the file in"))
            continue
        if mentioning is not None and not _mentions(path, mentioning):
            continue
        try:
            found += [(path, each) for each in candidates(import_file(path), shown(path))]
        except LoadError as error:
            broken.append((path, error.message))
    return Listing(found, broken)


def _python_files(directory: str) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    paths = []
    for name in names:
        path = os.path.join(directory, name)
        if name.startswith(("_", ".")):
            continue
        if name.endswith(".py") and (os.path.isfile(path) or os.path.islink(path)):
            paths.append(path)
        elif os.path.isfile(inside := os.path.join(path, "__init__.py")):
            paths.append(inside)
    return paths


def _mentions(path: str, name: str) -> bool:
    try:
        with open(path, "rb") as file:
            return name.encode() in file.read()
    except OSError:
        return True  # let the import say what is wrong with it
