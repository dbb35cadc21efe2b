"""The shapes of a Messages request on the wire. Private to this dialect; strict about names, types and ranges.

A field whose type is None here is known and refused: only its null passes (``fates`` says why).
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

__all__ = (
    "Adaptive",
    "Any_",
    "Auto",
    "Base64",
    "Block",
    "CacheControl",
    "CountRequest",
    "Direct",
    "Disabled",
    "Enabled",
    "File",
    "Image",
    "JsonSchemaFormat",
    "Metadata",
    "Named",
    "Nothing",
    "OutputConfig",
    "Text",
    "Thinking",
    "ToolResult",
    "ToolUse",
    "Turn",
    "Url",
    "WireRequest",
    "WireTool",
)


class CacheControl(Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Block(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True, kw_only=True):
    """What all kinds of content have in common."""

    cache_control: CacheControl | None = None


class Text(Block, tag="text", frozen=True, kw_only=True):
    text: str
    citations: list[Any] | None = None  # of an earlier answer, sent back with it; says nothing to a model


class Base64(Struct, frozen=True, tag_field="type", tag="base64", forbid_unknown_fields=True):
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


class Url(Struct, frozen=True, tag_field="type", tag="url", forbid_unknown_fields=True):
    url: str


class File(Struct, frozen=True, tag_field="type", tag="file", forbid_unknown_fields=True):
    file_id: str


class Image(Block, tag="image", frozen=True, kw_only=True):
    source: Base64 | Url | File
    transformations: None = None


class Direct(Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["direct"]


class ToolUse(Block, tag="tool_use", frozen=True, kw_only=True):
    id: Annotated[str, Meta(min_length=1)]
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    input: Raw  # as the model wrote it
    caller: Direct | None = None
    toolset_name: None = None


class ToolResult(Block, tag="tool_result", frozen=True, kw_only=True):
    tool_use_id: Annotated[str, Meta(min_length=1)]
    content: str | list[Text | Image] | None = None
    is_error: bool | None = None
    toolset_name: None = None


class Thinking(Block, tag="thinking", frozen=True, kw_only=True):
    thinking: str
    signature: str | None = None  # proves to Anthropic that the thought is its own


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[Text | Image | ToolUse | ToolResult | Thinking]


class WireTool(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    input_schema: dict[str, Any]
    description: str | None = None
    type: Literal["custom"] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    eager_input_streaming: bool | None = None  # advice about when arguments are sent
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None
    input_examples: list[dict[str, Any]] | None = None


class Auto(Struct, frozen=True, tag_field="type", tag="auto", forbid_unknown_fields=True):
    disable_parallel_tool_use: bool | None = None


class Any_(Struct, frozen=True, tag_field="type", tag="any", forbid_unknown_fields=True):  # noqa: N801  (typing's Any)
    disable_parallel_tool_use: bool | None = None


class Named(Struct, frozen=True, tag_field="type", tag="tool", forbid_unknown_fields=True):
    name: str
    disable_parallel_tool_use: bool | None = None


class Nothing(Struct, frozen=True, tag_field="type", tag="none", forbid_unknown_fields=True):
    pass


Display = Literal["summarized", "omitted"]


class Enabled(Struct, frozen=True, tag_field="type", tag="enabled", forbid_unknown_fields=True):
    budget_tokens: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    display: Display | None = None


class Adaptive(Struct, frozen=True, tag_field="type", tag="adaptive", forbid_unknown_fields=True):
    display: Display | None = None


class Disabled(Struct, frozen=True, tag_field="type", tag="disabled", forbid_unknown_fields=True):
    pass


class JsonSchemaFormat(Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(Struct, frozen=True, forbid_unknown_fields=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonSchemaFormat | None = None


class Metadata(Struct, frozen=True, forbid_unknown_fields=True):
    user_id: str | None = None


class CountRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be counted: the part of a request that a model reads."""

    messages: list[Turn]
    model: str | None = None
    system: str | list[Text] | None = None
    tools: list[WireTool] | None = None
    tool_choice: Auto | Any_ | Named | Nothing | None = None
    thinking: Enabled | Adaptive | Disabled | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None
    speed: Literal["standard", "fast"] | None = None
    context_management: None = None
    mcp_servers: None = None
    output_format: None = None
    compaction: None = None
    thread: None = None


class WireRequest(CountRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    max_tokens: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    billing_policy: None = None
    container: None = None
    diagnostics: None = None
    fallback_credit_token: None = None
    fallbacks: None = None
    inference_geo: None = None
