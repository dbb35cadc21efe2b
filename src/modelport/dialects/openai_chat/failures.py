"""Errors: ours as OpenAI's error bodies, and any error body as ours."""

from collections.abc import Mapping
from typing import Any

import msgspec

from modelport.dialects.base import retry_after_in
from modelport.errors import (
    Forbidden,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    ModelportError,
    ModelTimeout,
    Overloaded,
    RateLimited,
    RequestTooLarge,
    Unauthorized,
    error_from_data,
)

__all__ = ("OpenAIErrors", "decode_error", "encode_error", "error_from_body", "error_to_body")

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

_BY_STATUS: dict[int, type[ModelportError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: ModelNotFound,
    408: ModelTimeout,
    413: RequestTooLarge,
    415: InvalidRequest,
    422: InvalidRequest,
    429: RateLimited,
    503: Overloaded,
    504: ModelTimeout,
    529: Overloaded,
}


def error_to_body(error: ModelportError) -> dict[str, Any]:
    """``{"error": {message, type, param, code}}``."""
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.code}}


def encode_error(error: ModelportError) -> bytes:
    """The body of an answer that is an error."""
    return msgspec.json.encode(error_to_body(error))


def decode_error(status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
    """The error that an answer of *status* carries: by its code where that is one of ours, else by its status."""
    try:
        inner = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        inner = None
    retry_after = retry_after_in(headers)
    if not isinstance(inner, dict) or not isinstance(inner.get("error"), dict | str):
        text = body[:500].decode("utf-8", "replace").strip()
        kind = _BY_STATUS.get(status, ModelError)
        return kind(f"HTTP {status}: {text}" if text else f"HTTP {status}", retry_after=retry_after)
    return error_from_body(inner["error"], status, retry_after)


def error_from_body(inner: Any, status: int | None = None, retry_after: float | None = None) -> ModelportError:
    """The error in the value under ``error``; *status* is None within a stream."""
    if not isinstance(inner, dict):
        inner = {"message": str(inner)}
    message = str(inner.get("message") or (f"HTTP {status}" if status is not None else "the answer failed"))
    param = inner.get("param") if isinstance(inner.get("param"), str) else None
    code = str(inner.get("code"))
    error = error_from_data({"code": code, "message": message, "param": param, "retry_after": retry_after})
    if error.code == code:
        return error
    kind = _BY_STATUS.get(status or 0, ModelError)
    return kind(message, param=param, retry_after=retry_after)


class OpenAIErrors:
    """What OpenAI's wires have in common as objects: JSON, streams of server-sent events, and one form of errors."""

    request_type: str = "application/json"
    response_type: str = "application/json"
    stream_type: str = "text/event-stream; charset=utf-8"

    def encode_error(self, error: ModelportError) -> bytes:
        """The body of an answer that is an error."""
        return encode_error(error)

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer of *status* carries."""
        return decode_error(status, body, headers)
