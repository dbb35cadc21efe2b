"""The sentences of broken contracts, and users' exceptions as ours. Knows no contract in particular."""

from collections.abc import Mapping
from typing import Any

from modelport.errors import (
    ConnectionFailed,
    ContractBroken,
    ModelError,
    ModelportError,
    ModelTimeout,
    NotAModel,
    Overloaded,
    RateLimited,
)

__all__ = ("CAUGHT", "broken", "came", "failure", "own_name", "type_name")

_BY_STATUS = {429: RateLimited, 503: Overloaded, 529: Overloaded}
# What a user's code may raise that fails its own answer and no more. sys.exit() in a model must not end the program
# that asks it, nor the loop that drives it; Ctrl-C (KeyboardInterrupt) must.
CAUGHT: tuple[type[BaseException], ...] = (Exception, SystemExit)

_LONGEST = 500  # characters of a user's own error text that are repeated in ours


def type_name(thing: object) -> str:
    """How a person would name *thing*: a function by its name, an object by its class."""
    if isinstance(thing, type):
        return thing.__name__
    own = getattr(thing, "__name__", None)
    return own if isinstance(own, str) else type(thing).__name__


def came(value: object) -> str:
    """What *value* is, for an error: its type, and no content of the user's."""
    if value is None:
        return "None"
    if isinstance(value, tuple) and len(value) <= 4:
        inner = ", ".join("None" if item is None else type(item).__name__ for item in value)
        return f"a tuple ({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, tuple | list) and not value:
        return f"an empty {type(value).__name__}"
    if hasattr(value, "__await__"):
        return f"a {type(value).__name__}"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return f"the number {value}"
    return f"{'an' if type(value).__name__[0] in 'aeioAEIO' else 'a'} {type(value).__name__}"


def broken(where: str, problem: str, *, asks: str, mend: str) -> ContractBroken:
    """``where problem; the contract asks for asks: mend``."""
    return ContractBroken(f"{where} {problem}; the contract asks for {asks}: {mend}")


def failure(where: str, error: BaseException) -> ModelportError:
    """What to raise where a user's code raised *error*: errors of ours as they are, others named, with their text.

    To be raised ``from error``. Time-outs, lost connections and answers of HTTP status 429 and 503 become the errors
    that mean the same here, so that they are tried again where retrying was asked for.
    """
    if isinstance(error, ModelportError):
        return error
    text = _text_of(error)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    message = f"{where} raised {type(error).__name__}: {text}" if text else f"{where} raised {type(error).__name__}"
    if isinstance(error, SystemExit):
        message += " (a model must not end the program that asks it: raise another error)"
    kind = _BY_STATUS.get(_status(error), ModelError)
    if isinstance(error, TimeoutError):
        kind = ModelTimeout
    elif isinstance(error, ConnectionError):
        kind = ConnectionFailed
    return kind(message, retry_after=_retry_after(error))


def own_name(thing: object) -> str:
    """The name that *thing* has for itself.

    Raises:
        NotAModel: it has none, or one that is not text.
    """
    where = type(thing).__name__
    try:
        name = getattr(thing, "name", None)
    except CAUGHT as error:
        raise failure(f"{where}.name", error) from error
    if isinstance(name, str) and name:
        return name
    what = " has no name" if name is None else f".name is {'empty text' if name == '' else came(name)}"
    raise NotAModel(f'{where}{what}; the contract asks for `name: str`: set name = "{where.lower()}" on the class')


def _text_of(error: BaseException) -> str:
    """What *error* says of itself, if it can."""
    try:
        text = str(error)
    except CAUGHT:
        return ""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()  # no wire takes a surrogate


def _status(error: BaseException) -> int:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def _retry_after(error: BaseException) -> float | None:
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping) and not hasattr(headers, "get"):
        return None
    try:
        return max(0.0, float(headers.get("retry-after")))
    except (TypeError, ValueError):
        return None
