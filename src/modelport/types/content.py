"""What a message is made of: parts, tool calls, and the message itself. Values only; knows no wire format."""

from typing import Any, Literal

from msgspec import Struct

__all__ = ("FunctionCall", "ImagePart", "Message", "Part", "ReasoningPart", "Role", "TextPart", "ToolCall")

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


class TextPart(Struct, frozen=True, tag="text", omit_defaults=True, forbid_unknown_fields=True):
    """Text within a message that also has other parts."""

    text: str


class ImagePart(Struct, frozen=True, tag="image", omit_defaults=True, forbid_unknown_fields=True):
    """An image, held by reference as the caller gave it.

    ``image`` is a ``pathlib.Path``, a NumPy array (height × width [× 1, 3 or 4], ``uint8``), a PIL image, ``bytes`` of
    an encoded file, or a ``str`` holding a ``data:`` or ``https:`` URL. ``detail`` is OpenAI's hint: low, high, auto.
    """

    image: Any
    media_type: str | None = None
    detail: str | None = None


class ReasoningPart(Struct, frozen=True, tag="reasoning", omit_defaults=True, forbid_unknown_fields=True):
    """What a model thought before it answered, sent back to it."""

    text: str


Part = TextPart | ImagePart | ReasoningPart


class FunctionCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A function's name, and its arguments as JSON text, exactly as the model wrote them."""

    name: str
    arguments: str


class ToolCall(Struct, frozen=True, forbid_unknown_fields=True):
    """One call of a tool, in OpenAI's shape."""

    id: str
    function: FunctionCall
    type: Literal["function"] = "function"

    @property
    def name(self) -> str:
        """The called function's name."""
        return self.function.name

    @property
    def arguments(self) -> str:
        """The called function's arguments, JSON text."""
        return self.function.arguments


class Message(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One turn of a conversation.

    ``content`` is text, or parts in order, or ``None`` (an assistant that only calls tools). ``reasoning`` is what the
    model thought, apart from what it said. ``function_call`` and the role ``function`` are OpenAI's older form of tool
    calls. ``extra`` keeps whatever else the caller's message had.
    """

    role: Role
    content: str | tuple[Part, ...] | None = None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_call_id: str | None = None
    function_call: FunctionCall | None = None
    refusal: str | None = None
    reasoning: str | None = None
    extra: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """The text of the message: its content, or its text parts joined."""
        content = self.content
        if isinstance(content, str):
            return content
        return "".join(part.text for part in content or () if isinstance(part, TextPart))
