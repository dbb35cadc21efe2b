"""The same programs on AutoGen 0.2.40 and on modelport: the same, or different as the table of expected.json says."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.differential import expected, harness, page
from tests.differential.compare import MISSING, Found, differences
from tests.differential.expected import Expected

# The first test of a clean checkout makes AutoGen's venv.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(harness.INSTALL_SECONDS + 2 * harness.RUN_SECONDS)]

FEWEST = 65  # programs that are the same on both sides

Sides = tuple[harness.Outcome, harness.Outcome]


@pytest.fixture(scope="session")
def sides() -> Sides:
    try:
        return harness.both()
    except harness.CannotInstall as error:
        if sys.version_info >= (3, 13):
            pytest.skip(f"AutoGen 0.2.40 does not install on this Python: {error}")
        raise


@pytest.mark.parametrize("name", harness.programs())
def test_autogen_itself_runs_the_program_to_its_end(name: str, sides: Sides) -> None:
    theirs = sides[0][name]

    assert theirs["crash"] is None, theirs["crash"]["traceback"]
    assert theirs["reported"]


@pytest.mark.parametrize("name", harness.programs())
def test_a_program_does_what_it_does_on_autogen(name: str, sides: Sides) -> None:
    autogen, ours = sides

    assert expected.disagreement(name, differences(autogen[name], ours[name]), expected.load()) == ""


def test_most_programs_do_the_very_same(sides: Sides) -> None:
    found = harness.found(*sides)

    assert sum(not fields for fields in found.values()) >= FEWEST


def test_the_page_of_differences_is_up_to_date(sides: Sides) -> None:
    text = page.render(harness.titles(), harness.found(*sides), expected.load())

    assert page.PAGE.read_text(encoding="utf-8") == text, "run: python -m tests.differential"


def test_the_page_about_moving_tells_the_same_numbers(sides: Sides) -> None:
    text = page.MOVING.read_text(encoding="utf-8")

    assert page.renumbered(text, harness.found(*sides)) == text, "run: python -m tests.differential"


# --- without AutoGen ---


def test_an_interpreter_that_cannot_make_a_venv_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))

    with pytest.raises(harness.CannotInstall, match="no-python"):
        harness.install(tmp_path / "venv")


def test_every_difference_that_is_expected_has_its_reason() -> None:
    rows = expected.load()

    assert [row.program for row in rows if not row.why.strip() or row.kind not in expected.KINDS] == []
    assert {row.program for row in rows} <= set(harness.programs())


def test_every_program_says_what_it_does() -> None:
    assert [name for name, title in harness.titles().items() if not title.endswith((".", "?"))] == []


def result(**changed: Any) -> dict[str, Any]:
    return {"reported": {}, "stdout": [], "warnings": [], "crash": None, **changed}


def reported(theirs: Any, ours: Any) -> list[Found]:
    return differences(result(reported={"x": theirs}), result(reported={"x": ours}))


def error(*names: str, text: str = "no") -> dict[str, Any]:
    return {"error": list(names), "text": text}


def test_a_difference_is_named_by_its_field() -> None:
    theirs = {"history": [{"content": "a"}, {"content": "b"}], "cost": 1, "same": None}
    ours = {"history": [{"content": "a"}, {"content": "c"}], "cost": 1.0, "same": None, "more": True}

    assert reported(theirs, ours) == [Found("x.history[1].content", "b", "c"), Found("x.more", MISSING, True)]


@pytest.mark.parametrize(("theirs", "ours"), [(1, True), (0, False), ("", None), ([], {}), ([1], [1, 2]), ({}, None)])
def test_values_that_only_look_alike_differ(theirs: Any, ours: Any) -> None:
    assert reported(theirs, ours) == [Found("x", theirs, ours)]


def test_an_error_of_a_class_below_the_other_is_the_same() -> None:
    assert reported(error("ValueError"), error("UnknownName", "ValueError")) == []
    assert reported(error("UnknownName", "ValueError"), error("ValueError")) == [
        Found("x.error", "UnknownName", ["ValueError"])
    ]
    assert reported(error("ValueError"), error("ValueError", text="never")) == [Found("x.text", "no", "never")]


def test_printed_lines_are_compared_by_the_piece() -> None:
    found = differences(result(stdout=["a", "b", "c"]), result(stdout=["a", "c", "d"]))

    assert found == [Found("(printed)", "b", MISSING), Found("(printed)", MISSING, "d")]


def test_a_program_that_ends_with_an_error_differs() -> None:
    [found] = differences(result(), result(crash=error("KeyError", text="'x'")))

    assert found == Found("(ended)", "at its end", "KeyError: 'x'")


ROW = Expected("p", "better", "because", (Found("a", 1, 2), Found("b", None, "x")))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": (1, 2), "b": (None, "x")}, ""),
        ({"a": (1, 2)}, "expected, and does not occur: b"),
        ({"a": (1, 3), "b": (None, "x")}, "not expected: a"),
        ({"a": (1, 2), "b": (None, "x"), "c": (0, 1)}, "not expected: c"),
    ],
)
def test_what_is_expected_must_occur_and_nothing_else_may(found: Mapping[str, tuple[Any, Any]], said: str) -> None:
    text = expected.disagreement("p", [Found(field, *values) for field, values in found.items()], [ROW])

    assert text.startswith(said)
    assert bool(text) == bool(said)


def test_what_is_expected_comes_back_from_its_file_and_keeps_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    expected.save([ROW], file)

    updated = expected.update({"p": [Found("a", 1, 3), Found("c", 0, 1)]}, expected.load(file))

    assert updated == [ROW._replace(fields=(Found("a", 1, 3),)), Expected("p", "", "", (Found("c", 0, 1),))]


def test_the_page_shows_both_values_and_the_reason() -> None:
    text = page.render(
        {"101_p": "Does a thing.", "102_q": "Does more."},
        {"101_p": [Found("a", 1, "x|y")], "102_q": []},
        [Expected("101_p", "better", "It was lost.", (Found("a", 1, "x|y"),))],
    )

    assert "**1 of 2 are identical.**" in text
    assert "| 101_p: `a` | `1` | `x\\|y` | *better*. It was lost. |" in text
    assert "| Conversation | 2 | 1 |" in text
