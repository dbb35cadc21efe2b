"""What one chat leaves to the next: carryover, and the message that a chat begins with. Knows no agents."""

from collections.abc import Mapping
from typing import Any

from modelport.errors import InvalidCarryOverType

__all__ = ("carryover_text", "with_carryover")

_HEADING = "\nContext: \n"


def carryover_text(item: Any) -> str:
    """One thing that is carried over, as text: itself, or the content of a message.

    Raises:
        InvalidCarryOverType: it is nested too deeply to be text.
    """
    if isinstance(item, str):
        return item
    if isinstance(item, dict) and "content" in item:
        return str(item["content"])
    try:
        return str(item)
    except RecursionError as error:
        raise InvalidCarryOverType(
            f"Carryover should be a string or a list of strings: got a {type(item).__name__} that is nested too deeply."
        ) from error


def with_carryover(message: Any, options: Mapping[str, Any]) -> Any:
    """*message*, text or a dict, with what ``options["carryover"]`` brings (text, or a list) at its end.

    Raises:
        InvalidCarryOverType: the message or the carryover is of another type.
    """
    carryover = options.get("carryover")
    if not carryover:
        return message
    if isinstance(message, str):
        return message + _joined(carryover)
    if not isinstance(message, dict):
        raise InvalidCarryOverType(
            f"Carryover should be a string or a list of strings, and the message that takes it text or a dict: "
            f"got {type(message).__name__}."
        )
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": content + _joined(carryover)}
    if isinstance(content, list):
        return {**message, "content": [{"type": "text", "text": _joined(carryover)}, *content]}
    return message


def _joined(carryover: Any) -> str:
    if isinstance(carryover, str):
        return _HEADING + carryover
    if isinstance(carryover, list):
        return _HEADING + "\n".join(carryover_text(each) for each in carryover)
    raise InvalidCarryOverType(
        "Carryover should be a string or a list of strings. Not adding carryover to the message: "
        f"got {type(carryover).__name__}."
    )
