"""The command line: finds a command's file by name and loads that one alone. Knows no command's options.

A file ``cli/NAME.py`` (or a module installed under the entry-point group ``modelport.cli``) is a command when it has
``HELP`` (one line), ``configure(parser)`` and ``run(args) -> int``. Help lines are read out of the files as text, so
that ``modelport --help`` runs none of them.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol

from modelport import __version__
from modelport.errors import ModelportError

__all__ = ("Command", "main")

_FOLDER = __path__[0]
_GROUP = "modelport.cli"
_EPILOG = """\
exit status:
  0    it worked
  1    it failed; one line on stderr says why, and what to do
  2    the command line was wrong
  130  stopped by Ctrl-C

examples:
  modelport chat                          talk to the model that comes with modelport
  modelport serve my_model.py:Mine        put your own behind an OpenAI-compatible address
  modelport COMMAND --help                a command's options, with an example
"""
_HELP_LINE = re.compile(r"""^HELP(?:\s*:\s*\w+)?\s*=\s*(["'])(.*)\1\s*$""", re.MULTILINE)


class Command(Protocol):
    """What a command's module has."""

    HELP: str

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Adds the command's options, and an epilog with an example."""

    def run(self, args: argparse.Namespace, /) -> int:
        """Does it; the result is the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs ``modelport`` with these arguments (the process's own by default) and gives the exit status.

    Never raises for a failure: it becomes one line on stderr; ``--debug`` shows the traceback above it.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        _be_lenient_about_encodings()
        status = _dispatch(arguments)
        sys.stdout.flush()
    except SystemExit as stop:
        return _status_of(stop)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if _nobody_reads(error):
            _drop_output()
            return 1
        return _fail(error, debug=debug)
    return status


def _dispatch(arguments: list[str]) -> int:
    at = next((number for number, word in enumerate(arguments) if not word.startswith("-")), len(arguments))
    options = _top_parser(with_commands=at == len(arguments)).parse_args(arguments[:at])
    if at == len(arguments):
        _top_parser(with_commands=True).print_help(sys.stderr)
        return 2
    name = arguments[at]
    command = _load(name)
    parser = argparse.ArgumentParser(
        prog=f"modelport {name}", description=command.HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--debug", action="store_true", default=options.debug, help="show tracebacks")
    command.configure(parser)
    return command.run(parser.parse_args(arguments[at + 1 :]))


def _top_parser(*, with_commands: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="modelport",
        usage="modelport [-h] [--version] [--debug] COMMAND ...",
        description="Write your model once; plug it into any agent.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"modelport {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    if with_commands:
        commands = _commands()
        width = max(map(len, commands), default=0)
        listed = "\n".join(f"  {name:{width}}  {commands[name]}" for name in sorted(commands))
        parser.epilog = f"commands:\n{listed}\n\n{_EPILOG}"
    return parser


# --- finding commands ---


def _commands() -> dict[str, str]:
    """Each command's name and help line, without running any of their files."""
    found = {name: f"(installed: {value})" for name, value in _installed()}
    for file in os.listdir(_FOLDER):  # noqa: PTH208  (pathlib costs as much as the rest of --help)
        stem, extension = os.path.splitext(file)  # noqa: PTH122
        if extension == ".py" and not stem.startswith("_"):
            found[stem.replace("_", "-")] = _help_line(stem)
    return found


def _help_line(stem: str) -> str:
    with open(os.path.join(_FOLDER, f"{stem}.py"), encoding="utf-8") as source:  # noqa: PTH118, PTH123
        line = _HELP_LINE.search(source.read())
    return line[2] if line else str(_shipped(stem).HELP)


def _load(name: str) -> Command:
    stem = name.replace("-", "_")
    if re.fullmatch(r"[a-z][a-z0-9_]*", stem) and os.path.exists(os.path.join(_FOLDER, f"{stem}.py")):  # noqa: PTH110, PTH118
        return _shipped(stem)
    for installed, value in _installed():
        if installed == name:
            return _checked(import_module(value.strip()), value)
    commands = _commands()
    near = _nearest(name, list(commands))
    hint = f"; did you mean {near!r}?" if near else ""
    print(f"modelport: error: no command {name!r}{hint} (there are: {', '.join(sorted(commands))})", file=sys.stderr)
    raise SystemExit(2)


def _shipped(stem: str) -> Command:
    return _checked(import_module(f"{__name__}.{stem}"), f"{stem}.py")


def _checked(module: Any, where: str) -> Command:
    missing = [each for each in ("HELP", "configure", "run") if not hasattr(module, each)]
    if missing:
        raise ModelportError(f"{where} is not a command: it lacks {', '.join(missing)}")
    command: Command = module
    return command


def _nearest(name: str, names: list[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, n=1, cutoff=0.5)), None)


def _installed() -> Iterator[tuple[str, str]]:
    """Commands of other packages: name and module.

    Reads the packages' entry_points.txt directly; ``importlib.metadata`` costs more than all of ``modelport --help``.
    """
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                yield from _entry_points(os.path.join(folder, name, "entry_points.txt"))  # noqa: PTH118


def _entry_points(path: str) -> Iterator[tuple[str, str]]:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return
    _, found, rest = text.partition(f"[{_GROUP}]")
    for line in rest.split("\n[", maxsplit=1)[0].splitlines() if found else ():
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), value.strip()


# --- failing in one line ---


def _fail(error: Exception, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, ModelportError):
        text = error.message or error.code
    else:
        text = f"unexpected {type(error).__name__}: {error} (--debug shows where)"
    print(f"modelport: error: {' '.join(text.split())}", file=sys.stderr)
    return 1


def _status_of(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    print(stop.code, file=sys.stderr)
    return 1


def _nobody_reads(error: Exception) -> bool:
    """Whether *error* is what writing to a closed pipe gives (``modelport models | head -1``)."""
    if isinstance(error, ModelportError):
        return False
    return isinstance(error, BrokenPipeError) or (
        sys.platform == "win32" and isinstance(error, OSError) and error.errno == 22  # EINVAL
    )


def _drop_output() -> None:
    """Points stdout at nothing, so that the interpreter's own flush at its end does not complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return  # stdout is not a file: there is nothing to flush


def _be_lenient_about_encodings() -> None:
    """A terminal that cannot show a character gets a question mark instead of a failure."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
