"""OpenAI's Responses: asked for, looked up, forgotten."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from modelport.dialects.openai_responses import FATES, wire
from modelport.server.responses import BELOW_PATH, DIALECT
from modelport.server.shapes.base import Count, Facts, Shape, Shapes, Stamp

__all__ = (
    "SHAPES",
    "CallOutput",
    "ChosenTool",
    "Deleted",
    "Failed",
    "InputDetails",
    "MessageOutput",
    "OutputDetails",
    "ReasoningOutput",
    "ReasoningText",
    "Response",
    "ResponseEvent",
    "ResponseUsage",
    "SaidRefusal",
    "SaidText",
    "WhyIncomplete",
)

Status = Literal["in_progress", "completed", "incomplete"]


class SaidText(Struct, tag_field="type", tag="output_text"):
    """A message's part of text."""

    text: str
    annotations: list[Any]
    logprobs: list[Any]


class SaidRefusal(Struct, tag_field="type", tag="refusal"):
    """A message's part that says no."""

    refusal: str


class ReasoningText(Struct):
    """A piece of what the model thought."""

    type: Literal["reasoning_text"]
    text: str


class MessageOutput(Struct, tag_field="type", tag="message"):
    """What the model said."""

    id: str
    role: Literal["assistant"]
    status: Status
    content: list[SaidText | SaidRefusal]


class ReasoningOutput(Struct, tag_field="type", tag="reasoning"):
    """What the model thought."""

    id: str
    status: Status
    summary: list[Any]
    content: list[ReasoningText]


class CallOutput(Struct, tag_field="type", tag="function_call"):
    """One call of a tool."""

    id: str
    status: Status
    call_id: str
    name: str
    arguments: str


class InputDetails(Struct):
    """Of the tokens of the prompt."""

    cached_tokens: Count
    cache_write_tokens: Count


class OutputDetails(Struct):
    """Of the tokens of the answer."""

    reasoning_tokens: Count


class ResponseUsage(Struct):
    """The tokens of an answer."""

    input_tokens: Count
    input_tokens_details: InputDetails
    output_tokens: Count
    output_tokens_details: OutputDetails
    total_tokens: Count


class WhyIncomplete(Struct):
    """Why an answer has an end before its end."""

    reason: Literal["max_output_tokens", "content_filter"]


class Failed(Struct):
    """Why an answer failed."""

    code: str
    message: str


class Response(Struct):
    """An answer, whole or on its way, with what it was asked with."""

    id: str
    object: Literal["response"]
    created_at: Stamp
    completed_at: Stamp | None
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    error: Failed | None
    incomplete_details: WhyIncomplete | None
    model: str
    output: list[MessageOutput | ReasoningOutput | CallOutput]
    usage: ResponseUsage | None
    store: bool
    background: bool
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    reasoning: dict[str, Any]
    safety_identifier: str | None
    service_tier: str
    temperature: float | None
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float | None
    truncation: str
    user: str | None
    modelport: Facts | UnsetType = UNSET


class ResponseEvent(Struct):
    """One event of a streamed answer."""

    type: str
    sequence_number: Count
    response: Response | UnsetType = UNSET
    output_index: Count | UnsetType = UNSET
    content_index: Count | UnsetType = UNSET
    item_id: str | UnsetType = UNSET
    item: MessageOutput | ReasoningOutput | CallOutput | UnsetType = UNSET
    part: dict[str, Any] | UnsetType = UNSET
    delta: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    logprobs: list[Any] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET
    code: str | UnsetType | None = UNSET
    message: str | UnsetType = UNSET
    param: str | UnsetType | None = UNSET
    error: dict[str, Any] | UnsetType = UNSET


class ChosenTool(Struct, forbid_unknown_fields=True):
    """One of the tools that may be called."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    type: Literal["function"] | UnsetType = UNSET


class Deleted(Struct):
    """That an answer is forgotten."""

    id: str
    object: Literal["response"]
    deleted: Literal[True]


# --- what the wire's types leave to tables ----------------------------------------------------------------------------


def _kinds(kinds: Mapping[Any, Any], *, default: str | None = None) -> dict[str, Mapping[str, Any]]:
    """That each of these has its ``type``, which only the *default* may leave out."""
    told: dict[str, Mapping[str, Any]] = {}
    for kind, shape in kinds.items():
        name = f"responses.{shape.__name__}"
        told[f"{name}:type"] = {"enum": [kind]}
        if kind != default:
            told[name] = {"required": ["type"]}
    return told


def _one_of(kinds: Mapping[Any, Any]) -> dict[str, Any]:
    return {"anyOf": [{"$ref": f"#/components/schemas/responses.{shape.__name__}"} for shape in kinds.values()]}


_TOOLS = {"function": wire.FunctionTool}
_CHOICES = {"anyOf": [*_one_of({0: wire.NamedFunction, 1: wire.AllowedTools})["anyOf"]]}
_PARTS = {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": _one_of(wire.PARTS)}]}
_GOING_ON = {
    "anyOf": [
        {"properties": {"input": {"type": ["string", "array"], "minItems": 1}}, "required": ["input"]},
        {"properties": {"previous_response_id": {"type": "string"}}, "required": ["previous_response_id"]},
    ]
}
_NO = {"enum": [False, None]}

SHAPES: Shapes = Shapes(
    routes={
        f"POST {DIALECT.path}": Shape(
            summary="Answer items, in OpenAI's Responses",
            asks=wire.WireRequest,
            gives=Response,
            pieces=ResponseEvent,
            fates=FATES,
            timed=True,
            links={"get_v1_responses_response_id": "response_id", "delete_v1_responses_response_id": "response_id"},
        ),
        f"GET {BELOW_PATH}": Shape(summary="An answer that was kept", gives=Response, rest="response_id"),
        f"DELETE {BELOW_PATH}": Shape(summary="Forget an answer that was kept", gives=Deleted, rest="response_id"),
    },
    beside=(
        *wire.ITEMS.values(),
        *wire.PARTS.values(),
        wire.FunctionTool,
        wire.NamedFunction,
        wire.AllowedTools,
        ChosenTool,
    ),
    narrow={
        **_kinds(wire.ITEMS, default="message"),
        **_kinds(wire.PARTS),
        **_kinds(_TOOLS),
        "responses.WireRequest": _GOING_ON,
        "responses.WireRequest:input": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": _one_of(wire.ITEMS)}, {"type": "null"}]
        },
        "responses.WireRequest:tools": {"anyOf": [{"type": "array", "items": _one_of(_TOOLS)}, {"type": "null"}]},
        "responses.WireRequest:tool_choice": {
            "anyOf": [{"enum": ["none", "auto", "required"]}, *_CHOICES["anyOf"], {"type": "null"}]
        },
        "responses.WireRequest:include": {
            "anyOf": [{"type": "array", "items": {"enum": sorted(wire.ALLOWED_INCLUDES)}}, {"type": "null"}]
        },
        "responses.AllowedTools:tools": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/responses.ChosenTool"},
        },
        "responses.StreamOptions:include_obfuscation": _NO,
        "responses.FunctionTool:defer_loading": _NO,
        "responses.MessageItem:content": _PARTS,
        "responses.CallOutputItem:output": _PARTS,
    },
)
