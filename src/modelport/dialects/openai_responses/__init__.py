"""OpenAI's Responses, both directions. Source: https://platform.openai.com/docs/api-reference/responses

The wire's own shapes are private to this folder, strict where we serve and lenient where we ask. Nothing is kept here:
``previous_response_id`` is for whoever serves to resolve.
"""

from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.failures import OpenAIErrors
from modelport.dialects.openai_responses.answers import decode_response, encode_response
from modelport.dialects.openai_responses.asking import ResponsesAsked, after, decode_request, turns
from modelport.dialects.openai_responses.failures import encode_error
from modelport.dialects.openai_responses.fates import FATES, WITHIN
from modelport.dialects.openai_responses.reading import ResponsesStreamDecoder
from modelport.dialects.openai_responses.sending import encode_request
from modelport.dialects.openai_responses.streams import ResponsesStreamEncoder
from modelport.errors import ModelportError
from modelport.types import ChatRequest, ChatResponse

__all__ = ("DIALECT", "FATES", "WITHIN", "OpenAIResponses", "ResponsesAsked", "after", "turns")


class OpenAIResponses(OpenAIErrors):
    """The dialect as an object. *keeps* tells that whoever serves keeps answers, so that ids of them may be given."""

    name: str = "openai_responses"
    path: str = "/v1/responses"

    def __init__(self, *, keeps: bool = False) -> None:
        self._keeps = keeps

    def decode_request(self, body: bytes) -> ResponsesAsked:
        """What *body* asks. Raises ``InvalidRequest`` naming the field."""
        return decode_request(body, keeps=self._keeps)

    def encode_response(self, asked: Asked, response: ChatResponse) -> bytes:
        """The body of a whole answer."""
        return encode_response(asked, response)

    def stream_encoder(self, asked: Asked, model: str) -> ResponsesStreamEncoder:
        """For one streamed answer of *model*."""
        return ResponsesStreamEncoder(asked, model)

    def encode_error(self, error: ModelportError) -> bytes:
        """The body of an answer that is an error; fields have this wire's names."""
        return encode_error(error)

    def encode_request(self, request: ChatRequest, *, stream: bool) -> bytes:
        """The body that asks *request*. Images must be URLs already."""
        return encode_request(request, stream=stream)

    def decode_response(self, body: bytes) -> ChatResponse:
        """A whole answer. Raises ``ProtocolError`` where it is none."""
        return decode_response(body)

    def stream_decoder(self) -> ResponsesStreamDecoder:
        """For one streamed answer."""
        return ResponsesStreamDecoder()


DIALECT: OpenAIResponses = OpenAIResponses()
