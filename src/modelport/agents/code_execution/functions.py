"""User-defined functions that a model's code may import: their source, imports and packages. Runs none of them.

Names as in ``autogen.coding.func_with_reqs``. A function given as text is parsed, never run in this process.
"""

import ast
import functools
from collections.abc import Callable, Iterable, Sequence
from textwrap import dedent, indent
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

import msgspec

__all__ = (
    "Alias",
    "AnyFunction",
    "FunctionWithRequirements",
    "FunctionWithRequirementsStr",
    "Import",
    "ImportFromModule",
    "functions_source",
    "required_packages",
    "to_stub",
    "with_requirements",
)

P = ParamSpec("P")
T = TypeVar("T")


class Alias(msgspec.Struct, frozen=True):
    """``name as alias``, in an import."""

    name: str
    alias: str


class ImportFromModule(msgspec.Struct, frozen=True):
    """``from module import …``."""

    module: str
    imports: Sequence[str | Alias]


Import: TypeAlias = str | ImportFromModule | Alias


class FunctionWithRequirements(Generic[P, T]):
    """A function, the packages that it needs installed (as pip takes them), and the imports that its module needs."""

    def __init__(
        self, func: Callable[P, T], python_packages: Sequence[str] = (), global_imports: Sequence[Import] = ()
    ) -> None:
        self.func: Callable[P, T] = func
        self.python_packages: list[str] = list(python_packages)
        self.global_imports: list[Import] = list(global_imports)

    @classmethod
    def from_callable(
        cls, func: Callable[P, T], python_packages: Sequence[str] = (), global_imports: Sequence[Import] = ()
    ) -> "FunctionWithRequirements[P, T]":
        """As the class itself."""
        return cls(func, python_packages, global_imports)

    @staticmethod
    def from_str(
        func: str, python_packages: Sequence[str] = (), global_imports: Sequence[Import] = ()
    ) -> "FunctionWithRequirementsStr":
        """A function given by its source."""
        return FunctionWithRequirementsStr(func, python_packages, global_imports)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.func(*args, **kwargs)


class FunctionWithRequirementsStr:
    """A function given by its source, which must define exactly one.

    Raises:
        ValueError: the source is no Python, or defines no function at its top level, or several.
    """

    def __init__(self, func: str, python_packages: Sequence[str] = (), global_imports: Sequence[Import] = ()) -> None:
        self.func: str = func
        self.python_packages: list[str] = list(python_packages)
        self.global_imports: list[Import] = list(global_imports)
        try:
            tree = ast.parse(func)
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"Could not compile function: {error}") from error
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        if len(found) != 1:
            raise ValueError(
                f"The string must contain exactly one function, got {len(found)}: {[node.name for node in found]}"
            )
        self._func_name = found[0].name
        self._definition = found[0]

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"{self._func_name} was given as text and cannot be called here: it is there for a model's code to import"
        )


AnyFunction: TypeAlias = FunctionWithRequirements[..., Any] | FunctionWithRequirementsStr | Callable[..., Any]


def with_requirements(
    python_packages: Sequence[str] = (), global_imports: Sequence[Import] = ()
) -> Callable[[Callable[P, T]], FunctionWithRequirements[P, T]]:
    """Decorates a function with the packages and the imports that it needs where a model's code calls it."""

    def decorate(func: Callable[P, T]) -> FunctionWithRequirements[P, T]:
        decorated = FunctionWithRequirements(func, python_packages, global_imports)
        functools.update_wrapper(decorated, func)
        return decorated

    return decorate


def required_packages(functions: Iterable[AnyFunction]) -> list[str]:
    """What *functions* need installed, each once, in order."""
    kinds = (FunctionWithRequirements, FunctionWithRequirementsStr)
    return list(dict.fromkeys(name for each in functions if isinstance(each, kinds) for name in each.python_packages))


def functions_source(functions: Iterable[AnyFunction]) -> str:
    """The source of a module with *functions* and what they import."""
    imports: dict[str, None] = {}
    sources: list[str] = []
    for each in functions:
        if isinstance(each, FunctionWithRequirements | FunctionWithRequirementsStr):
            imports.update(dict.fromkeys(_import_line(wanted) for wanted in each.global_imports))
        sources.append(_source(each))
    return "\n".join(imports) + "\n\n" + "".join(f"{source}\n\n" for source in sources)


def _import_line(wanted: Import) -> str:
    if isinstance(wanted, ImportFromModule):
        return f"from {wanted.module} import {', '.join(_name(each) for each in wanted.imports)}"
    return f"import {_name(wanted)}"


def _name(wanted: str | Alias) -> str:
    return wanted if isinstance(wanted, str) else f"{wanted.name} as {wanted.alias}"


def _source(function: AnyFunction) -> str:
    """The source of *function* at a module's level, without its decorators: their names are not there."""
    if isinstance(function, FunctionWithRequirementsStr):
        return function.func
    import inspect

    plain = function.func if isinstance(function, FunctionWithRequirements) else function
    try:
        source = dedent(inspect.getsource(plain))
    except (OSError, TypeError) as error:
        raise ValueError(
            f"the source of {getattr(plain, '__name__', plain)!r} cannot be found: define it with def in a file, "
            "or give it as text with FunctionWithRequirements.from_str"
        ) from error
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return "\n".join(source.splitlines()[node.lineno - 1 :]) + "\n"
    raise ValueError(
        f"{getattr(plain, '__name__', plain)!r} is not defined with def: a model's code could not import it"
    )


def to_stub(func: AnyFunction) -> str:
    """*func* as a model is shown it: its first line, its docstring and ``...``."""
    if isinstance(func, FunctionWithRequirementsStr):
        node = func._definition
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        head, doc = f"{node.name}({_arguments(node.args)}){returns}", ast.get_docstring(node, clean=False)
    else:
        import inspect

        plain = func.func if isinstance(func, FunctionWithRequirements) else func
        head, doc = f"{plain.__name__}{inspect.signature(plain)}", plain.__doc__
    lines = [f"def {head}:"]
    if doc:
        lines.append(indent(f'"""{dedent(doc)}"""', "    "))
    lines.append("    ...")
    return "\n".join(lines)


def _arguments(given: ast.arguments) -> str:
    """As :func:`inspect.signature` writes them: blanks around the sign of an annotated default."""
    positional = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
    parts = [_argument(each, default) for each, default in zip(positional, defaults, strict=True)]
    if given.posonlyargs:
        parts.insert(len(given.posonlyargs), "/")
    if given.vararg:
        parts.append(f"*{_argument(given.vararg, None)}")
    elif given.kwonlyargs:
        parts.append("*")
    parts += [_argument(each, default) for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg:
        parts.append(f"**{_argument(given.kwarg, None)}")
    return ", ".join(parts)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    text = argument.arg + (f": {ast.unparse(argument.annotation)}" if argument.annotation else "")
    if default is None:
        return text
    return text + (" = " if argument.annotation else "=") + ast.unparse(default)
