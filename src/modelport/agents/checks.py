"""What cannot work in a chat is refused before anything is said. Holds no chats."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ("check_summary_method", "consolidate_chat_info")


def consolidate_chat_info(
    chat_info: Mapping[str, Any] | Sequence[Mapping[str, Any]], uniform_sender: Any = None
) -> None:
    """Refuse chats that cannot be held, before the first begins.

    Raises:
        AssertionError: one has no sender, no recipient, or a summary method that cannot work.
    """
    for chat in [chat_info] if isinstance(chat_info, Mapping) else chat_info:
        sender = chat.get("sender") if uniform_sender is None else uniform_sender
        if sender is None:
            raise AssertionError("sender must be provided.")
        if "recipient" not in chat:
            raise AssertionError("recipient must be provided.")
        check_summary_method(sender, chat["recipient"], chat.get("summary_method"))


def check_summary_method(sender: Any, recipient: Any, method: Any) -> None:
    """Refuse a summary method that cannot work, before the chat rather than after.

    Raises:
        AssertionError: it is none, or it needs a model and neither agent has one.
    """
    if method is not None and not callable(method) and method not in {"last_msg", "reflection_with_llm"}:
        raise AssertionError(
            "summary_method must be a string chosen from 'reflection_with_llm' or 'last_msg' or a callable, or None: "
            f"got {method!r}."
        )
    neither = getattr(sender, "client", None) is None and getattr(recipient, "client", None) is None
    if method == "reflection_with_llm" and neither:
        raise AssertionError(
            "llm client must be set in either the recipient or sender when summary_method is reflection_with_llm."
        )
