"""Requests: bytes of a chat-completions body to a :class:`ChatRequest`, and back."""

from typing import Any

import msgspec
from msgspec.json import Decoder

from modelport.dialects._fates import decoded
from modelport.dialects.base import Asked, image_from, tools_named_apart
from modelport.dialects.openai_chat import wire
from modelport.dialects.openai_chat.fates import FATES, WITHIN
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import (
    ChatRequest,
    ImagePart,
    Message,
    Messages,
    NamedTool,
    Part,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
    params_from_request,
)

__all__ = ("ChatAsked", "decode_request", "encode_request")

_decode = Decoder(wire.WireRequest).decode
_decode_plain = Decoder(wire.PlainRequest).decode
_encode = msgspec.json.Encoder().encode


class ChatAsked(Asked, frozen=True, kw_only=True):
    """``functions``: the caller speaks of functions, OpenAI's older word for tools, and is answered in it.

    ``texts``: each message's content is known to be text, so that nobody has to look.
    """

    functions: bool = False
    texts: bool = False


def decode_request(body: bytes) -> ChatAsked:
    """What a request's body asks.

    Raises:
        InvalidRequest: it is not JSON, or a field is unknown, wrong or refused; ``param`` names the field.
    """
    if len(body) <= _PLAIN_SIZE and (plain := _plain(body)) is not None:
        return plain
    given = decoded(_decode, body, FATES, WITHIN)
    return _asked(given)


_PLAIN_SIZE = 64 * 1024  # beyond it, a second look costs more than the first saves


def _plain(body: bytes) -> ChatAsked | None:
    """The same in a third of the time, for what most ask: messages of text, and a few settings. None for the rest.

    The messages stay turns until somebody wants dicts or values; what is let through here would pass below unchanged.
    """
    try:
        given = _decode_plain(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    request = ChatRequest(
        messages=Messages(None, turns=given.messages),
        model=given.model,
        n=given.n,
        temperature=given.temperature,
        top_p=given.top_p,
        max_tokens=given.max_tokens,
        seed=given.seed,
        user=given.user,
    )
    return ChatAsked(request=request, stream=given.stream is True, texts=True)


def _asked(given: wire.WireRequest) -> ChatAsked:
    if not given.messages:
        raise InvalidRequest("messages is empty: give at least one message", param="messages")
    _check_refused(given)
    stop = given.stop
    extra = None if given.verbosity in {None, "medium"} else {"verbosity": given.verbosity}
    request = ChatRequest(
        messages=tuple([_message(message, number) for number, message in enumerate(given.messages)]),
        model=given.model,
        n=given.n,
        temperature=given.temperature,
        top_p=given.top_p,
        max_tokens=_max_tokens(given),
        stop=(stop,) if stop.__class__ is str else stop or None,  # type: ignore[arg-type]
        seed=given.seed,
        presence_penalty=given.presence_penalty,
        frequency_penalty=given.frequency_penalty,
        logit_bias=given.logit_bias,
        logprobs=given.logprobs,
        top_logprobs=given.top_logprobs,
        tools=_tools(given),
        tool_choice=_tool_choice(given),
        parallel_tool_calls=given.parallel_tool_calls,
        response_format=None if given.response_format is None else _response_format(given.response_format),
        reasoning_effort=given.reasoning_effort,
        user=given.user if given.safety_identifier is None else given.user or given.safety_identifier,
        metadata=given.metadata,
        extra=extra,
    )
    options = given.stream_options
    return ChatAsked(
        request=request,
        stream=bool(given.stream),
        include_usage=options is not None and bool(options.include_usage),
        timeout=given.timeout,
        functions=given.functions is not None,
    )


def _check_refused(given: wire.WireRequest) -> None:
    if given.store:
        raise UnsupportedField("store: answers are not kept here; leave it out", param="store")
    if given.logprobs or given.top_logprobs:
        name = "logprobs" if given.logprobs else "top_logprobs"
        raise UnsupportedField(f"{name}: answers carry no log probabilities here; leave it out", param=name)
    options = given.stream_options
    if options is not None:
        if not given.stream:
            raise InvalidRequest("stream_options may be set only with stream: true", param="stream_options")
        if options.include_obfuscation:
            name = "stream_options.include_obfuscation"
            raise UnsupportedField(f"{name}: streams are not padded here; leave it out", param=name)


def _max_tokens(given: wire.WireRequest) -> int | None:
    new, old = given.max_completion_tokens, given.max_tokens
    if new is not None and old is not None and new != old:
        raise InvalidRequest(
            f"max_tokens ({old}) and max_completion_tokens ({new}) mean the same and differ: give one of them",
            param="max_tokens",
        )
    return old if new is None else new


# --- messages -------------------------------------------------------------------------------------------------------

_NEEDS_CONTENT = frozenset({"system", "developer", "user", "tool"})


def _message(given: wire.WireMessage, number: int) -> Message:
    role, content, refusal = given.role, given.content, given.refusal
    if content.__class__ is list:
        content, refusal = _parts(given, number)  # type: ignore[assignment]
    if role == "developer":
        role = "system"  # OpenAI's newer word for it, which few chat templates know
    _check_role(given, role, number)
    return Message(
        role,
        content,  # type: ignore[arg-type]
        given.name,
        given.tool_calls or None,
        given.tool_call_id,
        given.function_call,
        refusal,
        given.reasoning if given.reasoning_content is None else given.reasoning_content,
    )


def _check_role(given: wire.WireMessage, role: str, number: int) -> None:
    if given.content is None and role in _NEEDS_CONTENT:
        raise InvalidRequest(f"messages[{number}].content is missing", param=f"messages[{number}].content")
    if role == "assistant":
        if given.content is None and not (
            given.tool_calls or given.function_call or given.refusal or given.reasoning_content or given.reasoning
        ):
            raise InvalidRequest(
                f"messages[{number}].content is missing: an assistant's message needs it, or tool_calls",
                param=f"messages[{number}].content",
            )
    elif given.tool_calls or given.function_call:
        name = f"messages[{number}].{'tool_calls' if given.tool_calls else 'function_call'}"
        raise InvalidRequest(f"{name}: only an assistant calls tools, and this is the {role}'s message", param=name)
    if role == "tool" and not given.tool_call_id:
        name = f"messages[{number}].tool_call_id"
        raise InvalidRequest(f"{name} is missing: which call is this the result of?", param=name)
    if role == "function" and not given.name:
        name = f"messages[{number}].name"
        raise InvalidRequest(f"{name} is missing: which function's result is this?", param=name)


def _parts(given: wire.WireMessage, number: int) -> tuple[tuple[Part, ...] | None, str | None]:
    parts: list[Part] = []
    refusals = [] if given.refusal is None else [given.refusal]
    assert isinstance(given.content, list)
    if not given.content:
        where = f"messages[{number}].content"
        raise InvalidRequest(f"{where} is an empty list: give at least one part, or text", param=where)
    for at, part in enumerate(given.content):
        if isinstance(part, wire.TextPart):
            parts.append(TextPart(part.text))
        elif isinstance(part, wire.ImagePart):
            parts.append(
                image_from(part.image_url.url, f"messages[{number}].content[{at}].image_url.url", part.image_url.detail)
            )
        elif isinstance(part, wire.RefusalPart):
            refusals.append(part.refusal)
        else:
            parts.append(ReasoningPart(part.text))
    return tuple(parts) or None, "".join(refusals) if refusals else None


# --- tools and formats ----------------------------------------------------------------------------------------------


def _tools(given: wire.WireRequest) -> tuple[Tool, ...] | None:
    if given.tools is None and given.functions is None:
        return None
    if given.tools and given.functions:
        raise InvalidRequest("functions and tools mean the same: give one of them", param="functions")
    field = "functions" if given.functions is not None else "tools"
    tools = [tool.function for tool in given.tools or ()] or list(given.functions or ())
    return tools_named_apart(tools, field, "name" if field == "functions" else "function.name")


def _tool_choice(given: wire.WireRequest) -> ToolChoice | None:
    choice = given.tool_choice
    if choice is None and given.function_call is None:
        return None
    if choice is not None and given.function_call is not None:
        raise InvalidRequest("function_call and tool_choice mean the same: give one of them", param="function_call")
    field = "tool_choice" if choice is not None else "function_call"
    named = choice.function if isinstance(choice, wire.NamedFunction) else choice or given.function_call
    assert named is not None
    known = [tool.function.name for tool in given.tools or ()] + [tool.name for tool in given.functions or ()]
    if isinstance(named, str):
        if named == "required" and not known:
            raise InvalidRequest(f"{field} is required, but there are no tools to choose from", param=field)
        return named
    if named.name not in known:
        listed = ", ".join(known[:20]) or "none"
        raise InvalidRequest(f"{field} names {named.name!r}, which is not among the tools ({listed})", param=field)
    return NamedTool(named.name)


def _response_format(given: wire.TextFormat | wire.JsonObjectFormat | wire.JsonSchemaFormat) -> ResponseFormat:
    if isinstance(given, wire.TextFormat):
        return ResponseFormat("text")
    if isinstance(given, wire.JsonObjectFormat):
        return ResponseFormat("json_object")
    inner = given.json_schema
    schema = inner.schema if inner.description is None else {"description": inner.description, **inner.schema}
    return ResponseFormat("json_schema", inner.name, schema, inner.strict)


# --- and back ---------------------------------------------------------------------------------------------------------


def encode_request(request: ChatRequest, *, stream: bool) -> bytes:
    """The body that asks *request*. Names in ``extra`` stand beside the others.

    Raises:
        InvalidRequest: an image is not a URL: the caller turns images into data URLs first.
    """
    body: dict[str, Any] = {"messages": [_message_to_dict(message, at) for at, message in enumerate(request.messages)]}
    body.update(params_from_request(request))
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return _encode(body)


def _message_to_dict(message: Message, number: int) -> dict[str, Any]:
    result: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.content.__class__ is not str and message.content is not None:
        result["content"] = [_part_to_dict(part, f"messages[{number}].content") for part in message.content]
    for name, field in _MESSAGE_FIELDS:
        value = getattr(message, field)
        if value is not None:
            result[name] = value
    return result


_MESSAGE_FIELDS = (
    ("name", "name"),
    ("tool_calls", "tool_calls"),
    ("tool_call_id", "tool_call_id"),
    ("function_call", "function_call"),
    ("refusal", "refusal"),
    ("reasoning_content", "reasoning"),
)


def _part_to_dict(part: Part | str, where: str) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        if not isinstance(part.image, str):
            what = type(part.image).__name__
            raise InvalidRequest(f"{where} holds an image as {what}: this wire carries images as URLs", param=where)
        return {"type": "image_url", "image_url": wire.ImageUrl(part.image, part.detail)}  # type: ignore[arg-type]
    if isinstance(part, ReasoningPart):
        return {"type": "reasoning", "text": part.text}
    assert isinstance(part, TextPart)
    return {"type": "text", "text": part.text}
