"""Where code may lie that a config list out of a file or a variable names. Imports nothing.

A config list in code may name any code: whoever wrote it could as well have called it. One that was read is data, which
is copied, shared and sent around, so it leads only to names (of the models directory, plugins, what is shipped) and to
files and modules below the working directory, its own folder, the models directory and the setting
``code_roots``.
"""
# Paths are text here, as the interpreter itself has them.
# ruff: noqa: PTH100, PTH109, PTH120

import os
from collections.abc import Iterable
from pathlib import Path

from modelport.errors import ConfigError

__all__ = ("check_root", "roots_for")

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def roots_for(origin: str | None, *more: str | None) -> tuple[str, ...]:
    """The folders that a list read from *origin* (a file's path, or None for a variable) may lead to, and *more*."""
    folder = os.path.dirname(os.path.abspath(origin)) if origin is not None else None
    return tuple(dict.fromkeys(os.path.realpath(each) for each in (os.getcwd(), folder, *more) if each))


def check_root(path: str | None, roots: Iterable[str], spec: str) -> None:
    """Whether the code at *path* (None: built into the interpreter) may be loaded for *spec*.

    What is installed below a root does not lie below it: a virtual environment in the working directory is no part of
    the user's project. A root may itself be an installed package.

    Raises:
        ConfigError: it lies elsewhere; says where it may lie, and what to do.
    """
    real = os.path.realpath(path) if path is not None else None
    for root in map(os.path.realpath, roots):
        inside = real is not None and (real == root or real.startswith(root.rstrip(os.sep) + os.sep))
        if inside and not _INSTALLED & set(Path(str(real)[len(root) :]).parts):
            return
    raise ConfigError(
        f"{spec} is code outside of the folders that a config list from a file or a variable may name "
        f"({', '.join(roots)}): give the class in code, or add its folder to code_roots in modelport.toml"
    )
