"""docs/autogen.md: its table is the table that the errors read, its count that of the comparison."""

import re

from modelport.autogen._left_out import LEFT_OUT
from tests.docs.tables import code_in, page, table


def test_the_table_of_what_is_left_out_is_the_one_that_the_errors_read() -> None:
    listed = {name: (row[1], row[2]) for row in table("autogen.md", "## What is left out") for name in code_in(row[0])}

    assert listed == LEFT_OUT


def test_the_count_of_identical_programs_is_that_of_the_comparison() -> None:
    compared = re.search(r"\*\*(\d+) of (\d+) are identical", page("autogen-differences.md"))
    said = re.search(
        r"(\d+) programs, run on AutoGen 0\.2\.40 and here, are compared field by field: (\d+) are", page("autogen.md")
    )

    assert compared is not None
    assert said is not None
    assert (said[2], said[1]) == (compared[1], compared[2])
