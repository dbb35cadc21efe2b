"""The answers that wait for a worker: those who ask take turns, each one's own in the order they came."""

from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

__all__ = ("Waiting",)


class _Asked(Protocol):
    @property
    def caller(self) -> str | None: ...


class Waiting:
    """Bounded by whoever puts something in."""

    def __init__(self) -> None:
        self._back: deque[Any] = deque()  # were out already, and go before all others
        self._by_caller: dict[str | None, deque[Any]] = {}  # in the order of their turns
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, answer: _Asked) -> None:
        """Behind those of the same caller."""
        self._by_caller.setdefault(answer.caller, deque()).append(answer)
        self._count += 1

    def put_back(self, answers: Iterable[_Asked]) -> None:
        """In front of everything, in their order."""
        given = list(answers)
        self._back.extendleft(reversed(given))
        self._count += len(given)

    def take(self) -> Any:
        """The next one. There must be one."""
        self._count -= 1
        if self._back:
            return self._back.popleft()
        name = next(iter(self._by_caller))
        mine = self._by_caller.pop(name)
        answer = mine.popleft()
        if mine:
            self._by_caller[name] = mine  # behind the others
        return answer

    def remove(self, answer: _Asked) -> None:
        """Nobody wants it any more; nothing happens where it does not wait here."""
        mine = self._by_caller.get(answer.caller, deque())
        for queue in (self._back, mine):
            if answer in queue:
                queue.remove(answer)
                self._count -= 1
        if not mine:
            self._by_caller.pop(answer.caller, None)

    def crowd_out(self, caller: str | None) -> Any:
        """The youngest of whoever has the most here, taken out to make room for *caller*, who must have fewer by more
        than one; else None."""
        theirs = max(self._by_caller.values(), key=len, default=None)
        if theirs is None or len(theirs) <= len(self._by_caller.get(caller, ())) + 1:
            return None
        self._count -= 1
        return theirs.pop()
