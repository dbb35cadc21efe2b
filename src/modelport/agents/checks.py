"""What cannot work in a chat is refused before anything is said. Holds no chats."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelport.errors import AgentError, InvalidMessage
from modelport.types.complaints import shown

__all__ = (
    "check_agent",
    "check_messages",
    "check_options",
    "check_reply",
    "check_summary_method",
    "consolidate_chat_info",
)


def consolidate_chat_info(
    chat_info: Mapping[str, Any] | Sequence[Mapping[str, Any]], uniform_sender: Any = None
) -> None:
    """Refuse chats that cannot be held, before the first begins.

    Raises:
        AssertionError: one has no sender, no recipient, or a summary method that cannot work.
    """
    given: Any = chat_info
    if not isinstance(given, Mapping | list | tuple):
        raise AgentError(f"chats are given as a list of dicts, got {shown(given)}", param="chat_queue")
    for number, chat in enumerate([given] if isinstance(given, Mapping) else given):
        if not isinstance(chat, Mapping):
            raise AgentError(f"chat {number} of the queue must be a dict, got {shown(chat)}", param="chat_queue")
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
    if method is not None and not callable(method) and method not in ("last_msg", "reflection_with_llm"):
        raise AssertionError(
            "summary_method must be a string chosen from 'reflection_with_llm' or 'last_msg' or a callable, or None: "
            f"got {method!r}."
        )
    neither = getattr(sender, "client", None) is None and getattr(recipient, "client", None) is None
    if method == "reflection_with_llm" and neither:
        raise AssertionError(
            "llm client must be set in either the recipient or sender when summary_method is reflection_with_llm."
        )


def check_options(agent: str, **options: Any) -> None:
    """Refuse what an agent called *agent* cannot work with; None is always well.

    Raises:
        AgentError: naming the agent, the option, what is expected and what came.
    """
    for option, value in options.items():
        expected, fits = _OPTIONS[option]
        if value is not None and not fits(value):
            raise AgentError(f"{option} of agent {agent!r} must be {expected}, got {shown(value)}", param=option)
        if option == "function_map":
            for name, function in (value or {}).items():
                if not callable(function):
                    raise AgentError(
                        f"function_map[{name!r}] of agent {agent!r} must be a function, got {shown(function)}",
                        param=option,
                    )


_OPTIONS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "function_map": ("a dict of functions by name", lambda value: isinstance(value, Mapping)),
    "chat_messages": ("a dict of lists of messages by agent", lambda value: isinstance(value, Mapping)),
    "is_termination_msg": ("a function of a message", callable),
    "max_consecutive_auto_reply": ("a number", lambda value: isinstance(value, int | float)),
    "default_auto_reply": ("text, a dict or None", lambda value: isinstance(value, str | Mapping)),
    "stream": ("True, False or a function of a Chunk", lambda value: isinstance(value, bool) or callable(value)),
}


def check_agent(agent: str, field: str, value: Any) -> None:
    """Refuse a *value* of *field*, given to the agent called *agent*, that is no agent.

    Raises:
        AgentError: naming what came, and what to do.
    """
    if isinstance(value, type) or not (hasattr(value, "name") and hasattr(value, "receive")):
        raise AgentError(
            f"{field}, given to agent {agent!r}, must be an agent (not its name, nor its class), got {shown(value)}",
            param=field,
        )


def check_messages(agent: str, messages: Any) -> None:
    """Refuse *messages* that the agent called *agent* cannot reply to.

    Raises:
        InvalidMessage: naming what came, and what to do.
    """
    odd = messages if not isinstance(messages, list | tuple) else messages[-1] if messages else None
    if odd is not None and (odd is messages or not isinstance(odd, Mapping)):
        raise InvalidMessage(
            f"messages that agent {agent!r} replies to must be a list of dicts, such as "
            f'[{{"role": "user", "content": "hello"}}]; got {"" if odd is messages else "a list that ends with "}'
            f"{shown(odd)}",
            param="messages",
        )


def check_reply(agent: str, function: Any, said: Any) -> tuple[Any, Any]:
    """What a reply function gave, as ``(final, reply)``.

    Raises:
        AgentError: it is no pair.
    """
    if isinstance(said, str | Mapping) or not isinstance(said, Sequence) or len(said) != 2:
        name = getattr(function, "__qualname__", function)
        raise AgentError(
            f"the reply function {name} of agent {agent!r} must return (final, reply), a bool and a message or None; "
            f"got {shown(said)}",
            param="reply_func",
        )
    final, reply = said
    return final, reply
