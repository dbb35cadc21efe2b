"""Code that a message holds is run, and its output becomes the reply. Off unless an agent is told how to run code."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

from modelport.agents.agent import Agent
from modelport.agents.code_execution import (
    PYTHON_VARIANTS,
    UNKNOWN,
    CodeExecutor,
    CodeExecutorFactory,
    check_can_use_docker_or_throw,
    decide_use_docker,
    execute_code,
    extract_code,
    infer_lang,
)
from modelport.agents.conversable.replying import takes_long
from modelport.agents.conversable.talking import Talking
from modelport.agents.iostream import IOStream, colored
from modelport.errors import ConfigError

__all__ = ("Coding",)

_OF_AN_EXECUTOR = ("use_docker", "work_dir", "timeout")


class Coding(Talking):
    """The part of an agent that runs code."""

    _code_execution_config: dict[str, Any] | Literal[False]
    _code_executor: CodeExecutor | None = None

    def _set_up_code_execution(self, config: Any) -> Callable[..., Any] | None:
        """Keep *config*; gives the reply function to ask, None where code is not run."""
        self._code_execution_config = False
        if config is False:
            return None
        if config is None:
            warnings.warn(
                "Using None to signal a default code_execution_config is deprecated. "
                "Use {} to use default or False to disable code execution.",
                stacklevel=4,
            )
            config = {}
        if not isinstance(config, dict):
            raise ValueError(f"code_execution_config must be a dict or False, got {type(config).__name__}.")
        config = dict(config)  # it is changed below, and the caller's stays as it is
        self._code_execution_config = config
        if config.get("executor") is not None:
            for field in _OF_AN_EXECUTOR:
                if field in config:
                    raise ValueError(
                        f"'{field}' in code_execution_config is not valid when 'executor' is set. "
                        "Use the appropriate arg in the chosen executor instead."
                    )
            self._code_executor = CodeExecutorFactory.create(config)
            return Coding._generate_code_execution_reply_using_executor
        use_docker = decide_use_docker(config.get("use_docker"))
        check_can_use_docker_or_throw(use_docker)
        config["use_docker"] = use_docker
        return Coding.generate_code_execution_reply

    @property
    def code_executor(self) -> CodeExecutor | None:
        """What runs the code; None where nothing does, or AutoGen's older way is used."""
        return self._code_executor

    @property
    def use_docker(self) -> bool | str | list[str] | None:
        """Whether, or in which image, code runs in Docker; None where none runs or an executor decides."""
        config = self._code_execution_config
        return None if config is False else config.get("use_docker")

    @takes_long
    def _generate_code_execution_reply_using_executor(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> tuple[bool, str | None]:
        """Run the code of the newest message that has any; its exit code and output are the reply."""
        if config is not None:
            raise ValueError("config is not supported for _generate_code_execution_reply_using_executor.")
        if self._code_execution_config is False or self._code_executor is None:
            return False, None
        messages = self._oai_messages[sender] if messages is None else messages
        for text in _newest(messages, self._code_execution_config.get("last_n_messages", "auto")):
            blocks = self._code_executor.code_extractor.extract_code_blocks(text)
            if not blocks:
                continue
            _announce([block.language for block in blocks])
            result = self._code_executor.execute_code_blocks(blocks)
            return True, _outcome(result.exit_code, result.output)
        return False, None

    @takes_long
    def generate_code_execution_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> tuple[bool, str | None]:
        """The same in AutoGen's older way: ``execute_code_blocks`` and ``run_code``, which programs override."""
        chosen = self._code_execution_config if config is None else config
        if chosen is False:
            return False, None
        messages = self._oai_messages[sender] if messages is None else messages
        for text in _newest(messages, chosen.get("last_n_messages", "auto")):
            blocks = extract_code(text)
            if len(blocks) == 1 and blocks[0][0] == UNKNOWN:
                continue
            exit_code, output = self.execute_code_blocks(blocks)
            return True, _outcome(exit_code, output)
        return False, None

    def run_code(self, code: str, **kwargs: Any) -> tuple[int, str, str | None]:
        """Run *code*: ``(exit code, output, image)``. Overridden to run it elsewhere."""
        kwargs.pop("last_n_messages", None)
        result: tuple[int, str, str | None] = execute_code(code, **kwargs)
        return result

    def execute_code_blocks(self, code_blocks: list[tuple[str, str]]) -> tuple[int, str]:
        """Run ``(language, code)`` pairs in order, up to the first that fails: the last exit code, and all output."""
        config = self._code_execution_config
        if config is False:
            raise ConfigError(
                f"agent {self.name!r} runs no code: give it a code_execution_config", param="code_execution_config"
            )
        exit_code, output = 0, ""
        for number, (given, code) in enumerate(code_blocks):
            language = given or infer_lang(code)
            heading = f"\n>>>>>>>> EXECUTING CODE BLOCK {number} (inferred language is {language})..."
            IOStream.get_default().print(colored(heading, "red"), flush=True)
            exit_code, logs, image = self._run_block(language, code, config)
            if image is not None:
                config["use_docker"] = image
            output += f"\n{logs}"
            if exit_code:
                break
        return exit_code, output

    def _run_block(self, language: str, code: str, config: dict[str, Any]) -> tuple[int, str, str | None]:
        if language in {"bash", "shell", "sh"}:
            return self.run_code(code, lang=language, **config)
        if language in PYTHON_VARIANTS:
            first = code.split("\n", 1)[0]
            filename = first.removeprefix("# filename: ").strip() if first.startswith("# filename: ") else None
            return self.run_code(code, lang="python", filename=filename, **config)
        return 1, f"unknown language {language}", None


def _newest(messages: list[dict[str, Any]], last_n: Any) -> Iterator[Any]:
    """The contents to look for code in, newest first."""
    if last_n != "auto" and not (isinstance(last_n, int | float) and last_n >= 0):
        raise ValueError(
            f"last_n_messages must be either a non-negative integer, or the string 'auto', got {last_n!r}."
        )
    for seen, message in enumerate(reversed(messages)):
        if seen >= last_n if last_n != "auto" else message.get("role") != "user":
            return
        if isinstance(message["content"], str | list) and message["content"]:
            yield message["content"]


def _announce(languages: list[str]) -> None:
    one = f"CODE BLOCK (inferred language is {languages[0]})"
    many = f"{len(languages)} CODE BLOCKS (inferred languages are [{', '.join(languages)}])"
    heading = f"\n>>>>>>>> EXECUTING {one if len(languages) == 1 else many}..."
    IOStream.get_default().print(colored(heading, "red"), flush=True)


def _outcome(exit_code: int, output: str) -> str:
    how = "execution succeeded" if exit_code == 0 else "execution failed"
    return f"exitcode: {exit_code} ({how})\nCode output: {output}"
