"""``response_format`` for a model that does not keep it: it is asked for JSON, and what it says is held against that.

An answer that is not what was asked for is given back to the model with what is wrong, a bounded number of times. So
nothing of an answer is seen before it is whole and valid; it then comes as one piece, and says so.
"""

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace

from modelport.errors import ContractBroken, InvalidRequest
from modelport.model import AnswerStream, Model, ReadyEvents
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Emulated,
    Event,
    Finish,
    FinishReason,
    Message,
    ReasoningDelta,
    ResponseBuilder,
    ResponseFormat,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    messages_from,
)
from modelport.wrappers.asking import asked_again, sum_of, with_last
from modelport.wrappers.base import Wrapper
from modelport.wrappers.schemas import Schema, compiled

__all__ = ("HELD_BACK", "NOT_KEPT", "Structured")

HELD_BACK = "response_format.held_back"
"""Among an answer's ``emulated``: it came as a whole, because it was looked at first."""

NOT_KEPT = "response_format.not_kept"
"""Likewise: it is JSON, but not what the schema asks for, which was not strict."""

_SCHEMA = "response_format.json_schema.schema"
_OBJECT = "Answer with one JSON object and nothing else: no explanation, no code fence."
_UNDER = (
    "Answer with JSON that is valid under the JSON Schema below, and with nothing else: no explanation, no code fence."
)
_AGAIN = "That is not what was asked for: {problem}.\nGive the whole answer again, mended, as JSON and nothing else."
_FENCE = "```"


class Structured(Wrapper):
    """A model whose answers are JSON where a request asks for that; it is asked again up to *repairs* times."""

    def __init__(self, model: Model, *, repairs: int = 2) -> None:
        super().__init__(model)
        self.repairs = repairs

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer, or the first of its answers that is what was asked for.

        A ``json_object`` is one, and what is ``strict`` is valid under its schema, or the answer is an error. What is
        not strict may be any JSON in the end; ``emulated`` has NOT_KEPT then.

        Raises, when it is entered:
            InvalidRequest: the schema is none, or too much.
        """
        form = request.response_format
        if form is None or form.type == "text":
            return self.model.stream(request)
        return _Answer(self, request, form)


class _Wanted:
    """What an answer must be."""

    def __init__(self, form: ResponseFormat, schema: Schema | None) -> None:
        self.schema = schema
        self.strict = form.type == "json_object" or form.strict is True
        self.instruction = _OBJECT
        if schema is not None:
            self.instruction = f"{_UNDER}\n\n{json.encode(form.json_schema).decode()}"

    @classmethod
    async def by(cls, form: ResponseFormat) -> "_Wanted":
        """What *form* asks for."""
        if form.type == "json_object":
            return cls(form, None)
        if form.json_schema is None:
            raise InvalidRequest(f"{_SCHEMA} is missing: give the schema of the answer", param=_SCHEMA)
        return cls(form, await compiled(form.json_schema, _SCHEMA))

    def verdict(self, text: str) -> "_Verdict":
        """What *text* is worth."""
        found = _json_in(text)
        if found is None:
            return _Verdict(None, "it is not JSON" if text.strip() else "it is empty")
        written, value = found
        if self.schema is None:
            return _Verdict(written) if isinstance(value, dict) else _Verdict(None, "it is JSON, but not an object")
        problems = self.schema.problems(value)
        return _Verdict(written, "; ".join(problems))


class _Verdict(Struct, frozen=True):
    """The JSON in a text, if there is any, and what is wrong with it, if something is."""

    written: str | None
    problem: str = ""


class _Answer:
    __slots__ = ("_form", "_request", "_structured", "_wanted")

    def __init__(self, structured: Structured, request: ChatRequest, form: ResponseFormat) -> None:
        self._structured = structured
        self._request = request
        self._form = form

    async def __aenter__(self) -> AsyncIterator[Event]:
        self._wanted = await _Wanted.by(self._form)
        usages: list[Usage | None] = []
        best: tuple[ChatResponse, str] | None = None
        messages = with_last(messages_from(self._request.messages), self._wanted.instruction)
        while True:
            response = await self._asked(messages)
            usages.append(response.usage)
            if _says_otherwise(response):
                return ReadyEvents(_events(response, response.message.content, sum_of(usages)))
            text = response.text
            verdict = self._wanted.verdict(text)
            if verdict.written is not None:
                best = response, verdict.written
                if not verdict.problem:
                    return ReadyEvents(_events(response, verdict.written, sum_of(usages), HELD_BACK))
            if response.choices[0].finish_reason == "length":
                raise self._cut_off()
            if len(usages) > self._structured.repairs:
                if best is None or self._wanted.strict:
                    raise self._broken(verdict.problem, len(usages))
                return ReadyEvents(_events(*best, sum_of(usages), HELD_BACK, NOT_KEPT))
            messages = asked_again(messages, text, _AGAIN.format(problem=verdict.problem))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None

    async def _asked(self, messages: tuple[Message, ...]) -> ChatResponse:
        model = self._structured.model
        builder = ResponseBuilder(model.name)
        request = replace(self._request, messages=messages, response_format=None, n=None)
        async with model.stream(request) as events:
            async for event in events:
                builder.add(event)
        return builder.response()

    def _broken(self, problem: str, tries: int) -> ContractBroken:
        what = "a JSON object" if self._wanted.schema is None else "JSON that is valid under the schema"
        return ContractBroken(
            f"response_format asked {self._structured.name} for {what}, and none of {tries} answers was; "
            f"of the last: {problem}",
            param="response_format",
        )

    def _cut_off(self) -> ContractBroken:
        return ContractBroken(
            f"response_format asked {self._structured.name} for JSON, but its answer was cut off before it was whole: "
            "raise max_tokens, or ask for less",
            param="response_format",
        )


def _says_otherwise(response: ChatResponse) -> bool:
    """Whether the answer is a call of a tool, or was held back by a filter: then its text is not what was asked for."""
    return bool(response.message.tool_calls) or response.choices[0].finish_reason == "content_filter"


def _events(response: ChatResponse, content: Any, usage: Usage | None, *labels: str) -> list[Event]:
    message = response.choices[0].message
    events: list[Event] = [
        Started(response.model, response.id, raw=response.raw, cached=response.cached),
        Emulated((*response.emulated, "response_format", *labels), response.sent),
    ]
    if message.reasoning:
        events.append(ReasoningDelta(message.reasoning))
    if content:
        events.append(TextDelta(content))
    for index, call in enumerate(message.tool_calls or ()):
        events.append(ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments))
    reason: FinishReason = response.choices[0].finish_reason
    events.append(Finish(reason))
    return events if usage is None else [*events, usage]


# --- the JSON in a text -----------------------------------------------------------------------------------------------


def _json_in(text: str) -> tuple[str, Any] | None:
    """The JSON that *text* is, or that stands in it in a code fence or among words: as written, and its value."""
    for candidate in _candidates(text):
        if not candidate:
            continue
        try:
            return candidate, json.decode(candidate)
        except (DecodeError, RecursionError, UnicodeEncodeError):
            continue
    return None


def _candidates(text: str) -> Iterator[str]:
    yield text.strip()
    yield _fenced(text)
    for bracket in sorted("{[", key=lambda each: text.find(each) % (len(text) + 1)):
        yield _among_words(text, bracket)


def _fenced(text: str) -> str:
    _, fence, rest = text.partition(_FENCE)
    inside, end, _ = rest.partition(_FENCE)
    if not fence or not end:
        return ""
    language, line, body = inside.partition("\n")
    return (body if line and language.strip().isalnum() else inside).strip()


def _among_words(text: str, bracket: str) -> str:
    """The JSON value that begins with the first *bracket*."""
    from json import JSONDecoder  # which, other than msgspec's, tells where a value ends

    begin = text.find(bracket)
    if begin < 0:
        return ""
    try:
        _, end = JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError):
        return ""
    return text[begin:end]
