"""``modelport keys``: the API keys of ``modelport serve``. A key is shown once, when it is made."""

import argparse
import re
import sys
import time
from datetime import UTC, datetime
from typing import Any

from msgspec import json

from modelport.cli._key_file import key_file
from modelport.errors import ConfigError
from modelport.storage.api_keys import KeyFile, KeyLimits, StoredKey, dollars

HELP = "make, list and revoke the API keys of modelport serve"

__all__ = ("HELP", "configure", "run")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_EPILOG = """\
Only the key itself goes to stdout, once; the file has no more than its hash. A running server knows a new key, and
refuses a revoked one, within a second or two.

examples:
  modelport keys add ann                                 a key without limits
  modelport keys add bob --budget 5/day                  no more once 5 US dollars are spent, until the next day
  modelport keys add ci --rpm 60 --tpm 100000 --concurrency 4 --models fast,good --expires 30d
  KEY=$(modelport keys add ann)                          into a variable
  modelport keys list
  modelport keys revoke ann
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds ``add``, ``list`` and ``revoke`` with their options."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | revoke")
    add = actions.add_parser("add", help="make a key and show it")
    add.add_argument("name", metavar="NAME", help="whose key it is: letters, digits and ._@+-")
    add.add_argument("--rpm", type=int, metavar="N", help="requests a minute")
    add.add_argument("--tpm", type=int, metavar="N", help="tokens a minute, of prompts and answers together")
    add.add_argument("--concurrency", type=int, metavar="N", help="requests at a time")
    add.add_argument("--budget", metavar="DOLLARS[/day|/month]", help="US dollars, for models whose price is known")
    add.add_argument("--models", metavar="NAME,NAME", help="the models that it may ask (default: all)")
    add.add_argument("--expires", metavar="WHEN", help="after so long (12h, 30d, 4w) or on a day (2031-01-31, UTC)")
    shown = actions.add_parser("list", help="show the names and limits of all keys")
    shown.add_argument("--json", action="store_true", help="print JSON")
    revoke = actions.add_parser("revoke", help="forget a key")
    revoke.add_argument("name", metavar="NAME", help="whose key it is")
    for action in (add, shown, revoke):
        action.add_argument("--keys-file", metavar="FILE", help="where the keys are (default: in your data folder)")


def run(args: argparse.Namespace) -> int:
    """0: done."""
    keys = key_file(args.keys_file)
    if args.action == "add":
        _add(keys, args)
    elif args.action == "revoke":
        keys.revoke(args.name)
        print(f"the key {args.name!r} is revoked")
    else:
        _list(keys, as_json=args.json)
    return 0


def _add(keys: KeyFile, args: argparse.Namespace) -> None:
    limits = KeyLimits(
        requests=args.rpm,
        tokens=args.tpm,
        concurrency=args.concurrency,
        models=None if args.models is None else tuple(name.strip() for name in args.models.split(",")),
        **_budget(args.budget),
        expires=None if args.expires is None else _moment(args.expires),
    )
    key = keys.add(args.name, limits)
    print(f"a key for {args.name!r}, shown only now (its hash is in {keys.path}):", file=sys.stderr, flush=True)
    print(key.reveal())


def _budget(text: str | None) -> dict[str, Any]:
    """What ``--budget`` says, as fields of the limits."""
    if text is None:
        return {}
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(?:/(day|month))?", text)
    if found is None:
        raise ConfigError(
            f"--budget must be US dollars, alone, a day or a month, like 100, 5/day or 20.50/month; got {text[:100]!r}",
            param="--budget",
        )
    return {"budget": float(found[1]), "per": found[2] or "ever"}


def _moment(text: str) -> int:
    """What ``--expires`` says, as Unix time."""
    span = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if span:
        return int(time.time()) + int(span[1]) * _UNITS[span[2]]
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"--expires must be a time from now, like 12h or 30d, or a day, like 2031-01-31; got {text[:100]!r}",
            param="--expires",
        ) from None
    return int((day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp())


def _list(keys: KeyFile, *, as_json: bool) -> None:
    stored = keys.read() if keys.path.exists() else ()
    if as_json:
        rows = [{"name": key.name, "created": key.created, "limits": key.limits, **_spent(key)} for key in stored]
        print(json.format(json.encode(rows), indent=2).decode())
        return
    if not stored:
        print(f"no keys in {keys.path}: make one with modelport keys add NAME")
        return
    width = max(len(key.name) for key in stored)
    for key in stored:
        print(f"{key.name:{width}}  {'; '.join([f'made {_day(key.created)}', *_limits(key)])}")


def _limits(key: StoredKey) -> list[str]:
    limits = key.limits
    words = [
        f"{number} {what}"
        for number, what in (
            (limits.requests, "requests a minute"),
            (limits.tokens, "tokens a minute"),
            (limits.concurrency, "at a time"),
        )
        if number is not None
    ]
    if limits.budget is not None:
        per = "" if limits.per == "ever" else f" a {limits.per}"
        words.append(f"{dollars(limits.budget)} US dollars{per}, {key.spent:.2f} of them spent")
    if limits.models is not None:
        words.append(f"only {', '.join(limits.models)}")
    if limits.expires is not None:
        words.append(f"{'EXPIRED' if limits.expires <= time.time() else 'expires'} {_day(limits.expires)}")
    return words or ["no limits"]


def _spent(key: StoredKey) -> dict[str, float]:
    return {} if key.limits.budget is None else {"spent": key.spent}


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
