"""``load(spec)``: a model by place or by name.

========================= =============================================================================
spec                      is
========================= =============================================================================
``path/to/file.py:Name``  a class, an instance or a function of a file; ``:Name`` may be left out where
                          the file has one model
``package.module:Name``   likewise, of something importable (or in the working directory)
``name``                  a model of the models directory, else of an installed plugin, else shipped
``name:argument``         the same with an argument: ``eliza``, ``remote:http://host:port``
any object                itself: a function, a class, an instance
========================= =============================================================================

Nothing that came over HTTP may be passed here: a spec names code to run.
"""
# Paths are text here, as the user wrote them and reads them again.
# ruff: noqa: PTH100, PTH109, PTH111, PTH113, PTH119, PTH120, PTH208

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple

from modelport.config.candidates import Candidate, candidates, kind_of, only_candidate
from modelport.config.construct import construct, opened
from modelport.config.discovery import Found, Listing, find_in, list_models
from modelport.config.files import import_file, shown, trouble
from modelport.config.roots import check_root
from modelport.config.settings import models_directory
from modelport.errors import ConfigError, LoadError, ModelNotFound
from modelport.model import Model
from modelport.registry import Registry, did_you_mean

__all__ = ("MODELS", "PROVIDERS", "RUNTIMES", "Target", "available_models", "load", "locate")

# A drive's letter is no name: C:\models\mine.py:Mine is a file.
_FILE = re.compile(r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^:]*\.py)(?::(?P<name>.*))?", re.DOTALL)
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

MODELS = Registry("models", None, "model")
RUNTIMES = Registry("runtimes", "modelport.runtimes", "load")
PROVIDERS = Registry("providers", "modelport.providers", "load")


class Target(NamedTuple):
    """What a spec led to, not made yet. ``opens`` tells that ``thing`` is a runtime's or provider's ``load``."""

    thing: Any
    where: str
    argument: str | None = None
    file: str | None = None
    opens: bool = False


def load(spec: Any, *, models_dir: str | os.PathLike[str] | None = None, **options: Any) -> Model:
    """The model that *spec* names, made with *options*.

    *options* reach the constructor: as keywords, or as the one dict that AutoGen's contract asks for. *models_dir* is
    where names are looked up first; without it the setting of that name, by default ``./models``.

    Raises:
        ModelNotFound: there is no such file, module or name; says where it was looked for, and what is near.
        LoadError: there is, but its file or its constructor failed, or it takes no such option.
        NotAModel: what was found has none of the shapes of a model.
        ConfigError: the spec is no spec, or two models have the name.
    """
    target = locate(spec, models_dir=models_dir)
    if target.opens:
        return opened(target.thing, target.argument, options, where=target.where)
    return construct(target.thing, options, where=target.where, file=target.file)


def locate(
    spec: Any, *, models_dir: str | os.PathLike[str] | None = None, roots: Sequence[str] | None = None
) -> Target:
    """What *spec* leads to. Imports what is needed for that, and makes nothing; raises what :func:`load` does.

    With *roots*, a file or a module that *spec* names must lie below one of them.
    """
    if isinstance(spec, os.PathLike):
        spec = os.fspath(spec)
    if not isinstance(spec, str):
        return Target(spec, getattr(spec, "__qualname__", type(spec).__name__))
    text = spec.strip()
    if not text or "\0" in text:
        raise ConfigError(f"a model's spec must name one, got {spec!r}: path/to/file.py:Name, module:Name or a name")
    file = _FILE.fullmatch(text)
    if file is not None:
        return _in_file(file["path"], file["name"], roots)
    head, colon, rest = text.partition(":")
    found = _by_name(head, rest if colon else None, models_dir)
    if found is not None:
        return found
    if _DOTTED.fullmatch(head) and (_DOTTED.fullmatch(rest) if colon else "." in head):
        module = _import_module(head, roots)
        if module is not None:
            return _in_module(module, head, rest or None)
    return _not_found(text, head, models_dir)


def available_models(models_dir: str | os.PathLike[str] | None = None) -> list[Found]:
    """Everything that :func:`load` finds by name, and the files that it cannot use with their errors.

    In the order of the look-up: the models directory (each of its files is imported), plugins, what is shipped.
    """
    directory = models_directory(models_dir)
    listing = list_models(directory) if directory else Listing([], [])
    clashes = _clashes(listing)
    found = [
        Found(name=each.name, kind=each.kind, where=f"{shown(path)}:{each.attribute}", error=clashes.get(each.name))
        for path, each in listing.found
    ]
    found += [
        Found(name=os.path.basename(path), kind="broken file", where=shown(path), error=error)
        for path, error in listing.broken
    ]
    for registry, kind in ((MODELS, "plugin"), (RUNTIMES, "runtime"), (PROVIDERS, "provider")):
        found += [Found(name=name, kind=kind, where=registry.where(name)) for name in registry.names()]
    return found


def _clashes(listing: Listing) -> dict[str, str]:
    places: dict[str, list[str]] = {}
    for path, each in listing.found:
        places.setdefault(each.name, []).append(f"{shown(path)}:{each.attribute}")
    return {
        name: f"{len(where)} models are named {name!r}: {' and '.join(where)}; rename all but one"
        for name, where in places.items()
        if len(where) > 1
    }


# --- by place ---


def _in_file(path: str, name: str | None, roots: Sequence[str] | None) -> Target:
    expanded = os.path.expanduser(path)
    if roots is not None:
        check_root(expanded, roots, path)
    if not os.path.isfile(expanded):
        folder = os.path.dirname(expanded) or "."
        try:
            siblings = [each for each in os.listdir(folder) if each.endswith(".py")]
        except OSError:
            raise ModelNotFound(f"no file {path}: there is no folder {os.path.abspath(folder)}") from None
        near = did_you_mean(os.path.basename(path), siblings)
        raise ModelNotFound(f"no file {path}{near} (looked in {os.path.abspath(folder)})")
    return _in_module(import_file(expanded), shown(expanded), name, file=expanded)


def _import_module(name: str, roots: Sequence[str] | None) -> ModuleType | None:
    """The module called *name*, or None where there is none; the working directory counts, as the last place."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    if roots is not None:
        _check_package(name, roots)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        # Of the module asked for, or of a package around it: there is no such module. Of another: that one failed.
        if error.name and f"{name}.".startswith(f"{error.name}."):
            return None
        raise LoadError(f"{name} failed to import: {trouble(error, *_files_of(name))}") from error
    except (Exception, SystemExit) as error:
        raise LoadError(f"{name} failed to import: {trouble(error, *_files_of(name))}") from error


def _check_package(name: str, roots: Sequence[str]) -> None:
    # Of the outermost package, which is found without running any of its code.
    root = name.partition(".")[0]
    try:
        spec = find_spec(root)
    except ValueError:  # it runs already and was not imported, as __main__
        places: list[str | None] = [getattr(sys.modules[root], "__file__", None)]
    else:
        if spec is None:
            return
        places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ()) or [None]
    for place in places:
        check_root(place, roots, name)


def _files_of(name: str) -> list[str]:
    try:
        spec = find_spec(name.partition(".")[0])
    except Exception:
        return []
    return [spec.origin] if spec is not None and spec.origin is not None and spec.has_location else []


def _in_module(module: ModuleType, place: str, name: str | None, *, file: str | None = None) -> Target:
    origin = file or module.__file__
    if not name:
        found = only_candidate(module, place)
        if len(found) == 1:
            return Target(found[0].value, f"{place}:{found[0].attribute}", file=origin)
        names = ", ".join(each.attribute for each in found)
        if not found:
            raise ModelNotFound(f"{place} has no model: expected a class with a known contract, or a function")
        raise ModelNotFound(f"{place} has {len(found)} models: say which, as {place}:NAME ({names})")
    thing: Any = module
    try:
        for part in name.split("."):
            thing = getattr(thing, part)
    except AttributeError:
        return _by_own_name(module, place, name, origin)
    return Target(thing, f"{place}:{name}", file=origin)


def _by_own_name(module: ModuleType, place: str, name: str, file: str | None) -> Target:
    found = candidates(module, place)
    named = [each for each in found if each.name == name]
    if len(named) == 1:
        return Target(named[0].value, f"{place}:{named[0].attribute}", file=file)
    known = {each.attribute for each in only_candidate(module, place)} | {
        attribute for attribute, value in vars(module).items() if not attribute.startswith("_") and kind_of(value)
    }
    listed = f" (it has: {', '.join(sorted(known))})" if known else " (it has no model)"
    raise ModelNotFound(f"{place} has no {name!r}{did_you_mean(name, known)}{listed}")


# --- by name ---


def _by_name(name: str, argument: str | None, models_dir: str | os.PathLike[str] | None) -> Target | None:
    directory = models_directory(models_dir)
    if directory is not None:
        found = find_in(directory, name, thorough=False).found
        if found:
            return _dropped_in(*found[0], argument)
    if name in MODELS:
        if argument is not None:
            raise ConfigError(f"{name!r} takes no argument after the colon, got {argument!r}")
        return Target(MODELS.load(name), name)
    for registry in (RUNTIMES, PROVIDERS):
        if name in registry:
            return Target(registry.load(name), name, argument, opens=True)
    return None


def _dropped_in(path: str, candidate: Candidate, argument: str | None) -> Target:
    where = f"{shown(path)}:{candidate.attribute}"
    if argument is not None:
        raise ConfigError(
            f"{candidate.name!r} ({where}) takes no argument after the colon, got {argument!r}: give options by name"
        )
    return Target(candidate.value, where, file=path)


def _not_found(spec: str, name: str, models_dir: str | os.PathLike[str] | None) -> Target:
    """The models directory once more, with every file imported, and then the error that tells it all."""
    directory = models_directory(models_dir)
    listing = Listing([], [])
    if directory is not None:
        listing = find_in(directory, name, thorough=True)
        if listing.found:
            _, _, argument = spec.partition(":")
            return _dropped_in(*listing.found[0], argument or None)
        listing = list_models(directory)
    if spec.startswith((".", "/", "~")) or os.sep in spec or "\\" in spec:
        hint = (
            f"; for a model behind modelport serve, remote:{spec}" if spec.startswith(("http://", "https://")) else ""
        )
        raise ModelNotFound(f"{spec} is no Python file: expected path/to/file.py:Name{hint}")
    known = [each.name for _, each in listing.found]
    for registry in (MODELS, RUNTIMES, PROVIDERS):
        known += registry.names()
    where = f"the models directory {shown(directory)}" if directory else "no models directory (there is no ./models)"
    broken = "".join(f"; not imported: {error}" for _, error in listing.broken)
    module = f", and no module {name} can be imported" if ":" in spec or "." in name else ""
    raise ModelNotFound(
        f"no model named {name!r}{did_you_mean(name, known)} (looked in {where}, the installed plugins and what is "
        f"shipped: {', '.join(dict.fromkeys(known)) or 'nothing'}{module}){broken}"
    )
