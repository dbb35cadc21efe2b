"""How many tokens a text, messages or functions take, and how many a model takes. Never touches the network.

What nobody described is estimated, and says so: the numbers are ints with ``estimated``. Knows no tokenizer itself.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any

from modelport.errors import ConfigError
from modelport.wrappers.metering import tokens_of

__all__ = (
    "TokenCount",
    "count_token",
    "describe_model",
    "get_max_token_limit",
    "num_tokens_from_functions",
    "percentile_used",
    "token_left",
)

logger: logging.Logger = logging.getLogger(__name__)

_DEFAULT = "gpt-3.5-turbo-0613"
_ASSUMED = 4096  # tokens: the window of AutoGen's default model, for models that nobody described
_A_MESSAGE, _A_NAME, _AN_ANSWER = 3, 1, 3  # tokens around each, in OpenAI's chat template

# Tokens of prompt and answer together, as OpenAI's pages had it for the models that AutoGen 0.2 knows.
_LIMITS = {
    **dict.fromkeys(("gpt-3.5-turbo", "gpt-3.5-turbo-0125", "gpt-3.5-turbo-1106"), 16_385),
    **dict.fromkeys(("gpt-3.5-turbo-16k", "gpt-3.5-turbo-16k-0613"), 16_385),
    **dict.fromkeys(("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-instruct"), 4096),
    **dict.fromkeys(("gpt-4", "gpt-4-0314", "gpt-4-0613"), 8192),
    **dict.fromkeys(("gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32k-0613"), 32_768),
    **dict.fromkeys(("gpt-4-1106-preview", "gpt-4-0125-preview", "gpt-4-turbo-preview"), 128_000),
    **dict.fromkeys(("gpt-4-vision-preview", "gpt-4-turbo", "gpt-4-turbo-2024-04-09"), 128_000),
    **dict.fromkeys(("gpt-4o", "gpt-4o-2024-05-13", "gpt-4o-2024-08-06"), 128_000),
    **dict.fromkeys(("gpt-4o-mini", "gpt-4o-mini-2024-07-18"), 128_000),
}

Encode = Callable[[str], Sized]

_described: dict[str, tuple[int | None, Encode | None]] = {}
_warned: set[str] = set()


class TokenCount(int):
    """A number of tokens; ``estimated`` tells whether it was counted or made out of the length of a text."""

    estimated: bool = False

    @classmethod
    def of(cls, tokens: int, *, estimated: bool) -> "TokenCount":
        """*tokens*, marked."""
        count = cls(tokens)
        count.estimated = estimated
        return count

    def __repr__(self) -> str:
        return f"{int(self)} (estimated)" if self.estimated else str(int(self))

    def __str__(self) -> str:
        return int.__repr__(self)


def describe_model(model: str, *, max_tokens: int | None = None, encode: Encode | None = None) -> None:
    """Say what this process is to know of *model*: its window, and how its tokenizer cuts text.

    *encode* is given text and returns something of as many items as there are tokens: ``tokenizer.encode`` of
    Transformers or tiktoken will do. What is None stays as it was.

    Raises:
        ConfigError: *max_tokens* is no positive number.
    """
    if max_tokens is not None and max_tokens < 1:
        raise ConfigError(f"max_tokens of {model} must be a positive number of tokens, got {max_tokens!r}")
    limit, how = _described.get(model, (None, None))
    _described[model] = (limit if max_tokens is None else max_tokens, encode or how)


def get_max_token_limit(model: str = _DEFAULT) -> int:
    """How many tokens *model* takes, prompt and answer together.

    As :func:`describe_model` said, or OpenAI's; 4,096 for any other, with a warning and marked as estimated.
    """
    limit = _described.get(model, (None, None))[0] or _LIMITS.get(_openai_name(model))
    if limit is not None:
        return TokenCount.of(limit, estimated=False)
    _warn_once(
        model, f"the window of {model} is not known and taken for {_ASSUMED} tokens: call describe_model(max_tokens=…)"
    )
    return TokenCount.of(_ASSUMED, estimated=True)


def percentile_used(input: Any, model: str = _DEFAULT) -> float:  # noqa: A002 - AutoGen's name for it
    """The share of *model*'s window that *input* takes; more than 1 where it does not fit."""
    return count_token(input, model) / get_max_token_limit(model)


def token_left(input: Any, model: str = _DEFAULT) -> int:  # noqa: A002
    """How many tokens of *model*'s window *input* leaves; less than none where it does not fit."""
    used, limit = count_token(input, model), get_max_token_limit(model)
    estimated = bool(getattr(used, "estimated", False) or getattr(limit, "estimated", False))
    return TokenCount.of(limit - used, estimated=estimated)


def count_token(input: Any, model: str = _DEFAULT) -> int:  # noqa: A002
    """The tokens of a text, of a message or of a list of messages.

    Counted with what :func:`describe_model` gave for *model*, else a token for every four bytes, marked as estimated.

    Raises:
        ValueError: *input* is none of these.
    """
    if isinstance(input, str):
        return _count(model, [input])
    if isinstance(input, Mapping):
        input = [input]  # noqa: A001
    if not isinstance(input, list | tuple) or not all(isinstance(each, Mapping) for each in input):
        raise ValueError(f"input must be str, list or dict, but we got {type(input)}")
    texts: list[str] = []
    extra = _AN_ANSWER
    for message in input:
        extra += _A_MESSAGE
        for field, value in message.items():
            if value is not None:
                texts.append(_as_text(value))
                extra += _A_NAME if field == "name" else 0
    return _count(model, texts, extra)


def num_tokens_from_functions(functions: Iterable[Mapping[str, Any]], model: str = _DEFAULT) -> int:
    """The tokens of functions as the ``functions`` of a request describe them."""
    texts: list[str] = []
    extra = 12
    for function in functions:
        texts += [function["name"], function["description"]]
        extra -= 2
        properties = function.get("parameters", {}).get("properties")
        if properties is None:
            continue
        extra += 11 if properties else 9
        for name, schema in properties.items():
            texts.append(name)
            for field, value in schema.items():
                extra += _around(field, value)
                texts += [str(each) for each in value] if field == "enum" else [_as_text(value)]
    return _count(model, texts, extra)


def _around(field: str, value: Any) -> int:
    return 3 * len(value) - 3 if field == "enum" else 2


def _count(model: str, texts: Iterable[str], extra: int = 0) -> int:
    encode = _described.get(model, (None, None))[1]
    if encode is not None:
        return TokenCount.of(sum(len(encode(text)) for text in texts) + extra, estimated=False)
    size = sum(tokens_of(len(text.encode("utf-8", "replace"))) for text in texts)
    return TokenCount.of(size + extra, estimated=True)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    from json import dumps

    try:
        return dumps(value)
    except (TypeError, ValueError):  # an image, an object: it has no text to count
        return ""


def _openai_name(model: str) -> str:
    """OpenAI's name for what Azure's users call gpt-35-turbo or gpt4."""
    for written, meant in (("gpt-35", "gpt-3.5"), ("gpt35", "gpt-3.5"), ("gpt4", "gpt-4")):
        if model.startswith(written):
            return meant + model[len(written) :]
    return model


def _warn_once(model: str, message: str) -> None:
    if model not in _warned:
        _warned.add(model)
        logger.warning(message)
