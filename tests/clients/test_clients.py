"""Clients that nobody here wrote, against a real `modelport serve`: each check of their programs is a test here."""

import os
import sys
from pathlib import Path

import pytest

from tests.clients import clients, harness, page
from tests.clients.harness import Check, Ran

# The first test of a clean checkout makes the venvs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(harness.INSTALL_SECONDS + 3 * harness.RUN_SECONDS)]

COMMITTED = page.load()
CHECKS = [(client, check) for client, ran in COMMITTED.items() for check in ran.checks]
REFRESH = "run: make clients"


@pytest.fixture(scope="session")
def ran() -> dict[str, Ran]:
    try:
        return harness.run_all()
    except harness.CannotInstall as error:
        reason = f"the clients cannot be installed here: {error}"
        if harness.required():
            pytest.fail(reason, pytrace=False)
        pytest.skip(f"{reason} (a failure where CI or MODELPORT_REQUIRE_CLIENTS is set)")


@pytest.mark.parametrize(("client", "check"), CHECKS, ids=[f"{client}-{check}" for client, check in CHECKS])
def test_what_a_client_checks(client: str, check: str, ran: dict[str, Ran]) -> None:
    expected, found = COMMITTED[client].checks[check], ran[client].checks.get(check)

    assert found is not None, ran[client].crash or f"it was not run; {REFRESH}"
    assert found.outcome == expected.outcome or is_of_python(found), found.said
    if found.outcome == "skipped":
        pytest.skip(found.said)
    if found.outcome == "xfailed":
        pytest.xfail(found.said)


def is_of_python(check: Check) -> bool:
    """Whether it is left out because this Python is too new for it."""
    return check.outcome == "skipped" and check.said.startswith("on this Python")


@pytest.mark.parametrize("client", [client.package for client in clients.CLIENTS])
def test_the_committed_results_are_those_of_the_run(client: str, ran: dict[str, Ran]) -> None:
    found = ran[client]
    checks = {
        name: COMMITTED[client].checks.get(name, one) if is_of_python(one) else one
        for name, one in found.checks.items()
    }

    assert COMMITTED[client] == found._replace(checks=checks), REFRESH


# --- without a run ---


def test_every_client_has_results_and_none_is_a_failure() -> None:
    assert list(COMMITTED) == [client.package for client in clients.CLIENTS]
    assert [check for client, check in CHECKS if COMMITTED[client].checks[check].outcome == "failed"] == []
    assert all(len(ran.checks) > 10 for ran in COMMITTED.values())


def test_what_does_not_pass_or_is_not_run_says_why() -> None:
    ones = [one for ran in COMMITTED.values() for one in ran.checks.values()]

    assert {one.outcome for one in ones} <= {"passed", "skipped", "xfailed"}
    assert [one for one in ones if one.outcome != "passed" and not one.said] == []


def test_every_version_is_exact_and_those_in_the_results_are_installed() -> None:
    for client in clients.CLIENTS:
        assert COMMITTED[client.package].version == clients.pins(client.group)[client.package]


def test_every_program_belongs_to_a_client() -> None:
    programs = {client.program for client in clients.CLIENTS}

    assert set(clients.PROGRAMS.glob("checks_*.py")) == programs
    assert {client.group for client in clients.CLIENTS} == set(clients.GROUPS)


def test_the_table_in_the_readme_is_that_of_the_results() -> None:
    text = page.README.read_text(encoding="utf-8")

    assert page.placed(text, "clients", page.render_table(COMMITTED)) == text, REFRESH


def test_the_page_of_clients_has_the_results_and_the_lines_of_the_programs() -> None:
    text = page.PAGE.read_text(encoding="utf-8")

    assert page.placed(text, "exceptions", page.render_page(COMMITTED)) == text, REFRESH
    assert page.blocks(text) == {client.package: page.snippet(client) for client in clients.CLIENTS}, REFRESH


def test_results_come_back_from_their_file_but_for_tracebacks(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    checks = {"a": Check("passed"), "b": Check("skipped", "no: never"), "c": Check("failed", "Traceback")}

    page.save({"x": Ran("1.0", checks)}, file)

    assert page.load(file) == {"x": Ran("1.0", {**checks, "c": Check("failed")})}


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(AssertionError, match="one <!-- clients"):
        page.placed("no marker", "clients", "| a |")


@pytest.mark.skipif(os.name == "nt", reason="a script stands in for Python")
def test_a_program_that_cannot_run_is_said(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no module named pytest\nexit 4\n", encoding="utf-8")
    python.chmod(0o755)

    found = harness._run(clients.CLIENTS[0], python, "http://127.0.0.1:9", tmp_path)

    assert found.checks == {}
    assert "no module named pytest" in found.crash


def test_nothing_of_the_developers_own_reaches_a_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "LANGSMITH_API_KEY", "HTTPS_PROXY", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "mine")

    assert "mine" not in harness._environment("http://127.0.0.1:9", tmp_path).values()


def test_an_interpreter_that_cannot_make_a_venv_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))

    with pytest.raises(harness.CannotInstall, match="no-python"):
        harness.install("older", tmp_path / "venvs")


def test_an_index_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_CONFIG_FILE", os.devnull), ("PIP_FIND_LINKS", "")):
        monkeypatch.setenv(name, value)

    with pytest.raises(harness.CannotInstall, match=r"No matching distribution|Could not find"):
        harness.install("older", tmp_path / "venvs")


@pytest.mark.parametrize(
    ("value", "required"), [("", False), ("0", False), ("false", False), ("1", True), ("true", True)]
)
def test_ci_demands_the_clients(monkeypatch: pytest.MonkeyPatch, value: str, required: bool) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("MODELPORT_REQUIRE_CLIENTS", value)

    assert harness.required() is required
