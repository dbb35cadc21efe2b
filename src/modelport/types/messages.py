"""Messages as callers write them (dicts, text, images), to values and back. No wire format, no I/O.

The common shapes are converted by msgspec in one pass; what it refuses is looked at again, shape by shape, so that
the rarer ones (image URLs, arrays in a list of content, unknown keys) pass and the wrong ones get an error by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal, cast, get_args

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from modelport.errors import InvalidRequest
from modelport.types.complaints import half_character, shown, translate_validation
from modelport.types.content import ImagePart, Message, Part, ReasoningPart, Role, TextPart
from modelport.types.histories import SHORT, _size, written_in

__all__ = ("Messages", "Turn", "is_image", "message_to_dict", "messages_from", "messages_to_dicts")

_MESSAGES = tuple[Message, ...]
_MESSAGE_FIELDS = frozenset(Message.__struct_fields__) - {"extra"}
_ROLES = get_args(Role)
_LONG = 256  # messages; of fewer it takes less to look at the type of each


class Turn(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A message of nothing but text, as most are: what wires decode first, in a third of a :class:`Message`'s time."""

    role: Literal["system", "user", "assistant"]
    content: str


class Messages(Sequence[Message]):
    """A request's messages as their caller gave them, converted when they are first looked at.

    ``given`` is the caller's own list, by reference, for models that want dicts: they get keys that modelport has no
    name for, and do not pay for a conversion that nobody reads. A request whose messages were replaced on the way has
    other messages, and so no stale ``given``. Equal to a tuple of the same messages.

    ``turns`` are the same messages where all of them are nothing but text and came over a wire; then ``given`` is made
    of them when somebody asks.
    """

    __slots__ = ("_given", "_own", "_values", "_written", "turns")

    def __init__(self, given: Sequence[Any] | None, *, own: bool = False, turns: Sequence[Turn] | None = None) -> None:
        self.turns: Sequence[Turn] | None = turns
        self._given = given
        self._values: tuple[Message, ...] | None = None
        self._own = own  # nobody else has this list
        self._written: int | None = -1

    @property
    def given(self) -> Sequence[Any]:
        """The messages as their caller gave them."""
        if self._given is None:
            self._given = _dicts_of(self.turns or ())
        return self._given

    @property
    def length(self) -> int:
        """How many there are; nothing is converted for it."""
        given = self.turns if self._given is None else self._given
        return len(given or ())

    @property
    def written(self) -> int | None:
        """The bytes of UTF-8 said, where that can be told at a glance: in turns of text, or in a long conversation of
        dicts that have text and calls of tools. Else None."""
        if self._written == -1:
            if self.turns is not None:
                self._written = _size("".join([turn.content for turn in self.turns]))
            elif len(self.given) <= SHORT:
                self._written = None
            else:
                self._written = written_in(self.given if self._own else list(self.given))  # type: ignore[arg-type]
        return self._written

    @property
    def values(self) -> tuple[Message, ...]:
        """The messages as a tuple.

        Raises:
            InvalidRequest: a message is wrong; ``param`` says which and where.
        """
        if self._values is None:
            turns = self.turns
            self._values = _convert(self.given) if turns is None else tuple([Message(t.role, t.content) for t in turns])
        return self._values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]

    def __iter__(self) -> Iterator[Message]:
        return iter(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Messages | tuple) and self.values == tuple(other)

    def __hash__(self) -> int:
        return hash(self.values)

    def __repr__(self) -> str:
        return repr(self.values)


def messages_from(given: Any, *, later: bool = False) -> Messages:
    """Messages from a list of dicts or :class:`Message` (or one piece of text, which is a user's turn).

    With *later*, a list is only looked into when a message is asked for.

    Raises:
        InvalidRequest: it is empty, or a message is wrong; ``param`` says which and where.
    """
    if later and given and type(given) is list:  # nearly always
        return Messages(given.copy(), own=True)  # what the caller appends before it is read is not part of this request
    if isinstance(given, Messages):
        return given
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if isinstance(given, Mapping) or not hasattr(given, "__iter__"):
        what = type(given).__name__
        raise InvalidRequest(f"messages must be a list of messages, got {what}", param="messages")
    if not isinstance(given, list | tuple):
        given = list(given)
    if not given:
        raise InvalidRequest("messages is empty: give at least one message", param="messages")
    messages = Messages(given)
    if not later:
        assert messages.values
    return messages


def _convert(given: Sequence[Any]) -> tuple[Message, ...]:
    try:
        return convert(given, _MESSAGES)
    except (ValidationError, UnicodeEncodeError):
        return tuple(_message(item, f"messages[{number}]") for number, item in enumerate(given))


def _message(item: Any, where: str) -> Message:
    if isinstance(item, Message):
        return item
    if not isinstance(item, Mapping):
        if not hasattr(item, "role"):
            what = type(item).__name__
            raise InvalidRequest(f"{where} must be a dict with role and content, got {what}", param=where)
        item = {name: value for name in _MESSAGE_FIELDS if (value := getattr(item, name, None)) is not None}
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in item.items():
        if key == "content":
            known[key] = _content(value, f"{where}.content")
        elif key == "reasoning_content":
            known["reasoning"] = value
        elif value is not None and key != "extra":
            (known if key in _MESSAGE_FIELDS else extra)[key] = value
    known["extra"] = extra or item.get("extra")
    try:
        return convert(known, Message)
    except ValidationError as error:
        role = item.get("role")
        if "role" in item and role not in _ROLES:
            message = f"{where}.role must be one of {', '.join(_ROLES)}, got {shown(role)}"
            raise InvalidRequest(message, param=f"{where}.role") from None
        raise translate_validation(error, where, known) from None
    except UnicodeEncodeError:
        raise half_character(known, where) from None


def _content(value: Any, where: str) -> str | tuple[Part, ...] | None:
    if value is None or isinstance(value, str):
        return value
    if is_image(value):
        return (ImagePart(value),)
    if isinstance(value, list | tuple):
        return tuple(_part(part, f"{where}[{number}]") for number, part in enumerate(value))
    what = type(value).__name__
    raise InvalidRequest(f"{where} must be text, an image or a list of parts, got {what}", param=where)


def _part(part: Any, where: str) -> Part:
    if isinstance(part, str):
        return TextPart(part)
    if isinstance(part, TextPart | ImagePart | ReasoningPart):
        return part
    if is_image(part):
        return ImagePart(part)
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "image_url":
        return _image_url(part, where)
    if kind == "image" and not ({"image", "type", "media_type", "detail"} >= set(part)):
        raise InvalidRequest(f"{where} has unknown keys: an image part has image, media_type, detail", param=where)
    try:
        return cast("Part", convert(part, Part))
    except ValidationError as error:
        if kind in {"text", "image", "reasoning"}:
            raise translate_validation(error, where, part) from None
        came = f"type {kind!r}" if isinstance(part, Mapping) else type(part).__name__
        hint = "text, image_url, image, reasoning, or a Path, NumPy array or PIL image"
        raise InvalidRequest(f"{where} is not a content part: expected {hint}; got {came}", param=where) from None


def _image_url(part: Mapping[str, Any], where: str) -> ImagePart:
    value = part.get("image_url")
    url = value.get("url") if isinstance(value, Mapping) else value
    if not isinstance(url, str):
        raise InvalidRequest(f"{where}.image_url.url must be text, got {type(url).__name__}", param=where)
    return ImagePart(url, detail=value.get("detail") if isinstance(value, Mapping) else None)


def is_image(value: Any) -> bool:
    """By shape, so that neither NumPy nor PIL is imported to look at a message that has no image."""
    return (
        isinstance(value, PurePath | bytes)
        or hasattr(value, "__array_interface__")
        or (hasattr(value, "tobytes") and hasattr(value, "getbands"))
    )


def messages_to_dicts(messages: Sequence[Message], *, plain: bool = False) -> list[Any]:
    """The messages as OpenAI-shaped dicts: the caller's own where they came as dicts, in a list of their own.

    With *plain*, only those of the caller's whose content is text or parts in OpenAI's shape: an image that stands
    bare in a list becomes a part, as it does when it comes over a wire.
    """
    if type(messages) is not Messages:
        return [message_to_dict(message) for message in messages]
    if messages.turns is not None:
        return _dicts_of(messages.turns)
    given = messages.given
    if (plain or len(given) > _LONG) and messages.written is not None:  # all are dicts, and plain
        return list(given)
    for item in given:
        if type(item) is not dict:
            return [message_to_dict(message) for message in messages]
    if plain:
        return [
            item
            if type(content := item.get("content")) is str or _is_plain(content)
            else message_to_dict(messages[number])
            for number, item in enumerate(given)
        ]
    return list(given)


def _dicts_of(turns: Sequence[Turn]) -> list[Any]:
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def _is_plain(content: Any) -> bool:
    if type(content) is list:
        return all(type(part) is dict for part in content)
    return content is None


def message_to_dict(message: Message) -> dict[str, Any]:
    """One message in OpenAI's shape. An image that is not a URL stays what it is: ``{"type": "image", "image": …}``."""
    result: dict[str, Any] = {"role": message.role, "content": message.content}
    if not isinstance(message.content, str | None):
        result["content"] = [_part_to_dict(part) for part in message.content]
    if message.tool_calls:
        result["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.function_call is not None:
        result["function_call"] = asdict(message.function_call)
    for name in ("name", "tool_call_id", "refusal", "reasoning"):
        value = getattr(message, name)
        if value is not None:
            result[name] = value
    return {**result, **message.extra} if message.extra else result


def _part_to_dict(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ReasoningPart):
        return {"type": "reasoning", "text": part.text}
    detail = {} if part.detail is None else {"detail": part.detail}
    if isinstance(part.image, str):
        return {"type": "image_url", "image_url": {"url": part.image, **detail}}
    media_type = {} if part.media_type is None else {"media_type": part.media_type}
    return {"type": "image", "image": part.image, **media_type, **detail}
