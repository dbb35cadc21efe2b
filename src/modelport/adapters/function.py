"""A function is a model: ``reply(messages, **params)``, sync or async, that returns its answer or yields it."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from modelport.adapters.answers import FINISHED, completion_events, delta_events, field, message_events, usage_from
from modelport.adapters.contract import CAUGHT, broken, came, failure, type_name
from modelport.adapters.identity import identity_of
from modelport.adapters.params import Arguments
from modelport.adapters.shape import shape_of
from modelport.adapters.streams import AsyncPieces, Cancelling, Settled, awaited
from modelport.model import AnswerStream, ReadyEvents, WholeAnswer
from modelport.sync import OffloadedIterator, offload
from modelport.sync.cancel import CancelToken
from modelport.sync.offload import inline
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Emulated,
    Event,
    Finish,
    Message,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    fold,
    messages_to_dicts,
    unfold,
)

__all__ = ("FunctionModel", "piece_events", "whole_events")

EVENTS = (Started, TextDelta, ReasoningDelta, ToolCallDelta, Finish, Usage, Emulated)

_CALL = "reply(messages, **params)"
_RETURNS = "text (or a message, a completion, a list of texts, or text with an info dict)"
_YIELDS = "text, events, or deltas in OpenAI's shape"


class FunctionModel:
    """A model around *function*, which is called with the messages and those parameters of the request that it takes.

    It may be a function, a lambda, a partial, a callable object, async, a generator or an async generator.
    """

    def __init__(
        self, function: Callable[..., Any], *, name: str | None = None, config: Mapping[str, Any] | None = None
    ) -> None:
        self.target: Callable[..., Any] = function
        self.function: Callable[..., Any] = function
        self.name: str = name or _name_of(function)
        self.config = config
        self._where = f"{type_name(function)}()"
        shape = shape_of(function, self._where, _CALL)
        also = getattr(function, "accepts", ())
        self._arguments = Arguments(shape, self._where, config, also=also)
        self.accepts: frozenset[str] = self._arguments.accepts
        self.suspends: bool = shape.kind in {"coroutine", "async_generator"}
        self._kind = shape.kind
        self._first = shape.first
        self._identity: str | None = None

    @property
    def identity(self) -> str:
        if self._identity is None:
            self._identity = identity_of(self.function, self.config, self.name)
        return self._identity

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The function's answer: in pieces where it yields, else at once."""
        if self._kind in {"generator", "async_generator"}:
            token = self._arguments.token()
            in_pieces = OffloadedIterator if self._kind == "generator" else AsyncPieces
            source: Any = in_pieces(lambda: self._call(request, token))
            source = Cancelling(source, token) if self._arguments.takes_cancel else source
            return Settled(source, piece_events, self._where)
        if self._kind == "coroutine":
            return _Awaited(self, request)
        return _Answer(self, request)

    def _call(self, request: ChatRequest, cancel: CancelToken | None = None) -> Any:
        arguments = self._arguments.of(request, cancel)
        if self._first is None:
            return self.function(messages_to_dicts(request.messages, plain=True), **arguments)
        arguments[self._first] = messages_to_dicts(request.messages, plain=True)
        return self.function(**arguments)

    def _read(self, answer: Any) -> Sequence[Event]:
        if type(answer) is str:
            return [TextDelta(answer), FINISHED]
        return whole_events(answer, self._where, many="n" in self.accepts)


class _Answer:
    """What a function returned; where that turns out to be a generator, its pieces."""

    __slots__ = ("_cancel", "_model", "_pieces", "_request")

    def __init__(self, model: FunctionModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request
        self._cancel = model._arguments.token()
        self._pieces: Settled | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        model = self._model
        try:
            if model.suspends:
                answer = await model._call(self._request)
            elif inline.active:
                answer = model._call(self._request, self._cancel)
            else:
                answer = await offload(model._call, self._request, self._cancel)
            if type(answer) is not str:
                if hasattr(answer, "__await__"):
                    answer = await awaited(answer)
                if hasattr(answer, "__next__") or hasattr(answer, "__anext__"):
                    return await self._begin(answer)
            return ReadyEvents(model._read(answer))
        except CAUGHT as error:
            if (ours := failure(model._where, error)) is error:
                raise
            raise ours from error
        except BaseException:  # the caller leaves; the thread can only be told
            self._cancel.cancel()
            raise

    async def _begin(self, answer: Any) -> AsyncIterator[Event]:
        self._pieces = _pieces_of(answer, self._model._where)
        return await self._pieces.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        self._cancel.cancel()
        return None if self._pieces is None else await self._pieces.__aexit__(kind, error, trace)


class _Awaited(WholeAnswer):
    """What an ``async def`` returned. One that returns a generator, which is rare, is heard to its end."""

    __slots__ = ("_model", "_request")

    def __init__(self, model: FunctionModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request

    async def events(self) -> Sequence[Event]:
        model = self._model
        try:
            answer = await model._call(self._request)
            if type(answer) is str:
                return [TextDelta(answer), FINISHED]
            if hasattr(answer, "__next__") or hasattr(answer, "__anext__"):
                async with _pieces_of(answer, model._where) as events:
                    return [event async for event in events]
            return model._read(answer)
        except CAUGHT as error:
            if (ours := failure(model._where, error)) is error:
                raise
            raise ours from error


def _pieces_of(answer: Any, where: str) -> Settled:
    """The events of the generator that a function returned."""
    is_async = hasattr(answer, "__anext__")
    source = AsyncPieces(lambda: answer, unforeseen=True) if is_async else OffloadedIterator(lambda: answer)
    return Settled(source, piece_events, where)


def _name_of(function: Any) -> str:
    own = getattr(function, "name", None)
    if isinstance(own, str) and own:
        return own
    inner = function
    while hasattr(inner, "func") and not hasattr(inner, "__name__"):
        inner = inner.func
    return type_name(inner).strip("<>") or "function"


# --- what came, to events ---------------------------------------------------------------------------------------------


def piece_events(piece: Any, where: str) -> Iterable[Event]:
    """The events of one piece of a streamed answer."""
    kind = type(piece)
    if kind is str:
        return (TextDelta(piece),) if piece else ()
    if isinstance(piece, EVENTS):
        return (piece,)
    if isinstance(piece, str):
        return (TextDelta(str(piece)),)
    if isinstance(piece, Mapping) or hasattr(piece, "choices") or hasattr(piece, "content"):
        return delta_events(piece, where)
    raise broken(where, f"yielded {came(piece)}", asks=_YIELDS, mend="yield the text itself, or '' for none")


def whole_events(answer: Any, where: str, *, many: bool) -> Sequence[Event]:
    """The events of a whole answer; *many* tells that a list has one text for each of several choices."""
    if isinstance(answer, ChatResponse):
        return list(unfold(answer))
    if isinstance(answer, tuple):
        return _with_info(answer, where, many=many)
    if isinstance(answer, list):
        return _listed(answer, where, many=many)
    return _message_or_completion(answer, where, 0)


def _message_or_completion(answer: Any, where: str, number: int) -> list[Event]:
    if isinstance(answer, str):
        return [TextDelta(str(answer), number), Finish(choice=number)]
    if isinstance(answer, Message):
        return message_events(answer, number, where)
    if field(answer, "choices") is not None:
        return completion_events(answer, where)
    shaped = ("content", "tool_calls", "function_call", "reasoning", "reasoning_content", "refusal")
    if answer is not None and any(field(answer, name) is not None for name in shaped):
        return message_events(answer, number, where, reason="stop")
    mend = "return the text" if answer is None else "return the text itself, as str"
    raise broken(where, f"returned {came(answer)}", asks=_RETURNS, mend=mend)


def _with_info(answer: tuple[Any, ...], where: str, *, many: bool) -> Sequence[Event]:
    if len(answer) != 2 or not isinstance(answer[1], Mapping):
        raise broken(
            where,
            f"returned {came(answer)}",
            asks=_RETURNS,
            mend="return the text alone, or (text, {'total_tokens': …})",
        )
    text, info = answer
    return [*whole_events(text, where, many=many), usage_from(info, where)]


def _listed(answer: list[Any], where: str, *, many: bool) -> Sequence[Event]:
    if answer and all(isinstance(item, EVENTS) for item in answer):
        return list(unfold(fold(answer)))
    if len(answer) == 1 or (many and answer):
        return [event for number, item in enumerate(answer) for event in _message_or_completion(item, where, number)]
    if not answer:
        raise broken(where, f"returned {came(answer)}", asks=_RETURNS, mend="return the text")
    raise broken(
        where,
        f"returned a list of {len(answer)}",
        asks=f"{_RETURNS}, and a list has one text for each of n choices",
        mend="name n in the signature, yield the pieces to stream them, or join them",
    )
