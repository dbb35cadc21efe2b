"""A prompt whose tokens are to be counted by the model's own tokenizer, as a request and the usage that answers it.

So it goes wherever requests go, into threads and worker processes, past deadlines, as texts to be embedded do.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from modelport.errors import ContractBroken
from modelport.types.embeddings import EMBED
from modelport.types.events import Event, Usage
from modelport.types.request import ChatRequest

__all__ = ("COUNT", "asks_count", "count_from", "count_request", "stands_alone")

COUNT = "modelport.count"
"""The name among a request's ``extra`` that makes it one for a count."""


def count_request(request: ChatRequest) -> ChatRequest:
    """*request*, to be counted and not answered."""
    return replace(request, extra={COUNT: True})


def asks_count(request: ChatRequest) -> bool:
    """Whether *request* asks for a count; nearly none do."""
    return request.extra is not None and COUNT in request.extra


def stands_alone(request: ChatRequest) -> bool:
    """Whether *request* asks for something else than an answer, so that it belongs in no batch of those."""
    return request.extra is not None and (EMBED in request.extra or COUNT in request.extra)


def count_from(events: Iterable[Event]) -> int:
    """The count that such an answer is.

    Raises:
        ContractBroken: it is none.
    """
    for event in events:
        if isinstance(event, Usage) and event.prompt_tokens is not None:
            return event.prompt_tokens
    raise ContractBroken("the model was asked how many tokens a prompt has, and answered with something else")
