"""What a chat came to: its last message, or a model's reflection on it."""

import warnings
from collections.abc import Callable
from inspect import isawaitable
from typing import Any, ClassVar

from modelport.agents.conversable.asking import Asking
from modelport.errors import ConfigError, ModelportError

__all__ = ("Summarizing",)

_SummaryMethod = str | Callable[..., Any] | None


class Summarizing(Asking):
    """The part of an agent that sums up a chat that it began."""

    DEFAULT_SUMMARY_PROMPT: ClassVar[str] = (
        "Sum up what came out of this conversation, in as few words as it takes. Begin with the outcome itself."
    )
    DEFAULT_SUMMARY_METHOD: ClassVar[str] = "last_msg"

    def _summarize_chat(self, summary_method: _SummaryMethod, summary_args: Any, recipient: Any, cache: Any) -> Any:
        if summary_method is None:
            return ""
        args = {"cache": cache, **(summary_args or {})}
        if callable(summary_method):
            return summary_method(self, recipient, args)
        if summary_method == "last_msg":
            return self._last_msg_as_summary(self, recipient, args)
        client, messages = self._reflected(recipient, args)
        try:
            return self._generate_oai_reply_from_client(client, messages, args["cache"])
        except ModelportError as error:
            return _no_reflection(error)

    async def _a_summarize_chat(
        self, summary_method: _SummaryMethod, summary_args: Any, recipient: Any, cache: Any
    ) -> Any:
        if summary_method != "reflection_with_llm":
            summary = self._summarize_chat(summary_method, summary_args, recipient, cache)
            return await summary if isawaitable(summary) else summary
        args = {"cache": cache, **(summary_args or {})}
        client, messages = self._reflected(recipient, args)
        try:
            return await self._a_ask(client, messages, args["cache"])
        except ModelportError as error:
            return _no_reflection(error)

    @staticmethod
    def _last_msg_as_summary(sender: Any, recipient: Any, summary_args: Any) -> str:
        """The text of the last message of the chat, without the word that ended it."""
        del summary_args
        try:
            content = recipient.last_message(sender)["content"]
        except (IndexError, AttributeError, TypeError) as error:
            warnings.warn(
                f"Cannot extract summary using last_msg: {error}. Using an empty str as summary.",
                UserWarning,
                stacklevel=4,
            )
            return ""
        if isinstance(content, list):
            texts = [part.get("text") if isinstance(part, dict) else part for part in content]
            return "\n".join(text.replace("TERMINATE", "") for text in texts if isinstance(text, str))
        return content.replace("TERMINATE", "") if isinstance(content, str) else ""

    def _reflected(self, recipient: Any, args: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
        """Which client is asked for a reflection, and with what."""
        prompt, role = args.get("summary_prompt"), args.get("summary_role") or "system"
        if prompt is None:
            prompt = self.DEFAULT_SUMMARY_PROMPT
        for name, value in (("summary_prompt", prompt), ("summary_role", role)):
            if not isinstance(value, str):
                raise ValueError(f"The {name} must be a string, got {type(value).__name__}.")
        client = recipient.client if getattr(recipient, "client", None) is not None else self.client
        if client is None:
            raise ValueError(
                f"No OpenAIWrapper client is found: neither {self.name!r} nor {recipient.name!r} has a model to "
                "reflect with."
            )
        return client, [*recipient.chat_messages_for_summary(self), {"role": role, "content": prompt}]


def _no_reflection(error: ModelportError) -> str:
    """A chat that went well is not lost because nothing could sum it up."""
    if isinstance(error, ConfigError):
        raise error
    warnings.warn(
        f"Cannot extract summary using reflection_with_llm: {error}. Using an empty str as summary.",
        UserWarning,
        stacklevel=4,
    )
    return ""
