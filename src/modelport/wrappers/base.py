"""What every model around a model has in common: it is named, driven, keyed and closed like the one inside."""

from types import TracebackType

from modelport.model import AnswerStream, Model, accepts, identity, role_rules, suspends, tool_parser

__all__ = ("InnerAnswer", "Wrapper", "close", "start")


class Wrapper:
    """A model around ``model``. A subclass adds ``stream``."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.name: str = model.name
        self.suspends: bool = suspends(model)
        self.accepts: frozenset[str] | None = accepts(model)
        self.role_rules: object = role_rules(model)
        self.tool_parser: object = tool_parser(model)

    @property
    def identity(self) -> str:
        """The inner model's: asked for only where it is needed, because reading code takes time."""
        return identity(self.model)

    async def start(self) -> None:
        """Have the inner model load what it needs, before it is asked."""
        await start(self.model)

    async def aclose(self) -> None:
        """Free what the inner model holds between answers."""
        await close(self.model)


class InnerAnswer:
    """The end of an answer that is another model's, which is in ``_answer`` once it was entered."""

    __slots__ = ("_answer",)

    _answer: AnswerStream | None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        return None if self._answer is None else await self._answer.__aexit__(kind, error, trace)


async def start(model: object) -> None:
    """``await model.start()``, where it has one."""
    begin = getattr(model, "start", None)
    if begin is not None:
        await begin()


async def close(model: object) -> None:
    """``await model.aclose()``, where it has one."""
    aclose = getattr(model, "aclose", None)
    if aclose is not None:
        await aclose()
