"""AutoGen's ``ModelClient`` as a type: what a class must have to be registered. Nothing needs to inherit from it."""

from typing import Any, Protocol

__all__ = ("ModelClient",)


class ModelClient(Protocol):
    """A model in AutoGen's contract. It is made as ``cls(config, **kwargs)``, where ``config`` is its entry."""

    RESPONSE_USAGE_KEYS: tuple[str, ...] = ("prompt_tokens", "completion_tokens", "total_tokens", "cost", "model")

    class ModelClientResponseProtocol(Protocol):
        """A response: ``choices`` with a ``message`` each, whose ``content`` is text or None, and ``model``."""

        class Choice(Protocol):
            """One answer."""

            class Message(Protocol):
                """What it says."""

                content: str | None

            message: Message

        choices: list[Choice]
        model: str

    def create(self, params: dict[str, Any]) -> ModelClientResponseProtocol:
        """The response to ``params["messages"]`` and whatever else the call and the entry set."""

    def message_retrieval(
        self, response: ModelClientResponseProtocol
    ) -> list[str] | list[ModelClientResponseProtocol.Choice.Message]:
        """For each choice its text, or its message where it calls a function or tools."""

    def cost(self, response: ModelClientResponseProtocol) -> float:
        """US dollars; 0 where it is free."""

    @staticmethod
    def get_usage(response: ModelClientResponseProtocol) -> dict[str, Any]:
        """The names of ``RESPONSE_USAGE_KEYS``, or ``{}`` where nothing is counted."""
