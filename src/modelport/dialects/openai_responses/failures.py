"""Errors in the Responses wire's words: OpenAI's error bodies, with fields named as this wire names them."""

from typing import Any

import msgspec

from modelport.dialects.openai_chat.failures import error_to_body
from modelport.errors import ModelportError

__all__ = ("encode_error", "error_to_dict")

_NAMES = {
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}


def error_to_dict(error: ModelportError) -> dict[str, Any]:
    """``{message, type, param, code}``."""
    told: dict[str, Any] = error_to_body(error)["error"]
    name = _NAMES.get(error.param or "")
    if error.param is None or name is None:
        return told
    return {**told, "param": name, "message": error.message.replace(error.param, name, 1)}


def encode_error(error: ModelportError) -> bytes:
    """The body of an answer that is an error."""
    return msgspec.json.encode({"error": error_to_dict(error)})
