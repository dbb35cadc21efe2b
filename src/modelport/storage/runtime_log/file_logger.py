"""A run logged to a text file, one JSON object a line, with AutoGen 0.2's names. Knows agents by their shape only."""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import ConfigError
from modelport.storage.runtime_log.base import BaseLogger
from modelport.storage.runtime_log.plain import Plain, get_current_ts, name_of
from modelport.storage.runtime_log.writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from uuid import UUID

__all__ = ("FileLogger",)


class FileLogger(BaseLogger):
    """Writes to ``autogen_logs/<config["filename"]>`` (``runtime.log``) below the working directory.

    The first line of a session is text; every other is JSON. A line is written in one piece when its method returns (on
    an event loop, a moment later), so that threads and processes may share a file.

    Raises:
        ConfigError: the file cannot be opened.
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        from uuid import uuid4

        self.config: Mapping[str, Any] = config or {}
        self.session_id: str = str(uuid4())
        self.log_dir: str = str(Path.cwd() / "autogen_logs")
        self.log_file: str = str(Path(self.log_dir) / self.config.get("filename", "runtime.log"))
        self._plain = Plain()
        try:
            Path(self.log_dir).mkdir(exist_ok=True)
            self._file: int | None = os.open(self.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise ConfigError(
                f"runtime logging: {self.log_file} cannot be opened: {error.strerror or error}; give the name of a "
                'file as config={"filename": …}',
                param="filename",
            ) from error
        self._writer = Writer(_nothing, _nothing)  # its lines go to the same end of the file, whoever writes

    def start(self) -> str:
        """Write that a session begins, and give its id."""
        self._line(f"Started new session with Session ID: {self.session_id}")
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
        """A line with the whole request, and the response as its ``str()``."""
        self._write(
            invocation_id=str(invocation_id),
            client_id=client_id,
            wrapper_id=wrapper_id,
            request=request,
            response=str(response),
            is_cached=is_cached,
            cost=cost,
            start_time=start_time,
            end_time=get_current_ts(),
            thread_id=threading.get_ident(),
            source_name=name_of(source),
        )

    def log_new_agent(self, agent: Any, init_args: Mapping[str, Any] | None = None) -> None:
        """A line whose ``args`` are what *agent* was made of."""
        from json import loads

        self._write(
            id=id(agent),
            agent_name=getattr(agent, "name", None) or "",
            wrapper_id=getattr(getattr(agent, "client", None), "wrapper_id", ""),
            session_id=self.session_id,
            current_time=get_current_ts(),
            agent_type=type(agent).__name__,
            args=loads(self._plain.constructed(init_args or {})),
            thread_id=threading.get_ident(),
        )

    def log_event(self, source: Any, name: str, **kwargs: Any) -> None:
        """A line whose ``json_state`` has *kwargs*, as JSON in text."""
        of_an_agent = {} if isinstance(source, str) else {"agent_module": type(source).__module__}
        if of_an_agent:
            of_an_agent["agent_class"] = type(source).__name__
        self._write(
            source_id=id(source),
            source_name=name_of(source),
            event_name=name,
            **of_an_agent,
            json_state=self._plain.event(kwargs),
            timestamp=get_current_ts(),
            thread_id=threading.get_ident(),
        )

    def log_new_wrapper(self, wrapper: Any, init_args: Mapping[str, Any] | None = None) -> None:
        """A line whose ``json_state`` has *init_args*, as JSON in text."""
        self._write(
            wrapper_id=id(wrapper),
            session_id=self.session_id,
            json_state=self._plain.constructed(init_args or {}),
            timestamp=get_current_ts(),
            thread_id=threading.get_ident(),
        )

    def log_new_client(self, client: Any, wrapper: Any, init_args: Mapping[str, Any]) -> None:
        """A line whose ``json_state`` has *init_args*, as JSON in text."""
        self._write(
            client_id=id(client),
            wrapper_id=id(wrapper),
            session_id=self.session_id,
            **{"class": type(client).__name__},
            json_state=self._plain.constructed(init_args),
            timestamp=get_current_ts(),
            thread_id=threading.get_ident(),
        )

    def log_function_use(
        self, source: Any, function: Callable[..., Any], args: Mapping[str, Any], returns: Any
    ) -> None:
        """A line with what went in and what came out, each as JSON in text."""
        self._write(
            source_id=id(source),
            source_name=name_of(source),
            agent_module=type(source).__module__,
            agent_class=type(source).__name__,
            function_name=getattr(function, "__name__", None) or type(function).__name__,
            timestamp=get_current_ts(),
            thread_id=threading.get_ident(),
            input_args=self._plain.whole(args),
            returns=self._plain.whole(returns),
        )

    def stop(self) -> None:
        """Write what is left and close the file. What is logged afterwards is lost."""
        self._writer.close(self._close)

    def get_connection(self) -> "sqlite3.Connection | None":
        """None: a text file has none."""
        return None

    def _write(self, **fields: Any) -> None:
        self._line(self._plain.whole(fields))

    def _line(self, text: str) -> None:
        line = f"{text}\n".encode("utf-8", "backslashreplace")

        def append() -> None:
            written = 0
            while self._file is not None and written < len(line):
                written += os.write(self._file, line[written:])

        self._writer.do(append)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def _nothing() -> None:
    """A file that is only added to needs no care while the process forks."""
