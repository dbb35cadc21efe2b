"""The pieces of a streamed answer. A whole answer is its events, folded (see ``builder``)."""

from typing import Any, Literal

from msgspec import Struct

__all__ = (
    "Emulated",
    "Event",
    "Finish",
    "FinishReason",
    "ReasoningDelta",
    "Started",
    "TextDelta",
    "ToolCallDelta",
    "Usage",
)

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class Started(Struct, frozen=True, tag="started", omit_defaults=True):
    """Facts about the answer as a whole; usually the first event, and never needed.

    ``model`` is the name that the model gives itself. ``raw`` is the object that a user's class returned, by
    reference; it never leaves the process. ``cached`` tells that nothing was computed.
    """

    model: str | None = None
    id: str | None = None
    raw: Any = None
    cached: bool = False


class TextDelta(Struct, frozen=True, tag="text", omit_defaults=True):
    """More of what choice number ``choice`` says."""

    text: str
    choice: int = 0


class ReasoningDelta(Struct, frozen=True, tag="reasoning", omit_defaults=True):
    """More of what choice number ``choice`` thinks, which is not part of what it says."""

    text: str
    choice: int = 0


class ToolCallDelta(Struct, frozen=True, tag="tool_call", omit_defaults=True):
    """A tool call begins (``name`` is given), or more of its ``arguments``.

    A model may leave out ``id`` and ``index``; ``minting`` supplies both, and everything after it may rely on them.
    """

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0


class Finish(Struct, frozen=True, tag="finish", omit_defaults=True):
    """Choice number ``choice`` ends, and why; ``stop_sequence`` is the one that it ended at, where that is known."""

    reason: FinishReason = "stop"
    choice: int = 0
    stop_sequence: str | None = None


class Usage(Struct, frozen=True, tag="usage", omit_defaults=True):
    """What an answer took. ``None`` is unknown, which is not 0.

    ``total_tokens`` is given only where it is not the sum of the other two. ``cost`` is in US dollars. ``estimated``
    tells that the tokens were not counted by the model's own tokenizer.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: float | None = None
    estimated: bool = False

    @property
    def total(self) -> int | None:
        """All tokens, or ``None`` where that is not known."""
        if self.total_tokens is not None:
            return self.total_tokens
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return self.prompt_tokens + self.completion_tokens


class Emulated(Struct, frozen=True, tag="emulated", omit_defaults=True):
    """These fields of the request were kept by the port, not by the model (``n``, ``stop``, …).

    ``role_rules.NAME`` says that the messages were made to keep a rule; ``sent`` has those that the model got then, a
    sequence of messages. Like ``Started.raw`` it is held by reference, and never leaves the process.
    """

    fields: tuple[str, ...]
    sent: Any = None


Event = Started | TextDelta | ReasoningDelta | ToolCallDelta | Finish | Usage | Emulated
