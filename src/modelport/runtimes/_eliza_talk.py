"""How eliza finds its words: keywords by rank, patterns over words, pronouns turned round, earlier topics kept.

Knows text only. A :class:`Talk` is one conversation, played again from its beginning for every request; so whoever
asks with the same messages gets the same answer, from any process.
"""

import re
from zlib import crc32

from modelport.runtimes._eliza_script import (
    GREETINGS,
    GROUPS,
    KEYWORDS,
    MEMORIES,
    NOTHING_FOUND,
    REFLECTIONS,
    SILENCE,
    SPELLINGS,
    Rule,
)

__all__ = ("Talk",)

_WORDS = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_CLAUSES = re.compile(r"[.,;:!?()\"\n]+|\bbut\b")
_MOST_WORDS = 40  # of a clause; matching takes time with the square of it
_MOST_CLAUSES = 12  # of a message
_MOST_ECHOED = 14  # words of the other side in one reply
_MOST_KEPT = 20  # topics remembered

_RULES = {keyword.word: keyword for keyword in KEYWORDS}
_SPLIT: dict[str, tuple[str, ...]] = {
    rule.pattern: tuple(rule.pattern.split()) for keyword in KEYWORDS for rule in keyword.rules
}


class Talk:
    """One conversation from eliza's side. *shift* moves on through the replies; *whim*, 0 to 1, leaves their order."""

    def __init__(self, *, shift: int = 0, whim: float = 0.0) -> None:
        self._shift = shift
        self._whim = whim
        self._used: dict[str, int] = {}
        self._topics: list[str] = []
        self._turns = 0

    def branch(self, shift: int) -> "Talk":
        """The same conversation so far, to go on from with another *shift*."""
        other = Talk(shift=shift, whim=self._whim)
        other._used, other._topics, other._turns = dict(self._used), list(self._topics), self._turns
        return other

    def greeting(self) -> str:
        """The first words where nothing has been said yet."""
        return self._choose("greeting", GREETINGS)

    def answer(self, said: str) -> str:
        """The reply to what was said, given all that was said before."""
        self._turns += 1
        clauses = [words for clause in _CLAUSES.split(said, _MOST_CLAUSES)[:_MOST_CLAUSES] if (words := _words(clause))]
        if not clauses:
            return self._choose("silence", SILENCE)
        for words, keyword in _by_rank(clauses):
            reply = self._reply(keyword, words)
            if reply is not None:
                if keyword == "my":
                    self._keep(words)
                return reply
        if self._topics:
            return self._choose("memory", MEMORIES).replace("{1}", self._topics.pop(0))
        return self._choose("nothing", NOTHING_FOUND)

    def _reply(self, keyword: str, words: list[str]) -> str | None:
        for rule in _RULES[keyword].rules:
            parts = _match(_SPLIT[rule.pattern], words)
            if parts is None:
                continue
            reply = self._assemble(keyword, rule, parts)
            if reply is None or not reply.startswith("="):
                return reply
            return self._reply(reply[1:], words)
        return None

    def _assemble(self, keyword: str, rule: Rule, parts: list[list[str]]) -> str | None:
        fitting = tuple(reply for reply in rule.replies if _fits(reply, parts))
        if not fitting:
            return None
        reply = self._choose(f"{keyword} {rule.pattern}", fitting)
        return re.sub(r"\{(\d)\}", lambda number: _turned_round(parts[int(number[1]) - 1]), reply)

    def _keep(self, words: list[str]) -> None:
        after = words[[word.lower() for word in words].index("my") + 1 :] if "my" in map(str.lower, words) else []
        if after:
            self._topics.append(_turned_round(after[:_MOST_ECHOED]))
            del self._topics[:-_MOST_KEPT]

    def _choose(self, what: str, replies: tuple[str, ...]) -> str:
        """The next of these replies; at a whim, any."""
        turn = self._used.get(what, 0)
        self._used[what] = turn + 1
        if self._whim:
            dice = crc32(f"{self._shift} {self._turns} {what}".encode())
            if (dice & 0xFFFF) / 0x10000 < self._whim:
                return replies[(dice >> 16) % len(replies)]
        return replies[(turn + self._shift) % len(replies)]


def _words(clause: str) -> list[str]:
    found: list[str] = []
    for word in _WORDS.findall(clause.replace("\u2019", "'"))[:_MOST_WORDS]:
        spelt = SPELLINGS.get(word.lower(), word)
        found += SPELLINGS.get(spelt, spelt).split()
    return found


def _by_rank(clauses: list[list[str]]) -> list[tuple[list[str], str]]:
    """Every keyword heard, with its clause: the highest rank first, then in the order they were said."""
    heard = [(words, word) for words in clauses for word in dict.fromkeys(map(str.lower, words)) if word in _RULES]
    return sorted(heard, key=lambda each: -_RULES[each[1]].rank)


def _match(pattern: tuple[str, ...], words: list[str]) -> list[list[str]] | None:
    """What the stars and groups of *pattern* stand for in *words*, the shortest stars that do; or None."""
    if not pattern:
        return None if words else []
    first, rest = pattern[0], pattern[1:]
    if first == "*":
        if not rest:
            return [words]
        for taken in range(len(words) + 1):
            parts = _match(rest, words[taken:])
            if parts is not None:
                return [words[:taken], *parts]
        return None
    if not words:
        return None
    word = words[0].lower()
    if first.startswith("@"):
        parts = _match(rest, words[1:]) if word in GROUPS[first[1:]] else None
        return None if parts is None else [[word], *parts]
    return _match(rest, words[1:]) if word == first else None


def _fits(reply: str, parts: list[list[str]]) -> bool:
    """Whether the parts that *reply* repeats are there, and short enough to be repeated."""
    return all(0 < len(parts[int(number) - 1]) <= _MOST_ECHOED for number in re.findall(r"\{(\d)\}", reply))


def _turned_round(words: list[str]) -> str:
    """The words as the other side would say them: *my* is *your*, *you are* is *I am*."""
    said: list[str] = []
    before = ""
    for number, word in enumerate(words):
        lower = word.lower()
        follows = words[number + 1].lower() if number + 1 < len(words) else ""
        if lower == "you" and (number == 0 or follows in {"are", "were", "have", "will", "would", "can", "do"}):
            said.append("I")
        elif before == "you" and lower in {"are", "were"}:
            said.append("am" if lower == "are" else "was")
        else:
            said.append(REFLECTIONS.get(lower, word))
        before = lower
    return " ".join(said)
