"""One message of a conversation and what its making took. Knows no agents and no files."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from msgspec import Struct

from modelport.types import Usage

__all__ = ("Recorder", "Turn", "recorders", "recording", "unrecorded")


class Turn(Struct, frozen=True, kw_only=True):
    """A message that one agent sent to another, as it stands in their histories."""

    sender: str
    recipient: str
    message: dict[str, Any]
    time: float  # when it was sent, in seconds since 1970
    asks: bool | None = None  # whether the sender asked for a reply; None leaves it to the recipient
    seconds: float | None = None  # how long the sender took to make it; None where it was given, not made
    model: str | None = None  # which model said it; the last, where several were asked
    usage: Usage | None = None  # what all models took that were asked for it; None where none was
    cached: bool = False  # every answer behind it came from a cache

    @property
    def relayed(self) -> bool:
        """Somebody else's words, passed on: what a group chat's manager sends to those who listen."""
        return self.asks is False and self.message.get("name", self.sender) != self.sender


class Recorder(Protocol):
    """Takes note of the turns of a chat, as they happen."""

    def record(self, turn: Turn) -> None:
        """One more message was sent. What this raises ends the chat."""
        ...


_RECORDERS: ContextVar[tuple[Recorder, ...]] = ContextVar("modelport_recorders", default=())


def recorders() -> tuple[Recorder, ...]:
    """Who takes note of the chat that runs here: the outermost first, for chats inside chats."""
    return _RECORDERS.get()


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Every turn in the ``with`` is given to *recorder*, too."""
    token = _RECORDERS.set((*_RECORDERS.get(), recorder))
    try:
        yield
    finally:
        _RECORDERS.reset(token)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Nobody takes note of the chat in the ``with``: it is an aside, such as a model being asked who speaks next."""
    token = _RECORDERS.set(())
    try:
        yield
    finally:
        _RECORDERS.reset(token)
