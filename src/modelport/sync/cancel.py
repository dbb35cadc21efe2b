"""Telling blocking code that nobody waits for its answer any more. It has to look: a thread cannot be stopped."""

import threading
from collections.abc import Callable
from typing import Any

from modelport.errors import ModelError

__all__ = ("AnswerCancelled", "CancelToken", "hear_tokens")


class _Hearing(threading.local):
    take: Any = None


_hearing = _Hearing()


def hear_tokens(take: "Callable[[CancelToken], None] | None") -> None:
    """From here on, in this thread, *take* is told of each token that is made.

    It is for those who run a model without an event loop, and hear elsewhere that its caller has left.
    """
    _hearing.take = take


class AnswerCancelled(ModelError):
    """Nobody waits for this answer any more: raised where a model looks, and heard by no caller."""

    code = "answer_cancelled"


class CancelToken:
    """What a model that takes ``cancel`` is given: ``cancelled`` turns True when its caller leaves or runs out of time.

    Looking costs next to nothing, so look once a step.
    """

    __slots__ = ("cancelled",)

    def __init__(self) -> None:
        self.cancelled: bool = False
        if _hearing.take is not None:
            _hearing.take(self)

    def cancel(self) -> None:
        """The caller has left."""
        self.cancelled = True

    def check(self) -> None:
        """Go on, or end here.

        Raises:
            AnswerCancelled: the caller has left.
        """
        if self.cancelled:
            raise AnswerCancelled("the caller has left: nobody waits for this answer any more")
