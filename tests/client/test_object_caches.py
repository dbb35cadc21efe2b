"""AutoGen's caches of objects: by name, as data, never pickled; and a program's own."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelport.client.object_caches import CacheFactory, DiskCache, InMemoryCache
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.client.seed_cache import Cache
from modelport.errors import ConfigError


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "make",
    [Cache.disk, Cache.memory, lambda: DiskCache("folder"), lambda: InMemoryCache(1), lambda: Cache({"cache_seed": 7})],
    ids=["Cache.disk", "Cache.memory", "DiskCache", "InMemoryCache", "Cache"],
)
def test_objects_are_kept_by_name(make: Any) -> None:
    with make() as cache:
        cache.set("a", {"x": [1, 2.5, None, "ü"]})
        cache.set("b", SimpleNamespace(content="hi"))

        assert cache.get("a") == {"x": [1, 2.5, None, "ü"]}
        assert cache.get("b").content == "hi"
        assert (cache.get("c"), cache.get("c", 5)) == (None, 5)


def test_what_is_on_disk_is_there_for_the_next_process_and_is_no_pickle() -> None:
    with DiskCache("folder") as cache:
        cache.set("a", SimpleNamespace(text="hello", lock=threading.Lock()))

    assert vars(DiskCache("folder").get("a")) == {"text": "hello"}
    assert b"SimpleNamespace" not in Path("folder/modelport.sqlite").read_bytes()


def test_a_memory_cache_keeps_the_objects_themselves_and_seeds_apart() -> None:
    lock = threading.Lock()
    cache = InMemoryCache(1)
    cache.set("a", lock)

    assert cache.get("a") is lock
    assert InMemoryCache(2).get("a") is None


def test_a_configuration_is_autogens() -> None:
    cache = Cache({"cache_seed": 7, "cache_path_root": "elsewhere"})

    assert cache.config == {"cache_seed": "7", "cache_path_root": "elsewhere"}
    assert Path("elsewhere/7/modelport.sqlite").exists()
    with pytest.raises(ValueError, match="Invalid config key: seed"):
        Cache({"seed": 7})


@pytest.mark.parametrize(
    ("ask", "service"),
    [
        (Cache.redis, "Redis"),
        (Cache.cosmos_db, "Cosmos DB"),
        (lambda: CacheFactory.cache_factory(1, redis_url="redis://x"), "Redis"),
        (lambda: CacheFactory.cache_factory(1, cosmosdb_config={"client": None}), "Cosmos DB"),
    ],
)
def test_services_of_others_are_refused_with_what_to_use(ask: Any, service: str) -> None:
    with pytest.raises(ConfigError, match=rf"{service} is left out: use Cache\.disk\(\)"):
        ask()


def test_the_factory_makes_files_below_the_root() -> None:
    CacheFactory.cache_factory("mine", cache_path_root="root").set("a", 1)

    assert Path("root/mine/modelport.sqlite").exists()


class Own:
    """A program's own cache, with AutoGen's methods."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.kept.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = value

    def close(self) -> None:
        """Nothing is open."""


class Counting:
    """Counts how often it is asked."""

    asked = 0

    def __init__(self, config: Any) -> None:
        self.config = config

    def create(self, params: Any) -> Any:
        Counting.asked += 1
        message = SimpleNamespace(content=f"answer {Counting.asked}", function_call=None)
        return SimpleNamespace(model="m", choices=[SimpleNamespace(message=message)])

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("make", [Own, InMemoryCache, Cache.memory, lambda: DiskCache("folder")])
def test_any_of_them_caches_answers(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "asked", 0)
    client = OpenAIWrapper(config_list=[{"model": "m", "model_client_cls": "Counting"}])
    client.register_model_client(Counting)
    cache = make()

    texts = [client.create(messages=[{"role": "user", "content": "hi"}], cache=cache) for _ in range(2)]

    assert [each.choices[0].message.content for each in texts] == ["answer 1"] * 2


def test_what_another_program_put_into_a_cache_is_not_taken_for_an_answer() -> None:
    cache = Own()
    client = OpenAIWrapper(config_list=[{"model": "m", "model_client_cls": "Counting"}])
    client.register_model_client(Counting)
    client.create(messages=[{"role": "user", "content": "hi"}], cache=cache)
    cache.kept = dict.fromkeys(cache.kept, "no bytes of ours")

    answer = client.create(messages=[{"role": "user", "content": "hi"}], cache=cache)

    assert answer.choices[0].message.content.startswith("answer")
