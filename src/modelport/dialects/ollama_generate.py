"""Ollama's ``/api/generate``, both directions: a prompt, and what follows. Source: https://docs.ollama.com/api/generate"""

from typing import Any

import msgspec

from modelport.dialects._fates import decoded
from modelport.dialects._ollama_answers import Lines
from modelport.dialects._ollama_asking import (
    COMMON_FATES,
    OPTIONS,
    Common,
    asked_of,
    common_fields,
    images_of,
    refuse_set,
    wire_content,
    wire_fields,
)
from modelport.dialects.base import Asked
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import ChatRequest, Message, Part, TextPart

__all__ = ("DIALECT", "FATES", "WITHIN", "OllamaGenerate")

_NO_PICTURES = "rejected: models answer with text here"
_TEMPLATES = "rejected: templates are the model's own affair"
_REFUSED = {
    "suffix": "rejected: models answer here, and do not fill in",
    "template": _TEMPLATES,
    "context": "rejected: conversations are kept by who asks: use /api/chat",
    "raw": f"{_TEMPLATES}; `false` passes",
    "width": _NO_PICTURES,
    "height": _NO_PICTURES,
    "steps": _NO_PICTURES,
}

FATES: dict[str, str] = {
    "model": "honoured: which of the served models; absent, or `default`: the first; may end in `:latest`",
    "prompt": "honoured: a user's message",
    "system": "honoured: a system message before it",
    "images": "honoured: in base64",
    **COMMON_FATES,
    **_REFUSED,
}
"""Every field of the published request. Any other is rejected by name."""

WITHIN: dict[str, str] = {f"options.{name}": fate for name, fate in OPTIONS.items()}
"""The same for what is inside of them. Any other is rejected."""


class _Request(Common, frozen=True, forbid_unknown_fields=True, kw_only=True):
    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None
    suffix: str | None = None
    template: str | None = None
    context: list[int] | None = None
    raw: bool | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None


_decode_request = msgspec.json.Decoder(_Request).decode


class OllamaGenerate(Lines):
    """The dialect as an object."""

    name: str = "ollama_generate"
    path: str = "/api/generate"
    chat: bool = False

    def decode_request(self, body: bytes) -> Asked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        given: _Request = decoded(_decode_request, body, FATES, WITHIN)
        refuse_set({name: getattr(given, name) for name in _REFUSED}, FATES)
        images = images_of(given.images or (), "images")
        if not given.prompt and not images:
            raise InvalidRequest(
                "prompt is empty: there is nothing to answer (models are loaded already)", param="prompt"
            )
        content: str | tuple[Part, ...] = given.prompt or ""
        if images:
            content = (*images, TextPart(given.prompt)) if given.prompt else tuple(images)
        messages = [Message("system", given.system)] if given.system else []
        request = ChatRequest(messages=(*messages, Message("user", content)), **common_fields(given))
        return asked_of(given, request)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*: a user's message, perhaps after a system message.

        Raises:
            UnsupportedField: it is a longer conversation, or something is set that the wire has no place for.
        """
        body = wire_fields(request, stream=stream, tools=False)
        messages = list(request.messages)
        if len(messages) > 1 and messages[0].role in {"system", "developer"}:
            body["system"] = messages.pop(0).text
        if len(messages) != 1 or messages[0].role != "user" or messages[0].name:
            raise UnsupportedField(
                "messages: /api/generate takes one message of a user's; use /api/chat", param="messages"
            )
        content: dict[str, Any] = wire_content(messages[0], "messages[0]")
        body["prompt"] = content.pop("content")
        if "thinking" in content:
            raise UnsupportedField("messages: a prompt has no thoughts", param="messages")
        return msgspec.json.encode({**body, **content})


DIALECT: OllamaGenerate = OllamaGenerate()
