"""Errors: ours as Anthropic's error bodies, and any error body as ours."""

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
    UnsupportedField,
    error_from_data,
)

__all__ = ("decode_error", "encode_error", "error_from_body", "error_to_body")

_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_BY_STATUS: dict[int, type[ModelportError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: ModelNotFound,
    408: ModelTimeout,
    413: RequestTooLarge,
    422: InvalidRequest,
    429: RateLimited,
    503: Overloaded,
    504: ModelTimeout,
    529: Overloaded,
}

_BY_KIND: dict[str, type[ModelportError]] = {
    "invalid_request_error": InvalidRequest,
    "authentication_error": Unauthorized,
    "permission_error": Forbidden,
    "not_found_error": ModelNotFound,
    "request_too_large": RequestTooLarge,
    "rate_limit_error": RateLimited,
    "overloaded_error": Overloaded,
    "timeout_error": ModelTimeout,
}

_OUR_WORDS = {
    "stop": "stop_sequences",
    "user": "metadata.user_id",
    "response_format": "output_config.format",
    "reasoning_effort": "output_config.effort",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}
"""Fields that have another name on this wire than in a request of ours."""


_NO_THREADS = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
"""Tells Anthropic's clients to go on with the whole conversation in each request, as those that run tools do."""


def error_to_body(error: ModelportError, request_id: str | None = None) -> dict[str, Any]:
    """``{"type": "error", "error": {type, message}, "request_id", "modelport": {code, …}}``."""
    message, param = error.message, error.param
    if param in _OUR_WORDS:
        theirs = _OUR_WORDS[param]
        if message.startswith(f"{param}:"):
            message = theirs + message.removeprefix(param)
        param = theirs
    kind = _KINDS.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    ours: dict[str, Any] = {"code": error.code}
    if param is not None:
        ours["param"] = param
    if error.retry_after is not None:
        ours["retry_after"] = error.retry_after
    inner: dict[str, Any] = {"type": kind, "message": message}
    if param == "thread" and isinstance(error, UnsupportedField):
        inner["details"] = _NO_THREADS
    return {"type": "error", "error": inner, "request_id": request_id, "modelport": ours}


def encode_error(error: ModelportError, request_id: str | None = None) -> bytes:
    """The body of an answer that is an error."""
    return msgspec.json.encode(error_to_body(error, request_id))


def decode_error(status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
    """The error that an answer of *status* carries: by its code where that is one of ours, else by its status."""
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        given = None
    retry_after = retry_after_in(headers)
    if not isinstance(given, dict) or not isinstance(given.get("error"), dict):
        text = body[:500].decode("utf-8", "replace").strip()
        kind = _BY_STATUS.get(status, ModelError)
        return kind(f"HTTP {status}: {text}" if text else f"HTTP {status}", retry_after=retry_after)
    return error_from_body(given, status, retry_after)


def error_from_body(
    given: Mapping[str, Any], status: int | None = None, retry_after: float | None = None
) -> ModelportError:
    """The error in a body, or in an event of a stream, where *status* is None."""
    inner = given.get("error")
    inner = inner if isinstance(inner, dict) else {}
    message = str(inner.get("message") or (f"HTTP {status}" if status is not None else "the answer failed"))
    ours = given.get("modelport")
    ours = ours if isinstance(ours, dict) else {}
    param = ours.get("param") if isinstance(ours.get("param"), str) else None
    said = ours.get("retry_after")
    if retry_after is None and isinstance(said, int | float) and 0 <= said < 1e9:
        retry_after = float(said)
    code = str(ours.get("code"))
    error = error_from_data({"code": code, "message": message, "param": param, "retry_after": retry_after})
    if error.code == code:
        return error
    kind = _BY_KIND.get(str(inner.get("type"))) or _BY_STATUS.get(status or 0, ModelError)
    return kind(message, param=param, retry_after=retry_after)
