"""Every dialect that can ask a model, whole or streamed; a new file joins by itself."""

from typing import Any

from modelport.errors import UnsupportedField
from modelport.registry import Registry
from modelport.types import ChatRequest, Message

__all__ = ("DIALECTS", "HI", "WIRES", "body_in")

_REGISTRY = Registry("dialect", "modelport.dialects", "DIALECT")
DIALECTS: dict[str, Any] = {name: _REGISTRY.load(name) for name in _REGISTRY.names()}
HI = Message("user", "hi")


def body_in(name: str, request: ChatRequest, *, stream: bool) -> bytes | None:
    """*request* in that dialect; None where it has no place for it."""
    try:
        made: bytes = DIALECTS[name].encode_request(request, stream=stream)
    except (AttributeError, UnsupportedField):
        return None
    return made


WIRES = [
    (name, stream)
    for name in DIALECTS
    for stream in (False, True)
    if body_in(name, ChatRequest(messages=(HI,)), stream=stream) is not None
]
