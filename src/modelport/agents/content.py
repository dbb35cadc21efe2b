"""The text of a message's content. Knows nothing of agents, models or files."""

from collections.abc import Mapping
from typing import Any

__all__ = ("content_str",)


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
