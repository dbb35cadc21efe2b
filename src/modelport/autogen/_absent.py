"""Errors for AutoGen's names that are left out: an import of one says why, and what to use. Reads the table only."""

import sys

from modelport.autogen._left_out import LEFT_OUT

TYPE_CHECKING = False  # as in modelport itself: importing typing would cost more than all of this file
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

__all__ = ("absence_of", "explain_absences", "find_no_left_out_modules", "refuse")

_ROOT = "modelport.autogen"


def absence_of(name: str) -> tuple[str, str] | None:
    """Why AutoGen's *name*, dotted and without ``autogen.``, is not here, and what does its work.

    None for what AutoGen has not either.
    """
    while name:
        if name in LEFT_OUT:
            return LEFT_OUT[name]
        name = name.rpartition(".")[0]
    return None


def refuse(module: str, name: str, asking: "FrameType") -> "NoReturn":
    """Say that *module*, which is one of the mirror's, has no *name*, which the code in *asking* reads.

    Raises:
        ImportError: it is read by ``from module import name``, which would not pass on what an AttributeError says.
        AttributeError: it is read in another way, as by ``hasattr``.
    """
    missing = f"module {module!r} has no attribute {name!r}"
    absence = None if name.startswith("__") else absence_of(f"{module}.{name}".removeprefix(f"{_ROOT}."))
    if absence is None:
        raise AttributeError(missing, name=name)
    text = _text(f"{module}.{name}", absence)
    if _is_from_import(asking):
        raise ImportError(text, name=module)
    raise AttributeError(text, name=name)


def explain_absences(module: str) -> None:
    """Have *module*, which is being imported, explain what is left out of it."""

    def explain(name: str) -> "NoReturn":
        refuse(module, name, sys._getframe(1))

    # Set from here, and not defined in each module: type checkers take a module's own __getattr__ for any name at all.
    vars(sys.modules[module])["__getattr__"] = explain


def find_no_left_out_modules() -> None:
    """Have ``import`` explain why a module of AutoGen's is not here. Asked only where nothing else finds it."""
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.append(_Finder())


class _Finder:
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002 - the protocol
        if fullname.startswith(f"{_ROOT}."):
            absence = absence_of(fullname.removeprefix(f"{_ROOT}."))
            if absence is not None:
                raise ModuleNotFoundError(_text(fullname, absence), name=fullname)


def _text(name: str, absence: tuple[str, str]) -> str:
    why, instead = absence
    return f"{name} is left out ({why}): use {instead}"


def _is_from_import(frame: "FrameType") -> bool:
    from opcode import opmap

    return frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
