"""The command ``CLEAR HISTORY [agent] [how many messages to keep]`` inside what somebody says. Knows text only."""

from collections.abc import Collection
from typing import NamedTuple

__all__ = ("ClearCommand", "clear_command")


class ClearCommand(NamedTuple):
    """What is to be forgotten, and what was said besides."""

    agent: str | None  # whose history; None: everybody's
    keep: int | None  # how many of the last messages stay; None: none
    rest: str  # what was said, without the command


def clear_command(text: str, names: Collection[str]) -> ClearCommand | None:
    """The last command in *text*, if it has one; *names* are the agents that it may name.

    Its arguments are looked for in the two words that follow, in either order, each perhaps with a full stop or the
    like at its end. What is neither a number nor a name stays in the text.
    """
    words = text.split()
    begins = [at for at, word in enumerate(words[:-1]) if word.upper() == "CLEAR"]
    begins = [at for at in begins if words[at + 1].upper().startswith("HISTORY")]
    if not begins:
        return None
    begin = begins[-1]
    agent: str | None = None
    keep: int | None = None
    rest = words[:begin]
    for word in words[begin + 2 : begin + 4]:
        if (number := _number(word)) is not None:
            keep = number
        elif (name := _name(word, names)) is not None:
            agent = name
        else:
            rest.append(word)
    return ClearCommand(agent, keep or None, " ".join([*rest, *words[begin + 4 :]]))


def _number(word: str) -> int | None:
    for digits in (word, word[:-1]):
        if digits.isdecimal():
            return int(digits)
    return None


def _name(word: str, names: Collection[str]) -> str | None:
    return next((name for name in (word, word[:-1]) if name in names), None)
