"""AgentStudio's messages: a role, and one piece of content. Knows no model."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from modelport.errors import InvalidRequest
from modelport.media import is_array, to_array
from modelport.types import ImagePart, Message as ChatMessage, ReasoningPart, TextPart, message_to_dict

__all__ = ("COMPOSERS", "Message", "MessageList", "intermediate")

COMPOSERS = ("compose_messages", "_format_messages", "format_messages")
"""What AgentStudio has called the method that composes messages, the document's name first."""


class Message(dict[str, Any]):
    """A role and its content (text, a NumPy array or a path): attributes as in AgentStudio, keys as in its document.

    A dict, so ``json.dumps`` writes it where its content is text.
    """

    __slots__ = ()

    role: str
    content: Any

    def __init__(self, role: str, content: Any = None, **others: Any) -> None:
        super().__init__(role=role, content=content, **others)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"this message has no {name!r}, only {', '.join(self)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __repr__(self) -> str:
        return f"Message({', '.join(f'{name}={value!r}' for name, value in self.items())})"


MessageList = list[Message]


def intermediate(messages: Sequence[ChatMessage]) -> list[Message]:
    """The messages as AgentStudio's: several parts of one message become several messages of its role, in order.

    Raises:
        InvalidRequest: an image can be given neither as an array nor as a path.
    """
    result: list[Message] = []
    for number, message in enumerate(messages):
        content = message.content
        if content is None or isinstance(content, str):
            result.append(_message(message, content or ""))
            continue
        for at, part in enumerate(content):
            if isinstance(part, TextPart):
                result.append(_message(message, part.text))
            elif isinstance(part, ImagePart):
                result.append(_message(message, _picture(part.image, f"messages[{number}].content[{at}]")))
            elif isinstance(part, ReasoningPart):
                continue  # AgentStudio's messages have no place for thoughts
    return result


def _message(message: ChatMessage, content: Any) -> Message:
    others = message_to_dict(message)
    del others["role"], others["content"]
    return Message(message.role, content, **others)


def _picture(image: Any, where: str) -> Any:
    if isinstance(image, PurePath) or is_array(image):
        return image
    try:
        return to_array(image)
    except InvalidRequest as error:
        raise InvalidRequest(
            f"{where}: AgentStudio's models take images as NumPy arrays or paths: {error}", param=where
        ) from error
