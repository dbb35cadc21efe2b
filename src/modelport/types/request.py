"""A request, and what may be set in one. Names and meanings are those of OpenAI's chat completions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from modelport.types.content import Message

__all__ = ("ChatRequest", "NamedTool", "ResponseFormat", "Tool", "ToolChoice")

# A sequence to readers, because a caller's list is converted late (Messages); a tuple to decoders.
if TYPE_CHECKING:
    MessageSequence = Sequence[Message]
else:
    MessageSequence = tuple[Message, ...]
Count = Annotated[int, Meta(ge=1)]


class Tool(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A function that the model may call. ``parameters`` is a JSON Schema of type object."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedTool(Struct, frozen=True, forbid_unknown_fields=True):
    """The one tool that the model must call."""

    name: str


ToolChoice = Literal["none", "auto", "required"] | NamedTool


class ResponseFormat(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The form that the answer's text must have. ``json_schema`` is set when ``type`` says so."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    json_schema: dict[str, Any] | None = None
    strict: bool | None = None


class ChatRequest(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a model is asked. ``None`` is "not set" everywhere, and leaves the choice to the model.

    ``extra`` holds fields that this list does not know, by name, for models that do.
    """

    messages: MessageSequence
    model: str | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Count | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    extra: Mapping[str, Any] | None = None
