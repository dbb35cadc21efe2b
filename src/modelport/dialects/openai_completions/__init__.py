"""OpenAI's legacy completions, both directions. Source: https://platform.openai.com/docs/api-reference/completions

A prompt is one turn of a user's, and the answer's text its completion. ``echo`` is kept here, by writing the prompt
before the text. Thoughts and calls of tools, which this wire is older than, stand beside a choice's text.
"""

from collections.abc import Mapping

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.failures import decode_error, encode_error
from modelport.dialects.openai_completions.answers import decode_response, encode_response
from modelport.dialects.openai_completions.asking import (
    FATES,
    WITHIN,
    CompletionsAsked,
    decode_request,
    encode_request,
)
from modelport.dialects.openai_completions.streams import CompletionsStreamDecoder, CompletionsStreamEncoder
from modelport.errors import ModelportError
from modelport.types import ChatRequest, ChatResponse

__all__ = ("DIALECT", "FATES", "WITHIN", "CompletionsAsked", "OpenAICompletions")


class OpenAICompletions:
    """The dialect as an object."""

    name: str = "openai_completions"
    path: str = "/v1/completions"
    request_type: str = "application/json"
    response_type: str = "application/json"
    stream_type: str = "text/event-stream; charset=utf-8"

    def decode_request(self, body: bytes) -> CompletionsAsked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        return decode_request(body)

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body of a whole answer."""
        return encode_response(asked, response)

    def stream_encoder(self, asked: Asked, model: str) -> CompletionsStreamEncoder:
        """For one streamed answer of *model*."""
        return CompletionsStreamEncoder(asked, model)

    def encode_error(self, error: ModelportError) -> bytes:
        """The body of an answer that is an error."""
        return encode_error(error)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*, which must be one user's text."""
        return encode_request(request, stream=stream)

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        return decode_response(body)

    def stream_decoder(self) -> CompletionsStreamDecoder:
        """For one streamed answer."""
        return CompletionsStreamDecoder()

    def decode_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ModelportError:
        """The error that an answer of *status* carries."""
        return decode_error(status, body, headers)


DIALECT: OpenAICompletions = OpenAICompletions()
