"""What a transcript shows of each turn, before it is text or HTML. Knows neither terminals nor browsers."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from modelport.agents.turns import Turn

__all__ = ("Call", "Image", "Piece", "Result", "Text", "View", "views")

# Pictures that a browser only draws. An SVG is a document and may do more.
_PICTURE = re.compile(r"data:(image/(?:png|jpeg|gif|webp|bmp|avif));base64,([A-Za-z0-9+/]+)={0,2}", re.IGNORECASE)
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,]{0,200},", re.IGNORECASE)
_LONGEST_ADDRESS = 120
_LONGEST_NAME = 80


class Text(Struct, frozen=True):
    """What was said."""

    text: str


class Call(Struct, frozen=True):
    """A tool that was called; *arguments* are JSON for people, or as the model wrote them where that is no JSON."""

    name: str
    arguments: str


class Result(Struct, frozen=True):
    """What a tool gave; *name* is the tool, or the call's id where that is all that is known."""

    name: str
    text: str


class Image(Struct, frozen=True):
    """A picture: what it is, in words, and its data URL where it may be shown."""

    caption: str
    url: str | None = None


Piece = Text | Call | Result | Image


class View(Struct, frozen=True, kw_only=True):
    """A turn and what it consists of."""

    turn: Turn
    sender: str  # names on one line, not too long
    recipient: str
    pieces: tuple[Piece, ...]


def views(turns: Iterable[Turn], *, longest: int | None = None) -> list[View]:
    """What to show of *turns*, without those that only relay another's words; texts cut to *longest* characters."""
    tools: dict[str, str] = {}  # by the id of the call
    shown: list[View] = []
    for turn in turns:
        if turn.relayed:
            continue
        pieces = tuple(_cut(piece, longest) for piece in _pieces(turn.message, tools))
        shown.append(View(turn=turn, sender=_name(turn.sender), recipient=_name(turn.recipient), pieces=pieces))
    return shown


def _pieces(message: Mapping[str, Any], tools: dict[str, str]) -> list[Piece]:
    pieces: list[Piece] = []
    responses = _dicts(message.get("tool_responses"))
    if responses:  # the content repeats them
        pieces += [_result(each, tools) for each in responses]
    elif message.get("role") in {"tool", "function"}:
        pieces.append(_result(message, tools))
    else:
        pieces += _content(message.get("content"))
    for call in _dicts(message.get("tool_calls")):
        made = _call(call.get("function"))
        tools[str(call.get("id"))] = made.name
        pieces.append(made)
    if message.get("function_call"):
        pieces.append(_call(message["function_call"]))
    return pieces


def _content(content: object) -> list[Text | Image]:
    if content is None or (isinstance(content, str) and not content):
        return []
    if isinstance(content, list | tuple):
        return [_part(part) for part in content]
    pictured = any(hasattr(content, name) for name in ("parts", "shape", "size"))
    return [_part(content) if pictured or isinstance(content, str) else Text(text=str(content))]


def _part(part: object) -> Text | Image:
    if isinstance(part, str):
        return Text(text=part)
    if not isinstance(part, Mapping):
        return Image(caption=_kind(part))
    kind = part.get("type")
    if kind == "text" and isinstance(part.get("text"), str):
        return Text(text=part["text"])
    if kind == "image_url":
        given = part.get("image_url")
        return _image(given.get("url") if isinstance(given, Mapping) else given)
    if kind == "image" and "image" in part:
        return _image(part["image"])
    return Text(text=f"[{kind or 'part without a type'}: {_size(len(str(part)))}]")


def _kind(thing: object) -> str:
    """What a path, an array or a picture in memory is called: none is opened here."""
    if hasattr(thing, "parts"):
        return f"{type(thing).__name__} {_short(str(thing))}"
    shape = getattr(thing, "shape", None) or getattr(thing, "size", None)
    size = f" {' × '.join(map(str, shape))}" if isinstance(shape, tuple) else ""
    return f"{type(thing).__name__}{size}"


def _image(url: object) -> Image:
    if not isinstance(url, str):
        return Image(caption=_kind(url))
    picture = _PICTURE.fullmatch(url)
    if picture is not None:
        return Image(caption=f"{picture[1].lower()}, {_size(len(picture[2]) * 3 // 4)}", url=url)
    data = _DATA_URL.match(url)
    if data is not None:
        return Image(caption=f"{data[1] or 'data'}, {_size(len(url[data.end() :].rstrip('=')) * 3 // 4)}")
    return Image(caption=f"image at {_short(url)}")


def _call(function: object) -> Call:
    if not isinstance(function, Mapping):
        return Call(name="?", arguments=str(function))
    return Call(name=_name(function.get("name") or "?"), arguments=_arguments(function.get("arguments")))


def _arguments(given: object) -> str:
    if given is None or given == "":
        return ""
    import json

    try:
        value = json.loads(given) if isinstance(given, str) else given
        return json.dumps(value, ensure_ascii=False, indent=2 if len(str(given)) > _LONGEST_NAME else None)
    except (TypeError, ValueError, RecursionError):
        return str(given)


def _result(message: Mapping[str, Any], tools: Mapping[str, str]) -> Result:
    number = str(message.get("tool_call_id") or "")
    name = message.get("name") if message.get("role") == "function" else tools.get(number)
    lines = [part.text if isinstance(part, Text) else f"[{part.caption}]" for part in _content(message.get("content"))]
    return Result(name=_name(name or number or "?"), text="\n".join(lines))


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def _cut(piece: Piece, longest: int | None) -> Piece:
    if longest is None:
        return piece
    if isinstance(piece, Text):
        return Text(text=_shortened(piece.text, longest))
    if isinstance(piece, Call):
        return Call(name=piece.name, arguments=_shortened(piece.arguments, longest))
    if isinstance(piece, Result):
        return Result(name=piece.name, text=_shortened(piece.text, longest))
    return piece


def _shortened(text: str, longest: int) -> str:
    left = len(text) - longest
    return text if left <= 0 else f"{text[:longest]}… ({left:,} more characters)"


def _name(name: object) -> str:
    line = " ".join(str(name).split())
    return line if len(line) <= _LONGEST_NAME else f"{line[:_LONGEST_NAME]}…"


def _short(address: str) -> str:
    line = " ".join(address.split())
    return line if len(line) <= _LONGEST_ADDRESS else f"{line[:_LONGEST_ADDRESS]}…"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"
