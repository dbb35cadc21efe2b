"""What the run found, for people: the table in README.md, docs/clients.md, and the file that both are made from.

`python -m tests.clients` writes all three; the tests hold them to the run, to the programs and to each other.
"""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path

from tests.clients.clients import CLIENTS, Client
from tests.clients.harness import ROOT, Check, Ran

__all__ = ("PAGE", "README", "RESULTS", "blocks", "load", "placed", "render_page", "render_table", "save", "snippet")

README = ROOT / "README.md"
PAGE = ROOT / "docs" / "clients.md"
RESULTS = Path(__file__).parent / "results.json"

Results = Mapping[str, Ran]


def load(path: Path = RESULTS) -> dict[str, Ran]:
    """What the last `make clients` found."""
    return {
        client: Ran(told["version"], {name: Check(*one.split(": ", 1)) for name, one in told["checks"].items()})
        for client, told in json.loads(path.read_text(encoding="utf-8")).items()
    }


def save(results: Results, path: Path = RESULTS) -> None:
    """Writes down what was found, without the tracebacks of what failed."""
    told = {
        client: {
            "version": ran.version,
            "checks": {name: one.outcome + _why(one) for name, one in ran.checks.items()},
        }
        for client, ran in results.items()
    }
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _why(check: Check) -> str:
    return f": {check.said}" if check.said and check.outcome != "failed" else ""


def placed(text: str, name: str, made: str) -> str:
    """*text* with *made* between its two markers of that name."""
    begin, end = f"<!-- {name}: made by `make clients` -->", f"<!-- {name}: end -->"
    assert text.count(begin) == text.count(end) == 1, f"one {begin} and one {end} are expected"
    before, rest = text.split(begin)
    return f"{before}{begin}\n\n{made}\n\n{end}{rest.split(end)[1]}"


# --- README.md ---


def render_table(results: Results) -> str:
    """A row for each client: its version, what is checked, and how many checks passed."""
    lines = ["| client | version | what is checked | passed | to know |", "|---|---|---|---|---|"]
    for client in CLIENTS:
        ran = results[client.package]
        row = (f"`{client.package}`", ran.version, client.checked, _passed(ran), client.limits)
        lines.append("| " + " | ".join(row).rstrip() + " |")
    return "\n".join(lines)


def _passed(ran: Ran) -> str:
    tried = [one for one in ran.checks.values() if one.outcome != "skipped"]
    left_out = len(ran.checks) - len(tried)
    return f"{sum(one.outcome == 'passed' for one in tried)} of {len(tried)}" + f"; {left_out} not run" * (left_out > 0)


# --- docs/clients.md ---


def render_page(results: Results) -> str:
    """What was not checked, or does not pass, and why."""
    lines = ["| client | check | why |", "|---|---|---|"]
    for client in CLIENTS:
        by_reason: dict[tuple[str, str], list[str]] = {}
        for name, one in results[client.package].checks.items():
            if one.outcome != "passed":
                by_reason.setdefault((one.outcome, one.said), []).append(name)
        for (outcome, why), names in by_reason.items():
            shown = ", ".join(f"`{name}`" for name in names)
            what = {"skipped": "not run", "xfailed": "does not pass"}.get(outcome, outcome)
            lines.append(f"| `{client.package}` | {shown} | {what}: {why} |")
    return "\n".join(lines)


def snippet(client: Client) -> str:
    """The lines that a reader needs: the body of the program's `test_the_two_lines`, and the imports it uses."""
    source = client.program.read_text(encoding="utf-8")
    tree = ast.parse(source)
    [test] = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "test_the_two_lines"
    ]
    used = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    imports = [
        _only(node, used) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom) and _names(node) & used
    ]
    *lines, last = [_source(source, node) for node in test.body]
    asked = ast.unparse(test.body[-1])
    shown = re.fullmatch(r"assert (.+) == '(.+)'", asked)
    assert shown, f"{client.program.name}: test_the_two_lines ends with another line than `assert … == '…'`: {last}"
    body = "\n".join(line.replace("\n    ", "\n").removeprefix("    ") for line in lines)
    text = "\n".join([*imports, "", body, f"print({shown[1]})  # {shown[2]}"])
    for ours, theirs in (
        ('f"{URL}/v1"', '"http://127.0.0.1:8000/v1"'),
        ('f"Bearer {KEY}"', '"Bearer YOUR-KEY"'),
        ("URL", '"http://127.0.0.1:8000"'),
        ("KEY", '"YOUR-KEY"'),
    ):
        text = re.sub(rf"(?<![\w-]){re.escape(ours)}(?![\w-])", theirs.replace("\\", r"\\"), text)
    return text


def _source(text: str, node: ast.stmt) -> str:
    """The lines of a statement; a class with an empty one before and two after it, as it stands in a module."""
    lines = ast.get_source_segment(text, node, padded=True) or ""
    return f"\n{lines}\n\n" if isinstance(node, ast.ClassDef) else lines


def _names(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.ImportFrom) and node.module == "reporting":
        return set()
    return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}


def _only(node: ast.Import | ast.ImportFrom, used: set[str]) -> str:
    names = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in used]
    kept = ast.Import(names) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, names, node.level)
    return ast.unparse(kept)


def blocks(page: str) -> dict[str, str]:
    """The code of a page for each client, by its package: the block below its marker."""
    found = re.findall(r"<!-- client: ([\w-]+) -->\n\n```py\n(.*?)\n```", page, re.DOTALL)
    return dict(found)


def with_blocks(page: str) -> str:
    """*page* with every client's block as its program has it."""
    for client in CLIENTS:
        pattern = re.compile(rf"(<!-- client: {client.package} -->\n\n```py\n).*?(```)", re.DOTALL)
        lines = snippet(client) + "\n"
        page = pattern.sub(lambda found, lines=lines: found[1] + lines + found[2], page)  # type: ignore[misc]
    return page
