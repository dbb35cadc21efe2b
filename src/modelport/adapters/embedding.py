"""``embed(texts)`` of a user's class: called, and what it gives checked. Knows no wire and no queue."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from modelport.adapters.contract import CAUGHT, broken, came, failure
from modelport.adapters.shape import kind_of, shape_of
from modelport.adapters.streams import awaited
from modelport.errors import NotAModel, UnsupportedField
from modelport.model import WholeAnswer
from modelport.sync import offload
from modelport.types import Event
from modelport.types.embeddings import Embed, embedding_events, embedding_usage

__all__ = ("Embedder",)

_CALL = "embed(self, texts)"
_ASKS = "a vector of finite numbers for each text, all of one length: a list of lists, or an array with a row for each"
_MEND = "return [[0.1, 0.2, …], …], in the order of the texts"
_MOST = 3.4028234e38  # what single precision holds, in which most wires carry vectors
_KNOWN = frozenset({"dimensions"})


class Embedder:
    """The method ``embed`` of *native*, sync or async; it gets ``dimensions`` where it names that."""

    def __init__(self, native: Any) -> None:
        self.where: str = f"{type(native).__name__}.embed()"
        self.kind: str = kind_of(native.embed)
        if self.kind not in {"plain", "coroutine"}:
            raise NotAModel(f"{self.where} yields; the contract asks for {_ASKS}: {_MEND}")
        shape = shape_of(native.embed, self.where, _CALL)
        if shape.required - _KNOWN:
            missing = ", ".join(sorted(shape.required - _KNOWN))
            raise NotAModel(f"{self.where} demands {missing}, which nothing supplies; the contract is {_CALL}")
        self._dimensions: bool = "dimensions" in shape.names or shape.takes_all
        self._call: Any = native.embed

    def answer(self, embed: Embed) -> WholeAnswer:
        """The vectors, as an answer."""
        return WholeAnswer(self._events(embed))

    async def _events(self, embed: Embed) -> list[Event]:
        arguments: dict[str, Any] = {}
        if self._dimensions:
            arguments["dimensions"] = embed.dimensions
        elif embed.dimensions is not None:
            raise UnsupportedField(
                f"dimensions: {self.where} does not take it; leave it out, or name it in the signature",
                param="dimensions",
            )
        texts = list(embed.texts)
        try:
            if self.kind == "coroutine":
                given = await awaited(self._call(texts, **arguments))
            else:
                given = await offload(lambda: self._call(texts, **arguments))
                given = await awaited(given) if hasattr(given, "__await__") else given
        except CAUGHT as error:
            raise failure(self.where, error) from error
        events = await offload(lambda: embedding_events(self._checked(given, embed)))
        return [*events, embedding_usage(texts)]

    def _checked(self, given: Any, embed: Embed) -> Iterator["array[float]"]:
        rows = given.tolist() if hasattr(given, "tolist") else given
        if isinstance(rows, str | bytes) or not isinstance(rows, Sequence):
            raise self._broken(f"returned {came(given)}")
        if len(rows) != len(embed.texts):
            raise self._broken(f"returned {len(rows)} vectors for {len(embed.texts)} texts")
        size: int | None = embed.dimensions
        for number, row in enumerate(rows):
            vector = self._vector(row, number)
            if size is not None and len(vector) != size:
                raise self._broken(
                    f"returned a vector of {len(vector)} numbers (number {number}) where {size} were due"
                )
            size = len(vector)
            yield vector

    def _vector(self, row: Any, number: int) -> "array[float]":
        row = row.tolist() if hasattr(row, "tolist") else row
        if isinstance(row, str | bytes) or not isinstance(row, Sequence) or not row:
            raise self._broken(f"returned {came(row)} as vector number {number}")
        try:
            vector = array("d", row)
        except (TypeError, ValueError, OverflowError):
            raise self._broken(f"returned other than numbers in vector number {number}") from None
        if not all(-_MOST <= value <= _MOST for value in vector):
            raise self._broken(f"returned numbers that are not finite in vector number {number}")
        return vector

    def _broken(self, problem: str) -> Exception:
        return broken(self.where, problem, asks=_ASKS, mend=_MEND)
