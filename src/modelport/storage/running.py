"""Which servers of this user run on this machine: a small file for each, locked for as long as its server lives.

The lock is the system's, and ends with the process, however that ends: so a file that nobody holds is what a dead
server left behind, whoever has its process id by now. Knows no HTTP.
"""

import os
import secrets
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from modelport.storage.api_keys import data_folder

if os.name == "posix":
    import fcntl

__all__ = ("Registration", "RunningServer", "running_folders", "running_servers")

_LONGEST = 64 * 1024  # bytes of one file
_LAST = 253_402_300_799  # the end of the last year that can be shown
_OLD = 60.0  # seconds after which a file that was never completed never will be


class RunningServer(Struct, frozen=True, kw_only=True):
    """A server. ``since`` is Unix time, ``models`` has each one's isolation by its name; with ``inquiry`` it can be
    asked how many requests it has had, and nothing else."""

    url: str
    pid: int
    since: Annotated[int, Meta(ge=0, le=_LAST)]
    models: Mapping[str, str]
    tls_fingerprint: str | None = None
    inquiry: str = ""


def running_folders() -> tuple[Path, ...]:
    """Where the files are looked for; a server puts its own into the first. They are not made by asking."""
    lasting = data_folder() / "running"
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or "")
    if os.name == "posix" and base.is_absolute():
        with suppress(OSError):
            found = base.stat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and os.access(base, os.W_OK):
                return base / "modelport", lasting
    return (lasting,)


class Registration:
    """The file of one server, from now until it is closed.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, server: RunningServer) -> None:
        folder = running_folders()[0]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{server.pid}-{secrets.token_hex(4)}"
        self.path: Path = folder / f"{name}.json"
        partial = folder / f"{name}.partial"
        self._file: int | None = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            _lock(self._file)
            os.write(self._file, msgspec.json.encode(server))
            partial.rename(self.path)
        except BaseException:
            os.close(self._file)
            partial.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """The server has ended."""
        if self._file is not None:
            number, self._file = self._file, None
            if os.name == "nt":  # where an open file cannot be removed
                os.close(number)
                number = -1
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            if number >= 0:
                os.close(number)


def running_servers(folders: Sequence[Path] | None = None) -> list[RunningServer]:
    """The servers that live, those that began first before the others. What dead ones left is removed; a file that
    cannot be read, or is none of ours, is passed over."""
    found = (each for folder in folders or running_folders() for each in _in(folder))
    return sorted(found, key=lambda server: (server.since, server.url))


def _in(folder: Path) -> Iterator[RunningServer]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        with suppress(OSError):
            if path.suffix == ".json":
                server = _read(path)
                if server is not None:
                    yield server
            elif path.suffix == ".partial" and time.time() - path.lstat().st_mtime > _OLD:
                _remove_if_dead(path)


def _read(path: Path) -> RunningServer | None:
    """The server that has this file; None where there is none."""
    if _remove_if_dead(path):
        return None
    number = _open(path)
    if number is None:
        return None
    try:
        data = os.read(number, _LONGEST + 1)
    finally:
        os.close(number)
    try:
        server = msgspec.json.decode(data, type=RunningServer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return server if server.url.startswith(("http://", "https://")) else None


def _open(path: Path) -> int | None:
    """For reading, where it is a plain file of this user's."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    number = os.open(path, flags)
    found = os.fstat(number)
    if stat.S_ISREG(found.st_mode) and (os.name != "posix" or found.st_uid == os.getuid()):
        return number
    os.close(number)
    return None


# --- who lives --------------------------------------------------------------------------------------------------------


def _lock(number: int) -> None:
    if os.name == "posix":
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_if_dead(path: Path) -> bool:
    """Remove what nobody holds any more; whether that was so."""
    if os.name != "posix":
        with suppress(PermissionError):  # a file that is held open cannot be removed there
            path.unlink(missing_ok=True)
            return True
        return False
    number = _open(path)
    if number is None:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(number)
    return True
