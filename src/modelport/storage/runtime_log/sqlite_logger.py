"""A run logged to an SQLite file, in AutoGen 0.2's tables. Knows agents and models by their shape only."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from modelport.errors import ConfigError
from modelport.storage.runtime_log.base import BaseLogger
from modelport.storage.runtime_log.plain import Plain, get_current_ts, name_of
from modelport.storage.runtime_log.writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from uuid import UUID

__all__ = ("SqliteLogger",)

_PATIENCE = 5.0  # seconds to wait for other processes that write to the file
# AutoGen's, column by column, so that what reads its logs reads these.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS chat_completions (
    id INTEGER PRIMARY KEY, invocation_id TEXT, client_id INTEGER, wrapper_id INTEGER, session_id TEXT,
    source_name TEXT, request TEXT, response TEXT, is_cached INTEGER, cost REAL,
    start_time DATETIME DEFAULT CURRENT_TIMESTAMP, end_time DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS agents (
    id INTEGER PRIMARY KEY, agent_id INTEGER, wrapper_id INTEGER, session_id TEXT, name TEXT, class TEXT,
    init_args TEXT, timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (agent_id, session_id));
CREATE TABLE IF NOT EXISTS oai_wrappers (
    id INTEGER PRIMARY KEY, wrapper_id INTEGER, session_id TEXT, init_args TEXT,
    timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (wrapper_id, session_id));
CREATE TABLE IF NOT EXISTS oai_clients (
    id INTEGER PRIMARY KEY, client_id INTEGER, wrapper_id INTEGER, session_id TEXT, class TEXT, init_args TEXT,
    timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (client_id, session_id));
CREATE TABLE IF NOT EXISTS version (id INTEGER PRIMARY KEY CHECK (id = 1), version_number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    event_name TEXT, source_id INTEGER, source_name TEXT, agent_module TEXT DEFAULT NULL,
    agent_class_name TEXT DEFAULT NULL, id INTEGER PRIMARY KEY, json_state TEXT,
    timestamp DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS function_calls (
    source_id INTEGER, source_name TEXT, function_name TEXT, args TEXT DEFAULT NULL, returns TEXT DEFAULT NULL,
    timestamp DATETIME DEFAULT CURRENT_TIMESTAMP);
INSERT OR IGNORE INTO version (id, version_number) VALUES (1, 1);
"""


class SqliteLogger(BaseLogger):
    """Writes to the file ``config["dbname"]`` (``logs.db``), in the working directory unless it says where.

    A row is committed when its method returns, so that every connection sees it at once; on an event loop, which must
    not wait for a disk, a moment later. Several processes may write
    to one file, and to one that AutoGen made. The file is closed while the process forks, and opened on both sides.

    Raises:
        ConfigError: the file cannot be opened, or is no database.
    """

    schema_version: int = 1

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        from uuid import uuid4

        self.config: Mapping[str, Any] = config or {}
        self.dbname: str = str(self.config.get("dbname", "logs.db"))
        self.session_id: str = str(uuid4())
        self._plain = Plain()
        self.con: sqlite3.Connection | None = self._opened()
        self._writer = Writer(self._suspend, self._resume)

    def start(self) -> str:
        """Make the tables where there are none, and give the id of the session."""
        import sqlite3

        con = self.con or self._opened()
        try:
            con.executescript(_SCHEMA)
        except sqlite3.Error as error:
            con.close()
            self.con = None
            raise self._cannot(error) from error
        self.con = con
        return self.session_id

    def log_chat_completion(
        self,
        invocation_id: "UUID",
        client_id: int,
        wrapper_id: int,
        source: Any,
        request: Mapping[str, Any],
        response: Any,
        is_cached: int,
        cost: float | None,
        start_time: str,
    ) -> None:
        """A row of ``chat_completions``; text for a *response* is the error that came in its place."""
        answer = {"response": response} if response is None or isinstance(response, str) else response
        self._insert(
            "chat_completions",
            invocation_id=str(invocation_id),
            client_id=client_id,
            wrapper_id=wrapper_id,
            session_id=self.session_id,
            source_name=name_of(source),
            request=self._plain.whole(request),
            response=self._plain.whole(answer, indent=None if answer is not response else 4),
            is_cached=is_cached,
            cost=cost,
            start_time=start_time,
            end_time=get_current_ts(),
        )

    def log_new_agent(self, agent: Any, init_args: Mapping[str, Any]) -> None:
        """A row of ``agents``: a class and its base both say that they were made, and the last one counts."""
        self._insert(
            "agents",
            "ON CONFLICT (agent_id, session_id) DO UPDATE SET wrapper_id = excluded.wrapper_id, name = excluded.name, "
            "class = excluded.class, init_args = excluded.init_args, timestamp = excluded.timestamp",
            agent_id=id(agent),
            wrapper_id=getattr(getattr(agent, "client", None), "wrapper_id", ""),
            session_id=self.session_id,
            name=getattr(agent, "name", None) or "",
            **{"class": type(agent).__name__},
            init_args=self._plain.constructed(init_args),
            timestamp=get_current_ts(),
        )

    def log_event(self, source: Any, name: str, **kwargs: Any) -> None:
        """A row of ``events``; *kwargs* are its ``json_state``."""
        of_an_agent = {} if isinstance(source, str) else {"agent_module": type(source).__module__}
        if of_an_agent:
            of_an_agent["agent_class_name"] = type(source).__name__
        self._insert(
            "events",
            event_name=name,
            source_id=id(source),
            source_name=name_of(source),
            **of_an_agent,
            json_state=self._plain.event(kwargs),
            timestamp=get_current_ts(),
        )

    def log_new_wrapper(self, wrapper: Any, init_args: Mapping[str, Any]) -> None:
        """A row of ``oai_wrappers``, unless there is one for *wrapper*."""
        self._insert(
            "oai_wrappers",
            "ON CONFLICT (wrapper_id, session_id) DO NOTHING",
            wrapper_id=id(wrapper),
            session_id=self.session_id,
            init_args=self._plain.constructed(init_args),
            timestamp=get_current_ts(),
        )

    def log_new_client(self, client: Any, wrapper: Any, init_args: Mapping[str, Any]) -> None:
        """A row of ``oai_clients``, unless there is one for *client*."""
        self._insert(
            "oai_clients",
            "ON CONFLICT (client_id, session_id) DO NOTHING",
            client_id=id(client),
            wrapper_id=id(wrapper),
            session_id=self.session_id,
            **{"class": type(client).__name__},
            init_args=self._plain.constructed(init_args),
            timestamp=get_current_ts(),
        )

    def log_function_use(
        self, source: Any, function: Callable[..., Any], args: Mapping[str, Any], returns: Any
    ) -> None:
        """A row of ``function_calls``."""
        self._insert(
            "function_calls",
            source_id=id(source),
            source_name=name_of(source),
            function_name=getattr(function, "__name__", None) or type(function).__name__,
            args=self._plain.whole(args),
            returns=self._plain.whole(returns),
            timestamp=get_current_ts(),
        )

    def stop(self) -> None:
        """Write what is left and close the file. What is logged afterwards is lost."""
        self._writer.close(self._close)

    def get_connection(self) -> "sqlite3.Connection | None":
        """The connection that is written with, usable from any thread; None once stopped.

        What was logged on an event loop is there when this is called, or a moment later.
        """
        self._writer.flush()
        return self.con

    def _insert(self, table: str, ending: str = "", **row: Any) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) {ending}"  # noqa: S608 - names of this file's own

        def insert() -> None:
            if self.con is not None:
                with self.con:
                    self.con.execute(statement, tuple(row.values()))

        self._writer.do(insert)

    def _close(self) -> None:
        con, self.con = self.con, None
        if con is not None:
            con.close()

    def _suspend(self) -> None:
        # SQLite keeps account of its locks by process: a child with an open connection would take none of its own.
        if self.con is not None and self.dbname != ":memory:":
            self.con.close()

    def _resume(self) -> None:
        if self.con is not None and self.dbname != ":memory:":
            self.con = None
            with suppress(ConfigError):  # a child may have left its parent's folder: it logs no more
                self.con = self._opened()

    def _opened(self) -> "sqlite3.Connection":
        import sqlite3

        con = None
        try:
            con = sqlite3.connect(self.dbname, timeout=_PATIENCE, check_same_thread=False)
            con.execute("PRAGMA journal_mode = WAL")  # readers and writers do not wait for each other
            con.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            if con is not None:
                con.close()
            raise self._cannot(error) from error
        return con

    def _cannot(self, error: Exception) -> ConfigError:
        return ConfigError(
            f"runtime logging: {self.dbname} cannot be used: {error}; give the path of a new file, or of a log, as "
            'config={"dbname": …}',
            param="dbname",
        )
