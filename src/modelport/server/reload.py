"""Models in worker processes, loaded again while the server goes on: new code takes the place of old without a request
being dropped. Knows no HTTP and no files but by name.

What is being answered ends with the old code, for which it has a bounded time; what waits, or comes later, is for the
new. Code that does not load takes nobody's place. The server's own process, its socket and its connections stay as they
are throughout.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

from msgspec import Struct

from modelport.errors import ModelportError
from modelport.server.notify import READY, RELOADING, notify
from modelport.server.serving import Served, Serving
from modelport.server.watching import Watch
from modelport.sync import offload
from modelport.workers import Loading, WorkerModel, WorkerOptions

__all__ = ("Reloader", "Source")

logger: logging.Logger = logging.getLogger(__name__)

Tasks = Collection["asyncio.Task[None]"]


class Source(Struct, frozen=True):
    """What a served model is loaded from. *roots* are the folders that its code lies in; none if it has no files."""

    spec: str
    roots: tuple[str, ...] = ()


class Reloader:
    """Loads the models of *sources* (by served name) again: when told to, and when *watch* sees their files change.

    Used on the event loop that :meth:`start` is called on.
    """

    def __init__(
        self,
        serving: Serving,
        sources: Mapping[str, Source],
        options: WorkerOptions,
        *,
        drain: float,
        watch: Watch | None = None,
    ) -> None:
        self._serving = serving
        self._sources = dict(sources)
        self._options = options
        self._drain = drain
        self._watch = watch
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy: Callable[[], Tasks] = tuple
        self._renewals: dict[str, _Renewal] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._before: dict[str, set[asyncio.Task[None]]] = {}  # what was being answered when a model was last renewed
        self._ended = False

    def start(self, busy: Callable[[], Tasks]) -> None:
        """Begin, on the running loop. *busy* gives the tasks that answer requests now."""
        self._loop = asyncio.get_running_loop()
        self._busy = busy
        if self._watch is not None:
            self._watch.start(self._seen)

    def stop(self) -> None:
        """Load nothing more; what is loading is given up."""
        self._ended = True
        if self._watch is not None:
            self._watch.stop()
        for renewal in self._renewals.values():
            renewal.give_up()

    async def aclose(self) -> None:
        """Wait until what :meth:`stop` ended has ended, and the old workers, too."""
        self.stop()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def request(self) -> None:
        """Have every model loaded again. May be called from any thread, and from a signal's handler."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.reload)

    def reload(self, names: Collection[str] | None = None) -> None:
        """Load these models again (without *names*, all), and put each in its place as soon as it is loaded."""
        if self._ended or self._loop is None:
            return
        fixed = [name for name in self._serving.names if name not in self._sources] if names is None else []
        if fixed:
            logger.warning(
                "%s cannot be loaded again, sharing the server's process: start it again, or use --isolation worker",
                ", ".join(fixed),
            )
        for name in self._sources if names is None else names:
            if name in self._renewals:
                self._renewals[name].give_up()
            elif not self._renewals:
                notify(RELOADING, f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            self._renewals[name] = _Renewal(self._sources[name].spec, self._options)
            self._begin(self._renew(name, self._renewals[name]))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _seen(self, changed: Collection[str]) -> None:
        """In the watch's thread: files changed."""
        names = [
            name
            for name, source in self._sources.items()
            if any(path.startswith(root.rstrip(os.sep) + os.sep) for root in source.roots for path in changed)
        ]
        shown = sorted(os.path.relpath(path) for path in changed)
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        logger.info("%s%s changed: loading %s again", ", ".join(shown[:3]), more, ", ".join(names))
        loop = self._loop
        assert loop is not None
        try:
            loop.call_soon_threadsafe(self.reload, names)
        except RuntimeError:
            return  # the loop was closed: the server is gone

    async def _renew(self, name: str, renewal: "_Renewal") -> None:
        began = time.monotonic()
        try:
            model = await offload(renewal.load)
        except Exception as error:
            if not renewal.given_up:
                _tell_failure(name, error)
            return
        finally:
            if self._renewals.get(name) is renewal:
                del self._renewals[name]
                if not self._renewals and not self._ended:
                    notify(READY)
        if renewal.given_up:
            model.pool.kill()
            return
        await self._replace(self._serving.find(name), model, time.monotonic() - began)

    async def _replace(self, served: Served, model: WorkerModel, seconds: float) -> None:
        old = served.model
        assert isinstance(old, WorkerModel)
        await model.start()
        served.replace(model)
        old.pool.give_way(model.pool)
        logger.info("%s was loaded again in %.1f s, and has taken over", served.name, seconds)
        if model.name != old.name:
            logger.warning("it calls itself %s by now; its served name stays until the next start", model.name)
        now = set(self._busy())
        waits = now - self._before.get(served.name, set())
        self._before[served.name] = now
        began = time.monotonic()
        if waits:
            await asyncio.wait(waits, timeout=self._drain)
        if self._before.get(served.name) is now:
            del self._before[served.name]
        await old.pool.retire(max(0.0, self._drain - (time.monotonic() - began)))


class _Renewal:
    """A model that is being loaded again, or was to be."""

    def __init__(self, spec: str, options: WorkerOptions) -> None:
        self.given_up = False
        self._loading = Loading(spec, options)

    def load(self) -> WorkerModel:
        """Wait until it is loaded."""
        try:
            return self._loading.result()
        except BaseException:
            self._loading.cancel()
            self._loading.join()
            raise

    def give_up(self) -> None:
        """End the process that loads it: there is newer code, or no server."""
        self.given_up = True
        self._loading.cancel()


def _tell_failure(name: str, error: Exception) -> None:
    """The traceback is in the log already, from the process that tried."""
    why = error.message if isinstance(error, ModelportError) else f"{type(error).__name__}: {error}"
    logger.error("%s could not be loaded again, and goes on as it was: %s", name, why)
