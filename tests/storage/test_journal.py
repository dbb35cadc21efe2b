"""The append-only journal: order, acknowledgement, processes and threads, and what it refuses."""

import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from modelport.storage.journal import Entry, Journal, JournalError, open_journal, read_journal
from modelport.storage.journal.file import JournalFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.journal"


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_entries_are_read_in_the_order_in_which_they_were_appended(path: Path) -> None:
    journal = Journal(path)

    for number in range(1000):
        journal.append("turn", {"n": number}, chat="a")

    entries = list(journal.read())
    assert [entry.data["n"] for entry in entries] == list(range(1000))
    assert [entry.number for entry in entries] == list(range(1, 1001))
    assert {(entry.chat, entry.kind) for entry in entries} == {("a", "turn")}


def test_a_ticket_tells_when_its_entry_is_in_the_file(path: Path) -> None:
    ticket = Journal(path).append("turn", "hello")

    assert ticket.wait(10)

    assert ticket.durable
    assert [entry.data for entry in read_journal(path)] == ["hello"]


def test_nobody_needs_to_ask_for_an_entry_to_become_durable(path: Path) -> None:
    journal = Journal(path)
    ticket = journal.append("turn", "hello")
    until = time.monotonic() + 60

    while not ticket.durable and time.monotonic() < until:
        pass

    assert journal.durable_up_to == 1


def test_one_chat_or_one_kind_can_be_read_alone(path: Path) -> None:
    journal = Journal(path)
    for chat in "abab":
        journal.append("turn", chat, chat=chat)
    journal.append("end", "z", chat="a")

    assert [entry.number for entry in journal.read(chat="a")] == [1, 3, 5]
    assert [entry.number for entry in journal.read(kinds=["end"])] == [5]
    assert [entry.number for entry in journal.read(after=3)] == [4, 5]


def test_a_closed_journal_is_one_file_and_opens_again(path: Path) -> None:
    journal = Journal(path)
    journal.append("turn", 1)
    journal.close()
    assert [each.name for each in path.parent.iterdir()] == [path.name]

    journal.append("turn", 2)

    assert [entry.data for entry in journal.read()] == [1, 2]


def test_who_opens_the_same_path_shares_the_journal(path: Path) -> None:
    assert open_journal(path) is open_journal(str(path))


def test_what_is_appended_is_kept_as_it_was_then(path: Path) -> None:
    journal = Journal(path)
    message = {"content": "before"}

    journal.append("turn", message)
    message["content"] = "after"

    assert [entry.data for entry in journal.read()] == [{"content": "before"}]


def test_many_threads_append_to_one_journal_without_losing_any(path: Path) -> None:
    journal = Journal(path)

    def append(who: int) -> None:
        for number in range(200):
            journal.append("turn", [who, number])

    threads = [threading.Thread(target=append, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    got = [tuple(entry.data) for entry in journal.read()]
    assert len(got) == 1600
    for who in range(8):
        assert [number for whose, number in got if whose == who] == list(range(200))


def test_who_flushes_while_the_writer_writes_writes_nothing_twice_and_loses_nothing(path: Path) -> None:
    journal = Journal(path)
    done = threading.Event()

    def write_too() -> None:  # as who flushes does, where the writer's thread is only just beginning or has gone
        while not done.is_set():
            journal.write_pending()

    threads = [threading.Thread(target=write_too) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(300):
        journal.append("turn", number)
        if number % 10 == 0:
            time.sleep(0)
    done.set()
    for thread in threads:
        thread.join()

    assert [entry.data for entry in journal.read()] == list(range(300))


def test_several_processes_append_to_one_journal_at_once(path: Path) -> None:
    program = textwrap.dedent("""
        import sys
        from modelport.storage.journal import Journal
        journal = Journal(sys.argv[1])
        for number in range(100):
            ticket = journal.append("turn", number, chat=sys.argv[2])
            if number % 10 == 0:
                assert ticket.wait(15)
    """)

    running = [subprocess.Popen([sys.executable, "-c", program, str(path), chat]) for chat in "abc"]

    assert [process.wait(15) for process in running] == [0, 0, 0]
    assert len(list(read_journal(path))) == 300
    for chat in "abc":
        assert [entry.data for entry in read_journal(path, chat=chat)] == list(range(100))


def test_what_was_not_flushed_is_written_when_the_process_ends(path: Path) -> None:
    program = (
        "import sys; from modelport.storage.journal import Journal; Journal(sys.argv[1]).append('turn', 'last words')"
    )

    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)

    assert [entry.data for entry in read_journal(path)] == ["last words"]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_forked_child_goes_on_with_the_file_but_not_with_what_waits(path: Path) -> None:
    program = textwrap.dedent("""
        import os, sys
        from modelport.storage.journal import Journal
        journal = Journal(sys.argv[1])
        journal.append("turn", "before").wait()
        waiting = [journal.append("turn", number) for number in range(50)]
        child = os.fork()
        if not child:
            assert not waiting[-1].durable and not waiting[-1].wait(0.01)
            ticket = journal.append("turn", "child")
            assert ticket.wait(10)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        journal.append("turn", "parent")
    """)

    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(path)], check=True, timeout=60)

    got = [entry.data for entry in read_journal(path)]
    assert sorted(map(str, got)) == sorted(map(str, ["before", *range(50), "child", "parent"]))
    assert [each for each in got if isinstance(each, int)] == list(range(50))


def test_a_forked_child_loses_nothing_when_its_parent_closes_the_journal(path: Path) -> None:
    program = textwrap.dedent("""
        import os, sys
        from modelport.storage.journal import Journal, read_journal
        journal = Journal(sys.argv[1])
        journal.append("turn", "before").wait()
        reading = read_journal(sys.argv[1])
        next(reading)
        opened, closed = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            journal.append("turn", "the parent being there").wait()
            os.write(opened[1], b".")
            os.read(closed[0], 1)
            assert journal.append("turn", "the parent having closed it").wait(10)
            os._exit(0)
        os.read(opened[0], 1)
        journal.close()
        os.write(closed[1], b".")
        assert os.waitpid(child, 0)[1] == 0
    """)

    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(path)], check=True, timeout=60)

    assert [entry.data for entry in read_journal(path)] == [
        "before",
        "the parent being there",
        "the parent having closed it",
    ]


@pytest.mark.slow
def test_processes_that_fork_while_they_write_go_on(path: Path) -> None:
    program = textwrap.dedent("""
        import os, sys
        from modelport.storage.journal import Journal
        journal = Journal(sys.argv[1])
        for number in range(40):
            for _ in range(20):
                journal.append("turn", "p")
            child = os.fork()
            if not child:
                assert journal.append("turn", "c").wait(10)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    """)

    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(path)], check=True, timeout=60)

    got = [entry.data for entry in read_journal(path)]
    assert (got.count("p"), got.count("c")) == (800, 40)


def test_readers_in_any_process_never_take_a_journal_from_its_writer(path: Path) -> None:
    journal = Journal(path)
    journal.append("turn", 0).wait()
    Journal(path).close()  # each of these opens and closes the file once more in this process
    list(read_journal(path))
    reader = (
        "import sys; from modelport.storage.journal import read_journal; print(len(list(read_journal(sys.argv[1]))))"
    )

    counts = []
    for number in range(1, 4):
        ran = subprocess.run([sys.executable, "-c", reader, str(path)], capture_output=True, check=True, timeout=60)
        counts.append(int(ran.stdout))
        journal.append("turn", number).wait()

    assert counts == [1, 2, 3]
    assert [entry.data for entry in read_journal(path)] == [0, 1, 2, 3]


def test_a_journal_that_is_let_go_closes_its_file(path: Path) -> None:
    journal = Journal(path)
    journal.append("turn", 1).wait()

    del journal

    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_hundreds_of_journals_do_not_hold_as_many_files_open(tmp_path: Path) -> None:
    journals = [Journal(tmp_path / f"{number}.journal") for number in range(80)]
    for journal in journals:
        journal.append("turn", "x")
    for journal in journals:
        assert journal.flush(10)

    assert sum(each.name.endswith("-wal") for each in tmp_path.iterdir()) <= 64
    assert all([entry.data for entry in journal.read()] == ["x"] for journal in journals)


# --- append-only ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = x'c0'",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries (number, chat, kind, time, body, sum) VALUES (1, '', 'x', 0, x'c0', 0)",
    ],
)
def test_an_entry_that_is_there_can_neither_be_changed_nor_removed(path: Path, statement: str) -> None:
    Journal(path).append("turn", "said").wait()
    connection = raw(path)

    with pytest.raises(sqlite3.IntegrityError, match="a journal is only appended to"):
        connection.execute(statement)

    connection.close()
    assert [entry.data for entry in read_journal(path)] == ["said"]


@pytest.mark.parametrize(
    "tampering", ["UPDATE entries SET body = x'a178' WHERE number = 2", "DELETE FROM entries WHERE number = 2"]
)
def test_who_gets_round_the_triggers_is_found_out(path: Path, tampering: str) -> None:
    journal = Journal(path)
    for number in range(3):
        journal.append("turn", number)
    journal.close()
    connection = raw(path)
    connection.execute("DROP TRIGGER entries_are_not_changed")
    connection.execute("DROP TRIGGER entries_are_not_removed")
    connection.execute(tampering)
    connection.close()

    with pytest.raises(JournalError, match="entry 2 is not what was written") as caught:
        list(read_journal(path))

    assert caught.value.reason == "damaged"


# --- what it refuses --------------------------------------------------------------------------------------------------


def refused(path: Path) -> JournalError:
    with pytest.raises(JournalError) as caught:
        Journal(path)
    assert str(path) in str(caught.value)
    return caught.value


def test_a_file_that_is_something_else_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("a diary, not a journal")

    error = refused(path)

    assert (error.reason, path.read_text()) == ("not_a_journal", "a diary, not a journal")
    assert "give another path" in str(error)


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    connection = raw(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()

    error = refused(path)

    assert (error.reason, path.read_bytes()) == ("not_a_journal", before)


def test_a_journal_of_a_newer_version_is_refused_by_number(path: Path) -> None:
    Journal(path).close()
    connection = raw(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()

    error = refused(path)

    assert error.reason == "newer"
    assert "version 7" in str(error)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path / "missing" / "chats.journal")

    assert error.reason == "no_folder"
    assert f"{tmp_path / 'missing'} does not exist" in str(error)


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    assert refused(tmp_path).reason == "not_a_journal"


def test_reading_a_journal_that_is_not_there_makes_none(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no such file"):
        list(read_journal(path))

    assert not path.exists()


def test_a_damaged_journal_says_so(path: Path) -> None:
    journal = Journal(path)
    for _ in range(200):
        journal.append("turn", "x" * 200)
    journal.close()
    data = bytearray(path.read_bytes())
    data[8192:20480] = os.urandom(12288)
    path.write_bytes(data)

    with pytest.raises(JournalError) as caught:
        list(read_journal(path))

    assert caught.value.reason == "damaged"


# --- a journal that fails ---------------------------------------------------------------------------------------------


def failing(journal: Journal, pragma: str) -> None:
    """Make every write to *journal* fail, as SQLite itself would."""
    connection = journal._file._open()
    connection.execute(pragma)


def test_a_full_disk_is_told_at_the_next_flush_with_what_was_not_written_and_making_room_mends_it(path: Path) -> None:
    journal = Journal(path)
    journal.append("turn", "kept").wait()
    failing(journal, "PRAGMA max_page_count = 1")
    journal.append("turn", "x" * 50_000, chat="a")
    journal.append("turn", "second", chat="a")

    with pytest.raises(JournalError, match=r"the disk is full.*2 entries are not in it") as caught:
        journal.flush()

    assert caught.value.reason == "full"
    assert [(each.chat, each.data[:6]) for each in caught.value.unwritten] == [("a", "xxxxxx"), ("a", "second")]
    failing(journal, "PRAGMA max_page_count = 1000000")
    assert journal.flush()
    assert [entry.data[:6] for entry in journal.read()] == ["kept", "xxxxxx", "second"]


def test_a_journal_that_failed_takes_no_more_and_says_why(path: Path) -> None:
    journal = Journal(path)
    failing(journal, "PRAGMA query_only = ON")
    ticket = journal.append("turn", "lost?")
    with pytest.raises(JournalError):
        ticket.wait()

    with pytest.raises(JournalError, match="may not be written") as caught:
        journal.append("turn", "next")

    assert caught.value.reason == "read_only"
    assert caught.value.unwritten == (Entry(0, "", "turn", caught.value.unwritten[0].time, "lost?"),)
    failing(journal, "PRAGMA query_only = OFF")
    assert journal.flush()
    assert ticket.durable


def test_a_journal_that_another_process_keeps_locked_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelport.storage.journal.journal._PATIENCE", 0.1)
    journal = Journal(path)
    other = raw(path)
    other.execute("BEGIN IMMEDIATE")
    journal.append("turn", "waits")

    with pytest.raises(JournalError, match="another process has kept it locked"):
        journal.flush()

    other.execute("COMMIT")
    other.close()
    assert journal.flush(10)
    assert [entry.data for entry in journal.read()] == ["waits"]


def test_a_file_that_vanishes_while_it_is_used_is_noticed_and_begun_anew(path: Path) -> None:
    journal = Journal(path)
    journal.append("turn", "first").wait()
    for each in path.parent.iterdir():
        each.unlink()
    journal.append("turn", "second")

    with pytest.raises(JournalError, match="removed or replaced") as caught:
        journal.flush()

    assert [each.data for each in caught.value.unwritten] == ["second"]
    assert journal.flush()
    assert [entry.data for entry in journal.read()] == ["second"]


def test_append_waits_for_a_disk_that_does_not_keep_up(path: Path) -> None:
    journal = Journal(path, most_waiting=1000)
    other = raw(path)
    other.execute("BEGIN IMMEDIATE")
    journal.append("turn", "x" * 2000)
    done = threading.Event()

    def second() -> None:
        journal.append("turn", "y")
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    waited = not done.wait(0.2)
    other.execute("COMMIT")
    other.close()
    thread.join(10)

    assert waited
    assert done.is_set()
    assert [entry.data[0] for entry in journal.read()] == ["x", "y"]


def test_a_process_that_ends_with_a_failing_journal_says_what_is_lost(path: Path) -> None:
    program = textwrap.dedent("""
        import sys
        from modelport.storage.journal import Journal
        journal = Journal(sys.argv[1])
        journal._file._open().execute("PRAGMA query_only = ON")
        journal.append("turn", 1)
    """)

    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=False, capture_output=True, text=True, timeout=60
    )

    assert "1 entry is not in it" in ended.stderr


def test_what_is_acknowledged_was_handed_to_the_disk_itself(path: Path) -> None:
    journal = Journal(path)

    settings = [journal._file._open().execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "fullfsync")]

    assert settings == [2, 1]  # FULL: a log that is not synchronised survives a killed process, not a loss of power


def test_half_a_batch_is_never_written(path: Path) -> None:
    file = JournalFile(path)
    rows: list[Any] = [("a", "turn", 0.0, b"\xc0"), ("a", None, 0.0, b"\xc0")]

    with pytest.raises(sqlite3.IntegrityError):
        file.append(rows)

    file.close()
    assert list(read_journal(path)) == []
