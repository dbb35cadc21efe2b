"""AutoGen's ``Cache``: a file for each seed, under a folder. Kept as data in SQLite, where AutoGen pickles."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from modelport.storage.cache import Cache as Store, MemoryCache, SQLiteCache

__all__ = ("Cache", "seed_cache")

_lock = threading.Lock()
_open: dict[Path, SQLiteCache] = {}


def seed_cache(seed: int | str, folder: str = ".cache") -> SQLiteCache:
    """The one cache of this process for *seed* in *folder* (as it is named from the working directory now)."""
    path = Path(folder, str(seed), "modelport.sqlite").absolute()
    with _lock:
        found = _open.get(path)
        if found is None or not path.exists():
            found = _open[path] = SQLiteCache(path)
        return found


class Cache:
    """What ``create(cache=…)`` takes: ``with Cache.disk(seed) as cache``."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    def disk(cls, cache_seed: int | str = 42, cache_path_root: str = ".cache") -> Self:
        """A file in *cache_path_root*, another for each seed."""
        return cls(seed_cache(cache_seed, cache_path_root))

    @classmethod
    def memory(cls) -> Self:
        """In memory, for as long as the object lives."""
        return cls(MemoryCache())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open; another use opens it again."""
        close = getattr(self.store, "close", None)
        if close is not None:
            close()
