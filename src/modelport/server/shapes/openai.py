"""OpenAI's chat completions, legacy completions, embeddings and models."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from modelport.dialects.openai_chat import FATES as CHAT_FATES
from modelport.dialects.openai_chat.wire import WireRequest
from modelport.dialects.openai_completions import FATES as COMPLETION_FATES
from modelport.dialects.openai_completions.asking import _Request as CompletionRequest
from modelport.dialects.openai_embeddings import FATES as EMBEDDING_FATES, MOST_TEXTS, _Request as EmbeddingsRequest
from modelport.server.shapes.anthropic import MODEL_PARAMETERS, MessagesModel, MessagesModels
from modelport.server.shapes.base import STOP, Count, Facts, Shape, Shapes, Stamp

__all__ = (
    "SHAPES",
    "CachedTokens",
    "Call",
    "CallPiece",
    "CalledFunction",
    "ChatChoice",
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChoicePiece",
    "Completion",
    "Delta",
    "Embedding",
    "EmbeddingUsage",
    "Embeddings",
    "Error",
    "Failure",
    "FunctionPiece",
    "Model",
    "Models",
    "PlainCall",
    "ReasoningTokens",
    "Said",
    "TextChoice",
    "TokenUsage",
)

Reason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class Failure(Struct):
    """What went wrong. ``code`` is stable, and safe to match on."""

    message: str
    type: str
    param: str | None
    code: str


class Error(Struct):
    """An answer that is an error."""

    error: Failure


class CachedTokens(Struct):
    """How many tokens of the prompt were read from a cache."""

    cached_tokens: Count


class ReasoningTokens(Struct):
    """How many tokens were thoughts."""

    reasoning_tokens: Count


class TokenUsage(Struct):
    """The tokens of an answer."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: CachedTokens | UnsetType = UNSET
    completion_tokens_details: ReasoningTokens | UnsetType = UNSET


# --- chat completions -------------------------------------------------------------------------------------------------


class CalledFunction(Struct):
    """A function's name, and its arguments as JSON text, as the model wrote them."""

    name: str
    arguments: str


class Call(Struct):
    """One call of a tool."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class Said(Struct):
    """What the model said, thought and called."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[Call] | UnsetType = UNSET
    function_call: CalledFunction | UnsetType = UNSET


class ChatChoice(Struct):
    """One of ``n`` answers."""

    index: Count
    message: Said
    logprobs: None
    finish_reason: Reason


class ChatCompletion(Struct):
    """A whole answer. ``usage`` is null where a model counts only a total."""

    id: str
    object: Literal["chat.completion"]
    created: Stamp
    model: str
    choices: list[ChatChoice]
    usage: TokenUsage | None
    modelport: Facts | UnsetType = UNSET


class FunctionPiece(Struct):
    """The piece of a called function that is new."""

    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET


class CallPiece(Struct):
    """The piece of a call that is new."""

    index: Count
    function: FunctionPiece
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET


class Delta(Struct):
    """What is new in a choice."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[CallPiece] | UnsetType = UNSET
    function_call: FunctionPiece | UnsetType = UNSET


class ChoicePiece(Struct):
    """What is new in one of ``n`` answers."""

    index: Count
    delta: Delta
    logprobs: None
    finish_reason: Reason | None


class ChatCompletionChunk(Struct):
    """One event of a streamed answer; the last event is the word ``[DONE]``. An error has ``error`` in its place."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: Stamp
    model: str
    choices: list[ChoicePiece]
    usage: TokenUsage | UnsetType | None = UNSET
    modelport: Facts | UnsetType = UNSET


# --- legacy completions -----------------------------------------------------------------------------------------------


class PlainCall(Struct):
    """A tool call, for which the older wire has no form of its own."""

    index: Count
    arguments: str
    id: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET


class TextChoice(Struct):
    """One text, or the piece of one."""

    index: Count
    text: str
    logprobs: None
    finish_reason: Reason | None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[PlainCall] | UnsetType = UNSET


class Completion(Struct):
    """A whole answer; of a streamed one, each event is such an object, with what is new in it."""

    id: str
    object: Literal["text_completion"]
    created: Stamp
    model: str
    choices: list[TextChoice]
    usage: TokenUsage | UnsetType | None = UNSET
    modelport: Facts | UnsetType = UNSET


# --- embeddings and models --------------------------------------------------------------------------------------------

Base64 = Annotated[str, Meta(description="single precision, little endian, in base64")]


class Embedding(Struct):
    """One text's vector."""

    object: Literal["embedding"]
    index: Count
    embedding: list[float] | Base64


class EmbeddingUsage(Struct):
    """The tokens that were read."""

    prompt_tokens: Count
    total_tokens: Count


class Embeddings(Struct):
    """The vectors, in the order of the texts."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
    modelport: Facts | UnsetType = UNSET


class Model(Struct):
    """A served model."""

    id: str
    object: Literal["model"]
    created: Stamp
    owned_by: str


class Models(Struct):
    """The served models."""

    object: Literal["list"]
    data: list[Model]
    has_more: bool | UnsetType = UNSET
    first_id: str | UnsetType | None = UNSET
    last_id: str | UnsetType | None = UNSET


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "maxItems": MOST_TEXTS, "items": _TEXT}]}
_PROMPT = {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]}
_NO = {"enum": [False, None]}
_SAID = {"content": {"type": ["string", "array"], "minItems": 1}}
_CALLED = {"tool_calls": {"type": "array", "minItems": 1}}
_SILENT = {"tool_calls": {"enum": [[], None]}, "function_call": {"type": "null"}}


def _turn(role: str, needs: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"properties": {"role": {"enum": [role]}, **needs, **more}, "required": ["role", *needs]}


_TURNS = {
    "anyOf": [
        *(_turn(role, _SAID, **_SILENT) for role in ("system", "developer", "user")),
        *(_turn("assistant", needs) for needs in (_SAID, _CALLED, {"function_call": {"type": "object"}})),
        *(_turn("assistant", {name: _TEXT}) for name in ("refusal", "reasoning_content", "reasoning")),
        _turn("tool", {**_SAID, "tool_call_id": _TEXT}, **_SILENT),
        _turn("function", {"name": _TEXT}, **_SILENT),
    ]
}
_REQUEST: dict[str, Any] = {
    "openai.WireRequest:messages": {"minItems": 1},
    "openai.WireRequest:stop": STOP,
    "openai.WireMessage": _TURNS,
    "openai.StreamOptions:include_obfuscation": _NO,
    "openai.WireStreamOptions:include_obfuscation": _NO,
    "openai.Tool:name": {"minLength": 1, "maxLength": 256},
    "openai_completions.Request": {"required": ["prompt"]},
    "openai_completions.Request:prompt": _PROMPT,
    "openai_completions.Request:stop": STOP,
    "openai_completions.Request:best_of": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
    "openai_embeddings.Request:input": _TEXTS,
}

SHAPES: Shapes = Shapes(
    routes={
        "POST /v1/chat/completions": Shape(
            summary="Answer a conversation, in OpenAI's chat completions",
            asks=WireRequest,
            gives=ChatCompletion,
            pieces=ChatCompletionChunk,
            fates=CHAT_FATES,
            timed=True,
        ),
        "POST /v1/completions": Shape(
            summary="Continue a text, in OpenAI's legacy completions",
            asks=CompletionRequest,
            gives=Completion,
            pieces=Completion,
            fates=COMPLETION_FATES,
            timed=True,
        ),
        "POST /v1/embeddings": Shape(
            summary="Vectors of texts, in OpenAI's form",
            asks=EmbeddingsRequest,
            gives=Embeddings,
            fates=EMBEDDING_FATES,
            timed=True,
        ),
        "GET /v1/models": Shape(
            summary="The served models; in Anthropic's form for who sends anthropic-version",
            gives=(Models, MessagesModels),
            parameters=MODEL_PARAMETERS,
            statuses=(404,),
        ),
        "GET /v1/models/": Shape(
            summary="One served model, by its name or an alias",
            gives=(Model, MessagesModel),
            rest="model",
        ),
    },
    errors={
        "openai_chat": Error,
        "openai_completions": Error,
        "openai_responses": Error,
        "openai_embeddings": Error,
    },
    narrow=_REQUEST,
)
