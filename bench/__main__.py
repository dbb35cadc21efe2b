"""python -m bench: runs every case, prints the table of budgets, writes it as JSON."""

import argparse
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from bench.budget import Budget, missed, summary, table, unmeasured
from bench.context import Bench
from bench.machine import facts, headline
from bench.peers import Peers, install
from bench.processes import ROOT, Failed

__all__ = ("discover", "main", "run_case")

CASES = ROOT / "bench" / "cases"
RESULTS = ROOT / "bench" / "results.json"


def discover(folder: Path = CASES) -> list[str]:
    """The names of the cases: a file of that folder each."""
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def load(name: str) -> ModuleType:
    """The case of that name."""
    return importlib.import_module(f"bench.cases.{name}")


def run_case(name: str, bench: Bench) -> list[Budget]:
    """The lines of one case; one that says why, if the case could not be run."""
    try:
        lines: list[Budget] = load(name).run(bench)
    except Failed as error:
        return [Budget(name=name, unit="", why=f"could not be run: {error}")]
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, also when a budget is missed, which is a fact to print; with --strict, 1 unless all are met."""
    asked = _arguments(arguments)
    known = discover()
    wrong = [name for name in asked.only if name not in known]
    if wrong:
        print(f"no case is named {', '.join(wrong)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(f"{name:14} {load(name).ABOUT}" for name in known))
        return 0
    budgets = _run(asked.only or known, quick=asked.quick, long=asked.long)
    about = facts()
    print(f"\n{headline(about)}\n\n{table(budgets)}\n\n{summary(budgets)}")
    path: Path = asked.json
    path.write_text(
        json.dumps(
            {**about, "quick": asked.quick, "long": asked.long, "budgets": [one.as_data() for one in budgets]}, indent=1
        )
        + "\n",
        encoding="utf-8",
    )
    print(f"every round is in {path}")
    return 1 if asked.strict and (missed(budgets) or unmeasured(budgets)) else 0


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures every budget beside its peer or floor, in the same run.",
        epilog="example: python -m bench --only calls --only cache",
    )
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="this case; may be repeated")
    parser.add_argument("--json", metavar="PATH", type=Path, default=RESULTS, help="where to write every round")
    parser.add_argument("--quick", action="store_true", help="a glance: too few rounds for figures to be relied on")
    parser.add_argument("--long", action="store_true", help="a million requests where memory is to stay flat")
    parser.add_argument("--strict", action="store_true", help="exit with 1 unless every budget is met")
    parser.add_argument("--list", action="store_true", help="the cases, and nothing else")
    return parser.parse_args(given)


def _run(names: Iterable[str], *, quick: bool, long: bool) -> list[Budget]:
    names = list(names)
    peers = install() if any(load(name).PEERS for name in names) else Peers(None, "no case asked for them")
    budgets: list[Budget] = []
    with tempfile.TemporaryDirectory(prefix="modelport-bench-") as scratch:
        bench = Bench(peers, Path(scratch), quick=quick, long=long)
        for name in names:
            began = time.perf_counter()
            print(f"{name}: {load(name).ABOUT}", end="", flush=True)
            budgets += run_case(name, bench)
            print(f" ({time.perf_counter() - began:.0f} s)", flush=True)
    return budgets


if __name__ == "__main__":
    sys.exit(main())
