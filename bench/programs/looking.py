"""A model that looks at pictures, for either server: how many there are, and proof that the last one arrived."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ("answer", "digest", "expected", "look", "pictures")


def pictures(content: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays in a message's content, however they are wrapped."""
    if isinstance(content, np.ndarray):
        yield content
    elif isinstance(content, dict):
        yield from pictures(list(content.values()))
    elif isinstance(content, list | tuple):
        for part in content:
            yield from pictures(part)


def digest(picture: np.ndarray[Any, Any]) -> str:
    """Changes with every bit of the pixels, the shape and the type."""
    about = f"{picture.shape} {picture.dtype.str} ".encode()
    return hashlib.sha256(about + np.ascontiguousarray(picture).tobytes()).hexdigest()


def answer(contents: list[Any]) -> str:
    """Of all the messages' contents. The digest is made where the text asks for it: it costs as much as sending."""
    seen = list(pictures(contents))
    texts = [text for text in _texts(contents) if text]
    whole = bool(texts) and texts[-1].startswith("digest")
    return expected(seen, whole=whole)


def expected(seen: list[np.ndarray[Any, Any]], *, whole: bool) -> str:
    """What the answer must be for these pictures."""
    last = seen[-1] if seen else None
    proof = None if last is None else digest(last) if whole else int(last[::97, ::89].astype(np.int64).sum())
    return json.dumps({"pictures": len(seen), "proof": proof})


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        yield from _texts(content.get("content", content.get("text")))
    elif isinstance(content, list | tuple):
        for part in content:
            yield from _texts(part)


def look(messages: list[dict[str, Any]], **_: Any) -> str:
    """The same as a model in modelport's terms: a function that blocks, as most people's are."""
    return answer([message["content"] for message in messages])
