"""``modelport models``: every model that can be found by name, and each file of the models directory that is broken."""

import argparse
from collections.abc import Sequence

from msgspec import json

from modelport.config.discovery import Found
from modelport.config.settings import DEFAULT_MODELS_DIR, models_directory
from modelport.config.spec import available_models
from modelport.terminal import one_line

HELP = "list the models that can be found by name"

__all__ = ("HELP", "configure", "run")

_EPILOG = """\
Names are looked up in the models directory, then in installed plugins, then in what is shipped. Every file of the
models directory is imported to be listed.

exit status: 0 all is well, 1 a file of the models directory cannot be used, 2 the command line was wrong

examples:
  modelport models
  modelport models --models-dir agent_studio/llm --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``modelport models``."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--models-dir", metavar="DIR", help=f"the models directory (default: the setting, ./{DEFAULT_MODELS_DIR})"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """0: all found models can be used; 1: a file is broken, or a name stands for two models."""
    directory = models_directory(args.models_dir)
    found = available_models(args.models_dir)
    if args.json:
        print(json.format(json.encode({"models_dir": directory, "models": found}), indent=2).decode())
    else:
        _print(found, directory)
    return int(any(each.error is not None for each in found))


def _print(found: Sequence[Found], directory: str | None) -> None:
    good = [each for each in found if each.error is None]
    columns = [max((len(getattr(each, name)) for each in good), default=0) for name in ("name", "kind")]
    for each in good:
        print(f"{one_line(each.name):{columns[0]}}  {each.kind:{columns[1]}}  {one_line(each.where)}")
    for each in found:
        if each.error is not None:
            print(f"cannot be used: {one_line(each.name)}: {one_line(each.error)}")
    if directory is None:
        print(f"(there is no models directory: make ./{DEFAULT_MODELS_DIR} and put a model's file into it)")
