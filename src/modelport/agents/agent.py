"""What an agent is: something with a name that gives and takes messages. Knows no way of making a reply."""

from typing import Any, Protocol, runtime_checkable

__all__ = ("Agent", "LLMAgent")


@runtime_checkable
class Agent(Protocol):
    """Anything with a name that can be sent messages and makes replies.

    A message is text, or a dict as in OpenAI chat completions (``content``, ``tool_calls``, ``role``, …).
    """

    @property
    def name(self) -> str:
        """What the others call it."""
        ...

    @property
    def description(self) -> str:
        """What it is for: read by those who decide who speaks next."""
        ...

    def send(self, message: dict[str, Any] | str, recipient: "Agent", request_reply: bool | None = None) -> None:
        """Give *message* to *recipient*."""
        ...

    async def a_send(
        self, message: dict[str, Any] | str, recipient: "Agent", request_reply: bool | None = None
    ) -> None:
        """Give *message* to *recipient*."""
        ...

    def receive(self, message: dict[str, Any] | str, sender: "Agent", request_reply: bool | None = None) -> None:
        """Take *message*, and reply to it where that is asked for."""
        ...

    async def a_receive(
        self, message: dict[str, Any] | str, sender: "Agent", request_reply: bool | None = None
    ) -> None:
        """Take *message*, and reply to it where that is asked for."""
        ...

    def generate_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: "Agent | None" = None, **kwargs: Any
    ) -> str | dict[str, Any] | None:
        """The reply to *messages*, or to what *sender* said so far; None for none."""
        ...

    async def a_generate_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: "Agent | None" = None, **kwargs: Any
    ) -> str | dict[str, Any] | None:
        """The reply to *messages*, or to what *sender* said so far; None for none."""
        ...


@runtime_checkable
class LLMAgent(Agent, Protocol):
    """An agent with a model behind it, which reads a system message first."""

    @property
    def system_message(self) -> str:
        """What the model is told before the conversation."""
        ...

    def update_system_message(self, system_message: str) -> None:
        """Tell the model something else."""
        ...
