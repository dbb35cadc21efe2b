"""What schemathesis must be told beside the document. Loaded by its command, not by pytest."""

from typing import Any

import msgspec
import schemathesis

_UNKNOWN = ("unknown-property", "x-schemathesis")


@schemathesis.serializer("application/vnd.modelport.v1")
def serialize(_context: Any, value: Any) -> bytes:
    """Our own wire has no JSON: most of what it is sent here is no request of it, and some is not even msgpack."""
    if isinstance(value, bytes):
        return value
    try:
        return b"mport\x01" + msgspec.msgpack.encode(value)
    except (OverflowError, TypeError, UnicodeEncodeError):
        return repr(value).encode("utf-8", "replace")


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    """Not: headers and parameters of a query that nobody knows. HTTP lets everybody add them, on the way, too."""
    return not any(
        word in name.lower() for given in (case.headers, case.query) for name in given or () for word in _UNKNOWN
    )
