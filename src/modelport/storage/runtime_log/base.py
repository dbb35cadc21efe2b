"""What a logger of a run is: AutoGen 0.2's interface. Knows nothing of where a logger writes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from uuid import UUID

__all__ = ("BaseLogger",)


class BaseLogger(ABC):
    """Keeps what agents and their models do. A program's own logger is a subclass, given to ``start(logger=…)``.

    A *source* is an agent, or text that names one. Methods are called from any thread; what they raise is reported
    once and breaks no chat.
    """

    @abstractmethod
    def start(self) -> str:
        """Begin, and give the id of the session."""

    @abstractmethod
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
        """Keep one answer of a model, or the error that came for it. *start_time* is as ``get_current_ts`` has it."""

    @abstractmethod
    def log_new_agent(self, agent: Any, init_args: Mapping[str, Any]) -> None:
        """Keep that *agent* was made, of *init_args*."""

    @abstractmethod
    def log_event(self, source: Any, name: str, **kwargs: Any) -> None:
        """Keep that *name* happened to *source*."""

    @abstractmethod
    def log_new_wrapper(self, wrapper: Any, init_args: Mapping[str, Any]) -> None:
        """Keep that *wrapper*, an ``OpenAIWrapper``, was made, of *init_args*."""

    @abstractmethod
    def log_new_client(self, client: Any, wrapper: Any, init_args: Mapping[str, Any]) -> None:
        """Keep that *wrapper* made *client*, of *init_args*."""

    @abstractmethod
    def log_function_use(
        self, source: Any, function: Callable[..., Any], args: Mapping[str, Any], returns: Any
    ) -> None:
        """Keep that *source* called *function*, a tool, with *args*, and what came of it."""

    @abstractmethod
    def stop(self) -> None:
        """Write what is left, and close."""

    @abstractmethod
    def get_connection(self) -> "sqlite3.Connection | None":
        """The database that is written to, where there is one."""
