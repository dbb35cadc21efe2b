"""What was said in a group chat, in the forms it is kept in, made into messages that the chat can go on from.

Knows no agent: only their names.
"""

import json
from collections.abc import Callable, Collection
from typing import Any

from modelport.agents.turns import Turn
from modelport.errors import InvalidGroupChat, UndefinedNextAgent

__all__ = ("check_names", "from_string", "messages_to_resume", "without_termination")

Message = dict[str, Any]


def from_string(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        InvalidGroupChat: it is not JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidGroupChat(f"Messages string is not a valid JSON string: {error}", param="messages") from error


def messages_to_resume(given: Any, manager: str) -> list[Message]:
    """*given* as the messages of a group, in dicts of their own, each with ``name``, ``role`` and ``content``.

    *given* is a list of messages, or of turns (of a chat's result or a journal), from which those are taken that were
    said to *manager*, the manager's name. A message without a name is the manager's.

    Raises:
        InvalidGroupChat: it is something else, or empty.
    """
    if not isinstance(given, list | tuple):
        raise InvalidGroupChat(
            f"Messages is not of type str or List[Dict]: it is a {type(given).__name__}", param="messages"
        )
    messages = [_said(each, manager) if isinstance(each, Turn) else each for each in given]
    odd = next((each for each in messages if each is not None and not isinstance(each, dict)), None)
    if odd is not None:
        raise InvalidGroupChat(
            f"Messages is not of type str or List[Dict]: one of them is a {type(odd).__name__}", param="messages"
        )
    rebuilt = [_rebuilt(each) for each in messages if each is not None]
    if not rebuilt:
        raise InvalidGroupChat(
            "Cannot resume group chat as no messages were provided. Use GroupChatManager.run_chat or "
            "ConversableAgent.initiate_chat to start a new chat.",
            param="messages",
        )
    return [{**each, **_missing(each, manager)} for each in rebuilt]


def _said(turn: Turn, manager: str) -> Message | None:
    """The message of *turn* as the manager heard it; None where it is not one of the group's."""
    if turn.recipient != manager or turn.sender == manager:
        return None
    message = {**turn.message, "name": turn.sender}
    if message.get("role") not in {"tool", "function"} and not _calls(message):
        message["role"] = "user"  # in the speaker's own history it is the assistant's
    return message


def _calls(message: Message) -> bool:
    return bool(message.get("tool_calls") or message.get("function_call"))


def _missing(message: Message, manager: str) -> Message:
    usual = {"name": manager, "role": "assistant" if _calls(message) else "user", "content": None}
    return {key: value for key, value in usual.items() if key not in message}


def _rebuilt(value: Any) -> Any:
    """Dicts and lists anew, so that the caller's stay as they are; what is in them by reference."""
    if isinstance(value, dict):
        return {key: _rebuilt(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rebuilt(each) for each in value]
    return value


def check_names(messages: list[Message], known: Collection[str]) -> None:
    """Refuse messages of somebody who is not *known*.

    Raises:
        UndefinedNextAgent: naming them, and who is known.
    """
    for message in messages:
        name = message["name"]
        if name and name not in known:
            raise UndefinedNextAgent(
                f"Agent name in message doesn't exist as agent in group chat: {name}; known are {sorted(known)}",
                param="messages",
            )


def without_termination(message: Message, remove: str | Callable[[str], str] | None) -> None:
    """Take out of *message*'s text what would end the chat at once: the word *remove*, or what a function leaves."""
    content = message.get("content")
    if remove is None or not isinstance(content, str) or not content:
        return
    message["content"] = content.replace(remove, "") if isinstance(remove, str) else remove(content)
