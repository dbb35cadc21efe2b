"""The file of API keys: what is kept of them, by whom, and what is refused."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from modelport.errors import ConfigError
from modelport.storage.api_keys import KeyFile, KeyLimits, StoredKey, default_key_file, digest_of

LIMITS = KeyLimits(requests=60, tokens=1000, concurrency=2, models=("a", "b"), expires=4_000_000_000)


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.sqlite3")


def test_a_key_is_given_once_and_only_its_hash_is_kept(keys: KeyFile) -> None:
    key = keys.add("ann", LIMITS).reveal()

    [stored] = keys.read()
    assert (stored.name, stored.digest, stored.limits) == ("ann", digest_of(key.encode()), LIMITS)
    assert abs(stored.created - time.time()) < 60
    everything = b"".join(path.read_bytes() for path in keys.path.parent.iterdir())
    assert key.encode() not in everything
    assert key.removeprefix("mp-").encode() not in everything


def test_every_key_is_another_and_long_enough_that_nobody_guesses_it(keys: KeyFile) -> None:
    made = {keys.add(f"k{number}").reveal() for number in range(20)}

    assert len(made) == 20
    assert {len(key) for key in made} == {len("mp-") + 43}  # 32 bytes in URL-safe base64


def test_a_revoked_key_is_gone_and_its_name_is_free(keys: KeyFile) -> None:
    first = keys.add("ann")
    keys.revoke("ann")

    assert keys.read() == ()
    assert keys.add("ann") != first


def test_names_come_in_order(keys: KeyFile) -> None:
    for name in ("c", "a", "b"):
        keys.add(name)

    assert [key.name for key in keys.read()] == ["a", "b", "c"]


def test_a_name_that_is_taken_or_not_there_is_said(keys: KeyFile) -> None:
    keys.add("ann")

    with pytest.raises(ConfigError, match="'ann' is there already"):
        keys.add("ann")
    with pytest.raises(ConfigError, match=r"no key is named 'bob' .*there are: ann"):
        keys.revoke("bob")


@pytest.mark.parametrize(
    "name",
    ["", " ann", "ann ", "-ann", "a b", "a" * 65, "änn", "a\0", "a\n", "'; DROP TABLE keys; --", 'a"b', "../a", "a:b"],
)
def test_a_name_that_would_make_trouble_is_refused_and_nothing_is_made(keys: KeyFile, name: str) -> None:
    with pytest.raises(ConfigError, match="a key's name has 1 to 64 letters"):
        keys.add(name)

    assert not keys.path.exists()


@pytest.mark.parametrize("name", ["' OR '1'='1", "ann'; DROP TABLE keys; --", "ann\0", "%", "*"])
def test_a_name_that_is_sql_revokes_nobody(keys: KeyFile, name: str) -> None:
    keys.add("ann")

    with pytest.raises(ConfigError, match="no key is named"):
        keys.revoke(name)

    assert [key.name for key in keys.read()] == ["ann"]


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        (KeyLimits(requests=0), "requests must be a whole number above 0, got 0"),
        (KeyLimits(tokens=-1), "tokens"),
        (KeyLimits(concurrency=10**20), "concurrency"),
        (KeyLimits(models=()), "models is empty"),
        (KeyLimits(models=("a", "")), "models"),
        (KeyLimits(expires=1), "expires is past already"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(keys: KeyFile, limits: KeyLimits, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        keys.add("ann", limits)


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "new" / "keys")
    keys.add("ann")

    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_to_is_not_believed(keys: KeyFile, mode: int) -> None:
    keys.add("ann")
    keys.path.chmod(mode)

    with pytest.raises(ConfigError, match="others may write to the key file"):
        keys.read()


def test_what_is_not_a_key_file_is_left_as_it_is(tmp_path: Path) -> None:
    text, database = tmp_path / "text", tmp_path / "database"
    text.write_text("not a database, and long enough to be looked at\n" * 10, encoding="utf-8")
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = text.read_bytes(), database.read_bytes()

    for path in (text, database):
        with pytest.raises(ConfigError, match="give another path"):
            KeyFile(path).add("ann")

    assert (text.read_bytes(), database.read_bytes()) == before


def test_a_damaged_file_opens_nothing(keys: KeyFile) -> None:
    keys.add("ann")
    content = bytearray(keys.path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    keys.path.write_bytes(content)

    with pytest.raises(ConfigError, match="cannot be used"):
        keys.read()


def test_limits_that_cannot_be_read_open_nothing(keys: KeyFile) -> None:
    keys.add("ann")
    with sqlite3.connect(keys.path) as connection:
        connection.execute("""UPDATE keys SET limits = '{"requests": "many"}'""")
    connection.close()

    with pytest.raises(ConfigError, match="limits that are no good"):
        keys.read()


def test_a_file_that_is_not_there_is_not_made_by_reading(keys: KeyFile) -> None:
    with pytest.raises(ConfigError, match="there is no key file"):
        keys.read()
    with pytest.raises(ConfigError, match="there is no key file"):
        keys.revoke("ann")

    assert not keys.path.exists()


def test_the_default_place_is_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert default_key_file() == tmp_path / "modelport" / "keys.sqlite3"


@pytest.mark.timeout(60)
def test_processes_that_begin_a_file_together_lose_no_key(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from modelport.storage.api_keys import KeyFile\n"
        "sys.stdin.readline()\n"
        "for number in range(10):\n"
        "    KeyFile(sys.argv[1]).add(f'{sys.argv[2]}-{number}')\n"
    )
    path = tmp_path / "keys"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), f"p{number}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=50)[1] for process in processes]

    assert errors == [b"", b"", b""]
    assert len(KeyFile(path).read()) == 30


def test_a_reader_sees_all_of_a_key_or_nothing(keys: KeyFile) -> None:
    keys.add("first")
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.02):  # SQLite is not fair: who never pauses may shut a reader out for seconds
            keys.add("ann", LIMITS)
            keys.revoke("ann")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [keys.read() for _ in range(50)]
    finally:
        stop.set()
        writer.join()

    assert all(len(each) in {1, 2} for each in seen)
    assert all(isinstance(key, StoredKey) for each in seen for key in each)
