"""The command line: finds a command's file by name and loads that one alone. Knows no command's options.

A file ``cli/NAME.py`` (or a module installed under the entry-point group ``modelport.cli``) is a command when it has
``HELP`` (one line), ``configure(parser)`` and ``run(args) -> int``. Help lines are read out of the files as text, so
that ``modelport --help`` runs none of them.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn, Protocol

from modelport import __version__
from modelport.errors import LoadError, ModelError, ModelportError
from modelport.registry import Registry, did_you_mean

__all__ = ("Command", "main")

_COMMANDS = Registry("cli", "modelport.cli", "run")
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
    parser = _Parser(
        prog=f"modelport {name}", description=command.HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--debug", action="store_true", default=options.debug, help="show tracebacks")
    command.configure(parser)
    return command.run(parser.parse_args(arguments[at + 1 :]))


class _Parser(argparse.ArgumentParser):
    """What is wrong is said in one line; argparse would put the names of all options above it."""

    def error(self, message: str) -> NoReturn:
        near = "" if "unrecognized" not in message else self._near(message)
        self.exit(2, f"{self.prog}: error: {message}{near} ({self.prog} --help lists what there is)\n")

    def _near(self, message: str) -> str:
        given = next((word for word in message.split() if word.startswith("-")), "")
        return did_you_mean(given.partition("=")[0], list(self._option_string_actions)) if given else ""


def _top_parser(*, with_commands: bool) -> argparse.ArgumentParser:
    parser = _Parser(
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
    found = {name: f"({_COMMANDS.where(name)})" for name in _COMMANDS.plugins()}
    return found | {name: _help_line(name, path) for name, path in _COMMANDS.shipped().items()}


def _help_line(name: str, path: str) -> str:
    with open(path, encoding="utf-8") as source:  # noqa: PTH123  (pathlib costs as much as the rest of --help)
        line = _HELP_LINE.search(source.read())
    return line[2] if line else _shipped(name).HELP


def _load(name: str) -> Command:
    if name in _COMMANDS.shipped():
        return _shipped(name)
    plugin = _COMMANDS.plugins().get(name)
    if plugin is not None:
        return _checked(plugin.load(), plugin.value)
    names = _COMMANDS.names()
    hint = did_you_mean(name, names)
    print(f"modelport: error: no command {name!r}{hint} (there are: {', '.join(names)})", file=sys.stderr)
    raise SystemExit(2)


def _shipped(name: str) -> Command:
    return _checked(import_module(f"{__name__}.{name}"), f"{name}.py")


def _checked(module: Any, where: str) -> Command:
    missing = [each for each in ("HELP", "configure", "run") if not hasattr(module, each)]
    if missing:
        raise LoadError(f"{where} is not a command: it lacks {', '.join(missing)}")
    command: Command = module
    return command


# --- failing in one line ---


def _fail(error: Exception, *, debug: bool) -> int:
    from modelport.terminal import one_line

    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, ModelportError):
        text = error.message or error.code
        if type(error) is ModelError and isinstance(error.__cause__, Exception) and not debug:
            text += " (--debug shows where)"  # in the model's own code
    else:
        text = f"unexpected {type(error).__name__}: {error} (--debug shows where)"
    # What a server or a file said is shown without what a terminal would obey.
    print(f"modelport: error: {one_line(text)}", file=sys.stderr)
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
