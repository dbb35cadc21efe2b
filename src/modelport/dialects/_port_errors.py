"""Errors on the ``port`` wire: ours as data, and what others answer where a modelport server was expected."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelport.errors import (
    ConnectionFailed,
    Forbidden,
    InvalidRequest,
    ModelportError,
    ModelTimeout,
    Overloaded,
    ProtocolError,
    RateLimited,
    RequestTooLarge,
    Unauthorized,
    error_from_data,
    error_to_data,
)

__all__ = ("MissingParts", "decode_error_body", "encode_error_body", "foreign_error")


class MissingParts(InvalidRequest):
    """The request names parts that the server has not kept (``missing``: their digests). Ask again with them."""

    code = "parts_missing"
    status = 409

    def __init__(
        self,
        message: str,
        *,
        missing: Sequence[bytes] = (),
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after=retry_after)
        self.missing: tuple[bytes, ...] = tuple(missing)


def encode_error_body(error: ModelportError) -> dict[str, Any]:
    """The error as plain data."""
    data = error_to_data(error)
    return {**data, "missing": list(error.missing)} if isinstance(error, MissingParts) else data


def decode_error_body(data: Mapping[str, Any]) -> ModelportError:
    """The error that *data* tells.

    Raises:
        ProtocolError: it tells none.
    """
    message, retry_after, param = data.get("message"), data.get("retry_after"), data.get("param")
    if not isinstance(data.get("code"), str) or not isinstance(message, str):
        raise ProtocolError("the far side told an error that cannot be read")
    missing = data.get("missing")
    if data["code"] == MissingParts.code and isinstance(missing, list):
        return MissingParts(message, missing=[digest for digest in missing if isinstance(digest, bytes)])
    return error_from_data(
        {
            "code": data["code"],
            "message": message,
            "param": param if isinstance(param, str) else None,
            "retry_after": float(retry_after) if isinstance(retry_after, int | float) else None,
        }
    )


_BY_STATUS: dict[int, tuple[type[ModelportError], str]] = {
    401: (Unauthorized, "give its api_key"),
    403: (Forbidden, "ask whoever runs it"),
    413: (RequestTooLarge, "something on the way takes no bodies of this size"),
    429: (RateLimited, "try again later"),
    502: (ConnectionFailed, "a proxy cannot reach the server behind it"),
    503: (Overloaded, "try again later"),
    504: (ModelTimeout, "a proxy gave up waiting for the server behind it"),
}


def foreign_error(status: int, body: bytes, headers: Mapping[str, str], where: str) -> ModelportError:
    """What an answer means that is not in our format: by its status where that tells, else not a modelport server."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower() or "no content type"
    text = body[:400].decode("utf-8", "replace")
    shown = "".join(each if each.isprintable() else " " for each in text).strip()[:100]
    answered = f"{where} answered {status} with {kind}" + (f" ({shown})" if shown else "")
    if status in _BY_STATUS:
        error, mend = _BY_STATUS[status]
        return error(f"{answered}: {mend}", retry_after=_seconds(headers.get("retry-after")))
    if kind.startswith("application/vnd.modelport."):
        return ProtocolError(f"{answered}: another version of modelport; install the same one on both sides")
    return ProtocolError(f"{answered}: not a modelport server; give the address that `modelport serve` prints")


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < 1e9 else None
