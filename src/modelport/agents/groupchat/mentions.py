"""Which names a text mentions. Knows text only."""

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = ("mentioned", "without_reasoning")

# Models that reason aloud write it between such tags; some chat templates eat the first one, some answers end early.
_REASONING = re.compile(
    r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_REASONING_END = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)


def without_reasoning(text: str) -> str:
    """*text* without what a model thought aloud: ``<think>…</think>``, unclosed or unopened too."""
    if "<" not in text:
        return text
    return _REASONING_END.split(_REASONING.sub("", text))[-1]


def mentioned(text: str, names: Iterable[str]) -> dict[str, int]:
    """How often *text* says each of *names*, for those it says at all, in the order of *names*.

    A name counts as a whole word, capitals and all; also where its underscores were written as spaces or escaped, as
    models do. Reasoning does not count.
    """
    said = f" {without_reasoning(text)} "
    counts = {name: len(_pattern(name).findall(said)) for name in names}
    return {name: count for name, count in counts.items() if count}


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    spellings = (name, name.replace("_", " "), name.replace("_", r"\_"))
    return re.compile(r"(?<=\W)(?:" + "|".join(re.escape(spelling) for spelling in spellings) + r")(?=\W)")
