"""Users' Python files, imported once each, with errors that point at the user's own line. Knows no shape of a model.

A file becomes a module in a made-up package of its folder's own, so that two folders may have files of one name.
``from . import sibling`` works inside; so does ``import sibling``, where nothing installed has the name.
"""
# Paths are text here, as the user wrote them and reads them again.
# ruff: noqa: PTH116, PTH120, PTH122, PTH208

import os
import sys
import threading
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from stat import S_ISREG
from types import ModuleType
from zlib import crc32

from modelport.errors import LoadError

__all__ = ("import_file", "shown", "trouble")

_lock = threading.RLock()
# By real path: the file's time and size when it was imported, and its module. A changed file is imported anew.
_modules: dict[str, tuple[tuple[int, int], ModuleType]] = {}


def import_file(path: str) -> ModuleType:
    """The module that the file at *path* defines; the same one until the file changes.

    Raises:
        LoadError: the file did not import; says at which line of the user's, and why.
    """
    real = os.path.realpath(path)
    with _lock:
        try:
            status = os.stat(real)
        except OSError as error:
            raise LoadError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
        if not S_ISREG(status.st_mode):
            raise LoadError(f"{shown(path)} is no regular file: expected one of Python code")
        stamp = (status.st_mtime_ns, status.st_size)
        known = _modules.get(real)
        if known is not None and known[0] == stamp:
            return known[1]
        module = _execute(real, path)
        _modules[real] = (stamp, module)
        return module


def shown(path: str) -> str:
    """*path* as people know it: from the working directory where it lies below, whole otherwise."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith("..") else relative


def trouble(error: BaseException, *files: str) -> str:
    """What went wrong and where: ``models/mine.py:3: NameError: …``, the line being the last in *files*' folders."""
    kind = type(error).__name__
    text = str(error).strip() or "no message"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown(error.filename)}:{error.lineno or 1}: {kind}: {error.msg}"
    folders = tuple(os.path.dirname(os.path.realpath(file)) + os.sep for file in files)
    place, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if folders and os.path.realpath(name).startswith(folders) and "site-packages" not in name:
            place = f"{shown(name)}:{trace.tb_lineno}: "
        trace = trace.tb_next
    return f"{place}{kind}: {text}"


def _execute(real: str, path: str) -> ModuleType:
    folder, file = os.path.split(real)
    stem = os.path.splitext(file)[0]
    if stem == "__init__":
        folder, stem = os.path.split(folder)
    package = _package_of(folder)
    name = f"{package}.{stem}"
    search = [os.path.dirname(real)] if file == "__init__.py" else None
    spec = spec_from_file_location(name, real, loader=_Fresh(name, real), submodule_search_locations=search)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    previous = sys.modules.get(name)
    if previous is not None and real not in _modules:
        return previous  # a sibling imported it as its own, so this is the one that it knows
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        if previous is not None:
            sys.modules[name] = previous
        raise LoadError(f"{shown(path)} failed to import: {trouble(error, real)}{_advice(error)}") from error
    return module


class _Fresh(SourceFileLoader):
    """Always compiles what the file says now: a cached compilation is trusted by whole seconds; edits are quicker."""

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _package_of(folder: str) -> str:
    """The made-up package of *folder*. The folder is also put last on ``sys.path``, for imports of siblings by name.

    Last, so that a file called ``torch.py`` or ``openai.py`` beside a model does not hide the library of that name.
    """
    name = f"modelport_files_{crc32(folder.encode('utf-8', 'surrogateescape')):08x}"
    if name not in sys.modules:
        package = ModuleType(name, f"The Python files of {folder}.")
        package.__path__ = [folder]
        package.__spec__ = ModuleSpec(name, None, is_package=True)
        package.__spec__.submodule_search_locations = package.__path__
        sys.modules[name] = package
    if folder not in sys.path:
        sys.path.append(folder)
    sys.path_importer_cache.pop(folder, None)  # its listing may be older than a file written a moment ago
    _forget_namesakes(folder)
    return name


def _forget_namesakes(folder: str) -> None:
    """Make room for *folder*'s siblings where another folder's file was imported under the same plain name.

    Modules that use the other keep it: they hold it by reference.
    """
    ours = {os.path.dirname(real) for real in _modules} - {folder}
    if not ours:
        return
    for file in os.listdir(folder):
        stem, ending = os.path.splitext(file)
        other = getattr(sys.modules.get(stem), "__file__", None) if ending == ".py" else None
        if other is not None and os.path.dirname(other) in ours:
            del sys.modules[stem]
            sys.path.remove(folder)
            sys.path.insert(min((sys.path.index(each) for each in ours if each in sys.path), default=0), folder)


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        root = error.name.partition(".")[0]
        if root == __name__.partition(".")[0]:
            return " (this version of modelport has no such module)"
        return f" (install {root}, or put {root}.py beside the file)"
    if isinstance(error, ImportError) and "attempted relative import beyond" in str(error):
        return " (name it as package.module:Name instead, so that its package is known)"
    if isinstance(error, SystemExit):
        return " (it ends the program while it is imported; put that under if __name__ == '__main__':)"
    return ""
