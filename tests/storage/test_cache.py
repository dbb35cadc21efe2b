"""Bytes by key, in memory and in a file."""

import logging
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport.errors import ConfigError
from modelport.storage.cache import Cache, MemoryCache, SQLiteCache, open_cache


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "cache.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[SQLiteCache]:
    cache = SQLiteCache(path)
    yield cache
    cache.close()


def test_memory_gives_back_what_was_stored() -> None:
    cache = MemoryCache()
    cache.set(b"k", b"v")

    assert (cache.get(b"k"), cache.get(b"other")) == (b"v", None)


def test_memory_forgets_what_was_used_longest_ago() -> None:
    cache = MemoryCache(entries=2)
    cache.set(b"1", b"")
    cache.set(b"2", b"")
    cache.get(b"1")
    cache.set(b"3", b"")

    assert [cache.get(key) for key in (b"1", b"2", b"3")] == [b"", None, b""]


def test_memory_is_bounded_in_bytes() -> None:
    cache = MemoryCache(size=10)
    cache.set(b"1", b"x" * 6)
    cache.set(b"1", b"y" * 6)
    cache.set(b"2", b"x" * 6)

    assert [cache.get(key) for key in (b"1", b"2")] == [None, b"x" * 6]
    cache.set(b"3", b"x" * 11)
    assert len(cache) == 0


def test_a_file_outlives_its_object(path: Path) -> None:
    first = SQLiteCache(path)
    first.set(b"k", b"v")
    first.close()
    second = SQLiteCache(path)

    assert second.get(b"k") == b"v"
    second.clear()
    assert second.get(b"k") is None
    second.close()


def test_a_closed_file_is_opened_again(file: SQLiteCache) -> None:
    file.set(b"k", b"v")
    file.close()

    assert file.get(b"k") == b"v"


def test_a_file_keeps_what_was_stored_last(path: Path) -> None:
    cache = SQLiteCache(path, entries=10)
    for number in range(512):
        cache.set(b"%d" % number, b"")

    assert cache.get(b"0") is None
    assert cache.get(b"511") == b""
    cache.close()


def test_threads_share_a_file(file: SQLiteCache) -> None:
    def work(name: int) -> None:
        for number in range(50):
            file.set(b"%d %d" % (name, number), b"%d" % number)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(file.get(b"%d %d" % (name, number)) == b"%d" % number for name in range(4) for number in range(50))


def _fill(path: str, name: int) -> None:
    cache = SQLiteCache(path)
    for number in range(30):
        cache.set(b"%d %d" % (name, number), b"x" * 100)
    cache.close()


def test_processes_share_a_file(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fill, args=(str(path), name)) for name in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(15)
    cache = SQLiteCache(path)

    assert [process.exitcode for process in processes] == [0, 0]
    assert all(cache.get(b"%d %d" % (name, number)) for name in range(2) for number in range(30))
    cache.close()


def _make(folder: str, barrier: Any) -> None:
    for number in range(20):
        barrier.wait(10)
        cache = SQLiteCache(f"{folder}/{number}.sqlite")
        cache.set(b"key", b"value")
        cache.close()


def test_processes_that_make_the_same_file_at_once_all_get_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    processes = [context.Process(target=_make, args=(str(tmp_path), barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(15)

    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_damaged_file_is_put_aside_and_begun_anew(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = SQLiteCache(path)
    for number in range(200):
        cache.set(b"%d" % number, b"x" * 1000)
    cache.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))

    caplog.set_level(logging.WARNING, "modelport")
    again = SQLiteCache(path)
    again.set(b"k", b"v")

    assert again.get(b"k") == b"v"
    assert path.with_name("cache.sqlite.damaged").exists()
    assert "is damaged" in caplog.text
    again.close()


def test_a_file_that_is_something_else_is_not_touched(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("dear diary")

    with pytest.raises(ConfigError, match=r"cache\.sqlite exists and is not a cache"):
        SQLiteCache(path)

    assert path.read_text() == "dear diary"


def test_another_programs_database_is_not_touched(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    before = path.read_bytes()

    with pytest.raises(ConfigError, match="another program's database"):
        SQLiteCache(path)

    assert path.read_bytes() == before


def test_a_folder_is_no_cache(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cache"):
        SQLiteCache(tmp_path)


def test_what_users_write_is_a_cache(path: Path) -> None:
    memory, opened = MemoryCache(), open_cache(path)

    assert open_cache(None) is None
    assert isinstance(open_cache("memory"), MemoryCache)
    assert isinstance(opened, SQLiteCache)
    opened.close()
    assert open_cache(memory) is memory
    assert isinstance(memory, Cache)


def test_what_is_no_cache_is_refused() -> None:
    with pytest.raises(ConfigError, match="the path of a file"):
        open_cache(41)
    with pytest.raises(ConfigError, match="blocking"):
        open_cache(type("Theirs", (), {"get": print, "set": print})())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_what_a_forked_child_stores_is_not_lost(tmp_path: Path) -> None:
    source = """
import os, sys
from modelport.storage.sqlite import SQLiteCache
cache = SQLiteCache(sys.argv[1])
cache.set(b"before", b"1")
child = os.fork()
if child == 0:
    cache.set(b"child", b"2")
    os._exit(0)
cache.set(b"parent", b"3")
cache.close()
assert os.waitpid(child, 0)[1] == 0
print(*(SQLiteCache(sys.argv[1]).get(key) for key in (b"before", b"child", b"parent")))
"""

    said = [
        subprocess.run(
            [sys.executable, "-c", source, str(tmp_path / f"{n}.sqlite")], capture_output=True, text=True, check=True
        ).stdout
        for n in range(3)
    ]

    assert said == ["b'1' b'2' b'3'\n"] * 3
