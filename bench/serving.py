"""modelport serve, as its users start it, on a free port."""

import sys
from pathlib import Path

from bench.processes import Server

__all__ = ("serve_models",)


def serve_models(*specs: str, core: int | None) -> Server:
    """The server, ready."""
    command = str(Path(sys.executable).with_name("modelport"))
    return Server([command, "serve", *specs, "--port", "0"], core=core)
