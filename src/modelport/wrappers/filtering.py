"""A model whose answers must please its caller."""

from collections.abc import AsyncIterator, Callable
from types import TracebackType

from modelport.errors import ModelError
from modelport.model import Model, ReadyEvents
from modelport.types import ChatRequest, ChatResponse, Event, ResponseBuilder
from modelport.wrappers.base import Wrapper

__all__ = ("AnswerRejected", "Filtering")


class AnswerRejected(ModelError):
    """The caller's ``filter_func`` did not take the answer, which is kept as ``response``."""

    code = "answer_rejected"

    def __init__(self, message: str, *, response: ChatResponse | None = None) -> None:
        super().__init__(message)
        self.response = response


class Filtering(Wrapper):
    """Passes answers that *passes* takes. It looks at whole answers, so nothing of one is seen before its end."""

    def __init__(self, model: Model, passes: Callable[[ChatResponse], object]) -> None:
        super().__init__(model)
        self._passes = passes

    def stream(self, request: ChatRequest) -> "_FilteredAnswer":
        """The model's answer, whole.

        Raises:
            AnswerRejected: it was not taken.
        """
        return _FilteredAnswer(self.model, request, self._passes)


class _FilteredAnswer:
    __slots__ = ("_model", "_passes", "_request")

    def __init__(self, model: Model, request: ChatRequest, passes: Callable[[ChatResponse], object]) -> None:
        self._model = model
        self._request = request
        self._passes = passes

    async def __aenter__(self) -> AsyncIterator[Event]:
        async with self._model.stream(self._request) as events:
            collected = [event async for event in events]
        builder = ResponseBuilder(self._model.name)
        for event in collected:
            builder.add(event)
        response = builder.response()
        if not self._passes(response):
            raise AnswerRejected(f"filter_func did not take the answer of {self._model.name}", response=response)
        return ReadyEvents(collected)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None
