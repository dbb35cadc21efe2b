"""Between blocking and async code, both ways: blocking calls over models, and users' blocking code under a loop."""

import os

from modelport.sync import drivers as _drivers, offload as _offload
from modelport.sync.cancel import AnswerCancelled, CancelToken, hear_tokens
from modelport.sync.drivers import Patience, iterate, run
from modelport.sync.offload import OffloadedIterator, Threads, limit_threads, offload, use_threads

__all__ = (
    "AnswerCancelled",
    "CancelToken",
    "OffloadedIterator",
    "Patience",
    "Threads",
    "hear_tokens",
    "iterate",
    "limit_threads",
    "offload",
    "run",
    "use_threads",
)


def _after_fork() -> None:
    _drivers._forget_loop()
    _offload._forget_threads()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_after_fork)
