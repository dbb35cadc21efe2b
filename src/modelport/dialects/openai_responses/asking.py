"""Requests: bytes of a Responses body to a :class:`ChatRequest`. The way back is in ``sending``.

``instructions`` become the first message, a system's. Items that one turn of the assistant is made of (its thoughts,
its words, its calls) become one message.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from modelport.dialects._fates import decoded, explained, reason_of
from modelport.dialects.base import Asked, image_from
from modelport.dialects.openai_responses import wire
from modelport.dialects.openai_responses.fates import FATES, WITHIN
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import (
    ChatRequest,
    FunctionCall,
    Message,
    NamedTool,
    Part,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from modelport.types.complaints import shown

__all__ = ("ResponsesAsked", "after", "decode_request", "turns")

_decode = Decoder(wire.WireRequest).decode
_NOT_KEPT = "answers are not kept here: send the whole conversation as input, or serve with --store-responses PATH"


class ResponsesAsked(Asked, frozen=True, kw_only=True):
    """``echo`` is what the answer repeats of the request, in the wire's form.

    ``previous`` is the id of the answer that this goes on from, ``store`` whether this one is to be kept; ``led`` tells
    that the first message is the instructions.
    """

    echo: Mapping[str, Any] = {}
    previous: str | None = None
    store: bool = False
    led: bool = False


def turns(asked: ResponsesAsked) -> tuple[Message, ...]:
    """What was said in this request: its messages without the instructions, which hold for one answer only."""
    return tuple(asked.request.messages)[1 if asked.led else 0 :]


def after(asked: ResponsesAsked, history: Sequence[Message]) -> ResponsesAsked:
    """*asked*, as a turn that follows what was said in *history*."""
    lead = tuple(asked.request.messages)[: 1 if asked.led else 0]
    return replace(asked, request=replace(asked.request, messages=(*lead, *history, *turns(asked))))


def decode_request(body: bytes, *, keeps: bool = False) -> ResponsesAsked:
    """What a request's body asks; *keeps* tells that whoever asks here keeps answers.

    Raises:
        InvalidRequest: it is not JSON, or a field is unknown, wrong or refused; ``param`` names the field.
    """
    given = decoded(_decode, body, FATES, WITHIN)
    _check_refused(given, keeps)
    tools, choice = _tools(given)
    text, reasoning = given.text or wire.TextConfig(), given.reasoning or wire.Reasoning()
    request = ChatRequest(
        messages=_messages(given),
        model=given.model,
        temperature=given.temperature,
        top_p=given.top_p,
        max_tokens=given.max_output_tokens,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=given.parallel_tool_calls,
        response_format=None if text.format is None else _response_format(text.format),
        reasoning_effort=reasoning.effort,
        user=given.safety_identifier if given.user is None else given.user,
        metadata=given.metadata,
        extra=None if text.verbosity in {None, "medium"} else {"verbosity": text.verbosity},
    )
    return ResponsesAsked(
        request=request,
        stream=bool(given.stream),
        include_usage=True,
        timeout=given.timeout,
        echo=_echo(given),
        previous=given.previous_response_id,
        store=keeps and given.store is not False,
        led=given.instructions is not None,
        emulated=("include",) if given.include and "reasoning.encrypted_content" in given.include else (),
    )


def _check_refused(given: wire.WireRequest, keeps: bool) -> None:
    if not keeps:
        for name in ("previous_response_id", "store"):
            if getattr(given, name):
                raise UnsupportedField(f"{name}: {_NOT_KEPT}", param=name)
    if given.background:
        raise _refusal("background", "answers are given while their caller waits")
    if given.truncation == "auto":
        raise _refusal("truncation", "nothing is left out of a conversation here")
    if given.top_logprobs:
        raise _refusal("top_logprobs", "answers carry no log probabilities here")
    for number, name in enumerate(given.include or ()):
        if name not in wire.ALLOWED_INCLUDES:
            raise _refusal(f"include[{number}]", f"{name[:60]!r} is not part of answers here")
    if given.stream_options is not None:
        if not given.stream:
            raise InvalidRequest("stream_options may be set only with stream: true", param="stream_options")
        if given.stream_options.include_obfuscation:
            raise _refusal("stream_options.include_obfuscation", "streams are not padded here")


def _refusal(name: str, why: str) -> UnsupportedField:
    return UnsupportedField(f"{name}: {why}; leave it out", param=name)


def _pick(given: Any, kinds: Mapping[Any, Any], where: str, default: str | None = None) -> Any:
    """*given* as the shape that its ``type`` has among *kinds*."""
    if not isinstance(given, dict):
        raise InvalidRequest(f"{where} must be an object, got {shown(given)}", param=where)
    kind = given.get("type", default)
    shape = kinds.get(kind) if isinstance(kind, str) else None
    if shape is None:
        known, why = ", ".join(kinds), reason_of(where, WITHIN, kind=kind if isinstance(kind, str) else "")
        said = f"{shown(kind)} is not taken here (taken: {known})" + (f": {why}" if why else "")
        raise UnsupportedField(f"{where}.type: {said}", param=f"{where}.type")
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        raise explained(error, WITHIN, where=where, given=given) from None


# --- messages ---------------------------------------------------------------------------------------------------------


def _messages(given: wire.WireRequest) -> tuple[Message, ...]:
    lead = () if given.instructions is None else (Message("system", given.instructions),)
    said = given.input
    if said is None:
        if given.previous_response_id is None:
            raise InvalidRequest("input is missing: give text, or a list of items", param="input")
        return lead
    if isinstance(said, str):
        return (*lead, Message("user", said))
    if not said and given.previous_response_id is None:
        raise InvalidRequest("input is empty: give at least one item", param="input")
    gathered = _Gathering()
    for number, item in enumerate(said):
        where = f"input[{number}]"
        gathered.add(_pick(item, wire.ITEMS, where, default="message"), where)
    messages = (*lead, *gathered.messages())
    if not messages and given.previous_response_id is None:
        raise InvalidRequest("input says nothing: give at least one message", param="input")
    return messages


class _Turn(Struct):
    """What the assistant thought, said and called, one after the other."""

    thought: str | None = None
    content: str | tuple[Part, ...] | None = None
    refusal: str | None = None
    calls: tuple[ToolCall, ...] = ()

    @property
    def spoke(self) -> bool:
        return self.content is not None or self.refusal is not None or bool(self.calls)


class _Gathering:
    """Items in order, to messages."""

    def __init__(self) -> None:
        self._done: list[Message] = []
        self._turn: _Turn | None = None

    def messages(self) -> list[Message]:
        self._close()
        return self._done

    def _close(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            self._done.append(
                Message(
                    "assistant",
                    turn.content,
                    tool_calls=turn.calls or None,
                    refusal=turn.refusal,
                    reasoning=turn.thought,
                )
            )

    def _open(self, *, anew: bool) -> _Turn:
        if anew:
            self._close()
        if self._turn is None:
            self._turn = _Turn()
        return self._turn

    def add(self, item: Any, where: str) -> None:
        turn = self._turn
        if isinstance(item, wire.ReasoningItem):
            thought = "\n\n".join(text.text for text in item.content or item.summary)
            if thought:
                turn = self._open(anew=turn is not None and turn.spoke)
                turn.thought = thought if turn.thought is None else f"{turn.thought}\n\n{thought}"
        elif isinstance(item, wire.CallItem):
            call = ToolCall(item.call_id, FunctionCall(item.name, item.arguments))
            turn = self._open(anew=False)
            turn.calls = (*turn.calls, call)
        elif isinstance(item, wire.CallOutputItem):
            self._close()
            content, _ = _content(item.output, f"{where}.output")
            self._done.append(Message("tool", content, tool_call_id=item.call_id))
        else:
            self._add_message(item, where)

    def _add_message(self, item: wire.MessageItem, where: str) -> None:
        content, refusal = _content(item.content, f"{where}.content")
        if item.role == "assistant":
            turn = self._open(anew=self._turn is not None and self._turn.spoke)
            turn.content, turn.refusal = content, refusal
            return
        if refusal is not None:
            raise InvalidRequest(f"{where}.content: only an assistant refuses", param=f"{where}.content")
        self._close()
        # "developer" is OpenAI's newer word for it, which few chat templates know
        self._done.append(Message("system" if item.role == "developer" else item.role, content))


def _content(given: str | list[dict[str, Any]], where: str) -> tuple[str | tuple[Part, ...] | None, str | None]:
    """Text or parts, and the refusal among them. One piece of an assistant's text is text."""
    if isinstance(given, str):
        return given, None
    if not given:
        raise InvalidRequest(f"{where} is an empty list: give at least one part, or text", param=where)
    parts: list[Part] = []
    refusals: list[str] = []
    outputs = 0
    for number, one in enumerate(given):
        part = _pick(one, wire.PARTS, f"{where}[{number}]")
        if isinstance(part, wire.Refusal):
            refusals.append(part.refusal)
        elif isinstance(part, wire.InputImage):
            parts.append(image_from(part.image_url, f"{where}[{number}].image_url", part.detail))
        else:
            outputs += isinstance(part, wire.OutputText)
            parts.append(TextPart(part.text))
    refusal = "".join(refusals) if refusals else None
    if len(parts) == outputs:
        return ("".join(part.text for part in parts if isinstance(part, TextPart)) if parts else None), refusal
    return tuple(parts), refusal


# --- tools and formats ------------------------------------------------------------------------------------------------

_CHOICES = {"function": wire.NamedFunction, "allowed_tools": wire.AllowedTools}


def _tools(given: wire.WireRequest) -> tuple[tuple[Tool, ...] | None, ToolChoice | None]:
    tools: dict[str, Tool] = {}
    for number, one in enumerate(given.tools or ()):
        where = f"tools[{number}]"
        tool = _pick(one, {"function": wire.FunctionTool}, where)
        if tool.defer_loading:
            raise _refusal(f"{where}.defer_loading", "every tool is shown to the model")
        if tool.name in tools:
            raise InvalidRequest(f"{where}.name: there are two tools named {tool.name!r}", param=f"{where}.name")
        tools[tool.name] = Tool(tool.name, tool.description, tool.parameters, tool.strict)
    choice = given.tool_choice
    if isinstance(choice, str) or choice is None:
        return _chosen(choice, tools)
    picked = _pick(choice, _CHOICES, "tool_choice")
    if isinstance(picked, wire.NamedFunction):
        _check_known(picked.name, tools, "tool_choice.name")
        return tuple(tools.values()), NamedTool(picked.name)
    for number, named in enumerate(picked.tools):
        _check_known(named.name, tools, f"tool_choice.tools[{number}].name")
    names = {named.name for named in picked.tools}
    return _chosen(picked.mode, {name: tool for name, tool in tools.items() if name in names})


def _chosen(choice: Any, tools: Mapping[str, Tool]) -> tuple[tuple[Tool, ...] | None, ToolChoice | None]:
    if choice == "required" and not tools:
        raise InvalidRequest("tool_choice is required, but there are no tools to choose from", param="tool_choice")
    return tuple(tools.values()) or None, choice


def _check_known(name: str, tools: Mapping[str, Tool], where: str) -> None:
    if name not in tools:
        listed = ", ".join(list(tools)[:20]) or "none"
        raise InvalidRequest(f"{where}: {name!r} is not among the tools ({listed})", param=where)


def _response_format(given: wire.TextFormat | wire.JsonObjectFormat | wire.JsonSchemaFormat) -> ResponseFormat:
    if isinstance(given, wire.TextFormat):
        return ResponseFormat("text")
    if isinstance(given, wire.JsonObjectFormat):
        return ResponseFormat("json_object")
    schema = given.schema if given.description is None else {"description": given.description, **given.schema}
    return ResponseFormat("json_schema", given.name, schema, given.strict)


def _echo(given: wire.WireRequest) -> dict[str, Any]:
    """The part of an answer that repeats its request."""
    text = given.text or wire.TextConfig()
    reasoning = given.reasoning or wire.Reasoning()
    return {
        "background": False,
        "instructions": given.instructions,
        "max_output_tokens": given.max_output_tokens,
        "max_tool_calls": given.max_tool_calls,
        "metadata": given.metadata or {},
        "parallel_tool_calls": given.parallel_tool_calls is not False,
        "previous_response_id": given.previous_response_id,
        "prompt_cache_key": given.prompt_cache_key,
        "reasoning": {"effort": reasoning.effort, "summary": reasoning.summary},
        "safety_identifier": given.safety_identifier,
        "service_tier": "default",
        "temperature": given.temperature,
        "text": {"format": text.format or wire.TextFormat(), "verbosity": text.verbosity or "medium"},
        "tool_choice": given.tool_choice or "auto",
        "tools": given.tools or [],
        "top_logprobs": 0,
        "top_p": given.top_p,
        "truncation": "disabled",
        "user": given.user,
    }
