"""OpenAI's embeddings, both directions. Source: https://platform.openai.com/docs/api-reference/embeddings

A request's texts are its messages, and the vectors its choices (see ``types.embeddings``), so that they take the same
way as all else that is asked.
"""

import sys
from array import array
from binascii import a2b_base64, b2a_base64
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from modelport.dialects._fates import decoded
from modelport.dialects.base import Asked, VectorsComeWhole
from modelport.dialects.openai_chat.answers import Facts, WireUsage, facts_to_dict, usage_from
from modelport.dialects.openai_chat.failures import OpenAIErrors
from modelport.errors import InvalidRequest, ProtocolError, RequestTooLarge, UnsupportedField
from modelport.types import ChatRequest, ChatResponse, Started, Usage, fold, unfold
from modelport.types.embeddings import Embed, embed_in, embedding_events, embedding_request, vectors_from

__all__ = ("DIALECT", "FATES", "MOST_TEXTS", "EmbeddingsAsked", "OpenAIEmbeddings")

MOST_TEXTS = 2048  # in one request, as at OpenAI

FATES: dict[str, str] = {
    "input": "honoured: text, or a list of at most 2048, none empty; tokens are refused",
    "model": "honoured: a served model that has `embed`; absent, or `default`: the first",
    "encoding_format": "honoured: `float`, or `base64`: single precision, little endian",
    "dimensions": "honoured: refused where `embed` does not name it",
    "user": "honoured: advice, which changes no answer: it is for OpenAI's own records",
    "timeout": "honoured: ours, not OpenAI's: seconds for this answer",
}
"""Every field of the published request, and ours. Any other is rejected by name."""

_TOKENS = "input: tokens are refused, since whose tokens they are is not told; send texts"


class _Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    input: str | list[str | int | list[int]]
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=65536)] | None = None
    user: str | None = None  # for OpenAI's own records; changes no vector
    timeout: Annotated[float, Meta(gt=0)] | None = None  # seconds; ours, not OpenAI's


class EmbeddingsAsked(Asked, frozen=True, kw_only=True):
    """``base64``: the vectors are to come in single precision and base64, not as numbers."""

    base64: bool = False


class _Item(Struct, frozen=True):
    embedding: list[float] | str
    index: int = 0


class _Answer(Struct, frozen=True):
    data: list[_Item]
    model: str = ""
    usage: WireUsage | None = None
    modelport: Facts = Facts()


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


class OpenAIEmbeddings(VectorsComeWhole, OpenAIErrors):
    """The dialect as an object. Its requests hold what to embed (see ``types.embeddings``), its answers vectors."""

    name: str = "openai_embeddings"
    path: str = "/v1/embeddings"
    stream_type: str = "application/json"

    def decode_request(self, body: bytes) -> EmbeddingsAsked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        given = decoded(_decode_request, body, FATES)
        embed = Embed(_texts(given.input), given.dimensions)
        return EmbeddingsAsked(
            request=embedding_request(embed, given.model),
            base64=given.encoding_format == "base64",
            timeout=given.timeout,
        )

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body that carries the vectors, one for each text."""
        vectors = vectors_from(unfold(response), len(asked.request.messages))
        form: Any = _packed if getattr(asked, "base64", False) else list
        data = [{"object": "embedding", "index": at, "embedding": form(one)} for at, one in enumerate(vectors)]
        usage = response.usage or Usage(0, 0, estimated=True)
        counted = {"prompt_tokens": usage.prompt_tokens or 0, "total_tokens": usage.total or 0}
        answer: dict[str, Any] = {"object": "list", "data": data, "model": response.model, "usage": counted}
        facts = facts_to_dict(response.emulated, response.cached, usage)
        return msgspec.json.encode({**answer, "modelport": facts} if facts else answer)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks for vectors. Raises ``UnsupportedField`` where *request* asks for anything else."""
        embed = embed_in(request)
        if embed is None or stream:
            raise UnsupportedField(
                "OpenAI's embeddings are vectors of texts: no messages are answered", param="messages"
            )
        body: dict[str, Any] = {"input": embed.texts, "encoding_format": "base64"}
        if request.model is not None:
            body["model"] = request.model
        if embed.dimensions is not None:
            body["dimensions"] = embed.dimensions
        return msgspec.json.encode(body)

    def decode_response(self, body: bytes) -> ChatResponse:
        """An answer of vectors. Raises ``ProtocolError`` where it is none."""
        try:
            answer = _decode_answer(body)
            items = sorted(answer.data, key=lambda item: item.index)
            if [item.index for item in items] != list(range(len(items))):
                raise ProtocolError("the answer is no list of vectors: they are not numbered from 0")
            events = embedding_events([_unpacked(item.embedding) for item in items])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise ProtocolError(f"the answer is no list of vectors: {error}") from None
        usage = usage_from(answer.usage, answer.modelport)
        if usage is not None and usage.prompt_tokens is not None and usage.completion_tokens is None:
            usage = replace(usage, completion_tokens=0, total_tokens=None)  # nothing is written
        return fold([*events, Started(answer.model, cached=answer.modelport.cached), *([usage] if usage else [])])


DIALECT: OpenAIEmbeddings = OpenAIEmbeddings()


def _texts(given: str | list[str | int | list[int]]) -> tuple[str, ...]:
    texts: list[str] = []
    for at, one in enumerate([given] if isinstance(given, str) else given):
        if not isinstance(one, str):
            raise UnsupportedField(_TOKENS, param="input")
        if not one:
            where = "input" if isinstance(given, str) else f"input[{at}]"
            raise InvalidRequest(f"{where} is empty: there is nothing to embed", param=where)
        texts.append(one)
    if not texts:
        raise InvalidRequest("input is empty: give at least one text", param="input")
    if len(texts) > MOST_TEXTS:
        raise RequestTooLarge(f"input has {len(texts)} texts; at most {MOST_TEXTS} are taken", param="input")
    return tuple(texts)


def _packed(vector: "array[float]") -> str:
    """*vector* in single precision, little endian, in base64."""
    single = array("f", vector)
    if sys.byteorder == "big":
        single.byteswap()
    return b2a_base64(single.tobytes(), newline=False).decode()


def _unpacked(given: list[float] | str) -> "array[float]":
    if not isinstance(given, str):
        return array("d", given)
    single = array("f", a2b_base64(given, strict_mode=True))
    if sys.byteorder == "big":
        single.byteswap()
    return array("d", single)
