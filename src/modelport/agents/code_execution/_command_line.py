"""What the local and the Docker executor share: blocks become files in a folder, and the files are run in order."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from modelport.agents.code_execution._languages import DEFAULT_EXECUTION_POLICY, quiet_pip
from modelport.agents.code_execution.base import CodeBlock, CodeExtractor, CommandLineCodeResult
from modelport.agents.code_execution.extraction import MarkdownCodeExtractor
from modelport.agents.code_execution.functions import AnyFunction, functions_source, required_packages, to_stub
from modelport.agents.code_execution.processes import OUTPUT_LIMIT, a_stoppable
from modelport.agents.code_execution.workspace import (
    OutsideWorkspace,
    confine,
    named_file,
    temporary_name,
    write_code,
)

TIMEOUT_MSG = "Timeout"
TIMEOUT_CODE = 124  # of the command "timeout"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What both executors are made from."""

    timeout: float
    work_dir: Path | str
    functions: Sequence[AnyFunction]
    functions_module: str
    execution_policies: dict[str, bool] | None
    output_limit: int = OUTPUT_LIMIT


class CommandLineExecutor:
    """The base of both executors."""

    DEFAULT_EXECUTION_POLICY: ClassVar[dict[str, bool]] = DEFAULT_EXECUTION_POLICY
    FUNCTION_PROMPT_TEMPLATE: ClassVar[str] = (
        "These functions are there for your code to use. They live in the module `$module_name`: to call one of them, "
        "say `foo`, begin with `from $module_name import foo`.\n\n$functions"
    )

    def __init__(self, given: Given) -> None:
        if given.timeout < 1:
            raise ValueError(f"Timeout must be greater than or equal to 1, in seconds; got timeout={given.timeout}.")
        if not given.functions_module.isidentifier():
            raise ValueError(
                f"Module name must be a valid Python identifier; got functions_module={given.functions_module!r}"
            )
        if given.output_limit < 2:
            raise ValueError(f"output_limit is in bytes and must be 2 or more; got {given.output_limit}")
        self._timeout = given.timeout
        self._work_dir = Path(given.work_dir)
        self._work_dir.mkdir(parents=True, exist_ok=True)
        self._functions = list(given.functions)
        self._functions_module = given.functions_module
        self._output_limit = given.output_limit
        self._setup = threading.Lock()
        self._setup_functions_complete = not self._functions
        self.execution_policies: dict[str, bool] = {**self.DEFAULT_EXECUTION_POLICY, **(given.execution_policies or {})}

    @property
    def timeout(self) -> float:
        """Seconds that one block may take."""
        return self._timeout

    @property
    def work_dir(self) -> Path:
        """The folder of the blocks' files, which they are run in."""
        return self._work_dir

    @property
    def functions(self) -> list[AnyFunction]:
        """The functions that code may import."""
        return self._functions

    @property
    def functions_module(self) -> str:
        """The name of the module that code imports them from."""
        return self._functions_module

    @property
    def code_extractor(self) -> CodeExtractor:
        """Finds fenced Markdown blocks."""
        return MarkdownCodeExtractor()

    def format_functions_for_prompt(self, prompt_template: str = FUNCTION_PROMPT_TEMPLATE) -> str:
        """*prompt_template* with ``$module_name`` and ``$functions``, their stubs, filled in: for a system message."""
        from string import Template

        stubs = "\n\n".join(to_stub(each) for each in self._functions)
        return Template(prompt_template).substitute(module_name=self._functions_module, functions=stubs)

    def execute_code_blocks(self, code_blocks: list[CodeBlock]) -> CommandLineCodeResult:
        """Save *code_blocks* and run them in order, up to the first that fails.

        Out of time is exit code 124. What a name, a language or a missing program makes impossible is said in the
        result, for the model to read.

        Raises:
            ValueError: there are no blocks; a local shell block is refused as dangerous; the functions do not load.
        """
        if not code_blocks:
            raise ValueError("No code blocks to execute.")
        with self._setup:
            if not self._setup_functions_complete:
                self._set_up_functions()
                self._setup_functions_complete = True
        return self._run_blocks(code_blocks)

    async def a_execute_code_blocks(self, code_blocks: list[CodeBlock]) -> CommandLineCodeResult:
        """:meth:`execute_code_blocks` off the event loop; when the task is cancelled, what runs is killed."""
        return await a_stoppable(self.execute_code_blocks, code_blocks)  # which a program may have overridden

    def _run_blocks(self, blocks: list[CodeBlock]) -> CommandLineCodeResult:
        output, first, exit_code = "", None, 0
        for block in blocks:
            lang = self._language(block.language.lower())
            self._check(lang, block.code)
            if lang not in self.DEFAULT_EXECUTION_POLICY:
                return CommandLineCodeResult(1, output + self._unknown(lang), first)
            code = quiet_pip(block.code, lang)
            try:
                path = confine(named_file(code) or temporary_name(code, self._extension(lang)), self._work_dir)
                write_code(path, code)
            except OutsideWorkspace as error:
                return CommandLineCodeResult(1, output + str(error), first)
            except OSError as error:  # the disk is full, the name too long, a file stands where a folder should
                return CommandLineCodeResult(1, f"{output}The code could not be saved: {error}", first)
            first = first or str(path)
            if not self.execution_policies.get(lang, False):
                output += f"Code saved to {path}\n"
                exit_code = 0
                continue
            exit_code, text = self._run_file(lang, path)
            output += text
            if exit_code:
                break
        return CommandLineCodeResult(exit_code, output, first)

    def _set_up_functions(self) -> None:
        source = functions_source(self._functions)
        module = confine(f"{self._functions_module}.py", self._work_dir)
        write_code(module, source)
        packages = required_packages(self._functions)
        if packages:
            exit_code, text = self._install(packages)
            if exit_code == TIMEOUT_CODE:
                raise ValueError(f"Pip install timed out after {self._timeout} seconds: {', '.join(packages)}")
            if exit_code:
                raise ValueError(f"Pip install failed. {text}")
        exit_code, text = self._run_file("python", module)
        if exit_code:
            raise ValueError(f"Functions failed to load: {text}")

    # --- what differs ---

    def _language(self, named: str) -> str:
        raise NotImplementedError

    def _check(self, lang: str, code: str) -> None:
        """Raises ValueError for code that must not run."""

    def _unknown(self, lang: str) -> str:
        raise NotImplementedError

    def _extension(self, lang: str) -> str:
        raise NotImplementedError

    def _run_file(self, lang: str, path: Path) -> tuple[int, str]:
        """Exit code and output of the file *path*."""
        raise NotImplementedError

    def _install(self, packages: list[str]) -> tuple[int, str]:
        raise NotImplementedError
