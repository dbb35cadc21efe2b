"""The key of a request: the same for the same content, another when anything in it changes. Images count by content."""

import hashlib
from pathlib import PurePath
from typing import Any

from msgspec import MsgspecError
from msgspec.msgpack import Encoder

from modelport.types import ChatRequest, Messages

__all__ = ("Uncacheable", "content_key", "key_of")


class Uncacheable(TypeError):
    """A request holds something whose content cannot be read; the message says what."""


def key_of(request: ChatRequest, salt: str) -> bytes:
    """32 bytes. *salt* is whatever else must be the same: the model's identity.

    Files named by a ``Path`` are read.

    Raises:
        Uncacheable: something in the request has no content that can be compared.
        OSError: a file could not be read.
    """
    return content_key((salt, request))


def content_key(content: Any) -> bytes:
    """The key of any plain data, values and images.

    Raises:
        Uncacheable: something in it is neither.
    """
    try:
        encoded = _encoder.encode(content)
    except (MsgspecError, OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise Uncacheable(str(error)) from None
    return hashlib.sha256(encoded).digest()


def _content(value: Any) -> Any:
    """What stands for *value* in a key; its type's name goes along, so that nothing is taken for another thing."""
    if isinstance(value, Messages):
        return value.values
    if isinstance(value, PurePath):
        with open(value, "rb") as file:  # noqa: PTH123  (a PurePath cannot open itself)
            return ["file", hashlib.file_digest(file, "sha256").digest()]
    if hasattr(value, "__array_interface__") and getattr(value, "dtype", None) is not None:
        if value.dtype.hasobject:
            raise Uncacheable("an array of objects has no content that can be compared")
        return ["array", value.dtype.str, list(value.shape), hashlib.sha256(value.tobytes()).digest()]
    if hasattr(value, "tobytes") and hasattr(value, "getbands"):
        return ["image", value.mode, list(value.size), hashlib.sha256(value.tobytes()).digest()]
    if isinstance(value, type) and hasattr(value, "model_json_schema"):
        return ["schema", value.__name__, value.model_json_schema()]
    raise Uncacheable(f"a {type(value).__name__} has no content that can be compared")


_encoder = Encoder(enc_hook=_content, order="deterministic")
