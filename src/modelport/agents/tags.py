"""Tags in a message's text, such as ``<img https://…>``. Knows no tag's meaning."""

import re
from typing import Any

__all__ = ("parse_tags_from_content",)

_BEGINS_QUOTED = ("'", '"')


def parse_tags_from_content(tag: str, content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each ``<tag …>`` in a text, or in the text parts of a list, in order: ``{"tag", "attr", "match"}``.

    ``attr`` has what was written ``name="value"``; whatever stands there by itself is its ``src``. ``match`` is the
    ``re.Match``.

    Raises:
        ValueError: *content* is neither text nor a list.
    """
    if isinstance(content, str):
        texts = [content]
    elif isinstance(content, list):
        texts = [part["text"] for part in content if part.get("type") == "text"]
    else:
        raise ValueError(f"content must be str or list, but got {type(content)}")
    pattern = re.compile(f"<{re.escape(tag)} (.*?)>")
    return [
        {"tag": tag, "attr": _attributes(match[1].strip()), "match": match}
        for text in texts
        for match in pattern.finditer(text)
    ]


def _attributes(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in _pieces(written):
        name, equals, value = piece.partition("=")
        if equals and value.startswith(_BEGINS_QUOTED):
            found[name] = value[1:-1]
        else:
            found["src"] = f"{found['src']} {piece}" if "src" in found else piece
    return found


def _pieces(written: str) -> list[str]:
    """What is between spaces; a space before the next quoted value belongs to the piece that it is in."""
    pieces: list[str] = []
    for word in written.split(" "):
        _, equals, value = word.partition("=")
        if not word:
            continue
        if not pieces or (equals and value.startswith(_BEGINS_QUOTED)):
            pieces.append(word)
        else:
            pieces[-1] += f" {word}"
    return pieces
