"""Ollama's ``/api/embeddings``, both directions: the vector of one text. Source: https://docs.ollama.com/api

Older than ``/api/embed``, and asked by older clients; it tells no counts of tokens.
"""

import time
from array import array
from typing import Any

import msgspec
from msgspec import Struct

from modelport.dialects._fates import decoded
from modelport.dialects._ollama_asking import OllamaAsked, check_keep_alive
from modelport.dialects.base import Asked
from modelport.dialects.ollama_embed import OllamaEmbed, refuse_options
from modelport.errors import InvalidRequest, ProtocolError, UnsupportedField
from modelport.types import ChatRequest, ChatResponse, fold, unfold
from modelport.types.embeddings import Embed, embed_in, embedding_events, embedding_request, vectors_from

__all__ = ("DIALECT", "FATES", "OllamaEmbeddings")

FATES: dict[str, str] = {
    "model": "honoured: a served model that has `embed`; absent, or `default`: the first",
    "prompt": "honoured: the text; not empty",
    "keep_alive": "honoured: advice, which changes no answer: models stay loaded in any case; `0` is refused",
    "options": "rejected: a model that embeds takes none",
}
"""Every field of the published request. Any other is rejected by name."""


class _Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    prompt: str
    model: str | None = None
    keep_alive: str | float | None = None
    options: dict[str, Any] | None = None


class _Answer(Struct, frozen=True):
    embedding: list[float]


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


class OllamaEmbeddings(OllamaEmbed):
    """The dialect as an object. Errors, and that there are no streams, are as in the newer wire."""

    name: str = "ollama_embeddings"
    path: str = "/api/embeddings"

    def decode_request(self, body: bytes) -> Asked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        given: _Request = decoded(_decode_request, body, FATES)
        check_keep_alive(given.keep_alive)
        refuse_options(given.options, FATES)
        if not given.prompt:
            raise InvalidRequest("prompt is empty: there is nothing to embed", param="prompt")
        model = None if given.model is None else given.model.removesuffix(":latest")
        return OllamaAsked(request=embedding_request(Embed([given.prompt]), model), began=time.perf_counter_ns())

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:  # noqa: ARG002  (the same for all)
        """The body that carries the vector."""
        [vector] = vectors_from(unfold(response), 1)
        return msgspec.json.encode({"embedding": list(vector)})

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks for a vector. Raises ``UnsupportedField`` where *request* asks for anything else."""
        embed = embed_in(request)
        if embed is None or stream or len(embed.texts) != 1 or embed.dimensions is not None:
            raise UnsupportedField("Ollama's older embeddings give the vector of one text", param="messages")
        return msgspec.json.encode({"prompt": embed.texts[0]} | ({"model": request.model} if request.model else {}))

    def decode_response(self, body: bytes) -> ChatResponse:
        """An answer of one vector. Raises ``ProtocolError`` where it is none."""
        try:
            answer = _decode_answer(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"the answer is no vector: {error}") from None
        return fold(embedding_events([array("d", answer.embedding)]))


DIALECT: OllamaEmbeddings = OllamaEmbeddings()
