"""Texts to be embedded, and their vectors, as a request and the events that answer it.

So they go wherever requests and events go: into threads and worker processes, past queues and deadlines, and are
cancelled like any answer. Each text is a message, each vector the text of the choice of the same number.
"""

from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Sequence

from modelport.errors import ContractBroken, InvalidRequest
from modelport.types.content import Message
from modelport.types.events import Event, TextDelta, Usage
from modelport.types.request import ChatRequest

__all__ = ("EMBED", "Embed", "embed_in", "embedding_events", "embedding_request", "embedding_usage", "vectors_from")

EMBED = "modelport.embed"
"""The name among a request's ``extra`` that makes it one for vectors. Its value is how many dimensions, or 0."""


class Embed:
    """What a model is asked to embed: ``texts``, as vectors of so many ``dimensions`` (None: as many as it has)."""

    __slots__ = ("dimensions", "texts")

    def __init__(self, texts: Sequence[str], dimensions: int | None = None) -> None:
        self.texts: tuple[str, ...] = tuple(texts)
        self.dimensions: int | None = dimensions


def embedding_request(embed: Embed, model: str | None = None) -> ChatRequest:
    """*embed* as a request."""
    messages = tuple([Message("user", text) for text in embed.texts])
    return ChatRequest(messages=messages, model=model, extra={EMBED: embed.dimensions or 0})


def embed_in(request: ChatRequest) -> Embed | None:
    """What *request* asks to be embedded; None where it asks for an answer, as nearly all do.

    Raises:
        InvalidRequest: it says how many dimensions in other than a number.
    """
    extra = request.extra
    if not extra or EMBED not in extra:
        return None
    size = extra[EMBED]
    if type(size) is not int or size < 0:
        raise InvalidRequest(f"{EMBED} must be a number of dimensions, or 0", param=EMBED)
    return Embed([message.text for message in request.messages], size or None)


def embedding_events(vectors: Iterable["array[float]"]) -> list[Event]:
    """The answer that *vectors*, of double precision, are."""
    return [
        TextDelta(b2a_base64(vector.tobytes(), newline=False).decode(), number) for number, vector in enumerate(vectors)
    ]


def embedding_usage(texts: Sequence[str]) -> Usage:
    """About what *texts* take: a token for every four bytes."""
    return Usage(sum((len(text.encode("utf-8", "replace")) + 3) // 4 for text in texts), 0, estimated=True)


def vectors_from(events: Iterable[Event], count: int) -> list["array[float]"]:
    """The *count* vectors of such an answer, in the order of their texts.

    Raises:
        ContractBroken: the answer is none of vectors.
    """
    vectors: dict[int, array[float]] = {}
    try:
        for event in events:
            if isinstance(event, TextDelta):
                vectors[event.choice] = array("d", a2b_base64(event.text, strict_mode=True))
        return [vectors[number] for number in range(count)]
    except (ValueError, KeyError):
        raise ContractBroken(f"the model was asked for {count} vectors and answered with something else") from None
