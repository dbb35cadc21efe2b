"""modelport serve, as its users start it, on a free port."""

import sys
from pathlib import Path

from bench.processes import ROOT, Server

__all__ = ("MODELPORT", "MODELS", "serve_models")

MODELPORT = str(Path(sys.executable).with_name("modelport"))
MODELS = ROOT / "bench" / "programs" / "models.py"


def serve_models(*arguments: str, core: int | None) -> Server:
    """The server, ready. *arguments* are models and options."""
    return Server([MODELPORT, "serve", *arguments, "--port", "0"], core=core)
