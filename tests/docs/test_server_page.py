"""docs/server.md: its routes, limits and codes are those of the code."""

import re

import msgspec

from modelport.errors import ModelportError
from modelport.server.app import ROUTES
from modelport.server.limits import Limits
from modelport.storage.responses import StoreLimits
from tests.docs.tables import code_in, page, table


def test_every_route_is_listed() -> None:
    rows = table("server.md", "## Routes")

    listed = [(code_in(row[0])[0], code_in(row[1])[0], row[2]) for row in rows]

    assert listed == [(route.path, route.method, "open" if route.open else "yes") for route in ROUTES]


def test_every_limit_is_listed_with_its_default() -> None:
    units = {"": 1, "KiB": 1024, "MiB": 1024**2, "s": 1}

    listed = {}
    for row in table("server.md", "## Limits"):
        number, unit = re.fullmatch(r"(\d+) ?(\w*)", row[1]).groups()  # type: ignore[union-attr]
        listed[code_in(row[0])[0]] = int(number) * units[unit]

    assert listed == msgspec.structs.asdict(Limits())


def test_every_code_that_a_client_may_meet_is_listed_with_its_status() -> None:
    listed = {code: int(row[0]) for row in table("server.md", "## Errors") for code in code_in(row[1])}

    known = {kind.code: kind.status for kind in _kinds(ModelportError) if "code" in vars(kind)}

    assert {code: known.get(code) for code in listed} == listed
    ours_only = {"answer_rejected", "parts_missing", "client_gone", "answer_cancelled"}  # never in OpenAI's form
    assert {code for code, status in known.items() if status != 500} - ours_only == set(listed)


def test_how_much_is_kept_of_answers_is_told() -> None:
    limits = StoreLimits()

    said = " ".join(page("server.md").split())

    assert f"For each key {limits.entries:,} answers of {limits.size // 1024**2} MiB together are kept" in said
    assert f"for {limits.age // 86400:.0f} days after they were used last" in said


def _kinds(kind: type[ModelportError]) -> list[type[ModelportError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _kinds(child))]
