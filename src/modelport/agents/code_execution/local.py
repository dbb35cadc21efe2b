"""Running code on this machine, as this user. **It is not a sandbox**: what this user may do, the code may do.

What is done about that: each block runs in a process group of its own under a time limit, without this program's
secrets in its environment, with standard input closed and its output bounded; its file stays in one folder; shell
commands that plainly destroy are refused. Where code is not to be trusted, use the Docker executor.
"""

import os
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

from modelport.agents.code_execution._command_line import TIMEOUT_CODE, TIMEOUT_MSG, CommandLineExecutor, Given
from modelport.agents.code_execution._languages import program_for
from modelport.agents.code_execution.danger import check_command
from modelport.agents.code_execution.environment import clean_environment
from modelport.agents.code_execution.extraction import PYTHON_VARIANTS
from modelport.agents.code_execution.functions import AnyFunction
from modelport.agents.code_execution.processes import (
    OUTPUT_LIMIT,
    Command,
    Finished,
    end_marked,
    new_mark,
    run,
)

__all__ = ("LocalCommandLineCodeExecutor", "local_environment", "python_for", "run_locally", "warn_once")

_NOT_FOUND = 127  # what a shell says of a program that is not there
_CANNOT_RUN = 126
_warned: list[bool] = []


def warn_once() -> None:
    """Say once, in this program's log, that code of a model runs here and that nothing holds it."""
    if not _warned:
        _warned.append(True)
        import logging

        logging.getLogger(__name__).warning(
            "Code from a conversation is being run on this machine, as this user. That is not a sandbox: the code can "
            "do what this user can. To keep it apart, use DockerCommandLineCodeExecutor, or use_docker=True."
        )


class LocalCommandLineCodeExecutor(CommandLineExecutor):
    """Saves blocks as files in *work_dir* and runs them there, as programs of this machine. Not a sandbox.

    *timeout* is seconds a block; *virtual_env_context* comes from ``create_virtual_env``; *functions* may be imported
    by the code from the module *functions_module*; *execution_policies* says for a language whether its blocks are run
    (True) or only saved. *allow_env* names secrets that the code may see (module ``environment`` beside this one has
    the rules); *output_limit* is how many bytes of each stream are kept.

    What a block leaves running in the background, with its output redirected, goes on until :meth:`restart`,
    :meth:`stop` or the end of this program.
    """

    SUPPORTED_LANGUAGES: ClassVar[list[str]] = list(CommandLineExecutor.DEFAULT_EXECUTION_POLICY)

    def __init__(
        self,
        timeout: float = 60,
        virtual_env_context: SimpleNamespace | None = None,
        work_dir: Path | str = ".",
        functions: Sequence[AnyFunction] = (),
        functions_module: str = "functions",
        execution_policies: dict[str, bool] | None = None,
        *,
        allow_env: Sequence[str] = (),
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
        clean_environment({}, allow=allow_env)  # a wrong type is an error here, not at the first block
        self._allow_env = tuple(allow_env)
        self._virtual_env_context = virtual_env_context
        self._mark = new_mark()
        self._runs = count(1)

    @staticmethod
    def sanitize_command(lang: str, code: str) -> None:
        """Refuse shell commands that plainly destroy (``rm -rf``, ``dd``, …), with ValueError."""
        check_command(lang, code)

    def restart(self) -> None:
        """End what earlier blocks left running (found on Linux only)."""
        end_marked(self._mark)

    def stop(self) -> None:
        """As :meth:`restart`."""
        self.restart()

    def _language(self, named: str) -> str:
        if named in PYTHON_VARIANTS:
            return "python"
        if sys.platform == "win32" and named in {"sh", "shell"}:
            return "ps1"
        return named

    def _check(self, lang: str, code: str) -> None:
        self.sanitize_command(lang, code)

    def _unknown(self, lang: str) -> str:
        return f"\nunknown language {lang}"

    def _extension(self, lang: str) -> str:
        return "py" if lang == "python" else lang

    def _run_file(self, lang: str, path: Path) -> tuple[int, str]:
        env = local_environment(self._virtual_env_context, allow=self._allow_env)
        name = program_for(lang, env.get("PATH"))
        program = python_for(self._virtual_env_context, env) if name == "python" else name
        return self._run((program, str(path)), env)

    def _install(self, packages: list[str]) -> tuple[int, str]:
        env = local_environment(self._virtual_env_context, allow=self._allow_env)
        return self._run((python_for(self._virtual_env_context, env), "-m", "pip", "install", *packages), env)

    def _run(self, argv: tuple[str, ...], env: dict[str, str]) -> tuple[int, str]:
        command = Command(
            argv=argv,
            cwd=str(self._work_dir.resolve()),
            env=env,
            timeout=self._timeout,
            output_limit=self._output_limit,
            mark=f"{self._mark}.{next(self._runs)}",
        )
        done = run_locally(command)
        text = done.stderr + done.stdout
        if done.timed_out:
            return TIMEOUT_CODE, f"{text}\n{TIMEOUT_MSG}"
        return done.exit_code, text


def run_locally(command: Command) -> Finished:
    """Run *command* here, having warned. A program that is missing or cannot start is a result that says so."""
    import shutil

    warn_once()
    env = command.env or {}
    name = command.argv[0]
    # Looked for in the command's own PATH: Windows would look in this process's.
    program = shutil.which(name, path=env.get("PATH", os.defpath))
    if program is None:
        return _failed(_NOT_FOUND, f"{name} is not installed on this machine (looked for in PATH).\n")
    try:
        return run(
            Command(
                argv=(program, *command.argv[1:]),
                cwd=command.cwd,
                env=command.env,
                timeout=command.timeout,
                output_limit=command.output_limit,
                mark=command.mark,
            )
        )
    except OSError as error:
        return _failed(_CANNOT_RUN, f"{name} could not be started: {error}\n")


def _failed(exit_code: int, text: str) -> Finished:
    return Finished(exit_code=exit_code, stdout="", stderr=text, timed_out=False)


def local_environment(context: SimpleNamespace | None, *, allow: Sequence[str] = ()) -> dict[str, str]:
    """The environment of commands that run here: without secrets, with a virtual environment's programs first in PATH.

    That is *context*'s or, where this program's own virtual environment was not activated, its own: ``pip install`` in
    a shell block and ``import`` in a Python block mean one place.
    """
    env = clean_environment(allow=allow)
    folder = str(Path(context.bin_path).absolute()) if context else str(Path(sys.executable).parent)
    path = env.get("PATH", os.defpath)
    if context or (sys.prefix != sys.base_prefix and folder not in path.split(os.pathsep)):
        env["PATH"] = folder + os.pathsep + path
    if context:
        env["VIRTUAL_ENV"] = str(Path(context.bin_path).absolute().parent)
        env.pop("PYTHONHOME", None)
    if sys.platform == "win32":
        env.setdefault("PYTHONIOENCODING", "utf-8")
    return env


def python_for(context: SimpleNamespace | None, env: dict[str, str]) -> str:
    """The interpreter of *context*, else the ``python`` in PATH, else the one that runs this program."""
    import shutil

    if context:
        return str(Path(context.env_exe).absolute())
    return shutil.which("python", path=env.get("PATH")) or sys.executable
