"""A piece of text that never prints, such as an API key. Knows nothing of where keys come from or go."""

import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

__all__ = ("MASK", "Secret", "redact", "sounds_secret", "without_userinfo")

MASK = "***"

# A shorter text is no secret, and masking it wherever it occurs would leave nothing readable.
_SHORTEST = 3

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:(?:api|access|secret|private|auth|account|subscription|master|signing)_?key|key|secret|secrets|token|"
    r"passwd|password|passphrase|credentials?|authorization|cookie)(?:_?(?:id|value))?$"
)


class Secret:
    """Text that shows as ``***`` wherever it is printed, formatted, logged or inspected.

    :meth:`reveal` is the one way to the text. A secret is not a ``str``, so that nothing can take its characters
    unasked: joining, encoding, pickling and turning it into JSON are refused. Two are compared in constant time.
    """

    __slots__ = ("reveal",)

    reveal: Callable[[], str]

    def __init__(self, value: "str | Secret") -> None:
        if isinstance(value, Secret):
            value = value.reveal()
        if not isinstance(value, str):
            raise TypeError(f"a secret must be text, got {type(value).__name__}")
        # Held by a closure: a debugger, a logger or a dump that walks over attributes finds a function and no text.
        object.__setattr__(self, "reveal", lambda: value)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("a secret cannot be changed: make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret cannot be changed: make a new one")

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        return compare_digest(
            self.reveal().encode("utf-8", "surrogatepass"), other.reveal().encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is not stored or sent: it must be given anew where it is needed")


def redact(text: str, secrets: "Iterable[Secret | str | None]") -> str:
    """*text* with every one of *secrets* masked, as it is and as JSON, a URL or ``repr`` would write it."""
    forms: set[str] = set()
    for secret in secrets:
        value = secret.reveal() if isinstance(secret, Secret) else secret
        if value and len(value.strip()) >= _SHORTEST:
            forms |= _forms(value)
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(value: str) -> set[str]:
    stripped = value.strip()
    forms = {value, stripped}
    if re.fullmatch(r"[\w.~-]+", stripped, re.ASCII) is None:
        from json import dumps
        from urllib.parse import quote, quote_plus

        forms |= {quote(stripped), quote(stripped, safe=""), quote_plus(stripped)}
        forms |= {repr(stripped)[1:-1], dumps(stripped)[1:-1], dumps(stripped, ensure_ascii=False)[1:-1]}
    return forms


def sounds_secret(name: str) -> bool:
    """Whether a field called *name* is likely to hold a secret (``api_key``, ``aws_secret_key``, ``hf-token``)."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()
    return _SECRET_NAME.search(snake) is not None


def without_userinfo(text: str) -> str:
    """An address without the name and the password that may stand before its host."""
    scheme, found, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    if not found or "@" not in host:
        return text
    return f"{scheme}://{MASK}@{host.rpartition('@')[2]}{slash}{path}"
