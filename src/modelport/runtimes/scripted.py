"""Replies from a file, in order: ``scripted:FILE``. For tests of agents that must run the same way each time.

``FILE.txt`` (or any other name) has one reply a line; ``\\n`` in a line is a new line. ``FILE.json`` is a list,
``FILE.jsonl`` has one value a line. A value is text, or an object with any of::

    {"content": "text", "reasoning": "thought", "tool_calls": [{"name": "search", "arguments": {"q": "tea"}}],
     "finish_reason": "length", "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.01}}
    {"error": "rate_limited", "message": "slow down", "retry_after": 2}

``error`` is the code of a :class:`modelport.ModelportError` (``rate_limited``, ``model_timeout``, ...).
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import DecodeError, Meta, Struct, ValidationError, convert
from msgspec.json import decode, encode

from modelport.errors import ConfigError, LoadError, ModelError, ModelportError, error_from_data
from modelport.model import AnswerStream, WholeAnswer
from modelport.types import (
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
    mint_id,
)

__all__ = ("Scripted", "load")

_AT_THE_END = ("error", "last", "again")


class _Call(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any] | str = {}
    id: str | None = None


class _Usage(Struct, frozen=True, forbid_unknown_fields=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None


class _Reply(Struct, frozen=True, forbid_unknown_fields=True):
    content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[_Call, ...] = ()
    finish_reason: FinishReason = "stop"
    usage: _Usage | None = None


class _Failure(Struct, frozen=True, forbid_unknown_fields=True):
    error: str
    message: str | None = None
    param: str | None = None
    retry_after: Annotated[float, Meta(ge=0)] | None = None


def load(argument: str | None = None, **options: Any) -> "Scripted":
    """The model. Options: ``name``; ``at_the_end``: what happens when the replies are used up, ``error`` (the
    default), ``last`` (the last one over again) or ``again`` (from the first).

    Raises:
        ConfigError: no file was named, or an option is unknown.
        LoadError: the file cannot be read, or a reply in it is wrong; the message names the line.
    """
    if not argument:
        raise ConfigError("scripted needs a file of replies: write scripted:FILE")
    unknown = sorted(options.keys() - {"name", "at_the_end"})
    if unknown:
        raise ConfigError(f"scripted has no option {unknown[0]!r}; it has name and at_the_end", param=unknown[0])
    return Scripted(_read(Path(argument)), **options)


class Scripted:
    """Gives one reply a request, in order, whatever the request says. Keeps count across callers and threads."""

    suspends = False
    accepts = None  # it keeps no field and minds none: a test's agent may set what it likes

    def __init__(self, replies: list[Any], name: str = "scripted", at_the_end: str = "error") -> None:
        if at_the_end not in _AT_THE_END:
            raise ConfigError(
                f"at_the_end must be one of {', '.join(_AT_THE_END)}, got {at_the_end!r}", param="at_the_end"
            )
        self.name = name
        self.identity: str = f"scripted/{encode(replies).decode()}"
        self._replies = [_parse(reply, f"reply {number}") for number, reply in enumerate(replies, start=1)]
        self._at_the_end = at_the_end
        self._given = 0
        self._lock = threading.Lock()

    def stream(self, _request: ChatRequest) -> AnswerStream:
        """The next reply."""
        return WholeAnswer(self._answer())

    async def _answer(self) -> list[Event]:
        reply = self._next()
        if isinstance(reply, _Failure):
            raise _error(reply)
        return _events(reply)

    def _next(self) -> _Reply | _Failure:
        with self._lock:
            number, self._given = self._given, self._given + 1
        count = len(self._replies)
        if number < count:
            return self._replies[number]
        if not count or self._at_the_end == "error":
            raise ModelError(
                f"{self.name} has {count} replies, and was asked for number {number + 1}: "
                "write more of them, or load it with at_the_end='last' or 'again'"
            )
        return self._replies[-1 if self._at_the_end == "last" else number % count]


def _error(failure: _Failure) -> ModelportError:
    data = {"code": failure.error, "message": failure.message or f"scripted: {failure.error}"}
    return error_from_data({**data, "param": failure.param, "retry_after": failure.retry_after})


def _events(reply: _Reply) -> list[Event]:
    events: list[Event] = []
    if reply.reasoning is not None:
        events.append(ReasoningDelta(reply.reasoning))
    if reply.content is not None:
        events += [TextDelta(piece) for piece in reply.content.splitlines(keepends=True) or [""]]
    for index, call in enumerate(reply.tool_calls):
        arguments = call.arguments if isinstance(call.arguments, str) else encode(call.arguments).decode()
        events.append(ToolCallDelta(index=index, id=call.id or mint_id("call_"), name=call.name, arguments=arguments))
    events.append(Finish("tool_calls" if reply.tool_calls and reply.finish_reason == "stop" else reply.finish_reason))
    if reply.usage is not None:
        told = reply.usage
        events.append(Usage(told.prompt_tokens, told.completion_tokens, told.total_tokens, cost=told.cost))
    return events


# --- reading ---


def _read(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"scripted: cannot read {path}: {error}") from error
    if path.suffix == ".json":
        values = _decode(text, str(path))
        if not isinstance(values, list):
            raise LoadError(f"scripted: {path} must hold a list of replies, got {type(values).__name__}")
        return values
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if path.suffix == ".jsonl":
        return [_decode(line, f"{path}, line {number}") for number, line in lines]
    return [line.replace("\\n", "\n") for _, line in lines]


def _decode(text: str, where: str) -> Any:
    try:
        return decode(text)
    except DecodeError as error:
        raise LoadError(f"scripted: {where} is not JSON: {error}") from error


def _parse(value: Any, where: str) -> _Reply | _Failure:
    if isinstance(value, str):
        return _Reply(content=value)
    if not isinstance(value, Mapping):
        raise LoadError(f"scripted: {where} must be text or an object, got {type(value).__name__}")
    try:
        if "error" not in value:
            return convert(value, _Reply)
        failure = convert(value, _Failure)
    except ValidationError as error:
        raise LoadError(f"scripted: {where}: {error}") from error
    if _error(failure).code != failure.error:
        raise LoadError(f"scripted: {where}: no error has the code {failure.error!r} (see modelport.errors)")
    return failure
