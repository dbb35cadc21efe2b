"""Kept answers: whose they are, how far back a conversation goes, and what makes room."""

import sqlite3
import stat
from pathlib import Path

import pytest

from modelport.errors import ConfigError, RequestTooLarge
from modelport.storage.responses import ResponseStore, StoredResponse, StoreLimits


def turn(identifier: str, previous: str | None = None, body: bytes = b"{}") -> StoredResponse:
    return StoredResponse(id=identifier, turns=b"said", body=body, previous=previous)


def ids(store: ResponseStore, identifier: str, owner: str = "ann") -> list[str]:
    return [one.id for one in store.conversation(owner, identifier, most=10, size=1000)]


@pytest.fixture
def store(tmp_path: Path) -> ResponseStore:
    return ResponseStore(tmp_path / "deep" / "kept.db")


def test_a_conversation_is_read_from_its_beginning(store: ResponseStore) -> None:
    for one in (turn("a"), turn("b", "a"), turn("c", "b"), turn("other", "a")):
        store.put("ann", one)

    assert ids(store, "c") == ["a", "b", "c"]
    assert ids(store, "other") == ["a", "other"]
    assert store.get("ann", "b") == turn("b", "a")


def test_what_is_kept_belongs_to_its_owner(store: ResponseStore) -> None:
    store.put("ann", turn("a"))
    store.put("bob", turn("b", "a"))

    assert store.get("bob", "a") is None
    assert ids(store, "a", "bob") == ids(store, "b", "bob") == []
    assert store.delete("bob", "a") is False
    assert ids(store, "a") == ["a"]


def test_a_conversation_with_a_turn_missing_is_not_there(store: ResponseStore) -> None:
    for one in (turn("a"), turn("b", "a"), turn("c", "b")):
        store.put("ann", one)

    assert store.delete("ann", "b") is True
    assert store.delete("ann", "b") is False
    assert (ids(store, "c"), ids(store, "a")) == ([], ["a"])


def test_a_conversation_longer_than_allowed_is_an_error(store: ResponseStore) -> None:
    for number in range(4):
        store.put("ann", turn(f"t{number}", f"t{number - 1}" if number else None, b"x" * 100))

    assert len(store.conversation("ann", "t3", most=4, size=1000)) == 4
    with pytest.raises(RequestTooLarge, match="at most 3 turns"):
        store.conversation("ann", "t3", most=3, size=1000)
    with pytest.raises(RequestTooLarge, match="of 400 bytes"):
        store.conversation("ann", "t3", most=4, size=400)


def test_a_turn_that_names_itself_ends_nothing(store: ResponseStore) -> None:
    store.put("ann", turn("a", "b"))
    store.put("ann", turn("b", "a"))

    with pytest.raises(RequestTooLarge):
        ids(store, "a")


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    now = [0.0]
    store = ResponseStore(tmp_path / "kept.db", StoreLimits(entries=3), clock=lambda: now[0])
    for at, one in enumerate([turn("a"), turn("b"), turn("a2", "a")]):
        now[0] = at
        store.put("ann", one)
    store.put("bob", turn("theirs"))

    now[0] = 5
    assert ids(store, "a2") == ["a", "a2"]  # used now
    now[0] = 6
    store.put("ann", turn("new"))

    assert store.get("ann", "b") is None
    assert ids(store, "a2") == ["a", "a2"]
    assert store.get("bob", "theirs") is not None


def test_bytes_are_bounded_for_each_owner(tmp_path: Path) -> None:
    store = ResponseStore(tmp_path / "kept.db", StoreLimits(size=100))
    store.put("bob", turn("theirs"))
    store.put("ann", turn("a", body=b"x" * 60))
    store.put("ann", turn("b", body=b"x" * 60))
    store.put("ann", turn("too large", body=b"x" * 200))

    assert [store.get("ann", name) for name in ("a", "b", "too large")] == [None] * 3
    assert store.get("bob", "theirs") is not None


def test_what_is_too_old_is_not_there(tmp_path: Path) -> None:
    now = [0.0]
    store = ResponseStore(tmp_path / "kept.db", StoreLimits(age=10), clock=lambda: now[0])
    store.put("ann", turn("a"))

    now[0] = 11

    assert store.get("ann", "a") is None
    assert ids(store, "a") == []


def test_answers_outlive_their_process_and_are_for_their_owners_eyes(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    first = ResponseStore(path)
    first.put("ann", turn("a", body=b"a secret"))
    first.close()

    second = ResponseStore(path)

    assert second.get("ann", "a") == turn("a", body=b"a secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_deleted_is_not_left_in_the_file(tmp_path: Path) -> None:
    store = ResponseStore(tmp_path / "kept.db")
    store.put("ann", turn("a", body=b"a very secret answer"))

    store.delete("ann", "a")
    store.close()  # which also empties the journal

    assert [path.name for path in tmp_path.iterdir() if b"very secret" in path.read_bytes()] == []


def test_files_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("mine", encoding="utf-8")
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    before = database.read_bytes()

    for path in (text, database, tmp_path):
        with pytest.raises(ConfigError, match="give another path"):
            ResponseStore(path)

    assert (text.read_text(encoding="utf-8"), database.read_bytes()) == ("mine", before)
