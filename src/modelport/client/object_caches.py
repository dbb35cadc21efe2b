"""AutoGen 0.2's caches of objects by name: what ``create(cache=…)`` takes. Kept as data, where AutoGen pickles.

What goes to a file comes back as data: numbers, text, lists, dicts, and namespaces for objects; what is none (a lock, a
tensor, a function) is left out. Knows no client.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from msgspec.msgpack import Decoder, Encoder

from modelport.client.snapshots import restore, snapshot
from modelport.errors import ConfigError
from modelport.storage.cache import Cache as Store, SQLiteCache, open_cache

__all__ = (
    "AbstractCache",
    "CacheFactory",
    "DiskCache",
    "InMemoryCache",
    "StoredObjects",
    "refuse_services",
    "store_of",
)

_encode = Encoder().encode
_decode = Decoder().decode
_OBJECTS = b"object:"  # keeps objects under names apart from answers under their keys, in one file


class AbstractCache(Protocol):
    """Objects by name. A program's own may be given to ``create(cache=…)``; it is given bytes to keep."""

    def get(self, key: str, default: Any | None = None) -> Any | None:
        """What is kept under *key*, or *default*."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Keep *value* under *key*."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...

    def __enter__(self) -> Self:
        """The cache, to be closed when the block is left."""
        ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        ...


class StoredObjects:
    """Objects by name, in a store of bytes."""

    def __init__(self, store: Store) -> None:
        self.store: Store = store

    def get(self, key: str, default: Any | None = None) -> Any | None:
        """What is kept under *key*, or *default*."""
        found = self.store.get(_OBJECTS + key.encode("utf-8", "surrogatepass"))
        return default if found is None else restore(_decode(found))

    def set(self, key: str, value: Any) -> None:
        """Keep *value* under *key*, as data."""
        self.store.set(_OBJECTS + key.encode("utf-8", "surrogatepass"), _encode(snapshot(value)))

    def close(self) -> None:
        """Close what is open; another use opens it again."""
        close = getattr(self.store, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class DiskCache(StoredObjects):
    """A file in the folder *seed*, which is made where there is none."""

    def __init__(self, seed: str | os.PathLike[str]) -> None:
        super().__init__(SQLiteCache(Path(seed) / "modelport.sqlite"))


class InMemoryCache:
    """The objects themselves, for as long as this one lives; *seed* is part of every name."""

    def __init__(self, seed: int | str = "") -> None:
        self._seed = str(seed)
        self._objects: dict[str, Any] = {}

    def get(self, key: str, default: Any | None = None) -> Any | None:
        """What is kept under *key*, or *default*."""
        return self._objects.get(f"{self._seed}_{key}", default)

    def set(self, key: str, value: Any) -> None:
        """Keep *value* under *key*."""
        self._objects[f"{self._seed}_{key}"] = value

    def close(self) -> None:
        """Nothing to do: what is kept stays."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class CacheFactory:
    """Makes caches as AutoGen's configurations name them."""

    @staticmethod
    def cache_factory(
        seed: int | str,
        redis_url: str | None = None,
        cache_path_root: str = ".cache",
        cosmosdb_config: dict[str, Any] | None = None,
    ) -> DiskCache:
        """A file for *seed* in the folder *cache_path_root*.

        Raises:
            ConfigError: Redis or Cosmos DB is asked for.
        """
        refuse_services(redis_url, cosmosdb_config)
        return DiskCache(Path(cache_path_root or ".cache", str(seed)))


def refuse_services(redis_url: str | None, cosmosdb_config: Any) -> None:
    """Say that there is no cache in a service of others.

    Raises:
        ConfigError: one is asked for.
    """
    for name, given in (("Redis", redis_url), ("Cosmos DB", cosmosdb_config)):
        if given is not None:
            raise ConfigError(
                f"cache: {name} is left out: use Cache.disk(), or give create() an object of your own with get() and "
                "set() that keeps bytes there",
                param="cache",
            )


class _Named:
    """A store of bytes in somebody's cache of objects."""

    blocking = True

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def get(self, key: bytes) -> bytes | None:
        found = self._cache.get(key.hex())
        return found if isinstance(found, bytes) else None

    def set(self, key: bytes, value: bytes) -> None:
        self._cache.set(key.hex(), value)


def store_of(given: Any) -> Store | None:
    """Where answers are kept that ``cache=given`` asks to keep.

    Raises:
        ConfigError: it is no cache.
    """
    if isinstance(given, StoredObjects):
        return given.store
    takes_names = callable(getattr(given, "get", None)) and callable(getattr(given, "set", None))
    if takes_names and not hasattr(given, "blocking"):
        return _Named(given)
    return open_cache(given)
