"""What a model is: a name, and a stream of events for a request. Everything else in modelport is around this."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from types import TracebackType
from typing import Protocol, runtime_checkable

from modelport.types import ChatRequest, ChatResponse, Event, ResponseBuilder

__all__ = (
    "AnswerStream",
    "ImmediateAnswer",
    "Model",
    "ReadyEvents",
    "WholeAnswer",
    "accepts",
    "counts",
    "embeds",
    "generate",
    "identity",
    "role_rules",
    "suspends",
    "tool_parser",
)


class AnswerStream(Protocol):
    """The two ends of an answer: entering it asks the model, leaving it frees everything the answer holds, at once."""

    async def __aenter__(self) -> AsyncIterator[Event]: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


@runtime_checkable
class Model(Protocol):
    """Anything with ``name`` and ``stream(request)``.

    ``stream`` gives an async context manager (``@asynccontextmanager`` makes one) whose value is an async iterator of
    events. Errors may be raised on entering and while iterating; what is not a :class:`modelport.ModelportError` is
    the model's own failure.

    A model may also have these, read through the functions of this module:

    ``suspends``: False promises that nothing in its answers really waits on an event loop, so that a blocking caller
    may run it in its own thread. ``accepts``: the names of the request's fields that it keeps (``None``: it judges the
    whole request itself). ``role_rules``: names of the rules that its messages must keep (see ``wrappers.roles``).
    ``tool_parser``: the name of the parser that finds calls of tools in its text (see ``toolcalls``).
    ``embeds``: True where it answers requests for vectors, too (see ``types.embeddings``).
    ``counts``: True where it answers requests for the tokens of a prompt (see ``types.counting``).
    ``identity``: text that changes whenever its answers might, for cache keys.
    ``start()``: loads what answers need; whoever serves it waits for that before the first request.
    ``aclose()``: frees what outlives an answer.
    """

    @property
    def name(self) -> str: ...

    def stream(self, request: ChatRequest, /) -> AnswerStream: ...


def suspends(model: object) -> bool:
    """Whether an answer of *model* may need a running event loop. True unless it says otherwise."""
    return bool(getattr(model, "suspends", True))


def accepts(model: object) -> frozenset[str] | None:
    """The names of the request's fields that *model* keeps, or None where it judges the request itself."""
    fields: frozenset[str] | None = getattr(model, "accepts", None)
    return fields


def embeds(model: object) -> bool:
    """Whether *model* gives vectors of texts. Only if it says so."""
    return bool(getattr(model, "embeds", False))


def counts(model: object) -> bool:
    """Whether *model* tells how many tokens a prompt has. Only if it says so."""
    return bool(getattr(model, "counts", False))


def identity(model: Model) -> str:
    """Text that is the same only for models whose answers are alike; by default the model's name."""
    return str(getattr(model, "identity", None) or model.name)


def tool_parser(model: object) -> object:
    """The name of the parser that *model*, or the user's object behind it, wants its text read by (``tool_parser``)."""
    given: object = getattr(model, "tool_parser", None)
    return getattr(getattr(model, "target", None), "tool_parser", None) if given is None else given


def role_rules(model: object) -> object:
    """What *model*, or the user's object that it was made of (its ``target``), declares under this name; or None."""
    given: object = getattr(model, "role_rules", None)
    return getattr(getattr(model, "target", None), "role_rules", None) if given is None else given


async def generate(model: Model, request: ChatRequest) -> ChatResponse:
    """The whole answer: *model*'s events, folded."""
    builder = ResponseBuilder(model.name)
    answer = model.stream(request)
    if isinstance(answer, WholeAnswer):  # nothing to iterate and nothing to leave: the hot path in process
        builder.add_all(await answer.events())
        return builder.response()
    async with answer as events:
        if type(events) is ReadyEvents:
            builder.add_all(events.rest())
        else:
            async for event in events:
                builder.add(event)
    return builder.response()


class ReadyEvents:
    """An async iterator over events that are there already."""

    __slots__ = ("_at", "_events")

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._at = 0

    def __aiter__(self) -> "ReadyEvents":
        return self

    async def __anext__(self) -> Event:
        at = self._at
        if at >= len(self._events):
            raise StopAsyncIteration
        self._at = at + 1
        return self._events[at]

    def rest(self) -> Sequence[Event]:
        """Everything not yet given, at once."""
        at, self._at = self._at, len(self._events)
        return self._events[at:] if at else self._events


class WholeAnswer:
    """An :class:`AnswerStream` of an answer that comes all at once: *answer* is awaited on entering.

    A subclass may leave *answer* out and have ``events`` of its own.
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: Awaitable[Sequence[Event]]) -> None:
        self._answer = answer

    def events(self) -> Awaitable[Sequence[Event]]:
        """All the events, instead of entering and iterating; there is nothing to leave then."""
        return self._answer

    async def __aenter__(self) -> ReadyEvents:
        return ReadyEvents(await self.events())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None


class ImmediateAnswer(WholeAnswer):
    """A whole answer that nothing waits for on an event loop: a blocking caller may call ``now()``, and be done.

    A subclass has ``now()``, and ``events()`` for callers on a loop, which gives the same and does not block it.
    """

    __slots__ = ()

    def __init__(self) -> None:
        """A subclass keeps what it needs."""

    def now(self) -> Sequence[Event]:
        """All the events, made here and now, in the caller's thread."""
        raise NotImplementedError
