"""The model under examination: asked in several ways, never for longer than its deadline."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from modelport.errors import ModelportError, ModelTimeout
from modelport.model import Model, generate, suspends
from modelport.sync import run
from modelport.types import ChatRequest, ChatResponse, Event, request_from_params
from modelport.wrappers.batching import batched
from modelport.wrappers.deadline import Deadline
from modelport.wrappers.honouring import honour

__all__ = ("QUESTION", "Subject")

T = TypeVar("T")

QUESTION = "Reply with one short sentence: what is the colour of the sky on a clear day?"


class Subject:
    """A model, the contract that it was recognised by, and what is known of its answers so far.

    ``answers`` is None until it was asked, then whether it answered; ``first`` is that answer, which took ``seconds``.
    """

    def __init__(self, model: Model, contract: str, timeout: float) -> None:
        self.bare = model
        self.model: Model = batched(model)
        self.contract = contract
        self.timeout = timeout
        self.timed: Deadline = Deadline(self.model, timeout)
        self.honoured: Deadline = Deadline(honour(self.model), timeout)
        self.answers: bool | None = None
        self.first: ChatResponse | None = None
        self.seconds: float = 0.0

    @property
    def target(self) -> Any:
        """What the user wrote, where the model is an adapter around it."""
        return getattr(self.bare, "target", None)

    def request(self, messages: Any = QUESTION, **fields: Any) -> ChatRequest:
        """A request as a caller would make it."""
        return request_from_params({"messages": messages, **fields})

    def ask(self, request: ChatRequest | None = None) -> ChatResponse:
        """A whole answer, within the deadline."""
        return run(generate(self.timed, request or self.request()), suspends=True)

    def ask_honoured(self, request: ChatRequest) -> ChatResponse:
        """A whole answer with every field of the request kept, by the model or in its stead."""
        return run(generate(self.honoured, request), suspends=True)

    def ask_blocking(self) -> ChatResponse:
        """A whole answer by the way that blocking callers take, which for a model that never waits has no loop."""
        return self.in_thread(lambda: run(generate(self.model, self.request()), suspends=suspends(self.model)))

    def events(self) -> list[Event]:
        """The events of a whole answer, one by one."""

        async def collect() -> list[Event]:
            async with self.timed.stream(self.request()) as events:
                return [event async for event in events]

        return run(collect(), suspends=True)

    def ask_together(self, texts: Sequence[str]) -> list[list[Event]]:
        """The events of each of several requests that are asked as one batch."""
        answers: list[list[Event]] = [[] for _ in texts]
        batches: Any = getattr(self.bare, "batches", None)

        async def collect() -> list[list[Event]]:
            import asyncio

            async with asyncio.timeout(self.timeout), batches.answer([self.request(text) for text in texts]) as items:
                async for number, item in items:
                    if isinstance(item, ModelportError):
                        raise item
                    if item is not None:
                        answers[number].append(item)
            return answers

        return run(collect(), suspends=True)

    def leave_early(self) -> Event:
        """The first event of an answer that is left then."""

        async def first() -> Event:
            async with self.timed.stream(self.request()) as events:
                return await anext(events)

        return run(first(), suspends=True)

    def close(self) -> None:
        """Close the model, where it can be."""

        async def close() -> None:
            closing: Any = self.model
            if hasattr(closing, "aclose"):
                await closing.aclose()

        run(close(), suspends=True)

    def in_thread(self, call: Callable[[], T]) -> T:
        """The result of *call*, made in a thread of its own that is left to itself when time is up."""
        [result] = self.in_threads([call])
        if isinstance(result, BaseException):
            raise result
        return result

    def in_threads(self, calls: list[Callable[[], T]]) -> list[T | BaseException]:
        """The results of *calls*, all made at once, or what they raised."""
        results: list[T | BaseException] = [
            ModelTimeout(f"{self.model.name} did not answer within {self.timeout:g} s") for _ in calls
        ]

        def work(at: int, call: Callable[[], T]) -> None:
            try:
                results[at] = call()
            except BaseException as error:
                results[at] = error

        threads = [
            threading.Thread(target=work, args=(at, call), name="modelport-examine", daemon=True)
            for at, call in enumerate(calls)
        ]
        until = time.monotonic() + self.timeout * (1 if len(calls) == 1 else 2)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return results
