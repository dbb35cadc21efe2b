"""What a person types: lines with editing and a history that lasts, in a file of theirs alone. Knows no model."""

import os
import sys
from contextlib import suppress
from typing import Any

__all__ = ("Lines", "history_path")

_MOST_LINES = 1000


def history_path() -> str:
    """Where the lines typed into ``modelport chat`` are kept: in the user's folder for such state."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")  # noqa: PTH111
    else:
        base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111
    return os.path.join(base, "modelport", "chat_history")  # noqa: PTH118


class Lines:
    """Reads lines with a prompt. *history* False keeps none, neither in a file nor in memory."""

    def __init__(self, *, history: bool = True) -> None:
        self._readline: Any = _readline()
        self._path = history_path() if history else None
        if self._readline is None:
            return
        self._readline.set_auto_history(history)
        if self._path is not None:
            with suppress(OSError):  # there is none yet
                self._readline.read_history_file(self._path)

    def ask(self, prompt: str) -> str:
        """One line, without its end.

        Raises:
            EOFError: there are no more.
        """
        return input(prompt)

    def close(self) -> None:
        """Writes the history; a folder that cannot be written to costs no more than that."""
        if self._readline is None or self._path is None:
            return
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
            # Made first, for its permissions; what people ask a model is nobody else's to read.
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))
            os.chmod(self._path, 0o600)  # noqa: PTH101
            self._readline.set_history_length(_MOST_LINES)
            self._readline.write_history_file(self._path)
        except OSError as error:
            print(f"modelport: the history could not be written: {error}", file=sys.stderr)


def _readline() -> Any:
    try:
        import readline
    except ImportError:  # Windows has its own line editing
        return None
    return readline
