"""Where each served model runs: in worker processes, in threads of the server, or on its event loop."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from modelport.config.spec import PROVIDERS, load
from modelport.errors import ConfigError
from modelport.model import Model, suspends
from modelport.server.serving import Served
from modelport.workers import SUPPORTED, WorkerModel, WorkerOptions, load_workers
from modelport.wrappers.batching import batched

__all__ = ("ISOLATIONS", "check_used", "load_isolated")

ISOLATIONS = ("auto", "worker", "thread", "inline")


def load_isolated(
    specs: Sequence[str], isolation: str, options: WorkerOptions, *, replaceable: bool = False
) -> list[Model]:
    """The models of *specs*, in order, each where *isolation* says.

    ``auto`` puts models whose code blocks into workers where the system has them, else into threads, and lets the event
    loop run the others. With *replaceable*, those stay in workers, too: what a process has imported, it keeps.

    Raises:
        ConfigError: there are no workers here, or a model whose code blocks was to run on the event loop.
    """
    if isolation == "worker" or (isolation == "auto" and SUPPORTED):
        return _in_workers(specs, options, always=isolation == "worker", replaceable=replaceable)
    models = [_loaded(spec, options) for spec in specs]
    if isolation == "inline":
        for model in models:
            if not suspends(model):
                raise ConfigError(
                    f"the code of {model.name!r} blocks, and would hold up every other answer on the event loop: "
                    "use --isolation worker or thread, or make it async"
                )
    return models


def check_used(options: WorkerOptions, served: Iterable[Served]) -> None:
    """See that each option which was given is about a model that is served: none is taken and then ignored.

    Raises:
        ConfigError: one is not; names it.
    """
    models = list(served)
    workers = any(each.workers is not None for each in models)
    batches = any(each.batch_sizes is not None for each in models)
    for option, given, used, about in (
        ("--workers", options.workers > 1, workers, "runs in worker processes (--isolation worker puts all there)"),
        ("--patience", options.patience is not None, workers, "runs in worker processes"),
        ("--max-batch-size", options.max_batch_size is not None, batches, "answers batches"),
        ("--batch-window", options.batch_window is not None, batches, "answers batches"),
    ):
        if given and not used:
            raise ConfigError(f"{option} changes nothing here, as no served model {about}: leave it out")


def _in_workers(specs: Sequence[str], options: WorkerOptions, *, always: bool, replaceable: bool) -> list[Model]:
    options = replace(options, only_blocking=not (always or replaceable))
    places = [at for at, spec in enumerate(specs) if always or spec.partition(":")[0] not in PROVIDERS]
    loaded = load_workers([specs[at] for at in places], options, meanwhile=_import_server)
    workers = dict(zip(places, loaded, strict=True))
    try:
        return [_settled(spec, workers.get(at), options, always=always or replaceable) for at, spec in enumerate(specs)]
    except BaseException:
        for worker in workers.values():
            worker.pool.kill()
        raise


def _settled(spec: str, worker: WorkerModel | None, options: WorkerOptions, *, always: bool) -> Model:
    if worker is not None:
        if always or not worker.inner_suspends:
            return worker
        worker.pool.kill()  # it is async, as only loading it could tell: the event loop runs it better
    return _loaded(spec, options)


def _loaded(spec: str, options: WorkerOptions) -> Model:
    model = load(spec, models_dir=options.models_dir)
    batched(  # whoever asks for its queue again gets this one
        model,
        queue=options.queue,
        max_batch_size=options.max_batch_size,
        batch_window=options.batch_window,
    )
    return model


def _import_server() -> None:
    """What serving needs later takes some time to import, which is better spent while the models load."""
    import uvicorn  # noqa: F401

    with suppress(ImportError):
        import uvloop  # noqa: F401
