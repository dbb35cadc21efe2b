"""How many wrong keys an address may show. Knows no HTTP, and of keys only what they are found by.

Where too many came from, no other is looked at for a while, right or wrong: else guessing could go on. Keys that were
good from there before are: who shares an address with somebody who guesses is not shut out. Both memories are bounded.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from modelport.errors import RateLimited

__all__ = ("Strangers",)

_MOST = 4096  # addresses, and keys that were good from one
_MINUTE = 60.0


class Strangers:
    """Counts the wrong keys of each address: *most* in a minute, the next as they are forgotten, one by one."""

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address → (how many, when that was)
        self._good: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def check(self, address: str, mark: bytes) -> None:
        """Whether a key from *address* is looked at.

        Raises:
            RateLimited: too many wrong ones came from there.
        """
        if not self._wrong or (address, mark) in self._good:
            return
        place = _place(address)
        excess = self._level(place) + 1.0 - self._most
        if place in self._wrong and excess > 0:
            seconds = max(1, -int(-excess * _MINUTE / self._most // 1))
            raise RateLimited(
                f"too many wrong API keys came from {address}: no other is looked at for {seconds} s "
                "(those that were right from there before are)",
                retry_after=float(seconds),
            )

    def wrong(self, address: str) -> None:
        """A key from *address* was none."""
        place = _place(address)
        level = self._level(place) + 1.0
        self._wrong[place] = (level, self._clock())
        self._wrong.move_to_end(place)
        if len(self._wrong) > _MOST:
            self._wrong.popitem(last=False)

    def right(self, address: str, mark: bytes) -> None:
        """A key from *address* was a known one."""
        if (address, mark) not in self._good:
            self._good[address, mark] = None
            if len(self._good) > _MOST:
                self._good.popitem(last=False)

    def _level(self, place: str) -> float:
        level, then = self._wrong.get(place, (0.0, 0.0))
        return max(0.0, level - (self._clock() - then) * self._most / _MINUTE)


def _place(address: str) -> str:
    """What counts as one: of IPv6 the network that one customer gets, who may choose any address in it."""
    if ":" not in address:
        return address
    try:
        value = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if value.ipv4_mapped is not None:
        return str(value.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(value) >> 64 << 64, 64)))
