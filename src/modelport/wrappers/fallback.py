"""Several models as one: the first that answers, answers."""

import logging
from collections.abc import AsyncIterator, Sequence

from modelport.errors import AllModelsFailed, ConfigError
from modelport.model import AnswerStream, Model, identity, suspends
from modelport.types import ChatRequest, Event
from modelport.wrappers.base import InnerAnswer, close
from modelport.wrappers.leading import begin

__all__ = ("Fallback", "FallbackAnswer", "all_failed")

logger: logging.Logger = logging.getLogger(__name__)


class Fallback:
    """Tries *models*, ``(label, model)`` pairs, in order.

    The next is tried when one raises an error of the class(es) *on* before its first delta; what was said cannot be
    unsaid, so a later error is raised. An error that a user's code raised counts by its own class, too. One model alone
    raises its own error.
    """

    accepts = None  # each model judges for itself

    def __init__(
        self,
        models: Sequence[tuple[str, Model]],
        *,
        on: type[Exception] | tuple[type[Exception], ...] = Exception,
    ) -> None:
        if not models:
            raise ConfigError("there is no model to ask: the list of models is empty")
        self.models: tuple[tuple[str, Model], ...] = tuple(models)
        self.on = on
        self.name: str = self.models[0][1].name
        self.suspends: bool = any(suspends(model) for _, model in self.models)

    @property
    def identity(self) -> str:
        """All of them: which one will answer is not known before."""
        return "\n".join(identity(model) for _, model in self.models)

    def stream(self, request: ChatRequest) -> "FallbackAnswer":
        """The answer of the first model that gives one.

        Raises:
            AllModelsFailed: none did; ``errors`` has each one's, in order. (At once with one model: its own error.)
        """
        return FallbackAnswer(self, request)

    async def aclose(self) -> None:
        """Free what the models hold between answers."""
        for _, model in self.models:
            await close(model)


class FallbackAnswer(InnerAnswer):
    """An answer that knows, once entered, which model gives it: ``chosen`` counts from 0."""

    __slots__ = ("_fallback", "_request", "chosen")

    def __init__(self, fallback: Fallback, request: ChatRequest) -> None:
        self._fallback = fallback
        self._request = request
        self._answer = None
        self.chosen: int = 0

    async def __aenter__(self) -> AsyncIterator[Event]:
        models, on = self._fallback.models, self._fallback.on
        if len(models) == 1:
            self._answer = models[0][1].stream(self._request)
            return await self._answer.__aenter__()
        errors: list[tuple[str, Exception]] = []
        for number, (label, model) in enumerate(models):
            try:
                answer = model.stream(self._request)
                events = await _entered(answer)
            except Exception as error:
                if not _is_any_of(error, on):
                    raise
                errors.append((label, error))
                logger.debug("%s failed, trying the next: %s", label, error)
            else:
                self._answer = answer
                self.chosen = number
                return events
        raise all_failed(errors) from errors[-1][1]


async def _entered(answer: AnswerStream) -> AsyncIterator[Event]:
    """The events of *answer*, entered, with the first of them there; left again where that fails."""
    events = await answer.__aenter__()
    try:
        return await begin(events)
    except BaseException as error:
        await answer.__aexit__(type(error), error, error.__traceback__)
        raise


def _is_any_of(error: Exception, on: type[Exception] | tuple[type[Exception], ...]) -> bool:
    return isinstance(error, on) or isinstance(error.__cause__, on)


def all_failed(errors: Sequence[tuple[str, Exception]]) -> AllModelsFailed:
    """The error of *errors*, ``(label, error)`` pairs in order; to be raised ``from`` the last."""
    lines = [f"  {label}: {_described(error)}" for label, error in errors]
    retry_after = [wait for _, error in errors if (wait := getattr(error, "retry_after", None)) is not None]
    return AllModelsFailed(
        "\n".join([f"all {len(errors)} models failed:", *lines]),
        errors=errors,
        retry_after=min(retry_after, default=None),
    )


def _described(error: Exception) -> str:
    text = str(error).replace("\n", "\n    ")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
