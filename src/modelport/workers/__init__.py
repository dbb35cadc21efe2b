"""Models in processes of their own, which may die without taking the server along."""

from modelport.workers.model import WorkerModel, load_workers
from modelport.workers.pool import WorkerDied, WorkerOptions
from modelport.workers.process import SUPPORTED

__all__ = ("SUPPORTED", "WorkerDied", "WorkerModel", "WorkerOptions", "load_workers")
