"""``execute_code`` and its like: running one piece of code by one call, as ``autogen.code_utils`` does.

It uses the same machinery as the executors: one place starts processes, one keeps secrets back, one holds files in
their folder.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgspec

from modelport.agents.code_execution._command_line import TIMEOUT_MSG
from modelport.agents.code_execution._languages import program_for
from modelport.agents.code_execution.danger import check_command
from modelport.agents.code_execution.docker import WORKSPACE, Bounds, bind
from modelport.agents.code_execution.docker_cli import (
    docker,
    ensure_image,
    in_docker_container,
    is_docker_running,
    must,
)
from modelport.agents.code_execution.local import local_environment, run_locally
from modelport.agents.code_execution.processes import OUTPUT_LIMIT, Command, a_stoppable, new_mark
from modelport.agents.code_execution.workspace import confine, temporary_name, write_code

__all__ = (
    "DEFAULT_MODEL",
    "DEFAULT_TIMEOUT",
    "FAST_MODEL",
    "TIMEOUT_MSG",
    "WORKING_DIR",
    "a_execute_code",
    "check_can_use_docker_or_throw",
    "create_virtual_env",
    "decide_use_docker",
    "execute_code",
)

DEFAULT_MODEL: str = "gpt-4"
FAST_MODEL: str = "gpt-3.5-turbo"
DEFAULT_TIMEOUT: int = 600  # seconds
# Below the folder that the program is run in; AutoGen's lies inside its own installed package.
WORKING_DIR: str = "extensions"

_USE_DOCKER = "AUTOGEN_USE_DOCKER"
_YES = {"1", "true", "yes", "t"}
_NO = {"0", "false", "no", "f"}
_IMAGES = ("python:3-slim", "python:3", "python:3-windowsservercore")
_REPOSITORY = "modelport-code"  # of the images that hold what a run installed
_DOCKER_FAILED = 125  # docker run's exit code where the fault is its own
_COMMIT_SECONDS = 600.0


class _Undecided:
    def __repr__(self) -> str:
        return "<as AUTOGEN_USE_DOCKER says; True without it>"


_UNDECIDED: Final = _Undecided()


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    code: str | None
    timeout: float
    filename: str | None
    folder: Path
    use_docker: list[str] | str | bool | _Undecided | None
    lang: str
    allow_env: Sequence[str]
    output_limit: int


def execute_code(
    code: str | None = None,
    timeout: float | None = None,
    filename: str | None = None,
    work_dir: str | os.PathLike[str] | None = None,
    use_docker: list[str] | str | bool | _Undecided | None = _UNDECIDED,
    lang: str = "python",
    *,
    allow_env: Sequence[str] = (),
    output_limit: int = OUTPUT_LIMIT,
) -> tuple[int, str, str | None]:
    """Run *code*, or the file *filename*, in *work_dir*: ``(exit code, text, image)``.

    The text is what it printed, or on failure what it printed to standard error; ``"Timeout"`` with exit code 1 when
    *timeout* seconds (None: 600) were not enough. *use_docker*: True, an image, or images of which the first that can
    be had is used; False or None to run here, which is not a sandbox. With Docker, ``image`` names an image with what
    the code installed; it is None otherwise. A file that is made without a *filename* is removed. A name that leads out
    of *work_dir*, and a shell command that plainly destroys, are not run: exit code 1 and a text that says so.

    Raises:
        AssertionError: neither *code* nor *filename* is given.
        RuntimeError: Docker is asked for and does not run.
        NotImplementedError: no program is known for *lang*.
    """
    request = _request(code, timeout, filename, work_dir, use_docker, lang, allow_env, output_limit)
    return _execute(request)


async def a_execute_code(
    code: str | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - the twin's own; the process is held to it, not the task
    filename: str | None = None,
    work_dir: str | os.PathLike[str] | None = None,
    use_docker: list[str] | str | bool | _Undecided | None = _UNDECIDED,
    lang: str = "python",
    *,
    allow_env: Sequence[str] = (),
    output_limit: int = OUTPUT_LIMIT,
) -> tuple[int, str, str | None]:
    """:func:`execute_code` off the event loop; when the task is cancelled, what runs is killed."""
    request = _request(code, timeout, filename, work_dir, use_docker, lang, allow_env, output_limit)
    return await a_stoppable(_execute, request)


def _request(
    code: str | None,
    timeout: float | None,
    filename: str | None,
    work_dir: str | os.PathLike[str] | None,
    use_docker: list[str] | str | bool | _Undecided | None,
    lang: str,
    allow_env: Sequence[str],
    output_limit: int,
) -> _Request:
    if code is None and filename is None:
        raise AssertionError(f"Either {code=} or {filename=} must be provided.")
    return _Request(
        code=code,
        timeout=timeout or DEFAULT_TIMEOUT,
        filename=filename,
        folder=Path(work_dir or WORKING_DIR),
        use_docker=use_docker,
        lang=lang or "python",
        allow_env=allow_env,
        output_limit=output_limit,
    )


def _execute(request: _Request) -> tuple[int, str, str | None]:
    images = _images(request.use_docker)
    lang = "ps1" if sys.platform == "win32" and request.lang in {"sh", "shell"} and not images else request.lang
    program = program_for(lang, None)  # an unknown language is an error before anything is written
    code = request.code
    try:
        if code is not None and not images:
            check_command(lang, code)
        request.folder.mkdir(parents=True, exist_ok=True)
        made = temporary_name(code or "", "py" if lang.startswith("python") else lang)
        path = confine(request.filename or made, request.folder)
        if code is not None:
            write_code(path, code)
    except (ValueError, OSError) as error:  # a dangerous command, a name that leads elsewhere, a full disk
        return 1, str(error), None
    name = path.relative_to(request.folder.resolve()).as_posix()
    argument = f"./{name}" if name.startswith("-") else name
    try:
        if images:
            return _in_docker(request, (program, argument), images)
        return _here(request, (sys.executable if lang.startswith("python") else program, argument))
    finally:
        if request.filename is None:
            path.unlink(missing_ok=True)


def _here(request: _Request, argv: tuple[str, ...]) -> tuple[int, str, str | None]:
    folder = request.folder.resolve()
    command = Command(
        argv=argv,
        cwd=str(folder),
        env=local_environment(None, allow=request.allow_env),
        timeout=request.timeout,
        output_limit=request.output_limit,
        mark=new_mark(),
    )
    done = run_locally(command)
    if done.timed_out:
        return 1, TIMEOUT_MSG, None
    if not done.exit_code:
        return 0, done.stdout, None
    # The folder and a made-up name say nothing to a model.
    text = done.stderr
    for place in (folder, request.folder.absolute()):
        text = text.replace(f"{place}{os.sep}", "")
    return done.exit_code, text if request.filename else text.replace(argv[-1], ""), None


# --- in Docker ---


def _images(use_docker: list[str] | str | bool | _Undecided | None) -> tuple[str, ...]:
    """The images to try; none where the code is to run here, as it is inside a container."""
    decided = decide_use_docker(None) if isinstance(use_docker, _Undecided) else use_docker
    check_can_use_docker_or_throw(decided)
    if not decided or in_docker_container():
        return ()
    if decided is True:
        return _IMAGES
    return (decided,) if isinstance(decided, str) else tuple(decided)


def _in_docker(request: _Request, argv: tuple[str, ...], images: tuple[str, ...]) -> tuple[int, str, str | None]:
    image = _first_image(images)
    container = f"modelport-code-{os.urandom(8).hex()}"
    where = ("--name", container, "--mount", bind(request.folder), "--workdir", WORKSPACE)
    try:
        done = docker(
            *("run", *where, *Bounds().options(), image, *argv),
            timeout=request.timeout,
            output_limit=request.output_limit,
            merged=True,
        )
        if done.timed_out:
            return 1, TIMEOUT_MSG, image
        text = done.stdout.rstrip()
        if done.exit_code == _DOCKER_FAILED:
            raise RuntimeError(f"docker run failed: {text}")
        made = f"{_REPOSITORY}:{_tag(argv[-1])}"
        must("commit", container, made, timeout=_COMMIT_SECONDS)
    finally:
        docker("rm", "--force", container, cleanup=True)
    if done.exit_code:
        text = text.replace(f"{WORKSPACE}/{'' if request.filename else argv[-1]}", "")
    return done.exit_code, text, made


def _first_image(images: tuple[str, ...]) -> str:
    failures: list[str] = []
    for image in images:
        try:
            ensure_image(image)
        except RuntimeError as error:
            failures.append(f"{image}: {error}")
        else:
            return image
    raise RuntimeError(f"none of the images could be had: {'; '.join(failures)}")


def _tag(name: str) -> str:
    """*name* as Docker takes it for a tag."""
    tag = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return re.sub(r"^[.-]", "_", tag)[:128]


def decide_use_docker(use_docker: list[str] | str | bool | None) -> list[str] | str | bool | None:
    """*use_docker* itself or, where it is None, what ``AUTOGEN_USE_DOCKER`` says: True without it.

    Raises:
        ValueError: the variable says neither yes nor no nor "none".
    """
    if use_docker is not None:
        return use_docker
    given = os.environ.get(_USE_DOCKER, "True")
    said = given.lower()
    if said in _YES:
        return True
    if said in _NO:
        return False
    if said == "none":
        return None
    raise ValueError(
        f'Invalid value for {_USE_DOCKER}: {given}. Please set {_USE_DOCKER} to "1/True/yes", "0/False/no", or "None".'
    )


def check_can_use_docker_or_throw(use_docker: list[str] | str | bool | None) -> None:
    """Refuse to go on where *use_docker* asks for Docker and it does not run (inside a container it is not needed).

    Raises:
        RuntimeError: that.
    """
    if use_docker and not in_docker_container() and not is_docker_running():
        raise RuntimeError(
            "Code execution is set to be run in docker (default behaviour) but docker is not running.\n"
            "One of these mends it:\n"
            "- start Docker (best: code is held apart from this machine)\n"
            '- "use_docker": False in code_execution_config: code runs on this machine, which is not a sandbox\n'
            f"- {_USE_DOCKER}=False in the environment, which means the same"
        )


def create_virtual_env(dir_path: str | os.PathLike[str], **env_args: Any) -> SimpleNamespace:
    """Make a Python virtual environment in *dir_path*, with pip unless *env_args* (of ``venv.EnvBuilder``) say else.

    Gives its context, for ``LocalCommandLineCodeExecutor(virtual_env_context=…)``.
    """
    import venv

    builder = venv.EnvBuilder(**(env_args or {"with_pip": True}))
    builder.create(dir_path)
    return builder.ensure_directories(dir_path)
