"""A class that streams events itself: checked, settled, and named where it fails."""

from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any

from modelport.adapters.contract import broken, came, own_name
from modelport.adapters.function import EVENTS
from modelport.adapters.identity import identity_of
from modelport.adapters.params import accepts_of
from modelport.adapters.shape import check_one_argument, kind_of
from modelport.adapters.streams import AsyncPieces, Settled
from modelport.errors import NotAModel
from modelport.model import AnswerStream
from modelport.sync import OffloadedIterator
from modelport.types import ChatRequest, Event, TextDelta

__all__ = ("NativeModel",)

_ASKS = "an async context manager of an async iterator of events, or a generator that yields events or text"
_MEND = "yield TextDelta('…') or plain text"


class NativeModel:
    """A model around *native*, whose ``stream(request)`` is a generator, sync or async, or an async context manager.

    What it says of itself (``suspends``, ``accepts``, ``identity``, ``aclose``) holds; ``accepts = None`` says that it
    judges whole requests itself.
    """

    def __init__(self, native: Any, *, name: str | None = None, config: Mapping[str, Any] | None = None) -> None:
        self.target: Any = native
        self.native: Any = native
        self.config = config
        self.name: str = name or own_name(native)
        self._where = f"{type(native).__name__}.stream()"
        self._kind = kind_of(native.stream)
        if self._kind == "coroutine":
            raise NotAModel(
                f"{self._where} is `async def` without a yield; the contract asks for {_ASKS}: "
                "yield the events, or decorate it with contextlib.asynccontextmanager"
            )
        check_one_argument(native.stream, self._where, "stream(self, request)")
        says = getattr(native, "suspends", None)
        self.suspends: bool = bool(says) if says is not None else self._kind != "generator"
        self.accepts: frozenset[str] | None = _accepted(native)
        self._identity: str | None = None

    @property
    def identity(self) -> str:
        if self._identity is None:
            self._identity = identity_of(self.native, self.config, self.name)
        return self._identity

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The events that the class gives, every one of them checked."""
        return Settled(_Source(self, request), _events, self._where)

    async def aclose(self) -> None:
        """Frees what the class frees in its own ``aclose()``, if it has one."""
        close = getattr(self.native, "aclose", None)
        if close is not None:
            await close()


def _accepted(native: Any) -> frozenset[str] | None:
    """What a class says that it keeps; silent, it is trusted with what most models keep, and no more."""
    fields = getattr(native, "accepts", accepts_of((), takes_all=True))
    return None if fields is None else frozenset(fields)


class _Source:
    """Whatever ``stream()`` gives, as an async context manager of an async iterator."""

    __slots__ = ("_answer", "_model", "_request")

    def __init__(self, model: NativeModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request
        self._answer: Any = None

    async def __aenter__(self) -> AsyncIterator[Any]:
        model, request = self._model, self._request
        if model._kind == "generator":
            self._answer = OffloadedIterator(lambda: model.native.stream(request))
        elif model._kind == "async_generator":
            self._answer = AsyncPieces(lambda: model.native.stream(request))
        else:
            self._answer = self._wrapped(model.native.stream(request))
        items: AsyncIterator[Any] = await self._answer.__aenter__()
        if not hasattr(items, "__anext__"):
            raise broken(
                model._where,
                f"gave an async context manager of {came(items)}",
                asks="an async iterator of events there",
                mend="yield an async generator from it",
            )
        return items

    def _wrapped(self, answer: Any) -> Any:
        if hasattr(answer, "__aenter__"):
            return answer
        if hasattr(answer, "__aiter__"):
            return AsyncPieces(lambda: answer)
        if isinstance(answer, Iterable) and not isinstance(answer, str | bytes | Mapping):
            return OffloadedIterator(lambda: answer)
        problem = f"returned {came(answer)}"
        if hasattr(answer, "__await__"):
            answer.close()
        raise broken(self._model._where, problem, asks=_ASKS, mend=_MEND)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        answer = self._answer
        result: bool | None = await answer.__aexit__(kind, error, trace)
        return result


def _events(item: Any, where: str) -> Iterable[Event]:
    if isinstance(item, EVENTS):
        return (item,)
    if isinstance(item, str):
        return (TextDelta(str(item)),) if item else ()
    raise broken(where, f"yielded {came(item)}", asks="events, or text", mend=_MEND)
