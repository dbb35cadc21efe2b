"""AgentStudio's ``BaseModel`` is a model: ``name``, ``compose_messages``, ``generate_response``. No base class needed.

The seed's document has ``compose_messages`` prepare what ``generate_response`` is given. AgentStudio's own providers
take the plain messages in ``generate_response`` and compose there. Both work: a class whose ``generate_response``
composes by itself is given the plain messages.
"""

from collections.abc import Mapping, Sequence
from types import CodeType
from typing import Any

from modelport.adapters.answers import FINISHED, usage_from
from modelport.adapters.contract import CAUGHT, broken, came, failure, own_name
from modelport.adapters.identity import identity_of
from modelport.adapters.intermediate import COMPOSERS, Message, intermediate
from modelport.adapters.params import Arguments
from modelport.adapters.shape import check_one_argument, may_wait, shape_of
from modelport.errors import NotAModel
from modelport.model import AnswerStream, ImmediateAnswer, WholeAnswer
from modelport.sync import offload
from modelport.sync.cancel import CancelToken
from modelport.sync.offload import inline
from modelport.types import ChatRequest, Event, Started, TextDelta

__all__ = ("AgentStudioModel", "composer_of")

_CALL = "generate_response(self, messages, **kwargs)"
_PAIR = "(str, dict): the text, and an info dict with `total_tokens` where tokens are counted"
_MEND = "return text, {} if you count no tokens"


class AgentStudioModel:
    """A model around *studio*, an instance of a class in AgentStudio's shape."""

    def __init__(self, studio: Any, *, name: str | None = None, config: Mapping[str, Any] | None = None) -> None:
        self.target: Any = studio
        self.studio: Any = studio
        self.config = config
        self._class = type(studio).__name__
        self.name: str = name or own_name(studio)
        composer = composer_of(type(studio))
        if composer is None:
            raise NotAModel(
                f"{self._class} has generate_response() but no compose_messages(): add "
                "`def compose_messages(self, intermedia_msg): return intermedia_msg` to take the messages as they are"
            )
        where = f"{self._class}.generate_response()"
        if _is_abstract(studio.generate_response):
            raise NotAModel(
                f"{self._class} has no generate_response() of its own: add "
                "`def generate_response(self, messages, **kwargs)` that returns text, {}"
            )
        shape = shape_of(studio.generate_response, where, _CALL)
        if shape.kind in {"generator", "async_generator"}:
            raise broken(
                where,
                "is a generator: AgentStudio's models answer as a whole",
                asks=_PAIR,
                mend="return (text, info); to stream, write a function or a stream() method",
            )
        check_one_argument(
            getattr(studio, composer), f"{self._class}.{composer}()", f"{composer}(self, intermedia_msg)"
        )
        self._compose = None if _reaches(type(studio), "generate_response", composer) else composer
        self._arguments = Arguments(shape, where, config, also=getattr(studio, "accepts", ()))
        self.accepts: frozenset[str] = self._arguments.accepts
        self._first = shape.first
        self._names_model = shape.takes_all or "model" in shape.names
        self._generate_is_async = shape.kind == "coroutine"
        self._generate_may_wait = may_wait(studio.generate_response)
        self.suspends: bool = self._generate_may_wait or may_wait(getattr(studio, composer))
        self._identity: str | None = None

    @property
    def identity(self) -> str:
        if self._identity is None:
            self._identity = identity_of(self.studio, self.config, self.name)
        return self._identity

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer, at once."""
        return _WaitingAnswer(self, request) if self.suspends else _Answer(self, request)

    def _kwargs(self, request: ChatRequest, cancel: CancelToken | None = None) -> dict[str, Any]:
        arguments = self._arguments.of(request, cancel)
        if self._names_model and arguments.get("model") is None:
            arguments["model"] = self.name  # AgentStudio's own providers refuse to work without one
        return arguments

    def _ask(self, messages: list[Message], arguments: dict[str, Any]) -> Sequence[Event]:
        composed = messages if self._compose is None else self._composed(messages)
        if self._compose is not None and hasattr(composed, "__await__"):
            raise self._unawaited(self._compose, composed)
        answer = self._generated(composed, arguments)
        if hasattr(answer, "__await__"):
            raise self._unawaited("generate_response", answer)
        return self._events(answer)

    async def _ask_waiting(self, messages: list[Message], arguments: dict[str, Any]) -> Sequence[Event]:
        composed: Any = messages
        if self._compose is not None:
            composed = self._composed(messages)
            if hasattr(composed, "__await__"):
                composed = await self._wait(self._compose, composed)
        if not self._generate_is_async:
            answer = await offload(self._generated, composed, arguments)
            if hasattr(answer, "__await__"):
                if not self._generate_may_wait:
                    raise self._unawaited("generate_response", answer)
                answer = await self._wait("generate_response", answer)
            return self._events(answer)
        return self._events(await self._wait("generate_response", self._generated(composed, arguments)))

    async def _wait(self, method: str, answer: Any) -> Any:
        try:
            return await answer
        except CAUGHT as error:
            raise failure(f"{self._class}.{method}()", error) from error

    def _composed(self, messages: list[Message]) -> Any:
        try:
            return getattr(self.studio, str(self._compose))(messages)
        except CAUGHT as error:
            raise failure(f"{self._class}.{self._compose}()", error) from error

    def _generated(self, composed: Any, arguments: dict[str, Any]) -> Any:
        try:
            if self._first is None:
                return self.studio.generate_response(composed, **arguments)
            return self.studio.generate_response(**{self._first: composed}, **arguments)
        except CAUGHT as error:
            raise failure(f"{self._class}.generate_response()", error) from error

    def _unawaited(self, method: str, answer: Any) -> Exception:
        problem = f"returned {came(answer)}"
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        asks = _PAIR if method == "generate_response" else "what generate_response takes"
        return broken(f"{self._class}.{method}()", problem, asks=asks, mend=f"declare {method} as `async def`")

    def _events(self, answer: Any) -> Sequence[Event]:
        where = f"{self._class}.generate_response()"
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            mend = _MEND
            if hasattr(answer, "__next__") or hasattr(answer, "__anext__"):
                mend = "return (text, info); to stream, write a function or a stream() method"
            elif isinstance(answer, str):
                mend = "return text, {} instead of the text alone"
            raise broken(where, f"returned {came(answer)}", asks=_PAIR, mend=mend)
        text, info = answer
        if not isinstance(text, str):
            raise broken(where, f"returned {came(tuple(answer))}", asks=_PAIR, mend="make the first of them text")
        if not isinstance(info, Mapping):
            raise broken(where, f"returned {came(tuple(answer))}", asks=_PAIR, mend=_MEND)
        events: list[Event] = [Started(raw=answer), TextDelta(text), FINISHED]
        if info:
            events.append(usage_from(info, f"{where}'s info"))
        return events


class _Answer(ImmediateAnswer):
    """The answer of a model with nothing async in it: there when it is asked for, all at once."""

    __slots__ = ("_cancel", "_model", "_request")

    def __init__(self, model: AgentStudioModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request
        self._cancel = model._arguments.token()

    def now(self) -> Sequence[Event]:
        model = self._model
        return model._ask(intermediate(self._request.messages), model._kwargs(self._request, self._cancel))

    async def events(self) -> Sequence[Event]:
        if inline.active:
            return self.now()
        try:
            return await offload(self.now)
        finally:  # where the caller leaves, the thread can only be told
            self._cancel.cancel()


class _WaitingAnswer(WholeAnswer):
    """The answer of a model with something async in it."""

    __slots__ = ("_model", "_request")

    def __init__(self, model: AgentStudioModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request

    async def events(self) -> Sequence[Event]:
        model = self._model
        messages = await offload(intermediate, self._request.messages)  # which may decode images
        cancel = model._arguments.token()
        try:
            return await model._ask_waiting(messages, model._kwargs(self._request, cancel))
        finally:
            cancel.cancel()


# --- how a class composes ---------------------------------------------------------------------------------------------


def composer_of(cls: type) -> str | None:
    """The method of *cls* that composes messages; one that only says that it is not implemented does not count."""
    for name in COMPOSERS:
        function = getattr(cls, name, None)
        if function is not None and not _is_abstract(function):
            return name
    return None


def _is_abstract(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return getattr(function, "__isabstractmethod__", False) is True or (
        isinstance(code, CodeType) and code.co_names == ("NotImplementedError",)
    )


def _reaches(cls: type, method: str, wanted: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether *method*'s code, or that of the class's methods that it names, calls *wanted*."""
    import inspect

    try:
        code = getattr(inspect.unwrap(getattr(cls, method)), "__code__", None)
    except (AttributeError, ValueError):
        return False
    names = _names_in(code) if isinstance(code, CodeType) else set()
    if wanted in names:
        return True
    seen |= {method}
    return any(
        _reaches(cls, name, wanted, seen)
        for name in sorted(names - seen)
        if inspect.isfunction(getattr(cls, name, None))
    )


def _names_in(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for item in code.co_consts:
        if isinstance(item, CodeType):
            names |= _names_in(item)
    return names
