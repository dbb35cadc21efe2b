"""What the making of one reply took: seconds, tokens, the model. Knows no agents."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from modelport.client.usage import observe
from modelport.types import Usage

__all__ = ("Making", "made", "making")


class Making:
    """The last reply that was made here, and what it took."""

    __slots__ = ("_answers", "cached", "model", "reply", "seconds", "started")

    def __init__(self) -> None:
        self.reply: Any = None
        self.seconds: float | None = None
        self.model: str | None = None
        self.cached: bool = False
        self.started: float = time.perf_counter()
        self._answers: list[tuple[Usage, bool]] = []

    def answered(self, model: str, usage: Usage, cached: bool) -> None:
        """One more answer of a model on the way to the reply; those of chats inside the chat are in their turns."""
        if _CURRENT.get() is not self:
            return
        self.model = model
        self._answers.append((usage, cached))

    def done(self, reply: Any) -> None:
        """The reply is there."""
        self.reply = reply
        self.seconds = time.perf_counter() - self.started
        self.cached = bool(self._answers) and all(cached for _, cached in self._answers)

    @property
    def usage(self) -> Usage | None:
        """The sum of what all answers took; None where no model was asked, or none said."""
        if len(self._answers) < 2:
            return self._answers[0][0] if self._answers else None
        every = [usage for usage, _ in self._answers]
        return Usage(
            prompt_tokens=_sum(each.prompt_tokens for each in every),
            completion_tokens=_sum(each.completion_tokens for each in every),
            total_tokens=_sum(each.total for each in every),
            cost=_sum(each.cost for each in every),
            estimated=any(each.estimated for each in every),
        )


def _sum(values: Iterator[Any]) -> Any:
    """The sum, or None where one part of it is unknown."""
    known = list(values)
    return None if None in known else sum(known)


_CURRENT: ContextVar[Making | None] = ContextVar("modelport_making", default=None)
_LAST: ContextVar[Making | None] = ContextVar("modelport_made", default=None)


@contextmanager
def making() -> Iterator[Making]:
    """Measure the reply that is made in the ``with``."""
    making = Making()
    token = _CURRENT.set(making)
    try:
        with observe(making.answered):
            yield making
    finally:
        _CURRENT.reset(token)
    _LAST.set(making)


def made(message: Any) -> Making | None:
    """What it took to make *message*, where it is the reply that was made last."""
    last = _LAST.get()
    if last is None or last.reply is not message or message is None:
        return None
    _LAST.set(None)
    return last
