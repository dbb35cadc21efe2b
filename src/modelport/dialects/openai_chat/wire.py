"""The shapes of a chat-completions request on the wire. Private to this dialect; strict about names, types and ranges.

A field whose type is None here is known and refused: only its null passes (``fates`` says why).
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from modelport.types import FunctionCall, Tool, ToolCall, Turn

__all__ = (
    "FunctionName",
    "ImagePart",
    "ImageUrl",
    "JsonObjectFormat",
    "JsonSchema",
    "JsonSchemaFormat",
    "NamedFunction",
    "PlainRequest",
    "ReasoningPart",
    "RefusalPart",
    "StreamOptions",
    "TextFormat",
    "TextPart",
    "WireMessage",
    "WireRequest",
    "WireTool",
)

Penalty = Annotated[float, Meta(ge=-2, le=2)]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Bias = Annotated[float, Meta(ge=-100, le=100)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]


class TextPart(Struct, frozen=True, tag_field="type", tag="text", forbid_unknown_fields=True):
    text: str
    prompt_cache_breakpoint: Any = None  # advice, like prompt_cache_key


class ImageUrl(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Struct, frozen=True, tag_field="type", tag="image_url", forbid_unknown_fields=True):
    image_url: ImageUrl
    prompt_cache_breakpoint: Any = None


class RefusalPart(Struct, frozen=True, tag_field="type", tag="refusal", forbid_unknown_fields=True):
    refusal: str


class ReasoningPart(Struct, frozen=True, tag_field="type", tag="reasoning", forbid_unknown_fields=True):
    text: str


class WireMessage(Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[TextPart | ImagePart | RefusalPart | ReasoningPart] | None = None
    name: Name | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_call_id: str | None = None
    function_call: FunctionCall | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    audio: None = None
    annotations: list[Any] | None = None  # of an earlier answer, sent back with it; says nothing to a model
    provider_specific_fields: dict[str, Any] | None = None  # likewise; LiteLLM keeps an answer's own fields there


class WireTool(Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["function"]
    function: Tool


class FunctionName(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name


class NamedFunction(Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["function"]
    function: FunctionName


class TextFormat(Struct, frozen=True, tag_field="type", tag="text", forbid_unknown_fields=True):
    pass


class JsonObjectFormat(Struct, frozen=True, tag_field="type", tag="json_object", forbid_unknown_fields=True):
    pass


class JsonSchema(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    strict: bool | None = None
    description: str | None = None


class JsonSchemaFormat(Struct, frozen=True, tag_field="type", tag="json_schema", forbid_unknown_fields=True):
    json_schema: JsonSchema


class StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class PlainRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of WireRequest that most requests are made of; what does not fit is no error, but a WireRequest."""

    messages: Annotated[list[Turn], Meta(min_length=1)]
    model: str | None = None
    stream: bool | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    user: str | None = None


class WireRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    messages: list[WireMessage]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: str | tuple[str, ...] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Bias] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[WireTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedFunction | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Tool] | None = None
    function_call: Literal["none", "auto"] | FunctionName | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: Annotated[dict[str, str], Meta(max_length=16)] | None = None
    prompt_cache_key: str | None = None  # advice about where to run it; changes no answer
    prompt_cache_retention: Literal["in_memory"] | None = None
    modalities: list[Literal["text"]] | None = None
    service_tier: Literal["auto", "default"] | None = None
    store: bool | None = None
    audio: None = None
    moderation: None = None
    prediction: None = None
    prompt_cache_options: None = None
    web_search_options: None = None
    timeout: Annotated[float, Meta(gt=0)] | None = None  # seconds; ours, not OpenAI's
