"""Media parts that were sent before: kept for a bounded time, in bounded memory, each caller's apart.

Whoever names a part that another caller sent gets the same answer as for one that nobody sent, so nobody can find out
what others have sent. Knows no HTTP.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from modelport.dialects.port import DecodedPart

__all__ = ("PartStore", "Shelf")


class PartStore:
    """At most *most* bytes of parts in memory, those used last; none longer than *seconds* after its last use."""

    def __init__(
        self, *, most: int = 512 * 1024 * 1024, seconds: float = 900.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._size = 0
        self._parts: OrderedDict[tuple[bytes, bytes], tuple[DecodedPart, float]] = OrderedDict()  # oldest use first
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Bytes of memory that the parts take."""
        return self._size

    def of(self, caller: bytes) -> "Shelf":
        """The parts of one *caller*, who is told apart by these bytes."""
        return Shelf(self, caller)

    def get(self, caller: bytes, digest: bytes) -> DecodedPart | None:
        """A part, if it is still kept. Counts as a use."""
        now = self._clock()
        with self._lock:
            self._expire(now)
            kept = self._parts.pop((caller, digest), None)
            if kept is None:
                return None
            self._parts[caller, digest] = (kept[0], now)
            return kept[0]

    def put(self, caller: bytes, digest: bytes, part: DecodedPart) -> None:
        """Keep a part, and drop what has become too much."""
        now = self._clock()
        with self._lock:
            self._expire(now)
            before = self._parts.pop((caller, digest), None)
            self._size += part.cost - (0 if before is None else before[0].cost)
            self._parts[caller, digest] = (part, now)
            while self._size > self._most:
                self._drop_oldest()

    def _expire(self, now: float) -> None:
        while self._parts:
            _, last = next(iter(self._parts.values()))
            if last + self._seconds > now:
                return
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, (part, _) = self._parts.popitem(last=False)
        self._size -= part.cost


class Shelf:
    """One caller's view of a :class:`PartStore`."""

    __slots__ = ("_caller", "_store")

    def __init__(self, store: PartStore, caller: bytes) -> None:
        self._store = store
        self._caller = caller

    def get(self, digest: bytes) -> DecodedPart | None:
        """A part that this caller sent."""
        return self._store.get(self._caller, digest)

    def put(self, digest: bytes, part: DecodedPart) -> None:
        """Keep a part for this caller."""
        self._store.put(self._caller, digest, part)
