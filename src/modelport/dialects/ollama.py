"""Ollama's ``/api/chat``, both directions. Source: https://docs.ollama.com/api/chat

Strict where we serve, lenient where we ask. The wire has no place for several choices, and none for a tool that must be
called; its tool calls are JSON, complete.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from modelport.dialects._fates import decoded
from modelport.dialects._ollama_answers import Lines
from modelport.dialects._ollama_asking import (
    COMMON_FATES,
    OPTIONS,
    Common,
    asked_of,
    common_fields,
    images_of,
    wire_content,
    wire_fields,
)
from modelport.dialects.base import Asked, tools_named_apart
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import (
    ChatRequest,
    FunctionCall,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCall,
)

__all__ = ("DIALECT", "FATES", "OPTIONS", "WITHIN", "Ollama")

FATES: dict[str, str] = {
    "model": "honoured: which of the served models; absent, or `default`: the first; may end in `:latest`",
    "messages": "honoured",
    "tools": "honoured: calls come complete, with an `id`; emulated, in words, where the model names a parser for its "
    "calls",
    **COMMON_FATES,
}
"""Every field of the published request. Any other is rejected by name."""

WITHIN: dict[str, str] = {
    "messages[].role": "honoured",
    "messages[].content": "honoured",
    "messages[].images": "honoured: in base64",
    "messages[].thinking": "honoured: thoughts, given back to the model",
    "messages[].tool_calls": "honoured",
    "messages[].tool_calls[].id": "honoured",
    "messages[].tool_calls[].type": "honoured: advice, which changes no answer; `function`",
    "messages[].tool_calls[].function": "honoured",
    "messages[].tool_calls[].function.name": "honoured",
    "messages[].tool_calls[].function.arguments": "honoured",
    "messages[].tool_calls[].function.index": "honoured: advice, which changes no answer",
    "messages[].tool_calls[].function.description": "honoured: advice, which changes no answer",
    "messages[].tool_name": "honoured: the call of that tool is the one that is answered",
    "messages[].tool_call_id": "honoured: the call that is answered",
    "tools[].type": "honoured: advice, which changes no answer; `function`",
    "tools[].function": "honoured",
    "tools[].function.name": "honoured",
    "tools[].function.description": "honoured",
    "tools[].function.parameters": "honoured: a JSON Schema",
    **{f"options.{name}": fate for name, fate in OPTIONS.items()},
}
"""The same for what is inside of them. Any other is rejected."""


class _Function(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any] | None = None
    index: int | None = None
    description: str | None = None


class _Call(Struct, frozen=True, forbid_unknown_fields=True):
    function: _Function
    id: str | None = None
    type: Literal["function"] | None = None


class _Message(Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    images: list[str] | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class _Tool(Struct, frozen=True, forbid_unknown_fields=True):
    function: Tool
    type: Literal["function"] = "function"


class _Request(Common, frozen=True, forbid_unknown_fields=True, kw_only=True):
    messages: list[_Message]
    tools: list[_Tool] | None = None


_decode_request = msgspec.json.Decoder(_Request).decode


class Ollama(Lines):
    """The dialect as an object."""

    name: str = "ollama"
    path: str = "/api/chat"
    chat: bool = True

    def decode_request(self, body: bytes) -> Asked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        given: _Request = decoded(_decode_request, body, FATES, WITHIN)
        if not given.messages:
            raise InvalidRequest("messages is empty: give at least one (models are loaded already)", param="messages")
        fields = common_fields(given)
        request = ChatRequest(
            messages=_messages(given.messages),
            tools=tools_named_apart([one.function for one in given.tools or ()], "tools", "function.name"),
            **fields,
        )
        return asked_of(given, request)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*. Images must be ``data:`` URLs already."""
        body = wire_fields(request, stream=stream, tools=True)
        body["messages"] = [_wire_message(message, at) for at, message in enumerate(request.messages)]
        if request.tools:
            body["tools"] = [{"type": "function", "function": tool} for tool in request.tools]
        return msgspec.json.encode(body)


DIALECT: Ollama = Ollama()


# --- requests in ------------------------------------------------------------------------------------------------------


class _Calls:
    """The calls that await their results, since Ollama's messages name tools, and ours calls."""

    def __init__(self) -> None:
        self._count = 0
        self._open: OrderedDict[str, str] = OrderedDict()  # id → name, the oldest first
        self._named: dict[str, OrderedDict[str, None]] = {}  # the same ids, by name
        self._minted: set[str] = set()  # those that came without an id

    def begun(self, given: list[_Call]) -> tuple[ToolCall, ...]:
        """The calls of one message, each with an id."""
        calls = []
        for call in given:
            self._count += 1
            name, number = call.function.name, call.id or f"call_{self._count}"
            if not call.id:
                self._minted.add(number)
            arguments = msgspec.json.encode(call.function.arguments or {}).decode()
            calls.append(ToolCall(number, FunctionCall(name, arguments)))
            self._forget(number)
            self._open[number] = name
            self._named.setdefault(name, OrderedDict())[number] = None
        return tuple(calls)

    def answered(self, message: _Message, where: str) -> str:
        """The id of the call whose result *message* is: the one it names, or the oldest that fits.

        LiteLLM sends calls without their ids, and results with them.
        """
        found = message.tool_call_id
        if not found or found not in self._open:
            waiting: Iterable[str] = self._named.get(message.tool_name, ()) if message.tool_name else self._open
            oldest = next(iter(waiting), None)
            found = oldest if not found or oldest in self._minted else None
        if found is None or self._open.get(found) is None or message.tool_name not in {None, "", self._open[found]}:
            raise InvalidRequest(f"{where} is the result of no call that a message before it has", param=where)
        self._forget(found)
        return found

    def _forget(self, number: str) -> None:
        name = self._open.pop(number, None)
        if name is not None:
            del self._named[name][number]


def _messages(given: list[_Message]) -> tuple[Message, ...]:
    calls = _Calls()
    return tuple([_message(one, f"messages[{at}]", calls) for at, one in enumerate(given)])


def _message(given: _Message, where: str, calls: _Calls) -> Message:
    role = given.role
    for name, roles in (("tool_calls", {"assistant"}), ("thinking", {"assistant"}), ("images", {"user", "tool"})):
        if getattr(given, name) and role not in roles:
            raise InvalidRequest(f"{where}.{name}: a message of the role {role} has none", param=f"{where}.{name}")
    made = calls.begun(given.tool_calls) if given.tool_calls else None
    if given.content is None and not (made or given.thinking or given.images):
        raise InvalidRequest(f"{where}.content is missing", param=f"{where}.content")
    content: str | tuple[Part, ...] | None = given.content
    if given.images:
        images = images_of(given.images, f"{where}.images")
        content = (*images, TextPart(given.content)) if given.content else tuple(images)
    if role == "tool":
        return Message("tool", content, tool_call_id=calls.answered(given, where))
    if given.tool_name or given.tool_call_id:
        name = f"{where}.{'tool_name' if given.tool_name else 'tool_call_id'}"
        raise InvalidRequest(f"{name}: a message of the role {role} is no tool's result", param=name)
    return Message(role, content, tool_calls=made, reasoning=given.thinking or None)


# --- and back ---------------------------------------------------------------------------------------------------------


def _wire_message(message: Message, at: int) -> dict[str, Any]:
    where = f"messages[{at}]"
    role = "system" if message.role == "developer" else message.role
    if role == "function" or message.function_call or message.refusal or message.name:
        raise UnsupportedField(f"{where} has what Ollama's wire has no place for", param=where)
    fields: dict[str, Any] = {"role": role, **wire_content(message, where)}
    if message.reasoning:
        fields["thinking"] = message.reasoning
    if message.tool_calls:
        fields["tool_calls"] = [_wire_call(call, where) for call in message.tool_calls]
    if message.tool_call_id:
        fields["tool_call_id"] = message.tool_call_id
    return fields


def _wire_call(call: ToolCall, where: str) -> dict[str, Any]:
    try:
        arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        name = f"{where}.tool_calls"
        raise InvalidRequest(f"{name}: the arguments of {call.name!r} are no JSON object", param=name) from None
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments}}
