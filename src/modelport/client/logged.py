"""Clients' calls in the run's log, while one is kept. Knows no logger, only whether there is one."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from modelport.storage.runtime_log import get_current_ts, log_chat_completion, logging_enabled
from modelport.types import ChatResponse

__all__ = ("Invocation", "alogged", "invocation", "logged")

T = TypeVar("T")

_NOT_ASKED = frozenset({"agent", "cache", "context", "filter_func", "on_chunk", "timeout"})


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


def logged(client: Any, params: dict[str, Any], create: Callable[[dict[str, Any]], T]) -> T:
    """What *create* makes of *params*, logged as the call of *client*; of a stream, only an error before it begins."""
    log, agent, request = _begin(client, params)
    try:
        answer = create(params)
    except Exception as error:
        log.failed(client, agent, request, error)
        raise
    _end(log, client, agent, request, answer)
    return answer


async def alogged(client: Any, params: dict[str, Any], create: Callable[[dict[str, Any]], Awaitable[T]]) -> T:
    """As :func:`logged`, awaited."""
    log, agent, request = _begin(client, params)
    try:
        answer = await create(params)
    except Exception as error:
        log.failed(client, agent, request, error)
        raise
    _end(log, client, agent, request, answer)
    return answer


def _begin(client: Any, params: dict[str, Any]) -> tuple[Invocation, Any, dict[str, Any]]:
    asked = {name: value for name, value in params.items() if name not in _NOT_ASKED}
    return Invocation(id(client)), params.get("agent"), asked


def _end(log: Invocation, client: Any, agent: Any, request: Any, answer: Any) -> None:
    if isinstance(answer, ChatResponse):
        fields = ("id", "model", "created", "choices", "usage")
        plain = _Said(
            {name: getattr(answer, name) for name in fields}, None if answer.usage is None else answer.usage.cost
        )
        log.answered(client, agent, request, plain, cached=answer.cached)


class _Said(dict[str, Any]):
    """An answer's fields, and what it cost."""

    def __init__(self, fields: dict[str, Any], cost: float | None) -> None:
        super().__init__(fields)
        self.cost = cost
