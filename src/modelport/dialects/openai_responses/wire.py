"""The shapes of a Responses request on the wire. Private to this dialect; strict about names, types and ranges.

A field whose type is None here is known and refused: only its null passes (``fates`` says why). Items, parts and
tools are picked by their ``type`` from tables of their own, since some may leave it out.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

__all__ = (
    "ALLOWED_INCLUDES",
    "ITEMS",
    "PARTS",
    "AllowedTools",
    "CallItem",
    "CallOutputItem",
    "FunctionTool",
    "InputImage",
    "InputText",
    "JsonObjectFormat",
    "JsonSchemaFormat",
    "MessageItem",
    "NamedFunction",
    "OutputText",
    "Reasoning",
    "ReasoningItem",
    "Refusal",
    "StreamOptions",
    "Text",
    "TextConfig",
    "TextFormat",
    "WireRequest",
)

ALLOWED_INCLUDES = frozenset(
    {
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "reasoning.encrypted_content",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)

Name = Annotated[str, Meta(min_length=1, max_length=256)]
Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
Status = Literal["in_progress", "completed", "incomplete"]


# --- parts of a message -----------------------------------------------------------------------------------------------


class InputText(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    type: Any = None
    prompt_cache_breakpoint: Any = None  # advice, like prompt_cache_key


class InputImage(Struct, frozen=True, forbid_unknown_fields=True):
    image_url: str
    type: Any = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: None = None
    prompt_cache_breakpoint: Any = None


class OutputText(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    type: Any = None
    annotations: list[Any] | None = None  # of an earlier answer, sent back with it; says nothing to a model
    logprobs: list[Any] | None = None


class Refusal(Struct, frozen=True, forbid_unknown_fields=True):
    refusal: str
    type: Any = None


PARTS: dict[Any, type[InputText] | type[InputImage] | type[OutputText] | type[Refusal]] = {
    "input_text": InputText,
    "input_image": InputImage,
    "output_text": OutputText,
    "refusal": Refusal,
}


# --- items of the input -----------------------------------------------------------------------------------------------


class MessageItem(Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]]
    type: Any = None
    id: str | None = None
    status: Status | None = None
    phase: Literal["commentary", "final_answer"] | None = None  # of an earlier answer, sent back with it


class CallItem(Struct, frozen=True, forbid_unknown_fields=True):
    call_id: Identifier
    name: Name
    arguments: str
    type: Any = None
    id: str | None = None
    status: Status | None = None
    namespace: None = None
    caller: None = None


class CallOutputItem(Struct, frozen=True, forbid_unknown_fields=True):
    call_id: Identifier
    output: str | list[dict[str, Any]]
    type: Any = None
    id: str | None = None
    status: Status | None = None
    name: str | None = None
    namespace: None = None
    caller: None = None


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    type: Literal["summary_text", "reasoning_text"]


class ReasoningItem(Struct, frozen=True, forbid_unknown_fields=True):
    summary: list[Text] = []
    content: list[Text] | None = None
    type: Any = None
    id: str | None = None
    status: Status | None = None
    encrypted_content: None = None


ITEMS: dict[Any, type[MessageItem] | type[CallItem] | type[CallOutputItem] | type[ReasoningItem]] = {
    "message": MessageItem,
    "function_call": CallItem,
    "function_call_output": CallOutputItem,
    "reasoning": ReasoningItem,
}


# --- settings ---------------------------------------------------------------------------------------------------------


class FunctionTool(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    type: Any = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    defer_loading: bool | None = None
    output_schema: None = None


class NamedFunction(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="function"):
    name: Name


class AllowedTools(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="allowed_tools"):
    mode: Literal["auto", "required"]
    tools: list[NamedFunction]


class TextFormat(Struct, frozen=True, tag_field="type", tag="text", forbid_unknown_fields=True):
    pass


class JsonObjectFormat(Struct, frozen=True, tag_field="type", tag="json_object", forbid_unknown_fields=True):
    pass


class JsonSchemaFormat(Struct, frozen=True, tag_field="type", tag="json_schema", forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    strict: bool | None = None
    description: str | None = None


class TextConfig(Struct, frozen=True, forbid_unknown_fields=True):
    format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Struct, frozen=True, forbid_unknown_fields=True):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto"] | None = None
    generate_summary: Literal["auto"] | None = None
    context: Literal["auto"] | None = None
    mode: Literal["standard"] | None = None


class StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    include_obfuscation: bool | None = None


class WireRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    input: str | list[Any] | None = None
    instructions: str | None = None
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None  # of hosted tools, of which there are none here
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    previous_response_id: Identifier | None = None
    store: bool | None = None
    metadata: Annotated[dict[str, str], Meta(max_length=16)] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    include: list[str] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    background: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    prompt_cache_key: str | None = None  # advice about where to run it; changes no answer
    prompt_cache_retention: Literal["in_memory"] | None = None
    service_tier: Literal["auto", "default"] | None = None
    access_programs: None = None
    background_options: None = None
    context_management: None = None
    conversation: None = None
    image: None = None
    moderation: None = None
    prompt: None = None
    prompt_cache_options: None = None
    timeout: Annotated[float, Meta(gt=0)] | None = None  # seconds; ours, not OpenAI's
