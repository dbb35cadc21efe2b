"""docs/code.md: its languages, bounds and defaults are those of the code."""

import re
from inspect import signature

from modelport.agents.code_execution import (
    DEFAULT_TIMEOUT,
    Bounds,
    DockerCommandLineCodeExecutor,
    LocalCommandLineCodeExecutor,
)
from modelport.agents.code_execution.environment import ALLOW_VARIABLE
from modelport.agents.code_execution.processes import OUTPUT_LIMIT
from tests.docs.tables import code_in, table


def test_every_bound_of_a_container_is_listed_with_its_default() -> None:
    rows = table("code.md", "## Docker")

    listed = {code_in(row[0])[0]: code_in(row[1])[0] for row in rows}

    defaults = Bounds()
    assert listed == {name: repr(getattr(defaults, name)).replace("'", '"') for name in Bounds.__struct_fields__}


def test_every_language_is_listed_as_run_or_saved() -> None:
    rows = table("code.md", "## An executor")

    saved = {name for row in rows if row[1] == "saved, not run" for name in code_in(row[0])}
    run = {name for row in rows for name in code_in(row[0])} - saved - {"py"}

    policy = LocalCommandLineCodeExecutor.DEFAULT_EXECUTION_POLICY
    assert run == {name for name, runs in policy.items() if runs}
    assert saved == {name for name, runs in policy.items() if not runs}


def test_the_bounds_are_those_of_the_code() -> None:
    bounds = {row[0]: row for row in table("code.md", "## What is promised, and what is not")}

    for executor in (LocalCommandLineCodeExecutor, DockerCommandLineCodeExecutor):
        assert f"{signature(executor).parameters['timeout'].default} s, at least 1" in bounds["time of one block"][1]
    assert f"`execute_code`: {DEFAULT_TIMEOUT} s" in bounds["time of one block"][1]
    assert f"{OUTPUT_LIMIT:,} bytes" in bounds["output kept of each stream"][1]
    assert ALLOW_VARIABLE in code_in(bounds["environment"][2])


def test_every_argument_that_changes_a_bound_is_there() -> None:
    named = {name for row in table("code.md", "## What is promised, and what is not") for name in code_in(row[2])}

    arguments = {name for name in named if re.fullmatch(r"[a-z_]+", name)} - {
        "sanitize_command",
        "code_execution_config",
    }

    assert arguments == {"allow_env", "output_limit", "timeout", "work_dir"}
    assert arguments <= set(signature(LocalCommandLineCodeExecutor).parameters)
    assert "sanitize_command" in named
    assert "code_execution_config" in named
