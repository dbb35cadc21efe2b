"""Find an extension by its name: an installed plugin, or a file in one of this package's folders.

One :class:`Registry` is one kind of extension (runtimes, providers, dialects, …). Knows nothing of what it finds but
the one attribute that such a file must have. ``importlib.metadata`` and ``difflib`` are slow to import, so they are
imported only where an installed package really offers plugins, and where a name was not found.
"""
# Paths are text here, as the interpreter itself has them.
# ruff: noqa: PTH110, PTH122, PTH123

import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from modelport.errors import ConfigError, LoadError, ModelNotFound

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ("Registry", "did_you_mean", "nearest")

_GROUPS = "modelport."


class Registry:
    """Extensions of one *kind*, by name.

    A shipped one is a file (or folder) of *package* that defines *attribute* at its top level; a plugin is an entry
    point in the group ``modelport.KIND``, naming either such a module or the value itself. A plugin comes before what
    is shipped. Adding a file is all it takes: nothing is listed anywhere.
    """

    def __init__(self, kind: str, package: str | None, attribute: str) -> None:
        self.kind = kind
        self.package = package
        self.attribute = attribute

    def names(self) -> list[str]:
        """Every name that :meth:`load` takes, sorted."""
        return sorted({*self.shipped(), *self.plugins()})

    def __contains__(self, name: object) -> bool:
        return name in self.shipped() or name in self.plugins()

    def load(self, name: str) -> Any:
        """The extension's *attribute*.

        Raises:
            ModelNotFound: there is none of that name; says which there are.
            LoadError: there is one, and it failed to import.
            ConfigError: two installed packages offer one of that name.
        """
        plugin = self.plugins().get(name)
        if plugin is not None:
            return self._of_plugin(name, plugin)
        if name in self.shipped():
            try:
                module = import_module(f"{self.package}.{name}")
            except Exception as error:
                raise LoadError(
                    f"{self.kind} {name!r} failed to import: {type(error).__name__}: {error}"
                    + (_extra_hint(error) if isinstance(error, ImportError) else "")
                ) from error
            return self._attribute_of(name, module, f"{self.package}.{name}")
        known = self.names()
        raise ModelNotFound(
            f"no {self.kind} named {name!r}{did_you_mean(name, known)} (there are: {', '.join(known) or 'none'})"
        )

    def shipped(self) -> dict[str, str]:
        """The files of the package's folder that hold an extension, by name."""
        if self.package is None:
            return {}
        try:
            folders = list(import_module(self.package).__path__)
        except ModuleNotFoundError as error:
            if error.name != self.package:
                raise
            return {}
        return {name: path for folder in folders for name, path in _modules(folder) if self._defines(path)}

    def plugins(self) -> "dict[str, EntryPoint]":
        """The entry points of installed packages, by name."""
        group = _GROUPS + self.kind
        if not _anyone_offers(group):
            return {}
        from importlib.metadata import entry_points

        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=group):
            other = found.setdefault(point.name, point)
            if other.value != point.value:
                raise ConfigError(
                    f"two installed packages offer a {self.kind} plugin named {point.name!r}: "
                    f"{_distribution(other)} ({other.value}) and {_distribution(point)} ({point.value}); "
                    "uninstall one of them"
                )
        return found

    def where(self, name: str) -> str:
        """Where *name* comes from, in words."""
        plugin = self.plugins().get(name)
        if plugin is not None:
            return f"{_distribution(plugin)} ({plugin.value})"
        return f"{self.package}.{name}"

    def _defines(self, path: str) -> bool:
        # Told from its text, so that listing the extensions imports none of them, with whatever they need.
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return re.search(rf"^(?:(?:async )?def |class )?{self.attribute}\b", text, re.MULTILINE) is not None

    def _of_plugin(self, name: str, plugin: "EntryPoint") -> Any:
        origin = f"{_distribution(plugin)} ({plugin.value})"
        try:
            value = plugin.load()
        except Exception as error:
            raise LoadError(
                f"{self.kind} plugin {name!r} of {origin} failed to import: {type(error).__name__}: {error}"
            ) from error
        if type(value) is type(sys):
            return self._attribute_of(name, value, origin)
        return value

    def _attribute_of(self, name: str, module: Any, origin: str) -> Any:
        try:
            return getattr(module, self.attribute)
        except AttributeError:
            raise LoadError(f"{self.kind} {name!r} has no {self.attribute} in {origin}; it must define one") from None


def nearest(name: str, known: Iterable[str], *, most: int = 3, cutoff: float = 0.6) -> list[str]:
    """The names of *known* that *name* may have been meant to be, the likeliest first; case does not count."""
    from difflib import get_close_matches

    by_lower: dict[str, str] = {}
    for each in known:
        by_lower.setdefault(each.lower(), each)
    return [by_lower[each] for each in get_close_matches(name.lower(), by_lower, n=most, cutoff=cutoff)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A piece of a sentence, ``"; did you mean 'x'?"``, or nothing where nothing is near."""
    close = nearest(name, known)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def _modules(folder: str) -> Iterator[tuple[str, str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        stem, ending = os.path.splitext(entry.name)
        if stem.startswith("_"):
            continue
        if ending == ".py":
            yield stem, entry.path
        elif not ending and os.path.exists(inside := f"{entry.path}/__init__.py"):
            yield stem, inside


def _anyone_offers(group: str) -> bool:
    """Whether any installed package may have entry points in *group*: a look at the files, without the import."""
    if any(finder is not _path_finder() and hasattr(finder, "find_distributions") for finder in sys.meta_path):
        return True
    wanted = f"[{group}]".encode()  # a section of the file; a name in it may hold the same letters
    for folder in dict.fromkeys(sys.path):
        try:
            entries = os.scandir(folder or ".")
        except NotADirectoryError:
            return True  # a zip file on the path, which only importlib.metadata can look into
        except OSError:
            continue
        with entries:
            names = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
        for name in names:
            try:
                with open(f"{name}/entry_points.txt", "rb") as file:
                    if wanted in file.read():
                        return True
            except OSError:
                continue
    return False


def _path_finder() -> Any:
    return next((each for each in sys.meta_path if getattr(each, "__name__", "") == "PathFinder"), None)


def _distribution(point: "EntryPoint") -> str:
    return point.dist.name if point.dist is not None else "an installed package"


def _extra_hint(error: ImportError) -> str:
    return f" (is {error.name.partition('.')[0]!r} installed?)" if error.name else ""
