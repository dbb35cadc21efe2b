"""``modelport check``: holds a model to its contract and says, promise by promise, what to mend."""

import argparse
import math

from msgspec import json

from modelport.conformance import Finding, Report, examine
from modelport.errors import InvalidRequest
from modelport.terminal import one_line

HELP = "hold a model to its contract, promise by promise"

__all__ = ("HELP", "configure", "run")

_EPILOG = """\
The model is loaded and really asked, about twenty times, with a few words each.

exit status: 0 no promise is broken, 1 one is (or there is no such model), 2 the command line was wrong

examples:
  modelport check my_model.py:Mine
  modelport check my_model.py:Mine --json --timeout 120      for a slow model, in CI
"""
_MARKS = {True: "held", False: "BROKEN", None: "-"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``modelport check``."""
    parser.epilog = _EPILOG
    parser.add_argument("spec", metavar="SPEC", help="file.py:Name, module:Name or a name")
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="S", help="seconds for each answer (default: 30)"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    """0 where no promise is broken, otherwise 1."""
    if not (math.isfinite(args.timeout) and args.timeout > 0):
        raise InvalidRequest(f"--timeout must be seconds above 0, got {args.timeout:g}", param="--timeout")
    report = examine(args.spec, timeout=args.timeout)
    if args.json:
        print(json.format(json.encode(report.to_data()), indent=2).decode())
    else:
        _print(report)
    return 0 if report.held else 1


def _print(report: Report) -> None:
    width = max(len(finding.promise) for finding in report.findings)
    for finding in report.findings:
        _line(finding, width, mends=report.contract is not None)
    held = sum(finding.held is True for finding in report.findings)
    open_ = sum(finding.held is None for finding in report.findings)
    print(
        f"\n{report.model}: {held} held, {len(report.broken)} broken"
        + (f", {open_} not applicable" if open_ else "")
        + f", {report.seconds:.1f} s"
    )


def _line(finding: Finding, width: int, *, mends: bool) -> None:
    print(f"{_MARKS[finding.held]:8}{finding.promise:{width}}  {one_line(finding.what)}".rstrip())
    if finding.mend and mends:  # what could not even be loaded has its mend in the sentence
        print(f"{' ' * 8}{'mend' if finding.held is False else 'hint'}: {one_line(finding.mend)}")
