"""The far end of a Worker: answers lines of JSON on standard input with lines of JSON on standard output.

Runs under any Python and any installed packages, ours or a peer's, so it needs the standard library alone.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ("serve",)


def serve(**commands: Callable[..., Any]) -> None:
    """Says that it is ready, then runs one command for each line, until the input ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the code under measurement prints goes where errors go
    out.write('{"ready": true}\n')
    for line in sys.stdin:
        asked = json.loads(line)
        given = commands[asked.pop("do")](**asked)
        out.write(json.dumps({"value": given}) + "\n")
