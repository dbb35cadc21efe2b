"""OpenAI's legacy completions, both directions. Source: https://platform.openai.com/docs/api-reference/completions

A prompt is one turn of a user's, and the answer's text its completion. ``echo`` is kept here, by writing the prompt
before the text. Thoughts and calls of tools, which this wire is older than, stand beside a choice's text.
"""

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.failures import OpenAIErrors
from modelport.dialects.openai_completions.answers import decode_response, encode_response
from modelport.dialects.openai_completions.asking import (
    FATES,
    WITHIN,
    CompletionsAsked,
    decode_request,
    encode_request,
)
from modelport.dialects.openai_completions.streams import CompletionsStreamDecoder, CompletionsStreamEncoder
from modelport.types import ChatRequest, ChatResponse

__all__ = ("DIALECT", "FATES", "WITHIN", "CompletionsAsked", "OpenAICompletions")


class OpenAICompletions(OpenAIErrors):
    """The dialect as an object."""

    name: str = "openai_completions"
    path: str = "/v1/completions"

    def decode_request(self, body: bytes) -> CompletionsAsked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        return decode_request(body)

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body of a whole answer."""
        return encode_response(asked, response)

    def stream_encoder(self, asked: Asked, model: str) -> CompletionsStreamEncoder:
        """For one streamed answer of *model*."""
        return CompletionsStreamEncoder(asked, model)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*, which must be one user's text."""
        return encode_request(request, stream=stream)

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        return decode_response(body)

    def stream_decoder(self) -> CompletionsStreamDecoder:
        """For one streamed answer."""
        return CompletionsStreamDecoder()


DIALECT: OpenAICompletions = OpenAICompletions()
