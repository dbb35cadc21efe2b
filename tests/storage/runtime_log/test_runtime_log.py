"""Runtime logging: AutoGen's tables and lines, no secrets, threads, processes, and failures that break nothing."""

import json
import logging
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from anyio import to_thread

from modelport.errors import ConfigError
from modelport.secret import Secret
from modelport.storage import runtime_log
from modelport.storage.runtime_log.plain import to_dict

SECRET = "sk-0123456789abcdef"


class Speaker:
    """An agent, as far as a log is concerned."""

    name = "bob"
    client = SimpleNamespace(wrapper_id=7)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    runtime_log.stop()


def rows(query: str, file: str = "logs.db") -> list[Any]:
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(query)]
    finally:
        connection.close()


def log_one_of_each(agent: Any = None) -> None:
    agent = agent or Speaker()
    answer = SimpleNamespace(model="m", choices=[SimpleNamespace(message=SimpleNamespace(content="hi"))])
    request = {"messages": [{"role": "user", "content": "hello"}]}
    runtime_log.log_chat_completion(uuid4(), 1, 2, agent, request, answer, 0, 0.5, runtime_log.get_current_ts())
    runtime_log.log_new_agent(agent, {"self": agent, "name": "bob", "llm_config": {"model": "m", "api_key": SECRET}})
    runtime_log.log_event(agent, "received_message", message="hello", sender="eve", valid=True)
    runtime_log.log_function_use(agent, len, {"x": [1, 2]}, 2)
    runtime_log.log_new_wrapper(agent, {"config_list": [{"model": "m", "base_url": "http://x", "api_key": SECRET}]})
    runtime_log.log_new_client(agent, agent, {"api_key": SECRET, "timeout": 3})


def lines(file: str = "autogen_logs/runtime.log") -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines()


# --- on and off ---


def test_it_is_off_until_it_is_started_and_after_it_is_stopped() -> None:
    log_one_of_each()
    assert not runtime_log.logging_enabled()

    session = runtime_log.start()
    assert runtime_log.logging_enabled()
    assert len(session) == 36
    runtime_log.stop()

    log_one_of_each()
    runtime_log.stop()
    assert not runtime_log.logging_enabled()
    assert runtime_log.get_connection() is None
    assert rows("SELECT * FROM events") == []


def test_importing_it_loads_no_database_and_no_logging() -> None:
    source = "import sys, modelport.storage.runtime_log as r; print(r.logging_enabled(), *sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout.split()

    assert loaded[0] == "False"
    assert not {"sqlite3", "logging", "uuid", "datetime", "json", "inspect"} & set(loaded)


def test_a_second_start_ends_the_first_session() -> None:
    runtime_log.start(config={"dbname": "one.db"})
    first = runtime_log.get_connection()
    runtime_log.start(config={"dbname": "two.db"})

    assert first is not None
    with pytest.raises(sqlite3.ProgrammingError):
        first.execute("SELECT 1")
    log_one_of_each()
    assert len(rows("SELECT * FROM events", "two.db")) == 1


def test_another_kind_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="'sqlite' or 'file', got 'csv'"):
        runtime_log.start(logger_type="csv")


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_a_file_that_cannot_be_made_is_named(kind: str) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        runtime_log.start(logger_type=kind, config={"dbname": "nowhere/x.db", "filename": "nowhere/x.log"})

    assert not runtime_log.logging_enabled()


def test_what_is_no_database_is_not_touched() -> None:
    Path("logs.db").write_text("my diary, of some length, so that it is no database" * 20)

    with pytest.raises(ConfigError, match=r"logs\.db cannot be used"):
        runtime_log.start()
    assert Path("logs.db").read_text().startswith("my diary")


# --- the tables ---


def test_every_call_is_a_row_in_autogens_columns() -> None:
    session = runtime_log.start()
    agent = Speaker()

    log_one_of_each(agent)
    runtime_log.stop()

    [completion] = rows("SELECT * FROM chat_completions")
    assert (completion["client_id"], completion["wrapper_id"], completion["source_name"]) == (1, 2, "bob")
    assert (completion["is_cached"], completion["cost"], completion["session_id"]) == (0, 0.5, session)
    assert json.loads(completion["request"]) == {"messages": [{"role": "user", "content": "hello"}]}
    assert json.loads(completion["response"]) == {"model": "m", "choices": [{"message": {"content": "hi"}}]}
    assert completion["start_time"] <= completion["end_time"]
    [made] = rows("SELECT agent_id, wrapper_id, session_id, name, class, init_args FROM agents")
    arguments = {"name": "bob", "llm_config": {"model": "m"}}
    assert list(made.values()) == [id(agent), 7, session, "bob", "Speaker", json.dumps(arguments)]
    [event] = rows("SELECT * FROM events")
    assert (event["source_id"], event["source_name"], event["event_name"]) == (id(agent), "bob", "received_message")
    assert (event["agent_module"], event["agent_class_name"]) == (Speaker.__module__, "Speaker")
    assert json.loads(event["json_state"]) == {"message": "hello", "sender": "eve", "valid": True}
    [used] = rows("SELECT * FROM function_calls")
    assert (used["source_name"], used["function_name"], used["args"], used["returns"]) == (
        *("bob", "len"),
        *('{"x": [1, 2]}', "2"),
    )
    [wrapper] = rows("SELECT wrapper_id, init_args FROM oai_wrappers")
    assert (wrapper["wrapper_id"], json.loads(wrapper["init_args"])) == (id(agent), {"config_list": [{"model": "m"}]})
    [client] = rows("SELECT client_id, wrapper_id, class, init_args FROM oai_clients")
    assert list(client.values()) == [id(agent), id(agent), "Speaker", '{"timeout": 3}']
    assert rows("SELECT * FROM version") == [{"id": 1, "version_number": 1}]


def test_a_class_and_its_base_are_one_agent_and_the_last_one_counts() -> None:
    agent = Speaker()
    runtime_log.start()

    runtime_log.log_new_agent(agent, {"a": 1})
    runtime_log.log_new_agent(agent, {"a": 2})
    runtime_log.log_new_client(agent, agent, {"a": 1})
    runtime_log.log_new_client(agent, agent, {"a": 2})

    assert [row["init_args"] for row in rows("SELECT init_args FROM agents")] == ['{"a": 2}']
    assert [row["init_args"] for row in rows("SELECT init_args FROM oai_clients")] == ['{"a": 1}']


def test_an_error_in_place_of_an_answer_is_kept_as_text() -> None:
    runtime_log.start()

    runtime_log.log_chat_completion(uuid4(), 1, 2, "me", {}, "OSError: gone", 0, None, "now")

    [row] = rows("SELECT source_name, response, cost FROM chat_completions")
    assert row == {"source_name": "me", "response": '{"response": "OSError: gone"}', "cost": None}


def test_a_connection_that_was_asked_for_early_sees_what_comes_later() -> None:
    runtime_log.start(config={"dbname": ":memory:"})
    connection = runtime_log.get_connection()
    assert connection is not None

    log_one_of_each()

    assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_an_older_log_is_continued() -> None:
    runtime_log.start()
    log_one_of_each()
    runtime_log.start()
    log_one_of_each()
    runtime_log.stop()

    assert len({row["session_id"] for row in rows("SELECT session_id FROM chat_completions")}) == 2
    assert not Path("logs.db-wal").exists()


# --- the file ---


def test_every_call_is_a_line_with_autogens_names() -> None:
    session = runtime_log.start(logger_type="file", config={"filename": "mine.log"})

    log_one_of_each()
    runtime_log.stop()

    first, *rest = lines("autogen_logs/mine.log")
    assert first == f"Started new session with Session ID: {session}"
    said = [json.loads(line) for line in rest]
    assert [sorted(each) for each in said] == [
        sorted([*names.split(), "thread_id"])
        for names in (
            "client_id cost end_time invocation_id is_cached request response source_name start_time wrapper_id",
            "id agent_name wrapper_id session_id current_time agent_type args",
            "source_id source_name event_name agent_module agent_class json_state timestamp",
            "source_id source_name agent_module agent_class function_name timestamp input_args returns",
            "wrapper_id session_id json_state timestamp",
            "client_id wrapper_id session_id class json_state timestamp",
        )
    ]
    assert said[1]["args"] == {"name": "bob", "llm_config": {"model": "m"}}
    assert json.loads(said[2]["json_state"])["sender"] == "eve"
    assert runtime_log.get_connection() is None


# --- secrets ---


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_no_secret_is_written(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = ["password-of-mine", "azure-token-value", "held-secret-value", "value-of-the-environment", SECRET]
    monkeypatch.setenv("MY_SERVICE_API_KEY", hidden[3])
    runtime_log.start(logger_type=kind)

    log_one_of_each()
    runtime_log.log_new_agent(
        Speaker(), {"llm_config": {"config_list": [{"azure_ad_token": hidden[1]}], "db_password": hidden[0]}}
    )
    runtime_log.log_event("me", "said", message=f"the key is {SECRET}, the password {hidden[0]}, {hidden[3]}")
    runtime_log.log_function_use("me", len, {"token": hidden[1], "held": Secret(hidden[2])}, hidden[2])
    runtime_log.log_chat_completion(uuid4(), 1, 2, "me", {"api_key": SECRET}, f"failed with {hidden[3]}", 0, 0, "now")
    runtime_log.stop()

    written = b"".join(path.read_bytes() for path in Path().rglob("*") if path.is_file())
    assert [each for each in hidden if each.encode() in written] == []
    assert b"the key is ***" in written


def test_an_argument_that_is_only_called_key_is_no_secret() -> None:
    runtime_log.start()

    runtime_log.log_function_use("me", len, {"key": "colour", "max_tokens": 5}, None)

    assert rows("SELECT args FROM function_calls") == [{"args": '{"key": "colour", "max_tokens": 5}'}]


# --- odd values ---


def test_what_is_no_data_is_named_by_its_type() -> None:
    runtime_log.start()
    weights = threading.Lock()

    runtime_log.log_new_agent(Speaker(), {"llm_config": {"model": weights}, "path": Path("x"), "tags": {"a"}})
    runtime_log.log_event("me", "said", message=weights)

    [made] = rows("SELECT init_args FROM agents")
    assert json.loads(made["init_args"]) == {
        "llm_config": {"model": "<<non-serializable: lock>>"},
        "path": "x",
        "tags": ["a"],
    }
    assert rows("SELECT json_state FROM events") == [{"json_state": '{"message": "<<non-serializable: lock>>"}'}]


def finished(message: Any) -> bool:
    return bool(message)


def test_a_function_is_written_by_its_name() -> None:
    runtime_log.start()

    runtime_log.log_new_agent(Speaker(), {"is_termination_msg": finished, "other": len, "method": Speaker().__str__})

    [made] = rows("SELECT init_args FROM agents")
    assert json.loads(made["init_args"]) == {
        "is_termination_msg": "finished",
        "other": "len",
        "method": "object.__str__",
    }


def test_to_dict_has_the_source_of_functions_and_leaves_out_what_it_is_told_to() -> None:
    plain = to_dict(SimpleNamespace(a=1, secret=2, done=finished, agent=Path("x"), len=len), ("secret",), (Path,))

    assert plain == {
        "a": 1,
        "done": "def finished(message: Any) -> bool:\n    return bool(message)",
        "agent": "x",
        "len": "len",
    }


def test_what_refers_to_itself_and_what_has_no_end_is_cut() -> None:
    runtime_log.start()
    ring: dict[str, Any] = {"a": 1}
    ring["me"] = ring
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    runtime_log.log_event("me", "ring", ring=ring)
    runtime_log.log_event("me", "deep", deep=deep)
    runtime_log.log_function_use("me", len, {"wide": [[] for _ in range(100_000)]}, "\ud800")

    ring_row, deep_row = rows("SELECT json_state FROM events")
    assert json.loads(ring_row["json_state"]) == {"ring": {"a": 1, "me": "<<non-serializable: dict>>"}}
    assert len(deep_row["json_state"]) < 1000
    assert rows("SELECT returns FROM function_calls") == [{"returns": '"\\ud800"'}]


# --- event loops ---


@pytest.fixture(name="kind", params=["sqlite", "file"])
def started(request: pytest.FixtureRequest) -> str:
    runtime_log.start(logger_type=request.param)
    return str(request.param)


def said(kind: str) -> list[str]:
    runtime_log.stop()
    if kind == "sqlite":
        return [row["event_name"] for row in rows("SELECT event_name FROM events")]
    return [json.loads(line)["event_name"] for line in lines()[1:]]


async def test_an_event_loop_never_waits_for_the_disk_and_order_is_kept(kind: str) -> None:
    for index in range(100):
        runtime_log.log_event("me", f"{index}")
    await to_thread.run_sync(runtime_log.log_event, "me", "in a thread")
    runtime_log.log_event("me", "last")

    heard = await to_thread.run_sync(said, kind)

    assert heard == [*(f"{index}" for index in range(100)), "in a thread", "last"]


@pytest.mark.parametrize("ending", ["", "runtime_log.stop()"])
def test_what_an_event_loop_logged_is_written_before_the_process_ends(ending: str) -> None:
    source = f"""
import asyncio
from modelport.storage import runtime_log
async def main():
    for _ in range(50):
        runtime_log.log_event("me", "said")
runtime_log.start()
asyncio.run(main())
{ending}
"""

    subprocess.run([sys.executable, "-c", source], check=True, timeout=60)

    assert rows("SELECT count(*) AS n FROM events") == [{"n": 50}]


@pytest.mark.usefixtures("kind")
async def test_a_connection_has_what_an_event_loop_logged() -> None:
    runtime_log.log_event("me", "said")

    def count() -> Any:
        connection = runtime_log.get_connection()
        return connection and connection.execute("SELECT count(*) FROM events").fetchone()

    assert await to_thread.run_sync(count) in {(1,), None}


# --- failures ---


@pytest.mark.usefixtures("kind")
async def test_a_late_failure_is_reported_too(caplog: pytest.LogCaptureFixture) -> None:
    def close_behind_its_back() -> None:
        connection = runtime_log.get_connection()
        if connection is not None:
            connection.close()

    await to_thread.run_sync(close_behind_its_back)
    runtime_log.log_event("me", "lost")
    await to_thread.run_sync(runtime_log.stop)

    assert ["Cannot operate on a closed database" in record.message for record in caplog.records] in ([True], [])


class Failing(runtime_log.SqliteLogger):
    """Keeps no event."""

    def log_event(self, source: Any, name: str, **kwargs: Any) -> None:
        raise OSError("the disk is full")


def test_a_failure_is_reported_once_and_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    runtime_log.start(Failing())

    for _ in range(3):
        runtime_log.log_event("me", "said")
    runtime_log.log_function_use("me", len, {}, None)
    runtime_log.stop()

    said = [record.message for record in caplog.records]
    assert said[0].startswith(
        "runtime logging failed in Failing.log_event: OSError: the disk is full; the chat goes on"
    )
    assert said[1:] == ["runtime logging lost 3 entries"]
    assert len(rows("SELECT * FROM function_calls")) == 1


def test_a_programs_own_logger_is_given_what_came() -> None:
    class Listening(runtime_log.SqliteLogger):
        heard: list[Any] = []  # noqa: RUF012

        def log_event(self, source: Any, name: str, **kwargs: Any) -> None:
            self.heard.append((source, name, kwargs))

    runtime_log.start(logger=Listening())
    runtime_log.log_event("me", "said", message=SECRET)

    assert Listening.heard == [("me", "said", {"message": SECRET})]


def test_a_database_that_another_process_holds_is_waited_for() -> None:
    runtime_log.start()
    other = sqlite3.connect("logs.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=runtime_log.log_event, args=("me", "said"))

    waiting.start()
    other.execute("COMMIT")
    waiting.join()
    other.close()

    assert len(rows("SELECT * FROM events")) == 1


# --- threads and processes ---


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_threads_may_log_at_once(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    runtime_log.start(logger_type=kind)

    def talk(who: int) -> None:
        for turn in range(50):
            runtime_log.log_event(f"agent {who}", "said", turn=turn, text="x" * 500)

    threads = [threading.Thread(target=talk, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runtime_log.stop()

    if kind == "sqlite":
        assert rows("SELECT count(*) AS n FROM events") == [{"n": 400}]
    else:
        assert len([json.loads(line) for line in lines()[1:]]) == 400
    assert caplog.records == []


def _talk(kind: str, who: int) -> None:
    logging.disable()
    runtime_log.start(logger_type=kind)
    for turn in range(50):
        runtime_log.log_event(f"agent {who}", "said", turn=turn, text="x" * 500)
    runtime_log.stop()


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_processes_may_share_a_log(kind: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_talk, args=(kind, who)) for who in range(3)]

    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0, 0]
    if kind == "sqlite":
        assert rows("SELECT count(*) AS n FROM events") == [{"n": 150}]
    else:
        assert len([json.loads(line) for line in lines() if line.startswith("{")]) == 150


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_a_forked_child_goes_on_logging_to_the_same_place(kind: str) -> None:
    source = f"""
import os
from modelport.storage import runtime_log
runtime_log.start(logger_type={kind!r})
runtime_log.log_event("parent", "before")
child = os.fork()
runtime_log.log_event("parent" if child else "child", "after")
runtime_log.stop()
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")

    subprocess.run([sys.executable, "-c", source], check=True, timeout=60)

    if kind == "sqlite":
        said = [(row["source_name"], row["event_name"]) for row in rows("SELECT source_name, event_name FROM events")]
    else:
        found = [json.loads(line) for line in lines()[1:]]
        said = [(each["source_name"], each["event_name"]) for each in found]
    assert sorted(said) == [("child", "after"), ("parent", "after"), ("parent", "before")]
