"""OpenAI's chat completions, both directions. Source: https://platform.openai.com/docs/api-reference/chat

The wire's own shapes are private to this folder, strict where we serve and lenient where we ask.
"""

from collections.abc import Sequence

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.answers import decode_response, encode_events, encode_response
from modelport.dialects.openai_chat.asking import decode_request, encode_request
from modelport.dialects.openai_chat.failures import OpenAIErrors
from modelport.dialects.openai_chat.fates import FATES, WITHIN
from modelport.dialects.openai_chat.streams import ChatStreamDecoder, ChatStreamEncoder
from modelport.types import ChatRequest, ChatResponse, Event

__all__ = ("DIALECT", "FATES", "WITHIN", "OpenAIChat")


class OpenAIChat(OpenAIErrors):
    """The dialect as an object; a provider with a quirk overrides the one method that the quirk is in."""

    name: str = "openai_chat"
    path: str = "/v1/chat/completions"

    def decode_request(self, body: bytes) -> Asked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        return decode_request(body)

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body of a whole answer."""
        return encode_response(asked, response)

    def encode_events(self, asked: Asked, model: str, events: Sequence[Event]) -> bytes | None:  # noqa: ARG002
        """The same for the simplest of answers, from its events; None for any other."""
        return encode_events(model, events)

    def stream_encoder(self, asked: Asked, model: str) -> ChatStreamEncoder:
        """For one streamed answer of *model*."""
        return ChatStreamEncoder(asked, model)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*. Images must be URLs already."""
        return encode_request(request, stream=stream)

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        return decode_response(body)

    def stream_decoder(self) -> ChatStreamDecoder:
        """For one streamed answer."""
        return ChatStreamDecoder()


DIALECT: OpenAIChat = OpenAIChat()
