"""Anthropic's Messages, both directions. Source: https://platform.claude.com/docs/en/api/messages

The wire's own shapes are private to this folder, strict where we serve and lenient where we ask.
"""

import time
from collections.abc import Mapping

import msgspec

from modelport.dialects.anthropic_messages.answers import decode_response, encode_response
from modelport.dialects.anthropic_messages.asking import MessagesAsked, decode_count, decode_request
from modelport.dialects.anthropic_messages.failures import decode_error, encode_error
from modelport.dialects.anthropic_messages.fates import FATES, WITHIN
from modelport.dialects.anthropic_messages.reading import MessagesStreamDecoder
from modelport.dialects.anthropic_messages.sending import encode_request
from modelport.dialects.anthropic_messages.streams import MessagesStreamEncoder
from modelport.dialects.base import Asked
from modelport.errors import ModelportError
from modelport.types import ChatRequest, ChatResponse

__all__ = ("COUNT_PATH", "DIALECT", "FATES", "WITHIN", "AnthropicMessages")

COUNT_PATH = "/v1/messages/count_tokens"


class AnthropicMessages:
    """The dialect as an object; a provider with a quirk overrides the one method that the quirk is in."""

    name: str = "anthropic_messages"
    path: str = "/v1/messages"
    request_type: str = "application/json"
    response_type: str = "application/json"
    stream_type: str = "text/event-stream; charset=utf-8"
    max_tokens: int = 4096  # asked for where a request does not say: the wire demands a number

    def decode_request(self, body: bytes) -> MessagesAsked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        return decode_request(body)

    def decode_count(self, body: bytes) -> ChatRequest:
        """The request whose tokens *body* asks to count. Raises ``InvalidRequest`` naming the field."""
        return decode_count(body)

    def encode_count(self, tokens: int, *, estimated: bool) -> bytes:
        """The answer to it."""
        body = {"input_tokens": tokens}
        return msgspec.json.encode({**body, "modelport": {"usage_estimated": True}} if estimated else body)

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body of a whole answer."""
        return encode_response(asked, response)

    def stream_encoder(self, asked: Asked, model: str) -> MessagesStreamEncoder:
        """For one streamed answer of *model*."""
        return MessagesStreamEncoder(asked, model)

    def encode_error(self, error: ModelportError, request_id: str | None = None) -> bytes:
        """The body of an answer that is an error."""
        return encode_error(error, request_id)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*. Images must be URLs already."""
        return encode_request(request, stream=stream, max_tokens=self.max_tokens)

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        return decode_response(body, int(time.time()))

    def stream_decoder(self) -> MessagesStreamDecoder:
        """For one streamed answer."""
        return MessagesStreamDecoder()

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer of *status* carries."""
        return decode_error(status, body, headers)


DIALECT: AnthropicMessages = AnthropicMessages()
