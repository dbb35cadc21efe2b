"""``load()`` of a user's class: called once, where the model runs, before it is first asked. Knows no model."""

import threading
from typing import TYPE_CHECKING, Any

from modelport.adapters.contract import CAUGHT, failure
from modelport.adapters.shape import kind_of
from modelport.errors import LoadError
from modelport.sync import offload
from modelport.sync.offload import inline

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ("Loading", "loading_of")


def loading_of(native: Any) -> "Loading | None":
    """How *native* is loaded; None where it has no ``load(self)``. One that demands more than that is no hook."""
    load = getattr(native, "load", None)
    if not callable(load) or isinstance(getattr(load, "__self__", None), type) or _demands(load):
        return None
    return Loading(load, f"{type(native).__name__}.load()")


def _demands(function: Any) -> bool:
    import inspect

    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    except ValueError:  # written in C, it tells nothing
        return False
    return False


class Loading:
    """*load*, sync or async, called for whoever comes first; the others wait. ``waits`` tells that it is async.

    One that failed is called again for whoever comes next.
    """

    def __init__(self, load: Any, where: str) -> None:
        self.done: bool = False
        self.waits: bool = kind_of(load) == "coroutine"
        self._load = load
        self._where = where
        self._lock = threading.Lock()
        self._outcome: Future[None] | None = None  # of the call that runs
        self._task: Any = None  # one that nobody holds may be collected

    async def ensure(self) -> None:
        """Return when it is loaded.

        Raises:
            LoadError: ``load()`` raised something.
        """
        if self.done:
            return
        from concurrent.futures import Future

        with self._lock:
            first = self._outcome is None
            outcome = self._outcome = self._outcome or Future()
        if first:
            self._begin(outcome)
        if not inline.active:
            await _settled(outcome)
        outcome.result()

    def _begin(self, outcome: "Future[None]") -> None:
        if inline.active:
            if self.waits:
                self._fail(
                    outcome, LoadError(f"{self._where} is async, which `suspends = False` rules out: remove one")
                )
            else:
                self._call(outcome)
            return
        import asyncio

        # A task of its own: whoever comes first may leave, and is not the only one who waits.
        work = self._await(outcome) if self.waits else offload(self._call, outcome)
        self._task = asyncio.get_running_loop().create_task(work)

    def _call(self, outcome: "Future[None]") -> None:
        try:
            self._load()
        except BaseException as error:
            self._fail(outcome, error)
            if not isinstance(error, CAUGHT):
                raise
        else:
            self._succeed(outcome)

    async def _await(self, outcome: "Future[None]") -> None:
        try:
            await self._load()
        except BaseException as error:
            self._fail(outcome, error)
            if not isinstance(error, CAUGHT):
                raise
        else:
            self._succeed(outcome)

    def _succeed(self, outcome: "Future[None]") -> None:
        self.done = True
        outcome.set_result(None)

    def _fail(self, outcome: "Future[None]", error: BaseException) -> None:
        with self._lock:
            self._outcome = None
        if not isinstance(error, LoadError):
            cause, error = error, LoadError(failure(self._where, error).message)
            error.__cause__ = cause
        outcome.set_exception(error)


async def _settled(outcome: "Future[None]") -> None:
    """Wait for *outcome*, whichever it is, without having a part in it."""
    import asyncio

    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def settle() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def tell(_: object) -> None:
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return  # the loop was closed: nobody waits any more

    outcome.add_done_callback(tell)
    await waiter
