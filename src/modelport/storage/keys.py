"""The key of a request: the same for the same content, another when anything in it changes. Images count by content."""

import hashlib
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from msgspec import MsgspecError
from msgspec.msgpack import Encoder
from msgspec.structs import replace

from modelport.types import ChatRequest, Messages

__all__ = ("Uncacheable", "content_key", "conversation_key", "key_of")

_WORTH = 16 * 1024  # bytes from which on a conversation's hash is remembered, to be gone on with at the next turn
_MOST = 1024 * 1024
_KEPT = 8


class Uncacheable(TypeError):
    """A request holds something whose content cannot be read; the message says what."""


def key_of(request: ChatRequest, salt: str) -> bytes:
    """32 bytes. *salt* is whatever else must be the same: the model's identity.

    Files named by a ``Path`` are read.

    Raises:
        Uncacheable: something in the request has no content that can be compared.
        OSError: a file could not be read.
    """
    return conversation_key(request.messages, (salt, replace(request, messages=())))


def conversation_key(messages: Sequence[Any], rest: Any) -> bytes:
    """The key of *messages* and whatever else belongs to them. Of a conversation that goes on, only what is new is
    hashed; all of it is encoded, so that a message that was changed is seen.

    Raises:
        Uncacheable: something in it has no content that can be compared.
    """
    encoded = _encoded(messages)
    count = len(messages)
    # Behind the header, which has their number, is one message after the other: what was there a turn ago comes first.
    hashed = _hashed(encoded[1 if count < 16 else 3 if count < 65536 else 5 :])
    hashed.update(_encoded((count, rest)))
    digest: bytes = hashed.digest()
    return digest


class _Hashed:
    """A conversation that was hashed, and the hash as it was at its end."""

    __slots__ = ("content", "state")

    def __init__(self, content: bytes, state: Any) -> None:
        self.content = content
        self.state = state


_lately: tuple[_Hashed, ...] = ()


def _hashed(content: bytes) -> Any:
    """The hash of *content*, to be gone on with."""
    global _lately  # noqa: PLW0603  (swapped whole, so that threads need no lock)
    if len(content) < _WORTH:
        return hashlib.sha256(content)
    known: _Hashed | None = None
    for each in _lately:
        if content.startswith(each.content) and (known is None or len(each.content) > len(known.content)):
            known = each
    if known is None:
        state = hashlib.sha256(content)
    else:
        state = known.state.copy()
        state.update(memoryview(content)[len(known.content) :])
    if len(content) <= _MOST:
        others = [each for each in _lately if each is not known]
        _lately = (_Hashed(content, state.copy()), *others[: _KEPT - 1])
    return state


def content_key(content: Any) -> bytes:
    """The key of any plain data, values and images.

    Raises:
        Uncacheable: something in it is neither.
    """
    return hashlib.sha256(_encoded(content)).digest()


def _encoded(content: Any) -> bytes:
    try:
        return _encoder.encode(content)
    except (MsgspecError, OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise Uncacheable(str(error)) from None


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
