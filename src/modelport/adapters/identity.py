"""Text that changes when a user's code, or what it was configured with, does. For the keys of caches."""

from collections.abc import Iterator, Mapping
from threading import Lock
from types import CodeType, FunctionType
from typing import Any

__all__ = ("identity_of",)

_PLAIN = str | int | float | bool | bytes | None
_SECRETS = ("key", "token", "secret", "password", "credential", "authorization")
_DEEPEST = 6
_parsing = Lock()


def identity_of(target: Any, config: Mapping[str, Any] | None, name: str) -> str:
    """The model's name and a hash of its source code, its plain values and its configuration.

    Values under names that look like secrets are left out: a new key asks the same model. A *target* with a text of
    its own in ``identity`` knows better.
    """
    own = getattr(target, "identity", None)
    if isinstance(own, str) and own:
        return own
    import hashlib  # not needed to answer anybody

    digest = hashlib.sha256()
    for piece in _pieces(target, config):
        digest.update(piece.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return f"{name}@{digest.hexdigest()[:32]}"


def _pieces(target: Any, config: Mapping[str, Any] | None) -> Iterator[str]:
    yield from _code_of(target, _DEEPEST)
    yield _plain(dict(config or {}), _DEEPEST)


def _code_of(target: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(target, type):
        yield from _class_code(target)
    elif isinstance(target, FunctionType):
        yield from _function_code(target, depth)
    elif hasattr(target, "__func__"):  # a bound method
        yield from _code_of(target.__func__, depth - 1)
        yield from _code_of(target.__self__, depth - 1)
    elif hasattr(target, "func") and hasattr(target, "keywords"):  # a partial
        yield from _code_of(target.func, depth - 1)
        yield _plain([list(target.args), target.keywords], depth)
    else:
        yield from _class_code(type(target))
        yield _plain(getattr(target, "__dict__", {}), depth)


def _class_code(cls: type) -> Iterator[str]:
    for each in cls.__mro__:
        if each.__module__ in {"builtins", "abc", "typing"} or each.__module__.startswith("modelport."):
            continue
        yield f"{each.__module__}.{each.__qualname__}"
        yield _source(each)
        for name, value in sorted(vars(each).items()):
            function = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(function, FunctionType):
                yield from _function_code(function, 2)
            elif not name.startswith("__"):
                yield f"{name}={_plain(value, 2)}"


def _function_code(function: FunctionType, depth: int) -> Iterator[str]:
    yield f"{function.__module__}.{function.__qualname__}"
    yield _source(function)
    yield _bytecode(function.__code__)
    yield _plain([function.__defaults__ or (), function.__kwdefaults__ or {}], 3)
    for cell in function.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:  # a cell that is still empty
            continue
        if isinstance(held, FunctionType):
            yield from _code_of(held, depth - 1)
        else:
            yield _plain(held, 3)
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        yield from _code_of(wrapped, depth - 1)


def _source(thing: Any) -> str:
    import inspect

    for _ in range(100):
        try:
            with _parsing:
                return inspect.getsource(thing)
        except (OSError, TypeError, IndexError, SyntaxError):  # made by exec, typed into a shell, or written in C
            return ""
        except SystemError:  # CPython 3.11's parser where another thread parses at the same time
            continue
    return ""


def _bytecode(code: CodeType) -> str:
    consts = [_bytecode(item) if isinstance(item, CodeType) else _plain(item, 3) for item in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {consts}"


def _plain(value: Any, depth: int) -> str:
    """*value* as text without addresses: its plain data, and of anything else its type."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if depth > 0:
        if isinstance(value, Mapping):
            items = [(str(name), item) for name, item in value.items() if not _is_secret(name)]
            return (
                f"{{{', '.join(f'{name!r}: {_plain(item, depth - 1)}' for name, item in sorted(items, key=_first))}}}"
            )
        if isinstance(value, list | tuple):
            return f"[{', '.join(_plain(item, depth - 1) for item in value)}]"
        if isinstance(value, set | frozenset):
            return f"{{{', '.join(sorted(_plain(item, depth - 1) for item in value))}}}"
        if isinstance(value, FunctionType):
            return _bytecode(value.__code__)
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _first(item: tuple[str, Any]) -> str:
    return item[0]


def _is_secret(name: object) -> bool:
    words = str(name).lower()
    return any(word in words for word in _SECRETS) and not words.endswith("tokens")
