"""Vectors of texts from the models of a client, in order of preference. Knows no wire."""

from collections.abc import Sequence
from typing import Any

from modelport.client.slots import Slot
from modelport.config.assembly import assemble_for_vectors
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import ChatRequest, ChatResponse, unfold
from modelport.types.complaints import shown
from modelport.types.embeddings import Embed, embedding_request, vectors_from
from modelport.wrappers.fallback import Fallback
from modelport.wrappers.metering import Record

__all__ = ("embedding_asked", "embedding_chain", "lists_from")


def embedding_asked(texts: Any, dimensions: Any) -> ChatRequest:
    """The request for a vector of each of *texts*.

    Raises:
        InvalidRequest: they are no texts, or one is empty; names which.
    """
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, Sequence) or isinstance(texts, bytes):
        raise InvalidRequest(f"texts must be a list of texts, or one text, got {shown(texts)}", param="texts")
    if not texts:
        raise InvalidRequest("texts is empty: give at least one text", param="texts")
    for number, text in enumerate(texts):
        if not isinstance(text, str) or not text:
            came = "an empty one" if text == "" else shown(text)
            raise InvalidRequest(f"texts[{number}] must be a text, got {came}", param=f"texts[{number}]")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise InvalidRequest(
            f"dimensions must be a whole number, 1 or more, got {shown(dimensions)}", param="dimensions"
        )
    return embedding_request(Embed(texts, dimensions))


def embedding_chain(slots: Sequence[Slot], record: Record, on: Any) -> Fallback:
    """The models that give vectors, or may (one that is far away knows it only when asked).

    Raises:
        UnsupportedField: there is none.
    """
    models = [
        (slot.label, assemble_for_vectors(slot.entry, slot.bare, record=record, limits=slot.limits))
        for slot in slots
        if slot.bare is not None and getattr(slot.bare, "embeds", False) is not False
    ]
    if not models:
        named = ", ".join(slot.label for slot in slots)
        raise UnsupportedField(
            f"texts: none of the models gives vectors ({named}); give one's class embed(self, texts)", param="texts"
        )
    return Fallback(models, on=on)


def lists_from(response: ChatResponse, request: ChatRequest) -> list[list[float]]:
    """The vectors of an answer, in the order of their texts."""
    return [list(vector) for vector in vectors_from(unfold(response), len(request.messages))]
