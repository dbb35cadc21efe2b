"""``count_tokens(request)`` of a user's class: called, and what it gives checked. Knows no wire and no tokenizer."""

from typing import Any

from modelport.adapters.contract import CAUGHT, broken, came, failure
from modelport.adapters.shape import kind_of
from modelport.adapters.streams import awaited
from modelport.model import WholeAnswer
from modelport.sync import offload
from modelport.types import ChatRequest, Event, Usage

__all__ = ("Counter", "counter_of")

_ASKS = "how many tokens the prompt has: a whole number, 0 or more"
_MEND = "return len(self.tokenizer.apply_chat_template(…))"


def counter_of(native: Any) -> "Counter | None":
    """What counts for *native*; None where it has no ``count_tokens(self, request)``.

    One whose parameter has another name counts something else, such as a text, and is let be.
    """
    method = getattr(native, "count_tokens", None)
    if not callable(method):
        return None
    if kind_of(method) not in {"plain", "coroutine"} or not _takes_a_request(method):
        return None
    return Counter(method, f"{type(native).__name__}.count_tokens()")


def _takes_a_request(method: Any) -> bool:
    import inspect

    try:
        signature = inspect.signature(method)
        signature.bind(None)
    except (TypeError, ValueError):
        return False
    return next(iter(signature.parameters), None) == "request"


class Counter:
    """*method*, sync or async, as what answers requests for a count."""

    def __init__(self, method: Any, where: str) -> None:
        self.where: str = where
        self._call: Any = method
        self._waits = kind_of(method) == "coroutine"

    def answer(self, request: ChatRequest) -> WholeAnswer:
        """The count, as an answer."""
        return WholeAnswer(self._events(request))

    async def _events(self, request: ChatRequest) -> list[Event]:
        try:
            given = await awaited(self._call(request)) if self._waits else await offload(self._call, request)
        except CAUGHT as error:
            raise failure(self.where, error) from error
        if type(given) is not int or given < 0:
            raise broken(self.where, f"returned {came(given)}", asks=_ASKS, mend=_MEND)
        return [Usage(given, 0)]
