"""AutoGen's ``Cache``: a file for each seed, under a folder. Kept as data in SQLite, where AutoGen pickles."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from modelport.client.object_caches import StoredObjects, refuse_services
from modelport.storage.cache import MemoryCache, SQLiteCache

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


class Cache(StoredObjects):
    """What ``create(cache=…)`` takes: ``with Cache.disk(seed) as cache``.

    *config* has ``cache_seed`` (42) and ``cache_path_root`` (``.cache``).

    Raises:
        ValueError: *config* has another key.
        ConfigError: it asks for Redis or Cosmos DB, which are left out.
    """

    ALLOWED_CONFIG_KEYS: ClassVar[tuple[str, ...]] = ("cache_seed", "redis_url", "cache_path_root", "cosmos_db_config")

    def __init__(self, config: Mapping[str, Any]) -> None:
        for key in config:
            if key not in self.ALLOWED_CONFIG_KEYS:
                raise ValueError(f"Invalid config key: {key} (known: {', '.join(self.ALLOWED_CONFIG_KEYS)})")
        refuse_services(config.get("redis_url"), config.get("cosmos_db_config"))
        self.config: dict[str, Any] = {**config, "cache_seed": str(config.get("cache_seed", 42))}
        super().__init__(seed_cache(self.config["cache_seed"], self.config.get("cache_path_root") or ".cache"))

    @classmethod
    def disk(cls, cache_seed: int | str = 42, cache_path_root: str = ".cache") -> Self:
        """A file in *cache_path_root*, another for each seed."""
        return cls({"cache_seed": cache_seed, "cache_path_root": cache_path_root})

    @classmethod
    def memory(cls) -> StoredObjects:
        """In memory, for as long as the object lives."""
        return StoredObjects(MemoryCache())

    @classmethod
    def redis(cls, cache_seed: int | str = 42, redis_url: str = "redis://localhost:6379/0") -> Self:
        """Left out.

        Raises:
            ConfigError: always; it says what to use.
        """
        return cls({"cache_seed": cache_seed, "redis_url": redis_url})

    @classmethod
    def cosmos_db(
        cls,
        connection_string: str | None = None,
        container_id: str | None = None,
        cache_seed: int | str = 42,
        client: Any | None = None,
    ) -> Self:
        """Left out.

        Raises:
            ConfigError: always; it says what to use.
        """
        config = {"connection_string": connection_string, "container_id": container_id, "client": client}
        return cls({"cache_seed": cache_seed, "cosmos_db_config": config})
