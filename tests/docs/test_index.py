"""docs/README.md and docs/benchmarks.md: nothing that there is is left out."""

import re

from tests.docs.tables import DOCS, code_in, page, table


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", page("README.md")))

    assert listed == {path.name for path in DOCS.glob("*.md")} - {"README.md"}


def test_every_case_of_the_benchmark_is_explained() -> None:
    cases = {path.stem for path in (DOCS.parent / "bench" / "cases").glob("*.py") if not path.stem.startswith("_")}

    assert {code_in(row[0])[0] for row in table("benchmarks.md", "## What each case measures")} == cases
