"""How workers are run: what their operator may say. Knows no process."""

from msgspec import Struct

__all__ = ("WorkerOptions",)


class WorkerOptions(Struct, frozen=True, kw_only=True):
    """How a model's workers are run; times in seconds.

    A call that runs longer than ``timeout`` is taken for hung, and its worker is ended; so is one that goes on for
    ``patience`` after its caller left (None: it is let run). With ``only_blocking`` an async model is found to be
    one, and not loaded: it is to run elsewhere.
    """

    workers: int = 1
    threads: int = 1  # calls at a time in one worker
    queue: int = 64  # calls that may wait
    max_batch_size: int | None = None  # None: what the model says
    batch_window: float | None = None
    models_dir: str | None = None
    only_blocking: bool = False
    timeout: float = 601.0
    patience: float | None = None
    backoff: float = 0.1  # before the first replacement; doubled each time, until an answer is made
    backoff_most: float = 30.0
    grace: float = 2.0  # for a worker to end when it was asked to
    inbox: int = 4 * 1024 * 1024  # bytes of one answer that may wait for its reader
