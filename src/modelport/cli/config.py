"""``modelport config``: what a config list and the settings amount to, entry by entry. Prints no secret."""

import argparse
import sys
from typing import Any

from msgspec import json

from modelport.config.config_list import read_config_list
from modelport.config.explaining import Verdict, explain
from modelport.config.settings import read_settings, settings_file
from modelport.terminal import one_line

HELP = "explain each entry of a config list, and where each setting comes from"

__all__ = ("HELP", "configure", "run")

_DEFAULT_LIST = "OAI_CONFIG_LIST"
_EPILOG = """\
exit status: 0 every entry that the filter keeps can be used, 1 problems were found, 2 the command line was wrong

examples:
  modelport config check                                  the list in OAI_CONFIG_LIST (a variable or a file)
  modelport config check configs.json --filter tags=fast,cheap --filter model=mine
  modelport config check --load                           also make each model (this loads its weights)
  modelport config show --json                            the settings, and where each came from
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``check`` and ``show``."""
    parser.epilog = _EPILOG
    parser.add_argument("action", choices=("check", "show"), help="check a config list, or show the settings")
    parser.add_argument(
        "source", nargs="?", help=f"a JSON file, a variable's name or JSON text (default: the setting, {_DEFAULT_LIST})"
    )
    parser.add_argument(
        "--filter",
        metavar="FIELD=VALUE[,VALUE]",
        action="append",
        default=[],
        help="keep only entries with one of these values; may be repeated",
    )
    parser.add_argument("--models-dir", metavar="DIR", help="where names are looked up first (default: ./models)")
    parser.add_argument("--load", action="store_true", help="make each model, not only find it")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """0: nothing to mend; 1: problems; 2: a wrong command line."""
    try:
        filters = _filters(args.filter)
    except ValueError as error:
        print(f"modelport config: error: {error}", file=sys.stderr)
        return 2
    return _show(args) if args.action == "show" else _check(args, filters)


def _filters(given: list[str]) -> dict[str, list[Any]]:
    filters: dict[str, list[Any]] = {}
    for text in given:
        field, equals, values = text.partition("=")
        if not equals or not field.strip():
            raise ValueError(f"--filter must be FIELD=VALUE, got {text!r}")
        accepted = filters.setdefault(field.strip(), [])
        for value in values.split(","):
            accepted += _readings(value.strip())
    return filters


def _readings(text: str) -> list[Any]:
    """A value as text, and as the number or truth that it may stand for in a config list."""
    words = {"true": True, "false": False}
    if text.lower() in words:
        return [text, words[text.lower()]]
    try:
        return [text, float(text)]
    except ValueError:
        return [text]


def _check(args: argparse.Namespace, filters: dict[str, list[Any]]) -> int:
    source = args.source or read_settings().config_list or _DEFAULT_LIST
    try:
        config_list = read_config_list(source)
    except FileNotFoundError as error:
        print(f"modelport: error: {one_line(error.strerror or str(error))}", file=sys.stderr)
        return 1
    verdicts = explain(config_list, filter_dict=filters, models_dir=args.models_dir, make=args.load)
    kept = [each for each in verdicts if each.kept]
    failed = not kept or any(not each.usable for each in kept)
    if args.json:
        _print_json({"usable": not failed, "entries": verdicts})
        return int(failed)
    for each in verdicts:
        _print_verdict(each)
    usable = sum(each.usable for each in kept)
    if not verdicts:
        print('the list is empty: add an entry such as {"model": "eliza"}')
    elif not kept:
        print(f"{_counted(len(verdicts))}, and the filter keeps none")
    else:
        print(f"{_counted(len(verdicts))}, {len(kept)} kept, {usable} usable")
    return int(failed)


def _counted(number: int) -> str:
    return f"{number} {'entry' if number == 1 else 'entries'}"


def _print_verdict(verdict: Verdict) -> None:
    state = "dropped" if not verdict.kept else "usable" if verdict.usable else "NOT usable"
    way = f", by {verdict.way}" if verdict.way else ""
    print(f"{one_line(verdict.label)}: {state}{way}")
    for problem in verdict.problems:
        print(f"    problem: {one_line(problem)}")
    for note in verdict.notes:
        print(f"    {one_line(note)}")


def _show(args: argparse.Namespace) -> int:
    settings = read_settings(models_dir=args.models_dir)
    values = settings.shown()
    if args.json:
        _print_json({name: {"value": values[name], "source": settings.sources.get(name, "default")} for name in values})
        return 0
    file = settings_file()
    print(f"settings file: {file or 'none (modelport.toml here or above, or MODELPORT_CONFIG)'}")
    width = max(map(len, values))
    for name, value in values.items():
        source = settings.sources.get(name)
        print(f"{name:{width}}  {'(not set)' if value is None else value}{f'   [{source}]' if source else ''}")
    return 0


def _print_json(value: Any) -> None:
    print(json.format(json.encode(value), indent=2).decode())
