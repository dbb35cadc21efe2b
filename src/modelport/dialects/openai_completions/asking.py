"""Requests: bytes of a completions body to a :class:`ChatRequest`, and back."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from modelport.dialects._fates import decoded, note_of
from modelport.dialects.base import Asked
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.types import ChatRequest, Message

__all__ = ("FATES", "WITHIN", "CompletionsAsked", "decode_request", "echo_of", "encode_request")

FATES: dict[str, str] = {
    "prompt": "honoured: one user's turn; several texts are asked one after the other (emulated); tokens are refused",
    "model": "honoured: which of the served models; absent, or `default`: the first",
    "stream": "honoured",
    "stream_options": "honoured: only with `stream`",
    "n": "honoured: 1 to 128; emulated, by asking again, where the model takes no `n`",
    "best_of": "rejected: answers are not ranked here; as many as n pass",
    "echo": "emulated: the prompt is written before the text",
    "temperature": "honoured: 0 to 2",
    "top_p": "honoured: 0 to 1",
    "max_tokens": "honoured: left to the model where it is absent (OpenAI takes 16); emulated, by cutting the answer "
    "at an estimate, where the model takes none",
    "stop": "honoured: emulated, by cutting the text, where the model takes none",
    "seed": "honoured",
    "presence_penalty": "honoured: −2 to 2",
    "frequency_penalty": "honoured: −2 to 2",
    "logit_bias": "honoured: −100 to 100 each",
    "logprobs": "rejected: answers carry no log probabilities here",
    "suffix": "rejected: models continue a text here, they do not fill one in",
    "user": "honoured",
    "timeout": "honoured: ours, not OpenAI's: seconds for this answer",
}
"""Every field of the published request, and ours. Any other is rejected by name."""

WITHIN: dict[str, str] = {
    "stream_options.include_usage": "honoured",
    "stream_options.include_obfuscation": "rejected: streams are not padded here; `false` passes",
}
"""The same for what is inside of them. Any other is rejected."""

Penalty = Annotated[float, Meta(ge=-2, le=2)]


class _StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class _Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    prompt: str | list[Any] | None = None
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    best_of: Annotated[int, Meta(ge=1)] | None = None
    echo: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    stop: str | tuple[str, ...] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    logprobs: int | None = None
    suffix: str | None = None
    user: str | None = None
    timeout: Annotated[float, Meta(gt=0)] | None = None  # seconds; ours, not OpenAI's


_SAME = (
    "model",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
)
_decode = msgspec.json.Decoder(_Request).decode


class CompletionsAsked(Asked, frozen=True, kw_only=True):
    """``prompts`` are the texts to continue, each ``n`` times; the request has the first. ``echo`` tells that each
    choice's text begins with its prompt."""

    prompts: tuple[str, ...] = ()
    echo: bool = False


def decode_request(body: bytes) -> CompletionsAsked:
    """What a request's body asks.

    Raises:
        InvalidRequest: it is not JSON, or a field is unknown, wrong or refused; ``param`` names the field.
    """
    given = decoded(_decode, body, FATES, WITHIN)
    _check_refused(given)
    prompts = _prompts(given.prompt)
    stop = (given.stop,) if isinstance(given.stop, str) else given.stop or None
    same = {name: getattr(given, name) for name in _SAME}
    options = given.stream_options
    return CompletionsAsked(
        request=ChatRequest(messages=(Message("user", prompts[0]),), stop=stop, **same),
        stream=bool(given.stream),
        include_usage=options is not None and bool(options.include_usage),
        timeout=given.timeout,
        emulated=(*(("prompt",) if len(prompts) > 1 else ()), *(("echo",) if given.echo else ())),
        prompts=prompts,
        echo=bool(given.echo),
    )


def _check_refused(given: _Request) -> None:
    if given.best_of not in {None, given.n or 1}:
        raise _refusal("best_of")
    for name in ("logprobs", "suffix"):
        if getattr(given, name) is not None:
            raise _refusal(name)
    options = given.stream_options
    if options is not None and not given.stream:
        raise InvalidRequest("stream_options may be set only with stream: true", param="stream_options")
    if options is not None and options.include_obfuscation:
        name = "stream_options.include_obfuscation"
        raise UnsupportedField(f"{name}: streams are not padded here; leave it out", param=name)


def _refusal(name: str) -> UnsupportedField:
    return UnsupportedField(f"{name}: {note_of(FATES, name)}; leave it out", param=name)


def _prompts(given: str | list[Any] | None) -> tuple[str, ...]:
    if given is None:
        raise InvalidRequest("prompt is missing: give the text to continue", param="prompt")
    if isinstance(given, str):
        return (given,)
    if not given:
        raise InvalidRequest("prompt is an empty list: give the text to continue", param="prompt")
    if not all(isinstance(one, str) for one in given):
        raise UnsupportedField("prompt: tokens are not taken here; send text", param="prompt")
    return tuple(given)


def echo_of(asked: Asked, choice: int) -> str:
    """What that choice's text begins with."""
    if not isinstance(asked, CompletionsAsked) or not asked.echo:
        return ""
    return asked.prompts[min(choice // (asked.request.n or 1), len(asked.prompts) - 1)]


# --- and back ---------------------------------------------------------------------------------------------------------


_PLACES = frozenset({*_SAME, "messages", "stop"})


def encode_request(request: ChatRequest, *, stream: bool) -> bytes:
    """The body that asks *request*, which must be one user's text. Names in ``extra`` stand beside the others.

    Raises:
        UnsupportedField: the request holds what this wire has no place for.
    """
    for name in request.__struct_fields__:
        if name not in _PLACES and name != "extra" and getattr(request, name):
            raise UnsupportedField(f"{name}: OpenAI's completions have no place for it; leave it out", param=name)
    messages = tuple(request.messages)
    if len(messages) != 1 or messages[0].role != "user" or not isinstance(messages[0].content, str):
        raise UnsupportedField("messages: a completion has one prompt, the text of one user's turn", param="messages")
    body: dict[str, Any] = {"prompt": messages[0].content}
    body.update({name: value for name in (*_SAME, "stop") if (value := getattr(request, name)) is not None})
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(body | dict(request.extra or {}))
