"""Identifiers for answers and tool calls: unique in this process and, all but surely, anywhere.

A random prefix a process and a counter: an identifier names things, it protects nothing, and drawing 96 random bits
for each would cost more than the rest of a short answer.
"""

import os
from itertools import count

__all__ = ("mint_id",)

_prefix = os.urandom(8).hex()
_next = count().__next__


def mint_id(kind: str) -> str:
    """A fresh identifier, for example ``call_1f0c…``, where *kind* is ``call_``."""
    return f"{kind}{_prefix}{_next()}"


def _after_fork() -> None:
    global _prefix  # noqa: PLW0603  (a child that kept its parent's prefix would mint its parent's identifiers)
    _prefix = os.urandom(8).hex()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_after_fork)
