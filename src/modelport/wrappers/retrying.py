"""Trying a model again when its error says that this may help."""

import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable

from msgspec import Struct

from modelport.model import AnswerStream, Model
from modelport.types import ChatRequest, Event
from modelport.wrappers.base import InnerAnswer, Wrapper
from modelport.wrappers.leading import begin
from modelport.wrappers.waiting import pause

__all__ = ("Backoff", "Retrying", "retryable")

logger: logging.Logger = logging.getLogger(__name__)


class Backoff(Struct, frozen=True, kw_only=True):
    """How long to wait before the next try, all in seconds.

    The wait doubles from ``first`` up to ``longest``, half of it drawn by chance, so that callers who failed together
    do not come back together. A wait that the far side asked for is kept, up to ``patience``: beyond it the error is
    raised, because somebody else may answer sooner.
    """

    first: float = 0.5
    longest: float = 20.0
    patience: float = 60.0

    def seconds(self, failures: int, retry_after: float | None, chance: float) -> float | None:
        """The wait after *failures* failed tries, *chance* being within 0 and 1; None: do not try again."""
        wait = min(self.longest, self.first * 2.0 ** min(failures - 1, 60)) * (0.5 + chance / 2)
        if retry_after is None:
            return wait
        return None if retry_after > self.patience else max(wait, retry_after)


class Retrying(Wrapper):
    """A model that is asked again, up to *retries* times, when it fails before its first delta and the error is
    :func:`retryable`."""

    def __init__(
        self,
        model: Model,
        retries: int,
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = pause,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(model)
        self.retries = retries
        self.backoff: Backoff = backoff or Backoff()
        self.sleep = sleep
        self.chance = chance

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The first answer that does not fail, or the last error."""
        return _RetriedAnswer(self, request)

    def wait_after(self, error: Exception, failures: int) -> float | None:
        """Seconds until the next try, or None where there is none."""
        if failures > self.retries or not retryable(error):
            return None
        return self.backoff.seconds(failures, getattr(error, "retry_after", None), self.chance())


def retryable(error: BaseException) -> bool:
    """Whether the same call may succeed later: the error says so, or is a lost connection or a time-out of Python's."""
    says = getattr(error, "retryable", None)
    return says if isinstance(says, bool) else isinstance(error, ConnectionError | TimeoutError)


class _RetriedAnswer(InnerAnswer):
    __slots__ = ("_request", "_retrying")

    def __init__(self, retrying: Retrying, request: ChatRequest) -> None:
        self._retrying = retrying
        self._request = request
        self._answer = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        failures = 0
        while True:
            answer = self._retrying.model.stream(self._request)
            try:
                events = await answer.__aenter__()
                self._answer = answer
                return await begin(events)
            except BaseException as error:
                if self._answer is not None:
                    self._answer = None
                    await answer.__aexit__(type(error), error, error.__traceback__)
                failures += 1
                wait = self._retrying.wait_after(error, failures) if isinstance(error, Exception) else None
                if wait is None:
                    raise
                logger.debug("%s failed, again in %.2f s: %s", self._retrying.name, wait, error)
            await self._retrying.sleep(wait)
