"""Where cached answers are kept: in memory or in an SQLite file. Bytes by key; knows not what they mean."""

import os
import threading
from collections import OrderedDict
from typing import Any, Protocol, runtime_checkable

from modelport.errors import ConfigError
from modelport.storage.sqlite import SQLiteCache

__all__ = ("Cache", "MemoryCache", "SQLiteCache", "open_cache")


@runtime_checkable
class Cache(Protocol):
    """Bytes by key, safe to use from any thread.

    ``blocking`` tells that calls may wait for a disk or a network, and so must not be made on an event loop.
    """

    blocking: bool

    def get(self, key: bytes, /) -> bytes | None: ...

    def set(self, key: bytes, value: bytes, /) -> None: ...


class MemoryCache:
    """The last used *entries* answers, of *size* bytes together at most."""

    blocking = False

    def __init__(self, entries: int = 4096, size: int = 256 * 1024 * 1024) -> None:
        if entries < 1 or size < 1:
            raise ConfigError(f"a memory cache holds at least one entry of one byte, got {entries} of {size}")
        self._entries = entries
        self._most = size
        self._size = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes) -> bytes | None:
        """What was stored under *key*, if it is still there."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def set(self, key: bytes, value: bytes) -> None:
        """Store *value*; what was used longest ago makes room."""
        with self._lock:
            old = self._values.pop(key, None)
            self._size += len(value) - (0 if old is None else len(old))
            self._values[key] = value
            while self._size > self._most or len(self._values) > self._entries:
                _, gone = self._values.popitem(last=False)
                self._size -= len(gone)


def open_cache(given: Any) -> Cache | None:
    """A cache from what users write: None, ``"memory"``, the path of a file, or an object with ``get`` and ``set``.

    Raises:
        ConfigError: it is none of these, or the file is not a cache.
    """
    if given is None or given is False:
        return None
    if given == "memory":
        return MemoryCache()
    if isinstance(given, str | os.PathLike):
        if "\0" in os.fspath(given):
            raise ConfigError("cache must be the path of a file, and this one has a NUL byte in it", param="cache")
        return SQLiteCache(given)
    if callable(getattr(given, "get", None)) and callable(getattr(given, "set", None)):
        if not hasattr(given, "blocking"):
            raise ConfigError(
                f"cache: a {type(given).__name__} has get() and set() but no attribute `blocking`: set it to True "
                "where they may wait for a disk or a network, and to False where they do not"
            )
        return given  # type: ignore[no-any-return]
    raise ConfigError(
        f"cache must be None, 'memory', the path of a file, or an object with get(), set() and blocking; "
        f"got {type(given).__name__}"
    )
