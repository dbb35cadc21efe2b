"""Cache objects used directly: set, get, contexts, of one's own, wrong configurations."""

from autogen import Cache
from autogen.cache import AbstractCache
from autogen.cache.in_memory_cache import InMemoryCache
from support import attempt, report

with Cache.disk(cache_seed=1, cache_path_root="one") as cache:
    cache.set("a", "text")
    cache.set("b", {"nested": [1, 2.5, None, True]})
    report(found=[cache.get("a"), cache.get("b"), cache.get("c"), cache.get("c", "default")])
with Cache.disk(1, "one") as cache:
    report(again=cache.get("b"))
with Cache.disk(cache_seed=2, cache_path_root="one") as cache:
    report(other_seed=cache.get("a"))
cache = Cache({"cache_seed": 1, "cache_path_root": "one"})
report(by_config=cache.get("a"))
cache.close()

memory = InMemoryCache("seed")
with memory as held:
    held.set("a", [1])
    report(memory=[held.get("a"), held.get("b", 2), held is memory])


class Mine(AbstractCache):
    def __init__(self):
        self.kept = {}

    def get(self, key, default=None):
        return self.kept.get(key, default)

    def set(self, key, value):
        self.kept[key] = value

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        return None


mine = Mine()
mine.set("k", 1)
report(mine=mine.get("k"), unknown={"error": attempt(Cache, {"unknown": 1})["error"]})
