"""What a client gives back: an answer that says which entry gave it, or a stream of chunks that becomes one."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from modelport.types import (
    ChatResponse,
    Choice,
    Event,
    Finish,
    FinishReason,
    Message,
    ReasoningDelta,
    ResponseBuilder,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    mint_id,
)

__all__ = ("Answer", "AsyncStream", "Chunk", "Stream", "answer_from", "chunk_from", "folded", "texts_or_messages")


class Answer(ChatResponse, frozen=True, kw_only=True):
    """A whole answer, and where it came from.

    ``config_id`` is the number of the config list's entry that gave it, from 0. ``pass_filter`` is False only where no
    entry's answer pleased ``filter_func`` and this is the last one's.
    """

    config_id: int = 0
    pass_filter: bool = True


class Chunk(Struct, frozen=True):
    """A piece of a streamed answer. ``text`` is what the model says next, and empty for other events."""

    event: Event

    @property
    def text(self) -> str:
        """The next piece of what choice number ``choice`` says."""
        event = self.event
        return event.text if type(event) is TextDelta else ""

    @property
    def reasoning(self) -> str:
        """The next piece of what it thinks."""
        event = self.event
        return event.text if type(event) is ReasoningDelta else ""

    @property
    def choice(self) -> int:
        """The number of the choice that this is about."""
        return getattr(self.event, "choice", 0)

    @property
    def tool_call(self) -> ToolCallDelta | None:
        """A tool call that begins or goes on."""
        event = self.event
        return event if isinstance(event, ToolCallDelta) else None

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the choice ended, when it does."""
        event = self.event
        return event.reason if isinstance(event, Finish) else None

    @property
    def usage(self) -> Usage | None:
        """What the answer took, at its end."""
        event = self.event
        return event if isinstance(event, Usage) else None


def chunk_from(event: Event) -> Chunk:
    """The chunk of *event*."""
    return Chunk(event)


def answer_from(response: ChatResponse, entry: str | None, config_id: int, pass_filter: bool = True) -> Answer:
    """*response* with where it came from."""
    return Answer(
        id=response.id,
        model=response.model,
        created=response.created,
        choices=response.choices,
        usage=response.usage,
        emulated=response.emulated,
        cached=response.cached,
        entry=entry,
        raw=response.raw,
        sent=response.sent,
        config_id=config_id,
        pass_filter=pass_filter,
    )


def folded(events: Sequence[Event], name: str, entry: str, config_id: int) -> Answer:
    """The answer whose *events* are all there; *name* is the model's."""
    if len(events) == 4:
        started, delta, finish, usage = events
        if (
            type(started) is Started
            and type(delta) is TextDelta
            and type(finish) is Finish
            and type(usage) is Usage
            and delta.choice == finish.choice
        ):
            # What most answers of users' models are; the same as below, in a third of the time.
            return Answer(
                id=started.id or mint_id("chatcmpl-"),
                model=started.model or name,
                created=int(time.time()),
                choices=(Choice(delta.choice, Message("assistant", delta.text), finish.reason, finish.stop_sequence),),
                usage=usage,
                cached=started.cached,
                entry=entry,
                raw=started.raw,
                config_id=config_id,
            )
    builder = ResponseBuilder(name)
    builder.add_all(events)
    return answer_from(builder.response(), entry, config_id)


def texts_or_messages(response: ChatResponse) -> list[str | Message]:
    """For each choice its text, or its message where it calls tools."""
    return [
        choice.message if choice.message.tool_calls or choice.message.function_call else choice.message.text
        for choice in response.choices
    ]


class _Folding:
    """What both kinds of stream share: the answer as far as it has come."""

    def __init__(self, place: Callable[[], tuple[str, str, int]]) -> None:
        self._builder = ResponseBuilder("")
        self._place = place  # the model's name, the entry's label and number, once the answer was entered
        self._response: Answer | None = None

    @property
    def response(self) -> Answer:
        """The whole answer, folded; before the end, as much of it as has come."""
        if self._response is None:
            name, label, number = self._place()
            answer = answer_from(self._builder.response(), label, number)
            return answer if answer.model else replace(answer, model=name)
        return self._response

    def _end(self) -> None:
        if self._response is None:
            self._response = self.response


class Stream(_Folding):
    """A streamed answer for blocking code: an iterator of :class:`Chunk`, and a context manager.

    Leaving it early, by ``close()`` or the ``with``, frees the model at once. ``response`` is the answer, folded.
    """

    def __init__(self, events: Iterator[Event], place: Callable[[], tuple[str, str, int]]) -> None:
        super().__init__(place)
        self._events = events

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> Chunk:
        try:
            event = next(self._events)
        except StopIteration:
            self._end()
            raise
        self._builder.add(event)
        return Chunk(event)

    def close(self) -> None:
        """Leave the answer; what has come stays in ``response``."""
        close: Any = getattr(self._events, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


class AsyncStream(_Folding):
    """A streamed answer for async code: an async iterator of :class:`Chunk`, and an async context manager.

    Leaving it early, by ``aclose()`` or the ``async with``, frees the model at once. ``response`` is the answer.
    """

    def __init__(self, answer: Any, events: AsyncIterator[Event], place: Callable[[], tuple[str, str, int]]) -> None:
        super().__init__(place)
        self._answer = answer
        self._events = events
        self._open = True

    def __aiter__(self) -> "AsyncStream":
        return self

    async def __anext__(self) -> Chunk:
        if not self._open:
            raise StopAsyncIteration
        try:
            event = await anext(self._events)
        except StopAsyncIteration:
            self._end()
            await self._leave(None)
            raise
        except BaseException as error:
            await self._leave(error)
            raise
        self._builder.add(event)
        return Chunk(event)

    async def aclose(self) -> None:
        """Leave the answer; what has come stays in ``response``."""
        await self._leave(None)

    async def _leave(self, error: BaseException | None) -> None:
        if self._open:
            self._open = False
            kind = None if error is None else type(error)
            await self._answer.__aexit__(kind, error, None if error is None else error.__traceback__)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self._leave(error)
