"""Ollama's ``/api/embed``, both directions: vectors of texts. Source: https://docs.ollama.com/api/embed

A request's texts are its messages, and the vectors its choices (see ``types.embeddings``).
"""

import time
from array import array
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from modelport.dialects import _ollama_answers as answers
from modelport.dialects._fates import Fates, decoded, note_of
from modelport.dialects._ollama_asking import OllamaAsked, check_keep_alive
from modelport.dialects.base import Asked, VectorsComeWhole
from modelport.errors import InvalidRequest, ModelportError, ProtocolError, RequestTooLarge, UnsupportedField
from modelport.types import ChatRequest, ChatResponse, Started, Usage, fold, unfold
from modelport.types.embeddings import Embed, embed_in, embedding_events, embedding_request, vectors_from

__all__ = ("DIALECT", "FATES", "MOST_TEXTS", "OllamaEmbed", "refuse_options")

MOST_TEXTS = 2048  # in one request

FATES: dict[str, str] = {
    "model": "honoured: a served model that has `embed`; absent, or `default`: the first",
    "input": "honoured: text, or a list of at most 2048, none empty",
    "dimensions": "honoured: refused where `embed` does not name it",
    "keep_alive": "honoured: advice, which changes no answer: models stay loaded in any case; `0` is refused",
    "truncate": "rejected: whether long texts are cut is the model's own affair",
    "options": "rejected: a model that embeds takes none",
}
"""Every field of the published request. Any other is rejected by name."""


class _Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    input: str | list[str]
    model: str | None = None
    dimensions: Annotated[int, Meta(ge=0, le=65536)] | None = None
    keep_alive: str | float | None = None
    truncate: bool | None = None
    options: dict[str, Any] | None = None


class _Facts(Struct, frozen=True):
    usage_estimated: bool = False


class _Answer(Struct, frozen=True):
    embeddings: list[list[float]]
    model: str = ""
    prompt_eval_count: int | None = None
    modelport: _Facts = _Facts()


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


class OllamaEmbed(VectorsComeWhole):
    """The dialect as an object."""

    name: str = "ollama_embed"
    path: str = "/api/embed"
    request_type: str = "application/json"
    response_type: str = "application/json; charset=utf-8"
    stream_type: str = "application/json; charset=utf-8"

    def decode_request(self, body: bytes) -> Asked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        given: _Request = decoded(_decode_request, body, FATES)
        check_keep_alive(given.keep_alive)
        refuse_options(given.options, FATES)
        if given.truncate is not None:
            raise UnsupportedField(f"truncate: {note_of(FATES, 'truncate')}; leave it out", param="truncate")
        model = None if given.model is None else given.model.removesuffix(":latest")
        embed = Embed(_texts(given.input), given.dimensions or None)
        return OllamaAsked(request=embedding_request(embed, model), began=time.perf_counter_ns())

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body that carries the vectors, one for each text."""
        vectors = vectors_from(unfold(response), len(asked.request.messages))
        usage = response.usage or Usage(0, 0, estimated=True)
        answer: dict[str, Any] = {
            "model": response.model,
            "embeddings": [list(vector) for vector in vectors],
            "total_duration": time.perf_counter_ns() - getattr(asked, "began", 0),
            "prompt_eval_count": usage.prompt_tokens or 0,
        }
        return msgspec.json.encode({**answer, "modelport": {"usage_estimated": True}} if usage.estimated else answer)

    def encode_error(self, error: ModelportError) -> bytes:
        """The body of an answer that is an error."""
        return answers.encode_error(error)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks for vectors. Raises ``UnsupportedField`` where *request* asks for anything else."""
        embed = embed_in(request)
        if embed is None or stream:
            raise UnsupportedField("Ollama's embed gives vectors of texts: no messages are answered", param="messages")
        body = {"model": request.model, "input": embed.texts, "dimensions": embed.dimensions}
        return msgspec.json.encode({name: value for name, value in body.items() if value is not None})

    def decode_response(self, body: bytes) -> ChatResponse:
        """An answer of vectors. Raises ``ProtocolError`` where it is none."""
        try:
            answer = _decode_answer(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"the answer is no list of vectors: {error}") from None
        events = embedding_events([array("d", vector) for vector in answer.embeddings])
        count, estimated = answer.prompt_eval_count, answer.modelport.usage_estimated
        usage = [] if count is None else [Usage(count, 0, estimated=estimated)]
        return fold([Started(answer.model), *events, *usage])

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer of *status* carries."""
        return answers.decode_error(status, body, headers)


DIALECT: OllamaEmbed = OllamaEmbed()


def refuse_options(options: dict[str, Any] | None, fates: Fates) -> None:
    """Refuse the first of *options* that asks for something."""
    for name in [name for name, value in (options or {}).items() if value is not None]:
        where = f"options.{name}"[:200]
        raise UnsupportedField(f"{where}: {note_of(fates, 'options')}; leave it out", param=where)


def _texts(given: str | list[str]) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not texts:
        raise InvalidRequest("input is empty: give at least one text", param="input")
    for at, text in enumerate(texts):
        if not text:
            where = "input" if isinstance(given, str) else f"input[{at}]"
            raise InvalidRequest(f"{where} is empty: there is nothing to embed", param=where)
    if len(texts) > MOST_TEXTS:
        raise RequestTooLarge(f"input has {len(texts)} texts; at most {MOST_TEXTS} are taken", param="input")
    return texts
