"""docs/config.md: its tables have every field and every setting there is, and no other."""

from modelport.config.entry import CALL_FIELDS, ENTRY_FIELDS, REQUEST_FIELDS
from modelport.config.settings import NAMES, Settings
from tests.docs.tables import code_in, page, table


def test_every_field_of_the_ports_own_is_in_the_first_table() -> None:
    _, _, below = page("config.md").partition("These fields are the port's own:")

    first_table = [line for line in below.partition("Fields of a request")[0].splitlines() if line.startswith("| `")]

    assert [code_in(line)[0] for line in first_table] == list(ENTRY_FIELDS)


def test_every_default_of_a_request_is_listed() -> None:
    _, _, below = page("config.md").partition("Fields of a request are defaults")

    listed = [
        name for line in below.partition("These say how")[0].splitlines()[1:] if "|" in line for name in code_in(line)
    ]

    assert listed == list(REQUEST_FIELDS)


def test_every_field_about_calls_is_listed() -> None:
    _, _, below = page("config.md").partition("These say how calls are made")

    lines = [line for line in below.partition("All other fields")[0].splitlines() if line.startswith("| `")]

    assert {name for line in lines for name in code_in(line.split("|")[1])} == set(CALL_FIELDS)


def test_every_setting_is_listed_with_its_variable() -> None:
    rows = table("config.md", "## Settings")

    assert [code_in(row[0])[0] for row in rows] == list(NAMES)
    assert [code_in(row[1])[0] for row in rows] == [f"MODELPORT_{name.upper()}" for name in NAMES]


def test_the_default_models_directory_is_the_one_that_the_page_names() -> None:
    [row] = [row for row in table("config.md", "## Settings") if code_in(row[0]) == ["models_dir"]]

    assert code_in(row[3]) == [Settings().models_dir]
