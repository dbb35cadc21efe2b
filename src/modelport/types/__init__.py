"""The values that travel through modelport: requests, messages, events, answers. Frozen, without I/O."""

from modelport.types.builder import Minter, ResponseBuilder, fold, unfold
from modelport.types.complaints import translate_validation
from modelport.types.content import FunctionCall, ImagePart, Message, Part, ReasoningPart, Role, TextPart, ToolCall
from modelport.types.convert import params_from_request, request_from_params
from modelport.types.events import (
    Emulated,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from modelport.types.ids import mint_id
from modelport.types.messages import (
    Messages,
    Turn,
    message_to_dict,
    messages_from,
    messages_to_dicts,
)
from modelport.types.request import ChatRequest, NamedTool, ResponseFormat, Tool, ToolChoice
from modelport.types.response import ChatResponse, Choice

__all__ = (
    "ChatRequest",
    "ChatResponse",
    "Choice",
    "Emulated",
    "Event",
    "Finish",
    "FinishReason",
    "FunctionCall",
    "ImagePart",
    "Message",
    "Messages",
    "Minter",
    "NamedTool",
    "Part",
    "ReasoningDelta",
    "ReasoningPart",
    "ResponseBuilder",
    "ResponseFormat",
    "Role",
    "Started",
    "TextDelta",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "Turn",
    "Usage",
    "fold",
    "message_to_dict",
    "messages_from",
    "messages_to_dicts",
    "mint_id",
    "params_from_request",
    "request_from_params",
    "translate_validation",
    "unfold",
)
