"""Telling blocking code that nobody waits for its answer any more. It has to look: a thread cannot be stopped."""

from modelport.errors import ModelError

__all__ = ("AnswerCancelled", "CancelToken")


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
