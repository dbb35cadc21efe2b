"""What every model around a model has in common: it is named, driven, keyed and closed like the one inside."""

from modelport.model import Model, accepts, identity, suspends

__all__ = ("Wrapper", "close")


class Wrapper:
    """A model around ``model``. A subclass adds ``stream``."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.name: str = model.name
        self.suspends: bool = suspends(model)
        self.accepts: frozenset[str] | None = accepts(model)

    @property
    def identity(self) -> str:
        """The inner model's: asked for only where it is needed, because reading code takes time."""
        return identity(self.model)

    async def aclose(self) -> None:
        """Free what the inner model holds between answers."""
        await close(self.model)


async def close(model: object) -> None:
    """``await model.aclose()``, where it has one."""
    aclose = getattr(model, "aclose", None)
    if aclose is not None:
        await aclose()
