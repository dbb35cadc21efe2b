import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from modelport.agents.code_execution import (
    Bounds,
    CodeBlock,
    CodeExecutor,
    CommandLineCodeResult,
    DockerCommandLineCodeExecutor,
    is_docker_running,
)
from modelport.agents.code_execution.docker import bind
from modelport.sync import offload
from tests.agents.code_execution.docker_standin import DockerStandin
from tests.agents.code_execution.lifeline import Lifeline

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in runs its containers' commands here")


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DockerStandin:
    folder = tmp_path / "bin"
    folder.mkdir()
    standin = DockerStandin(folder)
    monkeypatch.setenv("PATH", standin.path)
    return standin


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def executor(standin: DockerStandin, work: Path) -> Iterator[DockerCommandLineCodeExecutor]:
    with DockerCommandLineCodeExecutor(work_dir=work) as executor:
        yield executor


@pytest.fixture
def impatient(standin: DockerStandin, work: Path) -> Iterator[DockerCommandLineCodeExecutor]:
    with DockerCommandLineCodeExecutor(timeout=1, work_dir=work) as executor:
        yield executor


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    line = Lifeline(tmp_path)
    yield line
    line.close()


def block(language: str, code: str) -> list[CodeBlock]:
    return [CodeBlock(code=code, language=language)]


# --- running ---


def test_code_is_run_in_the_container(executor: DockerCommandLineCodeExecutor, work: Path) -> None:
    result = executor.execute_code_blocks(
        [*block("py", "print(6 * 7)"), *block("sh", "echo out; echo err >&2; exit 3"), *block("sh", "echo never")]
    )

    assert (result.exit_code, result.output) == (3, "42\nout\nerr\n")
    assert result.code_file is not None
    assert Path(result.code_file).parent == work.resolve()
    assert result.code_file.endswith(".python")


def test_each_command_has_a_time_limit_where_it_runs(
    executor: DockerCommandLineCodeExecutor, standin: DockerStandin
) -> None:
    executor.execute_code_blocks(block("sh", "# filename: a/go.sh\ntrue"))

    [call] = standin.calls("exec")
    assert call[3:] == [executor.container_name, "timeout", "60", "sh", "a/go.sh"]


def test_a_container_sees_nothing_of_this_programs_environment(
    executor: DockerCommandLineCodeExecutor, standin: DockerStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    monkeypatch.setenv("PLAIN", "sesame")

    result = executor.execute_code_blocks(block("sh", "env"))

    assert result.exit_code == 0
    assert "sesame" not in result.output
    assert not any("sesame" in word for call in (*standin.calls("run"), *standin.calls("exec")) for word in call)


def test_languages_and_names_that_cannot_be_are_told_to_the_model(executor: DockerCommandLineCodeExecutor) -> None:
    unknown = executor.execute_code_blocks(block("cobol", "x"))
    outside = executor.execute_code_blocks(block("python", "# filename: ../a.py\nx"))
    saved = executor.execute_code_blocks(block("js", "x"))

    assert unknown == CommandLineCodeResult(1, "Unsupported language cobol\n", None)
    assert outside.exit_code == 1
    assert outside.output.startswith("Filename is not in the workspace")
    assert saved.output == f"Code saved to {saved.code_file}\n"


def test_functions_are_there_in_the_container_too(standin: DockerStandin, work: Path) -> None:
    def double(x: int) -> int:
        return 2 * x

    with DockerCommandLineCodeExecutor(work_dir=work, functions=[double]) as executor:
        result = executor.execute_code_blocks(block("python", "from functions import double; print(double(4))"))

    assert (result.exit_code, result.output) == (0, "8\n")


def test_it_is_an_executor(executor: DockerCommandLineCodeExecutor, work: Path) -> None:
    assert isinstance(executor, CodeExecutor)
    assert (executor.timeout, executor.work_dir, executor.bind_dir) == (60, work, work)


# --- time ---


def test_out_of_time_is_code_124_and_leaves_nothing_in_the_container(
    impatient: DockerCommandLineCodeExecutor, lifeline: Lifeline
) -> None:
    result = impatient.execute_code_blocks(
        block("sh", f"echo begun; setsid sh -c '{lifeline.shell}' > /dev/null 2>&1 & sleep 300")
    )

    assert (result.exit_code, result.output) == (124, "begun\n\nTimeout")
    assert lifeline.lived_and_died()


async def test_a_cancelled_task_leaves_nothing_in_the_container(
    executor: DockerCommandLineCodeExecutor, lifeline: Lifeline
) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(executor.a_execute_code_blocks, block("sh", lifeline.shell))
        await offload(lifeline.wait_for_life)
        group.cancel_scope.cancel()

    assert await offload(lifeline.lived_and_died)


# --- the container ---


def test_a_container_is_bounded_from_the_start(executor: DockerCommandLineCodeExecutor, standin: DockerStandin) -> None:
    [call] = standin.calls("run")
    options = " ".join(call)

    assert call[-4:-2] == ["/bin/sh", "python:3-slim"]
    assert "--rm" in call
    assert "--security-opt no-new-privileges" in options
    assert "--memory 4g" in options
    assert "--pids-limit 1024" in options
    assert "--cap-drop NET_RAW" in options
    assert f"--mount type=bind,source={executor.work_dir.resolve()},target=/workspace --workdir /workspace" in options
    assert "--network" not in call
    assert "--privileged" not in call


def test_bounds_can_be_chosen(standin: DockerStandin, work: Path) -> None:
    bounds = Bounds(network=False, memory=None, cpus=1.5, processes=64, dropped=("ALL",), user="1000:1000")

    with DockerCommandLineCodeExecutor("alpine", "mine", work_dir=work, auto_remove=False, bounds=bounds):
        [call] = standin.calls("run")

    assert call[1:4] == ["--detach", "--name", "mine"]
    assert "--rm" not in call
    assert "--memory" not in call
    assert "--network none --cpus 1.5 --pids-limit 64 --user 1000:1000 --cap-drop ALL" in " ".join(call)


def test_a_named_network_is_used() -> None:
    assert "--network tools" in " ".join(Bounds(network="tools").options())


def test_another_folder_can_be_mounted_in_the_work_folders_place(standin: DockerStandin, tmp_path: Path) -> None:
    with DockerCommandLineCodeExecutor(work_dir=tmp_path / "inner", bind_dir=tmp_path / "outer") as executor:
        assert executor.bind_dir == tmp_path / "outer"
        assert f"source={tmp_path.resolve() / 'outer'}," in " ".join(standin.calls("run")[0])


@pytest.mark.parametrize(
    ("name", "source"), [("a b", "source={}/a b"), ("a,b", '"source={}/a,b"'), ('a"b', '"source={}/a""b"')]
)
def test_any_folder_can_be_mounted(name: str, source: str, tmp_path: Path) -> None:
    assert bind(tmp_path / name) == f"type=bind,{source.format(tmp_path.resolve())},target=/workspace"


def test_an_image_is_pulled_where_it_is_not_here(standin: DockerStandin, work: Path) -> None:
    for _ in range(2):
        with DockerCommandLineCodeExecutor("alpine", work_dir=work):
            pass

    assert standin.calls("pull") == [["pull", "--quiet", "alpine"]]


def test_the_container_goes_with_the_statement(standin: DockerStandin, work: Path) -> None:
    with DockerCommandLineCodeExecutor(work_dir=work) as executor:
        assert standin.containers() == [executor.container_name]
    executor.stop()

    assert standin.containers() == []
    assert len(standin.calls("stop")) == 1


@pytest.mark.parametrize("keep", [False, True])
def test_the_container_goes_with_the_program(keep: bool, standin: DockerStandin, work: Path) -> None:
    program = (
        "import sys; from modelport.agents.code_execution import DockerCommandLineCodeExecutor as Executor\n"
        "Executor(work_dir=sys.argv[1], stop_container=sys.argv[2] == 'stop')"
    )

    subprocess.run([sys.executable, "-c", program, str(work), "keep" if keep else "stop"], check=True, timeout=60)

    assert len(standin.containers()) == int(keep)


def test_a_restart_restarts_the_container(executor: DockerCommandLineCodeExecutor, standin: DockerStandin) -> None:
    executor.restart()

    assert standin.calls("restart") == [["restart", "--time", "1", executor.container_name]]


def test_a_container_that_is_gone_is_told(executor: DockerCommandLineCodeExecutor, standin: DockerStandin) -> None:
    (standin.state / "containers" / executor.container_name).unlink()

    result = executor.execute_code_blocks(block("sh", "true"))

    assert result.exit_code == 1
    assert "No such container" in result.output
    with pytest.raises(ValueError, match=r"Failed to restart container .*No such container"):
        executor.restart()


# --- when Docker is not there ---


def test_a_daemon_that_is_down_is_an_error(standin: DockerStandin, work: Path) -> None:
    standin.goes_down()

    assert not is_docker_running()
    with pytest.raises(RuntimeError, match="docker pull failed: Cannot connect to the Docker daemon"):
        DockerCommandLineCodeExecutor(work_dir=work)


def test_a_missing_program_is_an_error_that_says_what_to_do(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert not is_docker_running()
    with pytest.raises(RuntimeError, match=r"Docker is not installed here.*use_docker=False"):
        DockerCommandLineCodeExecutor(work_dir=work)


def test_an_image_that_cannot_be_had_is_an_error(standin: DockerStandin, work: Path) -> None:
    with pytest.raises(RuntimeError, match="docker pull failed: manifest for missing/image not found"):
        DockerCommandLineCodeExecutor("missing/image", work_dir=work)


def test_a_container_that_does_not_start_is_an_error_and_leaves_nothing(standin: DockerStandin, work: Path) -> None:
    standin.breaks()

    with pytest.raises(ValueError, match=r"Failed to start container from image python:3-slim: .*no space left"):
        DockerCommandLineCodeExecutor(work_dir=work)

    assert len(standin.calls("rm")) == 1


def test_the_stand_in_answers(standin: DockerStandin) -> None:
    assert is_docker_running()
    assert os.environ["PATH"].startswith(str(standin.folder))
