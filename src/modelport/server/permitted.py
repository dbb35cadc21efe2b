"""The served models as the holder of an API key sees them. Knows no HTTP."""

from modelport.errors import Forbidden, ModelNotFound
from modelport.server.quotas import Caller
from modelport.server.serving import DEFAULT, Served, Serving

__all__ = ("PermittedModels", "permitted")


def permitted(serving: Serving, caller: Caller | None) -> Serving:
    """What *caller* may use of *serving*: all of it, unless the key has a list of models."""
    if caller is None or caller.limits.models is None:
        return serving
    return PermittedModels(serving, caller.name, caller.limits.models)


class PermittedModels(Serving):
    """The served models as the holder of a key sees them: those on its list, and no trace of the others."""

    def __init__(self, whole: Serving, who: str, names: tuple[str, ...]) -> None:
        self.__dict__.update(whole.__dict__)  # the same models, queues and workers
        self._whole = whole
        self._who = who
        allowed = set()
        for name in names:
            try:
                allowed.add(whole.find(name).name)  # the list may name an alias
            except ModelNotFound:
                continue
        self._allowed = tuple(name for name in whole.names if name in allowed)

    @property
    def first(self) -> Served:
        """The model that ``default`` means to this key."""
        if not self._allowed:
            raise self._forbidden(DEFAULT)
        return self._whole.find(self._allowed[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The served names that are on the list."""
        return self._allowed

    def find(self, name: str | None) -> Served:
        """The model of that name or alias, if it is on the list.

        Raises:
            Forbidden: it is not, or there is none. Which of the two is not told; the models on the list are.
        """
        if name is None or name == DEFAULT:
            return self.first
        try:
            served = self._whole.find(name)
        except ModelNotFound:
            raise self._forbidden(name) from None
        if served.name not in self._allowed:
            raise self._forbidden(name)
        return served

    def _forbidden(self, name: str) -> Forbidden:
        may = ", ".join(self._allowed) or "no model that is served here"
        return Forbidden(f"the API key {self._who!r} may use {may}, not {name[:100]!r}", param="model")
