"""Which key file a command means: what it says, else the setting, else the one in the user's data folder."""

from pathlib import Path

from modelport.config.settings import read_settings
from modelport.storage.api_keys import KeyFile, default_key_file

__all__ = ("key_file", "served_key_file")


def key_file(given: str | None) -> KeyFile:
    """The file of ``modelport keys``, whether it is there or not."""
    named = read_settings(keys_file=given).keys_file
    return KeyFile(Path(named).expanduser() if named else default_key_file())


def served_key_file(given: str | None) -> tuple[str | None, bool]:
    """The file whose keys a server is to ask for, or None; and whether there is a key in it.

    A file that was named counts whatever is in it; the one in the data folder as soon as it holds a key.

    Raises:
        ConfigError: a file was named that is not there, or it cannot be read.
    """
    file = key_file(given)
    is_named = bool(read_settings(keys_file=given).keys_file)
    if not is_named and not file.path.exists():
        return None, False
    holds = bool(file.read())
    return (str(file.path) if is_named or holds else None), holds
