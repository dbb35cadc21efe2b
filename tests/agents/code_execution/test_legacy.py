import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from modelport.agents.code_execution import (
    DEFAULT_TIMEOUT,
    WORKING_DIR,
    a_execute_code,
    check_can_use_docker_or_throw,
    decide_use_docker,
    docker_cli,
    execute_code,
    in_docker_container,
)
from modelport.sync import offload
from tests.agents.code_execution.docker_standin import DockerStandin
from tests.agents.code_execution.lifeline import Lifeline

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shell is sh; the Docker stand-in runs things here")


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DockerStandin:
    folder = tmp_path / "bin"
    folder.mkdir()
    standin = DockerStandin(folder)
    monkeypatch.setenv("PATH", standin.path)
    return standin


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    line = Lifeline(tmp_path)
    yield line
    line.close()


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This program does not run in a container, wherever the tests do."""
    monkeypatch.setattr(docker_cli, "_IN_CONTAINER", tmp_path / "not there")


# --- here ---


def test_what_code_prints_comes_back_and_its_file_is_removed(tmp_path: Path) -> None:
    result = execute_code("import sys; print('x'); print('y', file=sys.stderr)", work_dir=tmp_path, use_docker=False)

    assert result == (0, "x\n", None)
    assert list(tmp_path.iterdir()) == []


def test_what_fails_gives_its_error_without_the_made_up_name(tmp_path: Path) -> None:
    code, text, image = execute_code("print('lost')\n1 / 0", work_dir=tmp_path, use_docker=None)

    assert (code, image) == (1, None)
    assert 'File "", line 2, in <module>' in text
    assert text.endswith("ZeroDivisionError: division by zero\n")
    assert "lost" not in text


def test_a_named_file_stays_and_its_name_is_told(tmp_path: Path) -> None:
    code, text, _ = execute_code("1 / 0", filename="sub/a.py", work_dir=tmp_path, use_docker=False)

    assert code == 1
    assert 'File "sub/a.py", line 1' in text
    assert (tmp_path / "sub" / "a.py").read_text() == "1 / 0"


def test_a_file_that_is_there_is_run(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print('there')")

    assert execute_code(filename="a.py", work_dir=tmp_path, use_docker=False) == (0, "there\n", None)


def test_a_file_whose_name_looks_like_an_option_is_run(tmp_path: Path) -> None:
    assert execute_code("print(1)", filename="-c.py", work_dir=tmp_path, use_docker=False) == (0, "1\n", None)


@pytest.mark.parametrize("lang", ["sh", "bash", "shell"])
def test_a_shell_is_run(lang: str, tmp_path: Path) -> None:
    assert execute_code("echo hi", lang=lang, work_dir=tmp_path, use_docker=False) == (0, "hi\n", None)


def test_out_of_time_is_told_in_autogens_words_and_leaves_no_grandchild(tmp_path: Path, lifeline: Lifeline) -> None:
    result = execute_code(f"sh -c '{lifeline.shell}' & wait", 1, lang="sh", work_dir=tmp_path / "w", use_docker=False)

    assert result == (1, "Timeout", None)
    assert lifeline.lived_and_died()
    assert list((tmp_path / "w").iterdir()) == []


@pytest.mark.parametrize("name", ["../escaped.py", "/tmp/escaped.py", "..\\escaped.py"])
def test_a_name_that_leads_out_is_refused_and_nothing_runs(name: str, tmp_path: Path) -> None:
    code, text, image = execute_code("print('ran')", filename=name, work_dir=tmp_path / "w", use_docker=False)

    assert (code, image) == (1, None)
    assert text.startswith(f"Filename is not in the workspace: {name!r}")
    assert not list(tmp_path.rglob("*escaped*"))


def test_a_dangerous_command_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    code, text, _ = execute_code("touch ran; rm -rf .", lang="sh", work_dir=tmp_path, use_docker=False)

    assert code == 1
    assert text == "Potentially dangerous command detected: Use of 'rm -rf' command is not allowed."
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_not_seen_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    code = "import os; print(os.environ.get('OPENAI_API_KEY'))"

    assert execute_code(code, work_dir=tmp_path, use_docker=False)[1] == "None\n"
    assert execute_code(code, work_dir=tmp_path, use_docker=False, allow_env=["OPENAI_*"])[1] == "sesame\n"


def test_without_a_folder_it_is_one_below_the_programs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert execute_code("import os; print(os.getcwd())", use_docker=False)[1] == f"{tmp_path.resolve() / WORKING_DIR}\n"
    assert DEFAULT_TIMEOUT == 600


def test_an_unknown_language_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="cobol not recognized in code execution"):
        execute_code("x", lang="cobol", work_dir=tmp_path, use_docker=False)

    assert list(tmp_path.iterdir()) == []


def test_neither_code_nor_file_is_an_error() -> None:
    with pytest.raises(AssertionError, match="Either code=None or filename=None must be provided"):
        execute_code(use_docker=False)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


async def test_the_async_twin_does_the_same(work: Path) -> None:
    assert await a_execute_code("print(1)", work_dir=work, use_docker=False) == (0, "1\n", None)


async def test_a_cancelled_task_leaves_no_process(work: Path, lifeline: Lifeline) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(a_execute_code, lifeline.shell, None, None, work, False, "sh")
        await offload(lifeline.wait_for_life)
        group.cancel_scope.cancel()

    assert await offload(lifeline.lived_and_died)


# --- in Docker ---


@pytest.mark.usefixtures("outside")
def test_docker_runs_the_code_and_keeps_what_it_installed(standin: DockerStandin, work: Path) -> None:
    first = execute_code("print('x')", filename="a b.py", work_dir=work, use_docker=True)
    second = execute_code("echo y; exit 4", lang="sh", work_dir=work, use_docker=first[2])

    assert first == (0, "x", "modelport-code:a_b.py")
    assert second[:2] == (4, "y")
    assert standin.calls("pull") == [["pull", "--quiet", "python:3-slim"]]
    assert "modelport-code:a_b.py" in standin.calls("run")[1]
    assert "--security-opt" in standin.calls("run")[0]
    assert standin.containers() == []


@pytest.mark.usefixtures("outside")
def test_the_first_image_that_can_be_had_is_used(standin: DockerStandin, work: Path) -> None:
    execute_code("1", work_dir=work, use_docker=["missing/one", "other/one"])

    assert "other/one" in standin.calls("run")[0]
    with pytest.raises(RuntimeError, match="none of the images could be had: missing/one: docker pull failed"):
        execute_code("1", work_dir=work, use_docker="missing/one")


@pytest.mark.usefixtures("outside")
def test_out_of_time_in_docker_removes_the_container(standin: DockerStandin, work: Path) -> None:
    # The stand-in's containers are not real: what runs in one is ended by its own clock here.
    result = execute_code("sleep 4", 1, lang="sh", work_dir=work, use_docker="python:3-slim")

    assert result == (1, "Timeout", "python:3-slim")
    assert standin.calls("rm")[0][:2] == ["rm", "--force"]
    assert standin.containers() == []


@pytest.mark.usefixtures("outside")
def test_a_run_that_docker_itself_fails_is_an_error(standin: DockerStandin, work: Path) -> None:
    standin.breaks()

    with pytest.raises(RuntimeError, match=r"docker run failed: .*no space left"):
        execute_code("1", work_dir=work, use_docker=True)

    assert list(work.iterdir()) == []


# --- deciding ---


@pytest.mark.parametrize(
    ("said", "decided"),
    [
        (None, True),
        ("1", True),
        ("TRUE", True),
        ("yes", True),
        ("0", False),
        ("No", False),
        ("None", None),
    ],
)
def test_the_environment_decides(said: str | None, decided: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if said is not None:
        monkeypatch.setenv("AUTOGEN_USE_DOCKER", said)

    assert decide_use_docker(None) is decided
    assert decide_use_docker(False) is False
    assert decide_use_docker("image") == "image"


def test_an_environment_that_says_neither_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGEN_USE_DOCKER", "maybe")

    with pytest.raises(ValueError, match="Invalid value for AUTOGEN_USE_DOCKER: maybe"):
        decide_use_docker(None)


@pytest.mark.usefixtures("outside")
def test_asking_for_docker_where_it_does_not_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(RuntimeError, match=r"set to be run in docker \(default behaviour\) but docker is not running"):
        check_can_use_docker_or_throw(True)
    with pytest.raises(RuntimeError, match="docker is not running"):
        execute_code("1")
    check_can_use_docker_or_throw(False)
    check_can_use_docker_or_throw(None)


def test_inside_a_container_code_runs_right_there(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standin: DockerStandin
) -> None:
    monkeypatch.setattr(docker_cli, "_IN_CONTAINER", tmp_path)

    assert in_docker_container()
    assert execute_code("print(1)", work_dir=work, use_docker=True) == (0, "1\n", None)
    assert standin.calls("run") == []


def test_docker_that_runs_may_be_asked_for(standin: DockerStandin) -> None:
    check_can_use_docker_or_throw(True)
    check_can_use_docker_or_throw("image")
