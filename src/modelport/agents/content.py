"""The text of a message's content. Knows nothing of agents, models or files."""

from collections.abc import Mapping
from typing import Any

from modelport.types.complaints import shown
from modelport.types.messages import is_image

__all__ = ("content_str", "text_of")


def content_str(content: str | list[Any] | None) -> str:
    """The text of a content: itself, its text parts joined with ``<image>`` in place of each image, or ``""`` for None.

    Raises, as AutoGen 0.2 does:
        TypeError: the content is none of the three, or one of its parts is no dict.
        AssertionError: a part has no ``type``.
        ValueError: a part's ``type`` is neither ``text`` nor ``image_url``.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise TypeError(f"content must be None, str, or list, but got {type(content)}")
    return "".join([_part_text(part) for part in content])


def _part_text(part: object) -> str:
    if not isinstance(part, Mapping):
        raise TypeError("Wrong content format: every element should be dict if the content is a list.")
    if "type" not in part:
        raise AssertionError("Wrong content format. Missing 'type' key in content's dict.")
    kind = part["type"]
    if kind == "text":
        text: str = part["text"]
        return text
    if kind == "image_url":
        return "<image>"
    raise ValueError(f"Wrong content format: unknown type {kind} within the content")


def text_of(content: object) -> str:
    """As :func:`content_str`, for all that models here take: text and images may stand bare in a list, an image alone.

    Raises as it does, naming the part.
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list | tuple):
        return "".join([_text_in(part, number) for number, part in enumerate(content)])
    if is_image(content):
        return "<image>"
    raise TypeError(f"content must be None, str, or list, but got {type(content)}")


def _text_in(part: object, number: int) -> str:
    if isinstance(part, str):
        return part
    if is_image(part):
        return "<image>"
    if isinstance(part, Mapping):
        kind = part.get("type")
        if kind == "text" and not isinstance(part.get("text"), str):
            raise TypeError(f"content[{number}].text must be text, got {shown(part.get('text'))}")
        if kind == "reasoning":
            return ""
        if kind == "image":
            return "<image>"
    try:
        return _part_text(part)
    except (TypeError, AssertionError, ValueError) as error:
        raise type(error)(f"{error} It is content[{number}], {shown(part)}.") from None
