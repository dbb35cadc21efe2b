"""Models in processes of their own, which may die without taking the server along."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelport.workers.model import Loading, WorkerModel, load_workers
    from modelport.workers.options import WorkerOptions
    from modelport.workers.pool import WorkerDied
    from modelport.workers.process import SUPPORTED

__all__ = ("SUPPORTED", "Loading", "WorkerDied", "WorkerModel", "WorkerOptions", "load_workers")

# Loaded when first used: a worker's own process needs none of it, and is sooner ready without.
_HOMES = {
    "SUPPORTED": "modelport.workers.process",
    "Loading": "modelport.workers.model",
    "WorkerDied": "modelport.workers.pool",
    "WorkerModel": "modelport.workers.model",
    "WorkerOptions": "modelport.workers.options",
    "load_workers": "modelport.workers.model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelport.workers' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
