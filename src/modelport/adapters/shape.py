"""What a callable takes, looked at once, when it is adapted. Knows nothing of requests or answers."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from modelport.errors import NotAModel

__all__ = ("Kind", "Shape", "check_one_argument", "kind_of", "may_wait", "shape_of")

Kind = Literal["plain", "coroutine", "generator", "async_generator"]


class Shape:
    """A callable's parameters: the first, which takes the messages, and the names of the others.

    ``first`` is None where the first argument is passed by position, or its name where only that will do.
    ``required`` are those of ``names`` without a default; ``takes_all`` tells that there is ``**``.
    """

    __slots__ = ("first", "kind", "names", "required", "takes_all")

    def __init__(
        self, kind: Kind, first: str | None, names: Iterable[str], required: Iterable[str], *, takes_all: bool
    ) -> None:
        self.kind = kind
        self.first: str | None = first
        self.names: frozenset[str] = frozenset(names)
        self.required: frozenset[str] = frozenset(required)
        self.takes_all: bool = takes_all


def kind_of(function: Any) -> Kind:
    """How *function* answers: with a value, a coroutine, a generator or an async generator."""
    import inspect

    for _ in range(8):  # a partial of a callable object of a partial …
        if inspect.isasyncgenfunction(function):
            return "async_generator"
        if inspect.iscoroutinefunction(function):
            return "coroutine"
        if inspect.isgeneratorfunction(function):
            return "generator"
        function = _inside(function)
        if function is None:
            break
    return "plain"


def may_wait(function: Any) -> bool:
    """Whether *function* may answer with something to await: it is async, or a decorator stands before what is."""
    import inspect

    if kind_of(function) == "coroutine":
        return True
    try:
        return inspect.iscoroutinefunction(inspect.unwrap(function))
    except ValueError:  # it wraps itself
        return False


def _inside(function: Any) -> Any:
    """The next callable within a partial, a bound method, a decorated function or a callable object."""
    import functools
    import types

    if isinstance(function, functools.partial | functools.partialmethod):
        return function.func
    if isinstance(function, types.MethodType):
        return function.__func__
    # what a decorator made is what is called; only a callable object is looked into
    if isinstance(function, types.FunctionType | types.BuiltinFunctionType | type):
        return None
    return getattr(type(function), "__call__", None)  # noqa: B004  (the method itself is wanted)


def _signed(function: Any) -> Any:
    """*function*, or the method that a callable object is called by: inspect compares what it is given with ``==``,
    which is for a user's object to define."""
    import types

    call = getattr(type(function), "__call__", None)  # noqa: B004  (the method itself is wanted)
    if not isinstance(call, types.FunctionType) or hasattr(function, "__wrapped__"):
        return function
    return function if hasattr(function, "__signature__") else call.__get__(function)


def shape_of(function: Callable[..., Any], where: str, asks: str) -> Shape:
    """The shape of *function*, which will be called with one argument and then keywords.

    Raises:
        NotAModel: it cannot be called with one argument.
    """
    import inspect

    kind = kind_of(function)
    try:
        parameters = list(inspect.signature(_signed(function)).parameters.values())
    except (TypeError, ValueError):  # some callables written in C tell nothing; they are called and may complain
        return Shape(kind, None, (), (), takes_all=False)
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters)
    by_position = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    star = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    named = [each for each in parameters if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]
    first: str | None = None
    if by_position:
        named = [each for each in named if each is not by_position[0]]
    elif not star:
        first = next((each.name for each in named if each.name == "messages"), None)
        if first is None:
            raise NotAModel(f"{where} takes no argument for the messages; the contract asks for {asks}: add one")
        named = [each for each in named if each.name != first]
    blocked = [
        each.name for each in by_position[1:] if each.kind is each.POSITIONAL_ONLY and each.default is each.empty
    ]
    if blocked:
        raise NotAModel(
            f"{where} takes {', '.join(blocked)} by position only; the contract asks for {asks}: "
            "remove the / or give defaults"
        )
    required = [each.name for each in named if each.default is each.empty]
    return Shape(kind, first, [each.name for each in named], required, takes_all=takes_all)


def check_one_argument(method: Callable[..., Any], where: str, asks: str) -> None:
    """See that *method* can be called with one argument.

    Raises:
        NotAModel: it cannot; the message says why.
    """
    import inspect

    try:
        signature = inspect.signature(_signed(method))
    except (TypeError, ValueError):  # written in C: it is called, and may complain
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise NotAModel(
            f"{where} cannot be called with one argument ({error}); the contract asks for {asks}: "
            "take one, and give any others defaults"
        ) from None
