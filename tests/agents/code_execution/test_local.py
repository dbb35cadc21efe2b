import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from modelport.agents.code_execution import (
    CodeBlock,
    CodeExecutor,
    CommandLineCodeResult,
    LocalCommandLineCodeExecutor,
    MarkdownCodeExtractor,
    create_virtual_env,
    local,
)
from modelport.sync import offload
from tests.agents.code_execution.lifeline import Lifeline

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell of these tests is sh")


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    line = Lifeline(tmp_path)
    yield line
    line.close()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def block(language: str, code: str) -> list[CodeBlock]:
    return [CodeBlock(code=code, language=language)]


# --- what comes back ---


@pytest.mark.parametrize("language", ["python", "Python", "py"])
def test_python_is_run(language: str, work: Path) -> None:
    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(block(language, "print(6 * 7)"))

    assert (result.exit_code, result.output) == (0, "42\n")
    assert result.code_file is not None
    assert Path(result.code_file).parent == work.resolve()
    assert Path(result.code_file).read_text() == "print(6 * 7)"


@pytest.mark.parametrize("language", ["sh", "bash", "shell", "SH"])
def test_a_shell_is_run_and_its_errors_come_first(language: str, work: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=work)

    result = executor.execute_code_blocks(block(language, "echo out; echo err >&2; exit 3"))

    assert (result.exit_code, result.output) == (3, "err\nout\n")


def test_a_traceback_names_the_file(work: Path) -> None:
    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(block("python", "1 / 0"))

    assert result.exit_code == 1
    assert f'File "{result.code_file}", line 1' in result.output
    assert result.output.endswith("ZeroDivisionError: division by zero\n")


def test_blocks_are_run_up_to_the_first_that_fails(work: Path) -> None:
    blocks = [*block("sh", "echo 1"), *block("sh", "echo 2; exit 4"), *block("sh", "echo 3")]

    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(blocks)

    assert (result.exit_code, result.output) == (4, "1\n2\n")
    assert result.code_file is not None
    assert "echo 1" in Path(result.code_file).read_text()


def test_code_runs_in_its_folder_and_finds_earlier_files(work: Path) -> None:
    blocks = [
        *block("python", "# filename: lib/tools.py\nx = 5"),
        *block("python", "# filename: main.py\nimport os; from lib.tools import x; print(x, os.getcwd())"),
    ]

    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(blocks)

    assert result == CommandLineCodeResult(0, f"5 {work.resolve()}\n", str(work.resolve() / "lib" / "tools.py"))


@pytest.mark.parametrize("language", ["javascript", "html", "css"])
def test_some_languages_are_only_saved(language: str, work: Path) -> None:
    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(block(language, "x"))

    assert (result.exit_code, result.output) == (0, f"Code saved to {result.code_file}\n")
    assert result.code_file is not None
    assert result.code_file.endswith(f".{language}")


def test_what_is_saved_and_what_is_run_can_be_chosen(work: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=work, execution_policies={"python": False})

    result = executor.execute_code_blocks([*block("python", "print(1)"), *block("sh", "echo 2")])

    assert result.output == f"Code saved to {result.code_file}\n2\n"


def test_an_unknown_language_is_told_to_the_model(work: Path) -> None:
    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(block("cobol", "x"))

    assert result == CommandLineCodeResult(1, "\nunknown language cobol", None)


def test_a_missing_program_is_told_to_the_model(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(block("pwsh", "x"))

    assert (result.exit_code, result.output) == (127, "pwsh is not installed on this machine (looked for in PATH).\n")


def test_pip_is_kept_quiet(work: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=work, execution_policies={"sh": False})

    result = executor.execute_code_blocks(block("sh", "pip install a\necho pip install b\npip install -qqq c"))

    assert result.code_file is not None
    assert Path(result.code_file).read_text() == "pip install -qqq a\necho pip install b\npip install -qqq c"


# --- arguments ---


def test_no_blocks_are_an_error(work: Path) -> None:
    with pytest.raises(ValueError, match="No code blocks to execute"):
        LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks([])


def test_a_time_limit_below_a_second_is_refused(work: Path) -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1, in seconds; got timeout=0"):
        LocalCommandLineCodeExecutor(0, work_dir=work)


def test_one_name_as_text_is_no_list_of_names(work: Path) -> None:
    with pytest.raises(TypeError, match="allow_env"):
        LocalCommandLineCodeExecutor(work_dir=work, allow_env="HF_TOKEN")


def test_it_has_the_properties_of_autogens(work: Path) -> None:
    executor = LocalCommandLineCodeExecutor(5, None, str(work), [], "tools", {"css": True})

    assert isinstance(executor, CodeExecutor)
    assert isinstance(executor.code_extractor, MarkdownCodeExtractor)
    assert (executor.timeout, executor.work_dir, executor.functions, executor.functions_module) == (
        5,
        work,
        [],
        "tools",
    )
    assert executor.execution_policies["css"]
    assert not LocalCommandLineCodeExecutor.DEFAULT_EXECUTION_POLICY["css"]
    assert "bash" in executor.SUPPORTED_LANGUAGES


# --- safety ---


def test_a_secret_of_this_program_is_not_seen(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sesame-1")
    monkeypatch.setenv("DATABASE_URL", "postgres://me:sesame-2@db/x")
    monkeypatch.setenv("MODELPORT_API_KEYS", "alice:sesame-3")
    monkeypatch.setenv("HF_TOKEN", "sesame-4")
    monkeypatch.setenv("PLAIN", "visible")
    executor = LocalCommandLineCodeExecutor(work_dir=work, allow_env=["HF_TOKEN"])

    result = executor.execute_code_blocks([*block("sh", "env"), *block("python", "import os; print(dict(os.environ))")])

    assert result.exit_code == 0
    assert "visible" in result.output
    assert "sesame-4" in result.output
    for hidden in ("sesame-1", "sesame-2", "sesame-3", "OPENAI_API_KEY", "MODELPORT_API_KEYS"):
        assert hidden not in result.output


@pytest.mark.parametrize("name", ["../escaped.py", "/tmp/escaped.py", "a/../../escaped.py", "..\\escaped.py"])
def test_a_file_name_that_leads_out_is_refused_and_nothing_runs(name: str, work: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=work)

    result = executor.execute_code_blocks([*block("sh", "echo 1"), *block("python", f"# filename: {name}\nprint(2)")])

    assert result.exit_code == 1
    assert result.output.startswith(f"1\nFilename is not in the workspace: {name!r} was refused")
    assert not list(work.parent.rglob("*escaped*"))


def test_a_link_planted_for_the_next_block_is_not_written_through(work: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    executor = LocalCommandLineCodeExecutor(work_dir=work)
    planted = executor.execute_code_blocks(block("sh", "echo 2")).code_file
    assert planted is not None

    plant = f"import os; os.remove({planted!r}); os.symlink({str(victim)!r}, {planted!r})"
    result = executor.execute_code_blocks([*block("python", plant), *block("sh", "echo 2")])

    assert result.exit_code == 1
    assert "Filename is not in the workspace" in result.output
    assert victim.read_text() == "precious"


def test_a_folder_in_a_files_place_is_told_to_the_model(work: Path) -> None:
    (work / "a").mkdir(parents=True)
    (work / "b").write_text("")
    executor = LocalCommandLineCodeExecutor(work_dir=work)

    assert "it is a folder" in executor.execute_code_blocks(block("python", "# filename: a\n1")).output
    assert "could not be saved" in executor.execute_code_blocks(block("python", "# filename: b/c.py\n1")).output


def test_a_dangerous_command_is_refused_before_anything_of_its_block(work: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=work)

    with pytest.raises(ValueError, match="Potentially dangerous command detected: Use of 'rm -rf'"):
        executor.execute_code_blocks(block("sh", "touch ran; rm -rf ."))

    assert not list(work.iterdir())


def test_out_of_time_is_code_124_and_leaves_no_grandchild(work: Path, lifeline: Lifeline) -> None:
    executor = LocalCommandLineCodeExecutor(1, work_dir=work)

    blocks = [*block("sh", "echo 1"), *block("sh", f"echo 2; sh -c '{lifeline.shell}' & wait")]
    result = executor.execute_code_blocks(blocks)

    assert (result.exit_code, result.output) == (124, "1\n2\n\nTimeout")
    assert lifeline.lived_and_died()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found by their mark in /proc")
def test_a_restart_ends_what_was_left_in_the_background(work: Path, lifeline: Lifeline) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=work)
    other = LocalCommandLineCodeExecutor(work_dir=work)
    result = executor.execute_code_blocks(block("sh", f"({lifeline.shell}) > /dev/null 2>&1 &"))
    lifeline.wait_for_life()

    other.restart()
    executor.restart()

    assert result.exit_code == 0
    assert lifeline.lived_and_died()


def test_output_is_bounded(work: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=work, output_limit=100)

    result = executor.execute_code_blocks(block("python", "print('a' * 10_000)\nprint('end')"))

    assert result.exit_code == 0
    assert len(result.output) < 250
    assert "bytes of output left out here; output_limit is 100 bytes" in result.output
    assert result.output.endswith("end\n")


def test_code_cannot_read_what_a_person_types(work: Path) -> None:
    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(block("python", "input('password: ')"))

    assert result.exit_code == 1
    assert "EOFError" in result.output


def test_it_is_said_once_that_this_is_no_sandbox(
    work: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(local, "_warned", [])
    executor = LocalCommandLineCodeExecutor(work_dir=work)
    assert not caplog.records

    with caplog.at_level(logging.WARNING):
        executor.execute_code_blocks(block("sh", "true"))
        executor.execute_code_blocks(block("sh", "true"))

    [record] = caplog.records
    assert "not a sandbox" in record.message


# --- which Python ---


def test_code_runs_in_the_given_virtual_environment(work: Path, tmp_path: Path) -> None:
    context = create_virtual_env(tmp_path / "venv", with_pip=False)
    executor = LocalCommandLineCodeExecutor(work_dir=work, virtual_env_context=context)

    result = executor.execute_code_blocks(
        [*block("python", "import sys; print(sys.prefix)"), *block("sh", "command -v python; echo $VIRTUAL_ENV")]
    )

    where = str(tmp_path / "venv")
    assert result.output.split() == [where, f"{where}/bin/python", where]


def test_an_environment_that_was_not_activated_is_used_anyway(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(sys, "prefix", "/venv")
    monkeypatch.setattr(sys, "base_prefix", "/usr")

    result = LocalCommandLineCodeExecutor(work_dir=work).execute_code_blocks(
        block("python", "import sys; print(sys.executable)")
    )

    assert Path(result.output.strip()).parent == Path(sys.executable).parent


# --- async ---


@pytest.fixture
def executor(work: Path) -> LocalCommandLineCodeExecutor:
    return LocalCommandLineCodeExecutor(work_dir=work)  # it makes its folder, which is no work for an event loop


async def test_the_async_twin_does_the_same(executor: LocalCommandLineCodeExecutor) -> None:
    result = await executor.a_execute_code_blocks(block("python", "print(6 * 7)"))

    assert (result.exit_code, result.output) == (0, "42\n")


async def test_the_async_twin_calls_what_a_program_overrode(executor: LocalCommandLineCodeExecutor) -> None:
    class Louder(LocalCommandLineCodeExecutor):
        def execute_code_blocks(self, code_blocks: list[CodeBlock]) -> CommandLineCodeResult:
            return CommandLineCodeResult(0, "LOUD")

    executor.__class__ = Louder

    assert (await executor.a_execute_code_blocks(block("sh", "echo quiet"))).output == "LOUD"


async def test_a_cancelled_task_leaves_no_process(executor: LocalCommandLineCodeExecutor, lifeline: Lifeline) -> None:
    blocks = [*block("sh", f"sh -c '{lifeline.shell}' & wait"), *block("sh", "touch second")]

    async with anyio.create_task_group() as group:
        group.start_soon(executor.a_execute_code_blocks, blocks)
        await offload(lifeline.wait_for_life)
        group.cancel_scope.cancel()

    assert await offload(lifeline.lived_and_died)
    assert not await offload((executor.work_dir / "second").exists)


async def test_many_run_at_once(executor: LocalCommandLineCodeExecutor) -> None:
    results: list[CommandLineCodeResult] = []

    async def one(number: int) -> None:
        results.append(await executor.a_execute_code_blocks(block("sh", f"echo {number}")))

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(one, number)

    assert sorted(int(result.output) for result in results) == list(range(10))
