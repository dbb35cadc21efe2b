"""Anthropic's Messages, its counting of tokens, and its form of the list of models."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from modelport.dialects.anthropic_messages import COUNT_PATH, DIALECT, FATES
from modelport.dialects.anthropic_messages.wire import CacheControl, CountRequest, WireRequest
from modelport.server.shapes.base import STOPS, Count, Emulations, Parameter, Shape, Shapes

__all__ = (
    "MODEL_PARAMETERS",
    "SHAPES",
    "CalledTool",
    "Error",
    "Estimated",
    "Failure",
    "Message",
    "MessageEvent",
    "MessageFacts",
    "MessageUsage",
    "MessagesModel",
    "MessagesModels",
    "OurFacts",
    "SaidText",
    "SystemText",
    "ThinkingTokens",
    "Thought",
    "TokenCount",
)


class OurFacts(Struct):
    """What the wire has no place for."""

    code: str
    param: str | UnsetType = UNSET
    retry_after: Annotated[float, Meta(description="seconds")] | UnsetType = UNSET


class Failure(Struct):
    """What went wrong."""

    type: str
    message: str
    details: dict[str, Any] | UnsetType = UNSET


class Error(Struct):
    """An answer that is an error, for who sends anthropic-version. ``modelport.code`` is stable."""

    type: Literal["error"]
    error: Failure
    request_id: str | None
    modelport: OurFacts


class SystemText(Struct, forbid_unknown_fields=True):
    """A block of text. Where nothing else may stand, its type may be left out."""

    text: str
    type: Literal["text"] | UnsetType = UNSET
    cache_control: CacheControl | None = None
    citations: list[Any] | None = None


# --- messages ---------------------------------------------------------------------------------------------------------


class SaidText(Struct, tag_field="type", tag="text"):
    """What the model said."""

    text: str


class Thought(Struct, tag_field="type", tag="thinking"):
    """What the model thought. Nobody here signs it."""

    thinking: str
    signature: str


class CalledTool(Struct, tag_field="type", tag="tool_use"):
    """One call of a tool."""

    id: str
    name: str
    input: dict[str, Any]


class ThinkingTokens(Struct):
    """How many of the tokens were thoughts."""

    thinking_tokens: Count


class MessageUsage(Struct):
    """The tokens of a message. Numbers that nobody knows are 0; ``modelport.usage_unknown`` names them."""

    input_tokens: Count | UnsetType = UNSET
    output_tokens: Count | UnsetType = UNSET
    cache_read_input_tokens: Count | UnsetType = UNSET
    output_tokens_details: ThinkingTokens | UnsetType = UNSET


class MessageFacts(Struct):
    """What is known of a message beyond the wire's own form."""

    emulated: Emulations | UnsetType = UNSET
    cached: bool | UnsetType = UNSET
    usage_unknown: list[str] | UnsetType = UNSET
    usage_estimated: bool | UnsetType = UNSET
    total_tokens: Count | UnsetType = UNSET
    cost: Annotated[float, Meta(description="US dollars")] | UnsetType = UNSET
    partial_inputs: dict[str, str] | UnsetType = UNSET


Stop = Literal["end_turn", "max_tokens", "tool_use", "refusal", "stop_sequence"]


class Message(Struct):
    """A whole answer."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[SaidText | Thought | CalledTool]
    stop_reason: Stop | None
    stop_sequence: str | None
    usage: MessageUsage
    modelport: MessageFacts | UnsetType = UNSET


class MessageEvent(Struct):
    """One event of a streamed answer."""

    type: Literal[
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    ]
    message: Message | UnsetType = UNSET
    index: Count | UnsetType = UNSET
    content_block: SaidText | Thought | CalledTool | UnsetType = UNSET
    delta: dict[str, Any] | UnsetType = UNSET
    usage: MessageUsage | UnsetType = UNSET
    modelport: dict[str, Any] | UnsetType = UNSET
    error: Failure | UnsetType = UNSET
    request_id: str | UnsetType | None = UNSET


class Estimated(Struct):
    """That nobody counted."""

    usage_estimated: bool


class TokenCount(Struct):
    """About how many tokens a prompt has."""

    input_tokens: Count
    modelport: Estimated | UnsetType = UNSET


# --- models -----------------------------------------------------------------------------------------------------------


class MessagesModel(Struct):
    """A served model, in Anthropic's form."""

    type: Literal["model"]
    id: str
    display_name: str
    created_at: str
    lifecycle: str


class MessagesModels(Struct):
    """Served models, in Anthropic's form."""

    data: list[MessagesModel]
    has_more: bool
    first_id: str | None
    last_id: str | None


MODEL_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="limit",
        place="query",
        schema={"type": "integer", "minimum": 1, "maximum": 1000},
        description="how many at most",
    ),
    Parameter(name="after_id", place="query", schema={"type": "string"}, description="only those after this one"),
    Parameter(name="before_id", place="query", schema={"type": "string"}, description="only those before this one"),
)

_KINDS = ("Text", "Image", "ToolUse", "ToolResult", "Thinking")
_BLOCKS = [{"$ref": f"#/components/schemas/anthropic.{kind}"} for kind in _KINDS]
_SYSTEM = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"$ref": "#/components/schemas/anthropic.SystemText"}},
        {"type": "null"},
    ]
}
_ONLY_NO = {"enum": [False, None]}

SHAPES: Shapes = Shapes(
    routes={
        f"POST {DIALECT.path}": Shape(
            summary="Answer a conversation, in Anthropic's Messages",
            asks=WireRequest,
            gives=Message,
            pieces=MessageEvent,
            fates=FATES,
            timed=True,
        ),
        f"POST {COUNT_PATH}": Shape(
            summary="About how many tokens a prompt has",
            asks=CountRequest,
            gives=TokenCount,
            fates=FATES,
        ),
    },
    errors={"anthropic_messages": Error},
    beside=(SystemText,),
    narrow={
        **{f"anthropic.{name}:system": _SYSTEM for name in ("WireRequest", "CountRequest")},
        "anthropic.WireTool:input_examples": {"enum": [[], None]},
        "anthropic.WireTool:allowed_callers": {
            "anyOf": [{"type": "array", "items": {"enum": ["direct"]}}, {"type": "null"}]
        },
        "anthropic.WireRequest:stop_sequences": STOPS,
        "anthropic.WireRequest:messages": {"minItems": 1},
        "anthropic.CountRequest:messages": {"minItems": 1},
        "anthropic.WireRequest:speed": {"enum": ["standard", None]},
        "anthropic.CountRequest:speed": {"enum": ["standard", None]},
        "anthropic.WireTool:defer_loading": _ONLY_NO,
        "anthropic.Turn:content": {
            "anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"anyOf": _BLOCKS}}]
        },
        "anthropic.ToolUse:input": {"type": "object"},
    },
)
