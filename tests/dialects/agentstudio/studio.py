"""AgentStudio as its clients see it: the module that its pickles name, and a client that behaves as its own does.

Written from what AgentStudio's client does on the wire: one POST of JSON with ``model`` and ``messages`` to
``/generate``, by ``requests``, without a header of its own; 200 with ``message`` and ``info``, or it fails.
"""

import base64
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import requests

__all__ = ("Message", "StudioClient", "packed", "studio_installed", "unpacked")


@dataclass
class Message:
    role: str
    content: Any


Message.__module__ = "agent_studio.utils.types"


@contextmanager
def studio_installed() -> Iterator[None]:
    """AgentStudio's module of types can be imported, as on a machine that has it."""
    names = ("agent_studio", "agent_studio.utils", "agent_studio.utils.types")
    for name in names:
        sys.modules[name] = ModuleType(name)
    sys.modules[names[-1]].Message = Message  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def packed(value: Any, protocol: int | None = None) -> str:
    """As AgentStudio packs a value for the wire."""
    return base64.b64encode(pickle.dumps(value, protocol)).decode()


def unpacked(text: str) -> Any:
    """As AgentStudio opens what it is sent."""
    return pickle.loads(base64.b64decode(text.encode()))


class StudioClient:
    """Asks a model server as AgentStudio's ``RemoteProvider`` does."""

    def __init__(self, model_server: str) -> None:
        self.model_server = model_server
        self.heard = ""

    def generate_response(self, messages: list[Any], **kwargs: Any) -> tuple[str, dict[str, Any]]:
        asked = {"model": kwargs["model"], "messages": packed(messages)}
        answer = requests.post(f"{self.model_server}/generate", json=asked, timeout=10)
        self.heard = answer.text
        if answer.status_code != 200:
            raise ConnectionError(answer.status_code)
        return unpacked(answer.json()["message"]), unpacked(answer.json()["info"])
