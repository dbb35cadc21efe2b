"""The peer's way with pictures, after AgentStudio: the messages, pickled, as base64 in JSON; the answer likewise.

Written from what its protocol does, for these measurements only. Unpickling runs whatever the sender likes: the peer's
server listens on loopback, for as long as a measurement takes.
"""

import base64
import pickle
from dataclasses import dataclass
from typing import Any

__all__ = ("Message", "packed", "unpacked")


@dataclass
class Message:
    """One message, text or array."""

    role: str
    content: Any


def packed(value: Any) -> str:
    """Any object, as text."""
    return base64.b64encode(pickle.dumps(value)).decode("utf-8")


def unpacked(text: str) -> Any:
    """The inverse."""
    return pickle.loads(base64.b64decode(text.encode("utf-8")))
