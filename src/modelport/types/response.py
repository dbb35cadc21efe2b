"""A whole answer."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from modelport.types.content import Message
from modelport.types.events import FinishReason, Usage

__all__ = ("ChatResponse", "Choice")


class Choice(Struct, frozen=True):
    """One of the ``n`` answers to a request. ``stop_sequence`` is the one that it ended at, where that is known."""

    index: int
    message: Message
    finish_reason: FinishReason
    stop_sequence: str | None = None


class ChatResponse(Struct, frozen=True, kw_only=True):
    """A whole answer. Satisfies AutoGen's ``ModelClientResponseProtocol``.

    ``emulated`` names the request's fields that the port kept in the model's stead. ``sent`` is what the model got in
    place of the request's messages, where role rules changed them (``emulated`` says which). ``raw`` is the object that
    a user's class returned, if one did. ``entry`` is the label of the config list's entry that answered, if one did.
    """

    id: str
    model: str
    created: int  # Unix time, seconds
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    emulated: tuple[str, ...] = ()
    cached: bool = False
    entry: str | None = None
    raw: Any = None
    sent: Sequence[Message] | None = None

    @property
    def message(self) -> Message:
        """The first choice's message."""
        return self.choices[0].message

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].message.text

    @property
    def cost(self) -> float | None:
        """US dollars, or ``None`` where no price is known (which is not the same as free)."""
        return self.usage.cost if self.usage is not None else None
