"""Files of code, held inside one folder. Knows no language's rules but the comment that names a file.

A name from a message may not leave the folder: not by ``..``, not as an absolute path, not through a symbolic link, and
not in the other system's spelling (``..\\x``, ``C:\\x``).
"""

import os
import re
import sys
from pathlib import Path, PureWindowsPath

__all__ = ("OutsideWorkspace", "confine", "named_file", "temporary_name", "write_code")

# "# filename: plot.py" in the comment styles of the languages. Without "filename:" the comment must look like the name
# of a file: AutoGen takes any comment for one and saves a script that begins "# Plot the data" under that name.
_COMMENTS = (
    re.compile(r"<!-- (filename:)?(.+?) -->"),
    re.compile(r"/\* (filename:)?(.+?) \*/"),
    re.compile(r"// (filename:)?(.+)"),
    re.compile(r"# (filename:)?(.+)"),
)
_LIKE_A_FILE = re.compile(r"[\w.~/\\:-]*[\w-]\.\w{1,10}")
_WINDOWS_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|COM\d|LPT\d)(?:\..*)?", re.IGNORECASE)


class OutsideWorkspace(ValueError):
    """The name of a file leads out of the folder that code is kept in."""


def named_file(code: str) -> str | None:
    """The name that the first line of *code* gives its file in a comment, if it does."""
    first = code.split("\n", 1)[0].strip()
    for comment in _COMMENTS:
        if found := comment.match(first):
            said, name = found[1], found[2].strip()
            if said or _LIKE_A_FILE.fullmatch(name):
                return name
            return None
    return None


def temporary_name(code: str, extension: str) -> str:
    """The name of the file of *code* that names none: the same for the same code."""
    from hashlib import md5

    digest = md5(code.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return f"tmp_code_{digest}.{extension}"


def confine(name: str, folder: Path) -> Path:
    """The absolute path, with no link in it, of the file *name* in *folder*.

    Raises:
        OutsideWorkspace: it would lie elsewhere, be the folder itself, or cannot be a file's name.
    """
    root = folder.resolve()
    windows = PureWindowsPath(name)
    if os.name != "nt" and (windows.drive or "\\" in name):
        raise _outside(name, root, "it is written as a path of another system")
    if os.name == "nt" and (any(_WINDOWS_DEVICES.fullmatch(part) for part in windows.parts) or ":" in name[2:]):
        raise _outside(name, root, "it names a device or a stream")
    try:
        path = (root / name).resolve()
        is_folder = path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, links in a circle
        raise _outside(name, root, f"it cannot be a file's name ({error})") from error
    if not path.is_relative_to(root):
        raise _outside(name, root, f"it leads to {path}")
    if is_folder:
        raise _outside(name, root, "it is a folder")
    return path


def _outside(name: str, root: Path, why: str) -> OutsideWorkspace:
    return OutsideWorkspace(
        f"Filename is not in the workspace: {name!r} was refused, {why}. Use a relative path below {root}."
    )


def write_code(path: Path, code: str) -> None:
    """Write *code* to *path*, which :func:`confine` gave: folders below are made, a link put there since is refused."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    if sys.platform != "win32":
        flags |= os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(code)
