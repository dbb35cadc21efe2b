"""Running code in a Docker container, which holds it apart from this machine. ``docker_cli`` speaks to Docker.

A container sees *work_dir* (as ``/workspace``) and nothing else of this machine: none of its environment, no other
file. It may not gain privileges, lacks the capabilities that programs rarely need, and is bounded in processes and
memory. It has a network, since programs written for AutoGen install packages in theirs: ``network=False`` closes it.
"""

import atexit
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import msgspec

from modelport.agents.code_execution._command_line import TIMEOUT_CODE, TIMEOUT_MSG, CommandLineExecutor, Given
from modelport.agents.code_execution._languages import program_for
from modelport.agents.code_execution.docker_cli import docker, ensure_image
from modelport.agents.code_execution.functions import AnyFunction
from modelport.agents.code_execution.processes import OUTPUT_LIMIT

__all__ = ("Bounds", "DockerCommandLineCodeExecutor", "bind", "sweep")

WORKSPACE = "/workspace"
_MARK = "MODELPORT_COMMAND"
# Seconds that a command inside may take longer than its limit until docker itself is given up on.
_GRACE = 5.0
# The first process of a container: it waits, buries orphans, and ends at once when asked to.
_WAIT = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"
_KILL = 'for each in /proc/[0-9]*; do grep -qs "$0" "$each/environ" && kill -9 "${each#/proc/}"; done; true'


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a container may use. Safe to start with; None takes a bound away."""

    network: bool | str = True  # True: Docker's default network; False: none; text: the network of that name
    memory: str | None = "4g"  # as docker takes it: "512m", "8g"
    cpus: float | None = None
    processes: int | None = 1024  # a fork bomb ends here
    dropped: tuple[str, ...] = ("AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT")  # capabilities
    user: str | None = None  # "1000:1000"; None: the image's own, which is mostly root inside the container

    def options(self) -> tuple[str, ...]:
        """As options of ``docker run``."""
        given: list[str] = ["--security-opt", "no-new-privileges"]
        if self.network is not True:
            given += ["--network", self.network or "none"]
        for option, value in (
            ("--memory", self.memory),
            ("--cpus", self.cpus),
            ("--pids-limit", self.processes),
            ("--user", self.user),
        ):
            if value is not None:
                given += [option, str(value)]
        for capability in self.dropped:
            given += ["--cap-drop", capability]
        return tuple(given)


class DockerCommandLineCodeExecutor(CommandLineExecutor):
    """Saves blocks as files in *work_dir* and runs them in one container, which it starts when made.

    *bind_dir* is what is mounted in place of *work_dir*, where this program itself runs in a container. *bounds* says
    what the container may use. Use it in a ``with`` statement, or call :meth:`stop`: the container is removed then
    (*auto_remove*) and at the latest when this program ends (*stop_container*).

    Raises:
        RuntimeError: Docker is not here or does not run, or the image cannot be pulled.
        ValueError: an argument is wrong, or the container does not start.
    """

    LANGUAGE_ALIASES: ClassVar[dict[str, str]] = {"py": "python", "js": "javascript"}

    def __init__(
        self,
        image: str = "python:3-slim",
        container_name: str | None = None,
        timeout: float = 60,
        work_dir: Path | str = ".",
        bind_dir: Path | str | None = None,
        auto_remove: bool = True,
        stop_container: bool = True,
        execution_policies: dict[str, bool] | None = None,
        *,
        functions: Sequence[AnyFunction] = (),
        functions_module: str = "functions",
        bounds: Bounds | None = None,
        output_limit: int = OUTPUT_LIMIT,
    ) -> None:
        super().__init__(
            Given(
                timeout=timeout,
                work_dir=work_dir,
                functions=functions,
                functions_module=functions_module,
                execution_policies=execution_policies,
                output_limit=output_limit,
            )
        )
        self._bind_dir = self._work_dir if bind_dir is None else Path(bind_dir)
        self._container = container_name or f"modelport-code-{os.urandom(8).hex()}"
        self._auto_remove = auto_remove
        self._stopped = True
        ensure_image(image)
        self._start(image, bounds or Bounds())
        self._stopped = False
        if stop_container:
            self._pid = os.getpid()
            atexit.register(self._stop_at_exit)

    @property
    def bind_dir(self) -> Path:
        """The folder that the container sees as ``/workspace``."""
        return self._bind_dir

    @property
    def container_name(self) -> str:
        """The container, as ``docker`` calls it."""
        return self._container

    def restart(self) -> None:
        """Restart the container: what earlier blocks left running ends, what they installed stays.

        Raises:
            ValueError: it does not come up again.
        """
        done = docker("restart", "--time", "1", self._container)
        if done.exit_code or done.timed_out:
            raise ValueError(f"Failed to restart container {self._container}: {done.stderr.strip()}")

    def stop(self) -> None:
        """Stop the container. Stopping twice does nothing."""
        if self._stopped:
            return
        self._stopped = True
        atexit.unregister(self._stop_at_exit)
        docker("stop", "--time", "1", self._container)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _stop_at_exit(self) -> None:
        if os.getpid() == self._pid:  # a fork ends too, and the container is not its own
            self.stop()

    def _start(self, image: str, bounds: Bounds) -> None:
        removed = ("--rm",) if self._auto_remove else ()
        where = ("--mount", bind(self._bind_dir), "--workdir", WORKSPACE)
        options = ("--detach", "--name", self._container, *removed, *where, *bounds.options())
        done = docker("run", *options, "--entrypoint", "/bin/sh", image, "-c", _WAIT)
        if done.exit_code or done.timed_out:
            docker("rm", "--force", self._container)
            raise ValueError(f"Failed to start container from image {image}: {(done.stderr or 'out of time').strip()}")

    # --- what differs from running here ---

    def _language(self, named: str) -> str:
        return self.LANGUAGE_ALIASES.get(named, named)

    def _unknown(self, lang: str) -> str:
        return f"Unsupported language {lang}\n"

    def _extension(self, lang: str) -> str:
        return lang

    def _run_file(self, lang: str, path: Path) -> tuple[int, str]:
        name = path.relative_to(self._work_dir.resolve()).as_posix()
        program = "pwsh" if lang in {"ps1", "pwsh", "powershell"} else program_for(lang, None)
        return self._exec((program, f"./{name}" if name.startswith("-") else name))

    def _install(self, packages: list[str]) -> tuple[int, str]:
        return self._exec(("python", "-m", "pip", "install", *packages))

    def _exec(self, argv: tuple[str, ...]) -> tuple[int, str]:
        mark = os.urandom(16).hex()
        limit = ("timeout", f"{self._timeout:g}")  # inside, where it reaches the process; ours only ends the CLI
        try:
            done = docker(
                *("exec", "--env", f"{_MARK}={mark}", self._container, *limit, *argv),
                timeout=self._timeout + _GRACE,
                output_limit=self._output_limit,
                merged=True,
            )
        except BaseException:  # Ctrl-C, or the task was cancelled: ending the CLI ends nothing in the container
            sweep(self._container, mark)
            raise
        if done.timed_out or done.exit_code == TIMEOUT_CODE:
            sweep(self._container, mark)
            return TIMEOUT_CODE, f"{done.stdout}\n{TIMEOUT_MSG}"
        return done.exit_code, done.stdout


def bind(folder: Path) -> str:
    """The value of ``--mount`` that shows *folder* as the workspace: a line of CSV, so that any path will do."""
    source = f"source={folder.resolve()}"
    if any(sign in source for sign in ',"\n'):
        source = '"' + source.replace('"', '""') + '"'
    return f"type=bind,{source},target={WORKSPACE}"


def sweep(container: str, mark: str) -> None:
    """Kill every process of *container* that carries *mark*."""
    docker("exec", container, "sh", "-c", _KILL, f"{_MARK}={mark}", timeout=_GRACE, cleanup=True)
