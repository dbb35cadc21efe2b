"""Agents with their settings chosen: an assistant with a model, and somebody who stands for the user."""

from collections.abc import Callable
from typing import Any, ClassVar

from modelport.agents.conversable import ConversableAgent
from modelport.agents.conversable.identity import HumanInputMode

__all__ = ("AssistantAgent", "UserProxyAgent")


class AssistantAgent(ConversableAgent):
    """An agent that solves tasks with its model, by writing code for the other side to run where that helps."""

    DEFAULT_SYSTEM_MESSAGE: ClassVar[str] = """\
You are an assistant who solves tasks by reasoning and by writing code. The other side runs your code and sends you \
back the exit code and the output; it can do nothing else, and it cannot change what you wrote.

- Think first: where the task has several steps, say what they are, and which of them need code.
- Code goes into one fenced block per message, marked python or sh. It must be complete and run as it is, without \
anything to fill in. Print what you need to see. To have it saved, make its first line: # filename: NAME
- A block that is only an illustration must not be marked python or sh, since it would be run.
- Read the output. Where something failed, say why and send the whole corrected code. Where the task is not solved \
although the code ran, question what you assumed and try another way.
- When you have an answer, check it, and give what supports it.

When everything is done, end your message with the word TERMINATE.
"""
    DEFAULT_DESCRIPTION: ClassVar[str] = (
        "An AI assistant for all kinds of tasks, good with language, Python and the Linux command line."
    )

    def __init__(
        self,
        name: str,
        system_message: Any = DEFAULT_SYSTEM_MESSAGE,
        llm_config: Any = None,
        is_termination_msg: Callable[[dict[str, Any]], Any] | None = None,
        max_consecutive_auto_reply: int | None = None,
        human_input_mode: HumanInputMode = "NEVER",
        description: str | None = None,
        *,
        model: Any = None,
        stream: bool | Callable[..., object] = False,
        **kwargs: Any,
    ) -> None:
        """As :class:`ConversableAgent`; asks no person, and runs no code unless told to."""
        super().__init__(
            name,
            system_message,
            is_termination_msg,
            max_consecutive_auto_reply,
            human_input_mode,
            llm_config=llm_config,
            description=description,
            model=model,
            stream=stream,
            **kwargs,
        )
        if description is None and system_message == self.DEFAULT_SYSTEM_MESSAGE:
            self.description = self.DEFAULT_DESCRIPTION


class UserProxyAgent(ConversableAgent):
    """An agent that stands for the user: asks a person, runs tools, and code where it is told how."""

    DEFAULT_USER_PROXY_AGENT_DESCRIPTIONS: ClassVar[dict[str, str]] = {
        "ALWAYS": (
            "A PERSON who pays attention: answers questions about the task, and can run Python code and shell commands "
            "and report what they print."
        ),
        "TERMINATE": "A user who can run Python code and shell commands, and report what they print.",
        "NEVER": (
            "A terminal: it runs Python scripts (given in ```python blocks) and shell scripts (given in ```sh blocks) "
            "and does nothing else."
        ),
    }

    def __init__(
        self,
        name: str,
        is_termination_msg: Callable[[dict[str, Any]], Any] | None = None,
        max_consecutive_auto_reply: int | None = None,
        human_input_mode: HumanInputMode = "ALWAYS",
        function_map: dict[str, Callable[..., Any]] | None = None,
        code_execution_config: Any = False,
        default_auto_reply: str | dict[str, Any] | None = "",
        llm_config: Any = False,
        system_message: Any = "",
        description: str | None = None,
        *,
        model: Any = None,
        stream: bool | Callable[..., object] = False,
        **kwargs: Any,
    ) -> None:
        """As :class:`ConversableAgent`; asks a person at every message, has no model, runs no code unless told to."""
        if description is None:
            description = self.DEFAULT_USER_PROXY_AGENT_DESCRIPTIONS.get(human_input_mode, "")
        super().__init__(
            name=name,
            system_message=system_message,
            is_termination_msg=is_termination_msg,
            max_consecutive_auto_reply=max_consecutive_auto_reply,
            human_input_mode=human_input_mode,
            function_map=function_map,
            code_execution_config=code_execution_config,
            llm_config=llm_config,
            default_auto_reply=default_auto_reply,
            description=description,
            model=model,
            stream=stream,
            **kwargs,
        )
