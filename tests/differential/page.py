"""docs/autogen-differences.md: what the comparison found, as a page. Knows no program by name."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.differential.compare import Found, shown
from tests.differential.expected import KINDS, Expected, example

__all__ = ("MOVING", "PAGE", "render", "renumbered")

PAGE = Path(__file__).parents[2] / "docs" / "autogen-differences.md"
MOVING = PAGE.with_name("autogen.md")
_NUMBERS = re.compile(r"\d+( programs, run on AutoGen.*?)\d+(\s+are\s+identical)", re.DOTALL)
LONGEST = 110  # characters of a value in the table

POINTS = {
    "1": "Conversation",
    "2": "Tools",
    "3": "Group chat",
    "4": "Code execution",
    "5": "Models, config lists, usage, caches",
    "6": "Names, logging, helpers",
}

HEAD = """# AutoGen 0.2 and modelport, compared

{total} programs, written as a user of AutoGen 0.2 writes them, run on `autogen-agentchat==0.2.40` and on
`modelport.autogen`. What they print, what they report (histories, summaries, costs, requests that reached the model,
errors) and what they warn of is compared field by field. **{same} of {total} are identical.** The others differ in the
fields below and in no other.

Left aside in all of them: addresses, temporary folders, times, random ids, terminal colours and log lines; the words of
the libraries' long default prompts; how an error's text goes on after AutoGen's own words, and of which class below
AutoGen's it is; and three fields (`answers`, `unknown_cost`, `estimated`) that a model's usage has beside AutoGen's.

This page is made by `python -m tests.differential`, and a test keeps it true. The programs are in
[tests/differential/programs](../tests/differential/programs); how to move yours is told in
[Moving from AutoGen 0.2](autogen.md).
"""


def render(titles: Mapping[str, str], found: Mapping[str, list[Found]], expected: Iterable[Expected]) -> str:
    """The page: how many are the same, what differs and why, and what every program is about."""
    rows = list(expected)
    same = sum(not fields for fields in found.values())
    parts = [HEAD.format(total=len(found), same=same), _counts(found), _differences(rows), _programs(titles, found)]
    return "\n".join(parts)


def renumbered(text: str, found: Mapping[str, list[Found]]) -> str:
    """*text*, the page about moving, with the numbers of programs and of those that are the same."""
    same = sum(not fields for fields in found.values())
    text, times = _NUMBERS.subn(rf"{len(found)}\g<1>{same}\g<2>", text)
    assert times == 1, "docs/autogen.md tells how many programs are compared, and how many are identical"
    return text


def _counts(found: Mapping[str, list[Found]]) -> str:
    total, same = Counter(name[0] for name in found), Counter(name[0] for name, fields in found.items() if not fields)
    lines = ["## How many are the same", "", "| programs about | all | identical |", "|---|--:|--:|"]
    lines += [f"| {title} | {total[point]} | {same[point]} |" for point, title in POINTS.items() if total[point]]
    lines.append(f"| **together** | **{len(found)}** | **{sum(same.values())}** |\n")
    return "\n".join(lines)


def _differences(rows: list[Expected]) -> str:
    lines = ["## What differs, and why", ""]
    lines += [f"- *{kind}*: {meaning}" for kind, meaning in KINDS.items() if any(row.kind == kind for row in rows)]
    lines += ["", "| program, field | AutoGen 0.2.40 | modelport | |", "|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: row.program):
        theirs, ours = (_cell(value) for value in example(row))
        more = f" and {len(row.fields) - 1} more" if len(row.fields) > 1 else ""
        lines.append(
            f"| {row.program}: {_code(row.fields[0].field)}{more} | {theirs} | {ours} | *{row.kind}*. {row.why} |"
        )
    return "\n".join([*lines, ""])


def _programs(titles: Mapping[str, str], found: Mapping[str, list[Found]]) -> str:
    lines = ["## The programs", "", "| program | what it does | differs in |", "|---|---|--:|"]
    for name, fields in found.items():
        lines.append(f"| {name} | {titles[name].replace('|', chr(92) + '|')} | {len(fields) or ''} |")
    return "\n".join([*lines, ""])


def _cell(value: object) -> str:
    text = " ⏎ ".join(shown(value).splitlines())
    return _code(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text.replace('|', chr(92) + '|')}{pad}{fence}" if text else "(empty)"
