"""``modelport serve --reload``: which folders the code of a served model lies in, told from its spec alone.

Nothing is imported for that: the server's own process never runs a user's file.
"""
# Paths are text here, as the interpreter itself has them.
# ruff: noqa: PTH100, PTH111, PTH113, PTH118, PTH120

import logging
import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder

from modelport.config.settings import models_directory
from modelport.config.spec import MODELS, PROVIDERS, RUNTIMES
from modelport.errors import ConfigError
from modelport.server.reload import Reloader, Source
from modelport.server.serving import Serving
from modelport.server.watching import Watch
from modelport.workers import SUPPORTED, WorkerModel, WorkerOptions

__all__ = ("reloader_of", "roots_of", "watch_of")

_INSTALLED = ("site-packages", "dist-packages", os.path.dirname(os.__file__))


def watch_of(sources: Sequence[Source], isolation: str) -> Watch:
    """What looks for changes of *sources* from now on.

    Raises:
        ConfigError: models do not run in worker processes, or none of them has files.
    """
    if not SUPPORTED:
        raise ConfigError(
            "--reload replaces worker processes, which there are none of on Windows: start the server again"
        )
    if isolation not in {"auto", "worker"}:
        raise ConfigError(
            f"--reload replaces worker processes, and --isolation {isolation} has none: leave one of them out"
        )
    roots = [root for source in sources for root in source.roots]
    if not roots:
        specs = ", ".join(source.spec for source in sources)
        raise ConfigError(f"--reload has nothing to watch: {specs} comes from no file of yours; leave it out")
    return Watch(roots)


def reloader_of(
    serving: Serving, sources: Sequence[Source], options: WorkerOptions, drain: float, watch: Watch | None
) -> Reloader:
    """What loads the models of *sources*, in the order of *serving*, again, as far as they live in workers."""
    logging.getLogger("modelport.server.reload").setLevel(logging.INFO)  # when code changes is for the log
    replaceable = {
        name: source
        for name, source in zip(serving.names, sources, strict=True)
        if isinstance(serving.find(name).model, WorkerModel)
    }
    return Reloader(serving, replaceable, options, drain=drain, watch=watch)


def roots_of(spec: str, models_dir: str | None = None) -> tuple[str, ...]:
    """The folders that the code of *spec* lies in; none where it is installed or comes with modelport."""
    text = spec.strip()
    head = text.partition(":")[0]
    path = text[: text.find(".py") + 3] if ".py" in text else ""
    if path and (path == text or text[len(path) :].startswith(":")):
        return _around(os.path.expanduser(path))
    directory = models_directory(models_dir)
    if head in MODELS or head in RUNTIMES or head in PROVIDERS:
        return ()
    module = _of_module(head) if ":" in text or "." in head else None
    if module is not None:
        return module
    return () if directory is None else (os.path.realpath(directory),)


def _around(path: str) -> tuple[str, ...]:
    """The folder of a file, or the whole package that it belongs to; both where a link leads elsewhere."""
    folders = []
    for each in (os.path.abspath(path), os.path.realpath(path)):
        folder = os.path.dirname(each)
        while os.path.isfile(os.path.join(folder, "..", "__init__.py")):
            folder = os.path.dirname(folder)
        folders.append(folder)
    return tuple(dict.fromkeys(folders))


def _of_module(name: str) -> tuple[str, ...] | None:
    try:
        found = PathFinder.find_spec(name.partition(".")[0], [*sys.path, os.getcwd()])  # noqa: PTH109
    except (ImportError, ValueError):
        return None
    if found is None:
        return None
    places = list(found.submodule_search_locations or ())
    if not places and found.origin is not None and found.has_location:
        places = [os.path.dirname(found.origin)]
    return tuple(os.path.realpath(place) for place in places if not any(each in place for each in _INSTALLED))
