"""Writes the two files beside it: the public names of AutoGen 0.2.40, and the signatures behind them. Facts only.

Run it with a Python that has ``autogen-agentchat==0.2.40`` (with ``openai<2``, ``websockets`` and ``docker``) there.
A module's public names are those of its ``__all__`` and those that it defines itself, without a leading underscore.
"""

import ast
import importlib
import inspect
import json
import logging
import pkgutil
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
# Modules for services and packages of others: held against the table by name, not name by name.
BY_NAME_ONLY = ("agentchat.contrib", "browser_utils", "coding.kubernetes", "coding.jupyter")
LEFT_TO_OTHERS = ("anthropic", "bedrock", "cerebras", "cohere", "gemini", "groq", "mistral", "ollama", "together")


def modules() -> list[str]:
    """The dotted names of all modules below ``autogen``, and "" for itself."""
    below = pkgutil.walk_packages(importlib.import_module("autogen").__path__, "autogen.")
    return sorted(["", *(info.name.removeprefix("autogen.") for info in below)])


def by_name_only(name: str) -> bool:
    if any(part.startswith("_") for part in name.split(".")):
        return True
    others = name.startswith("oai.") and name.removeprefix("oai.") in LEFT_TO_OTHERS
    return others or any(name == each or name.startswith(f"{each}.") for each in BY_NAME_ONLY)


def public_names(module: ModuleType) -> list[str]:
    assert module.__file__ is not None
    own, names = set(), set(getattr(module, "__all__", ()))
    for node in top_level(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom) and Path(module.__file__).name == "__init__.py":
            names |= exported(node, module)
    names = {name for name in names if worth_keeping(getattr(module, name, None))} | own
    return sorted(name for name in names if not name.startswith("_") or name == "__version__")


def top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported, also below ``if`` and ``try``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
            yield from top_level(node)
        yield node


def exported(node: ast.ImportFrom, module: ModuleType) -> set[str]:
    """The names that an ``__init__`` takes from its own modules."""
    if node.level == 0:
        return set()
    if [alias.name for alias in node.names] != ["*"]:
        return {alias.name for alias in node.names}
    source = importlib.import_module("." * node.level + (node.module or ""), module.__name__)
    return set(getattr(source, "__all__", public_names(source)))


def worth_keeping(value: Any) -> bool:
    """Neither a logger, a type variable, an error of an import, nor what another package made."""
    if value is None or isinstance(
        value, typing.TypeVar | typing.ParamSpec | logging.Logger | ImportError | ModuleType
    ):
        return False
    home = getattr(value, "__module__", None)
    return not (isinstance(home, str) and (inspect.isclass(value) or inspect.isfunction(value))) or home.startswith(
        "autogen"
    )


def parameters(function: Any) -> list[str] | None:
    """Each parameter in order, ``=`` after what has a default, a lone ``*`` before what needs its name."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    found: list[str] = []
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not any(name.startswith("*") for name in found):
            found.append("*")
        stars = "*" if each.kind is each.VAR_POSITIONAL else "**" if each.kind is each.VAR_KEYWORD else ""
        found.append(f"{stars}{each.name}{'' if each.default is each.empty else '='}")
    return found


def members(cls: type, home: str = "autogen") -> dict[str, Any]:
    """What the class and its bases in *home* have: a method's parameters, ``property``, ``field`` or ``attribute``."""
    fields = set(getattr(cls, "model_fields", ())) | set(getattr(cls, "__dataclass_fields__", ()))
    fields |= set(getattr(cls, "__struct_fields__", ()))
    found: dict[str, Any] = {name: "field" for name in fields if not name.startswith("_")}
    for name in dir(cls):
        if (name.startswith("_") and name != "__init__") or name in fields:
            continue
        value = inspect.getattr_static(cls, name)
        owner = next(each for each in cls.__mro__ if name in vars(each))
        if owner.__module__.startswith(home) and getattr(value, "__module__", None) != "typing":
            found[name] = described(cls, name, value)
    found.pop("model_config", None)
    return found


def described(cls: type, name: str, value: Any) -> Any:
    if isinstance(value, property):
        return "property"
    if isinstance(value, staticmethod | classmethod) or inspect.isfunction(value):
        return parameters(getattr(cls, name))
    return "attribute"


def main() -> None:
    names: dict[str, list[str] | None] = {}
    signatures: dict[str, Any] = {}
    for name in modules():
        if by_name_only(name):
            names[name] = None
            continue
        try:
            module = importlib.import_module(f"autogen.{name}" if name else "autogen")
        except ImportError as error:  # a service of others
            print(f"{name}: {error}", file=sys.stderr)
            names[name] = None
            continue
        names[name] = public_names(module)
        for public in names[name] or ():
            value = getattr(module, public)
            if getattr(value, "__module__", None) == module.__name__ and public == getattr(value, "__name__", None):
                signatures[f"{name}:{public}"] = members(value) if inspect.isclass(value) else parameters(value)
    for file, facts in (("names.json", names), ("signatures.json", signatures)):
        (HERE / file).write_text(compact(facts), encoding="utf-8")


def compact(facts: dict[str, Any]) -> str:
    """A line for each of the outermost names, so that a change of one is a change of one line."""
    lines = (f" {json.dumps(name)}: {json.dumps(facts[name], sort_keys=True)}" for name in sorted(facts))
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
