"""What the figures were taken on: the machine, the versions, the date. For the JSON file and the table's head."""

import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any

from bench.peers import versions

__all__ = ("facts", "headline")

SHOWN = ("modelport", "msgspec", "uvicorn", "uvloop", "httptools", "numpy")


def facts() -> dict[str, Any]:
    """Everything a reader needs to judge the figures."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "ours": {name: _version(name) for name in SHOWN},
        "peers": versions(),
    }


def headline(known: dict[str, Any]) -> str:
    """The same in a line."""
    return f"{known['date']} · {known['python']} · {known['system']} · {known['cores']} cores, {known['processor']}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
