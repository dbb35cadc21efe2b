"""Where in a model's code its error began, told across the border of its process, as text for people."""

import traceback

from modelport.errors import ModelError, ModelportError

__all__ = ("TraceInWorker", "trace_of")

_LONGEST = 16_000  # characters; what is nearest to the error is at the end


class TraceInWorker(Exception):
    """Stands as the cause of a model's error, in another process than it happened in. Its text is the traceback."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def trace_of(error: ModelportError) -> str:
    """The traceback of what the model's own code raised; empty where *error* is about something else."""
    cause = error.__cause__
    if type(error) is not ModelError or cause is None or isinstance(cause, ModelportError):
        return ""
    try:
        text = "".join(traceback.format_exception(cause))
    except Exception as broken:  # a user's own kind of error, which cannot be shown
        text = f"{type(cause).__name__}, which cannot be shown: {type(broken).__name__}"
    return text.rstrip()[-_LONGEST:].encode("utf-8", "backslashreplace").decode()
