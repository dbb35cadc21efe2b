"""Which models are served, under which names, and how many calls each takes at a time. Knows no HTTP.

A model whose blocking code shares this process runs in threads of its own: one by default, since few people write
classes that may be called twice at once. A call whose caller has left keeps its thread until it returns, so the promise
holds then, too. (A model that lives in worker processes has its turns and its queue there.)
"""

import difflib
import logging
from collections.abc import Iterable, Mapping

from modelport.errors import ConfigError, LoadError, ModelNotFound, Overloaded, UnsupportedField
from modelport.model import AnswerStream, Model, counts, embeds, suspends
from modelport.server.counting import ModelNumbers
from modelport.server.quotas import charge_usage, check_affordable
from modelport.sync import Threads, use_threads
from modelport.types import ChatRequest, Usage
from modelport.types.counting import asks_count
from modelport.types.embeddings import EMBED
from modelport.workers import WorkerModel
from modelport.wrappers.base import close, start
from modelport.wrappers.batching import Batching, batched
from modelport.wrappers.honouring import honour
from modelport.wrappers.metering import Metering, Price

__all__ = ("DEFAULT", "Served", "Serving")

logger: logging.Logger = logging.getLogger(__name__)

DEFAULT = "default"  # the name that always means the first model


class Served:
    """A model under the name that it is served by; itself a model.

    ``blocking`` tells that its calls take turns, so that whoever holds one up holds up the others. Whoever takes an
    answer does so under ``use_threads(served.threads)``.
    """

    accepts = None  # what is underneath has judged already

    def __init__(
        self, name: str, model: Model, *, threads: int = 1, queue: int = 64, price: Price | None = None
    ) -> None:
        self.name = name
        self.price: Price | None = price  # as its operator says
        self.threads: Threads = Threads(threads)
        self._queue = queue
        self._at_once = threads
        self._most = threads + queue
        self.numbers: ModelNumbers = ModelNumbers()
        self.replace(model)

    def replace(self, model: Model) -> None:
        """From now on *model* makes the answers; those that have begun go on with the one before."""
        self.model: Model = model
        self.suspends: bool = suspends(model)
        self.blocking: bool = not self.suspends
        self._bare: Model = Metering(model, price=self.price, split=True, record=self._charge)
        honoured = honour(batched(model, queue=self._queue))
        self._inner: Model = Metering(honoured, price=self.price, split=True, record=self._charge)

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer.

        Raises:
            Overloaded: too many calls wait for their turn already.
            BudgetSpent, Forbidden: whoever asks has a budget, and it does not allow this.
        """
        if self.threads.unfinished >= self._most:
            raise Overloaded(
                f"{self.threads.unfinished} calls of {self.name!r} wait already: try again in a moment",
                retry_after=1.0,
            )
        if request.extra is not None:
            if EMBED in request.extra:
                return self._vectors(request)
            if counts(self.model) and asks_count(request):
                return self.model.stream(request)  # nothing is generated, and so nothing charged
        check_affordable(self.name, self.price)
        return self._inner.stream(request)

    def _charge(self, name: str, usage: Usage, cached: bool) -> None:
        """Count what an answer took, and to whoever asked; a :data:`modelport.wrappers.metering.Record`."""
        charge_usage(name, usage, cached)
        self.numbers.charge(usage)

    def _vectors(self, request: ChatRequest) -> AnswerStream:
        if not embeds(self.model):
            raise UnsupportedField(
                f"model: {self.name!r} gives no vectors; ask another, or give its class embed(self, texts)",
                param="model",
            )
        check_affordable(self.name, self.price)
        return self._bare.stream(request)

    @property
    def ready(self) -> bool:
        """Whether its model can be asked now; one in worker processes has moments when it cannot."""
        return not isinstance(self.model, WorkerModel) or self.model.ready

    @property
    def queued(self) -> int:
        """How many calls wait for it."""
        model = self.model
        if isinstance(model, WorkerModel):
            return model.pool.queued
        batching: Batching | None = getattr(model, "batching", None)
        waiting = self.threads.unfinished - self._at_once
        return max(0, waiting) + (0 if batching is None else batching.waiting)

    @property
    def batch_sizes(self) -> Mapping[int, int] | None:
        """How many batches of which size there were; None for a model that answers none."""
        model = self.model
        if isinstance(model, WorkerModel):
            return model.pool.batches
        batching: Batching | None = getattr(model, "batching", None)
        return None if batching is None else batching.sizes

    @property
    def workers(self) -> tuple[int, int, int] | None:
        """Of its processes: how many there are to be, how many are ready, how many ended by themselves."""
        model = self.model
        return model.pool.counts if isinstance(model, WorkerModel) else None

    async def start(self) -> None:
        """Takes up work on the running event loop, and loads what is to be loaded, before anything is asked.

        Raises:
            LoadError: it could not be loaded; the log has the traceback.
        """
        before = use_threads(self.threads) if self.blocking else None
        try:
            await start(self.model)
        except LoadError as error:
            logger.error("%s could not be loaded", self.name, exc_info=error.__cause__ or error)  # noqa: TRY400
            raise
        finally:
            if self.blocking:
                use_threads(before)

    async def aclose(self) -> None:
        """Frees what outlives the answers."""
        await close(self.model)


class Serving:
    """The served models, by name."""

    def __init__(
        self,
        models: Iterable[Model] | Mapping[str, Model],
        *,
        aliases: Mapping[str, str] | None = None,
        threads: int = 1,
        queue: int = 64,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        prices = prices or {}
        named = models.items() if isinstance(models, Mapping) else [(model.name, model) for model in models]
        self._models: dict[str, Served] = {}
        for name, model in named:
            if name in self._models:
                raise ConfigError(f"two models are named {name!r}: give one of them another name")
            self._models[name] = Served(name, model, threads=threads, queue=queue, price=prices.get(name))
        if not self._models:
            raise ConfigError("no model to serve: give at least one")
        if unknown := prices.keys() - self._models.keys():
            served = ", ".join(self._models)
            raise ConfigError(f"a price is given for {min(unknown)!r}, which is not served (served: {served})")
        self._known: dict[str | None, Served] = {None: self.first, DEFAULT: self.first}
        self._known.update(self._models.items())
        for alias, name in (aliases or {}).items():
            self._known.setdefault(alias, self.find(name))

    @property
    def first(self) -> Served:
        """The model that ``default`` means."""
        return next(iter(self._models.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """The served names, in order; aliases are not among them."""
        return tuple(self._models)

    def find(self, name: str | None) -> Served:
        """The model of that name or alias; None is ``default``.

        Raises:
            ModelNotFound: there is none. The message lists what there is.
        """
        try:
            return self._known[name]
        except KeyError:
            pass
        close = difflib.get_close_matches(str(name)[:100], self.names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ModelNotFound(
            f"no model named {str(name)[:100]!r} is served here (served: {', '.join(self.names)}){hint}", param="model"
        )

    @property
    def unready(self) -> tuple[str, ...]:
        """The names of the models that cannot be asked now."""
        return tuple(name for name, served in self._models.items() if not served.ready)

    async def start(self) -> None:
        """Has the models take up work on the running event loop."""
        for served in self._models.values():
            await served.start()

    async def aclose(self) -> None:
        """Frees what the models hold."""
        for served in self._models.values():
            await served.aclose()
