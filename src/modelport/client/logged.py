"""Calls of AutoGen's wrapper in the run's log, while one is kept. Knows no logger, only whether there is one."""

from typing import Any

from modelport.storage.runtime_log import get_current_ts, log_chat_completion, logging_enabled

__all__ = ("Invocation", "invocation")


class Invocation:
    """One call of ``create()``, whose entries are logged one by one."""

    __slots__ = ("_begun", "_id", "_wrapper")

    def __init__(self, wrapper: int) -> None:
        from uuid import uuid4

        self._wrapper = wrapper
        self._id = uuid4()
        self._begun = get_current_ts()

    def answered(self, client: Any, agent: Any, request: Any, response: Any, *, cached: bool) -> None:
        """*client* gave *response* to *request*, or the cache did."""
        self._log(client, agent, request, response, cached, getattr(response, "cost", None))

    def failed(self, client: Any, agent: Any, request: Any, error: Exception) -> None:
        """*client* raised *error*."""
        self._log(client, agent, request, f"{type(error).__name__}: {error}", False, None)

    def _log(self, client: Any, agent: Any, request: Any, response: Any, cached: bool, cost: Any) -> None:
        kept_cost = cost if isinstance(cost, int | float) else None
        # AutoGen's word for a call that no agent made
        source = "unknown" if agent is None else agent
        log_chat_completion(
            *(self._id, id(client), self._wrapper, source, request, response, int(cached), kept_cost, self._begun)
        )
        self._begun = get_current_ts()


def invocation(wrapper: int) -> Invocation | None:
    """What logs a call of the wrapper of that id; None while no log is kept."""
    return Invocation(wrapper) if logging_enabled() else None
