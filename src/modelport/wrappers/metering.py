"""What an answer took: the model's own counts, estimates where it gave none, and the cost where a price is known."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from types import TracebackType
from typing import TypeAlias

from msgspec.structs import replace

from modelport.errors import InvalidRequest
from modelport.model import AnswerStream, ImmediateAnswer, Model, ReadyEvents, WholeAnswer
from modelport.types import (
    ChatRequest,
    Event,
    Finish,
    Message,
    Messages,
    ReasoningDelta,
    Started,
    TextDelta,
    TextPart,
    ToolCallDelta,
    Usage,
)
from modelport.wrappers.base import Wrapper

__all__ = ("Lookup", "Metering", "Price", "Record", "estimate_tokens", "tokens_of")

Price: TypeAlias = tuple[float, float]
"""US dollars for 1,000 tokens: of the prompt, of the completion."""

Lookup: TypeAlias = Callable[[str], Price | None]
"""A model's price by its name, or None where it is not known."""

Record: TypeAlias = Callable[[str, Usage, bool], None]
"""Told of each answer when it ends: the model's name, what it took, and whether it came from a cache."""

_IMAGE_TOKENS = 765  # what OpenAI counts for one of 1024×1024 in high detail
_A_MESSAGE = 4  # tokens around each message in the usual chat templates


class Metering(Wrapper):
    """Gives every answer a :class:`Usage`, the last of its events.

    Tokens are the model's, or else estimated and marked so. The cost is what *price* makes of the tokens, else the
    model's own, else what *lookup* finds for its name, else unknown: a price that the user gave always wins.

    Where a model counts only all tokens together, *split* divides them by estimate between prompt and completion, for
    readers who know no total without its parts; the total stays the model's.
    """

    def __init__(
        self,
        model: Model,
        *,
        price: Price | None = None,
        lookup: Lookup | None = None,
        record: Record | None = None,
        split: bool = False,
    ) -> None:
        super().__init__(model)
        self.price = price
        self.lookup = lookup
        self.record = record
        self.split = split

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer and its usage. An answer that ends early is recorded as far as it came."""
        answer = self.model.stream(request)
        if isinstance(answer, ImmediateAnswer):
            return _MeteredNow(self, request, answer)
        if isinstance(answer, WholeAnswer):
            return _MeteredWhole(self, request, answer)
        return _MeteredAnswer(self, request, answer)

    def whole(self, request: ChatRequest, events: Sequence[Event]) -> list[Event]:
        """All the *events* of an answer, the last of them its usage; records it."""
        name, usage, cached, written = self.name, None, False, 0
        kept: list[Event] = []
        for event in events:
            kind = type(event)
            if kind is TextDelta and event.text.isascii():  # type: ignore[union-attr]
                written += len(event.text)  # type: ignore[union-attr]
            elif kind is Usage:
                usage = event
                continue
            elif kind is Started:
                name, cached = event.model or name, event.cached  # type: ignore[union-attr]
            elif kind is not Finish:
                written += _written(event)
            kept.append(event)
        settled = self.settle(request, name, usage, written)  # type: ignore[arg-type]
        if self.record is not None:
            self.record(name, settled, cached)
        kept.append(settled)
        return kept

    def given_up(self, request: ChatRequest, error: BaseException) -> None:
        """Nothing of an answer came. Where that is because nobody waits for it any more, its prompt is recorded: else
        whoever leaves in time would have a model work for nothing."""
        if self.record is not None and not isinstance(error, Exception):
            self.record(self.name, self.settle(request, self.name, None, 0), False)

    def settle(self, request: ChatRequest, name: str, usage: Usage | None, written: int) -> Usage:
        """*usage* with what is missing in it. *written* is the length of the answer, in bytes of UTF-8."""
        if usage is None:
            usage = Usage(estimate_tokens(request), (written + 3) // 4, estimated=True)
        elif usage.prompt_tokens is None or usage.completion_tokens is None:
            usage = self._fill(request, usage, written)
        price = self.price
        if price is None:
            if usage.cost is not None or self.lookup is None:
                return usage
            price = self.lookup(name)
        return usage if price is None else replace(usage, cost=_cost(usage, price))

    def _fill(self, request: ChatRequest, usage: Usage, written: int) -> Usage:
        total = usage.total_tokens
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        if total is None:
            if prompt is None:
                prompt = estimate_tokens(request)
            if completion is None:
                completion = (written + 3) // 4
            return replace(usage, prompt_tokens=prompt, completion_tokens=completion, estimated=True)
        if not self.split and (self.price is None or self.price[0] == self.price[1]):
            return usage  # the total is counted, and enough
        if prompt is None:
            prompt = min(total, estimate_tokens(request)) if completion is None else max(0, total - completion)
        return replace(usage, prompt_tokens=prompt, completion_tokens=max(0, total - prompt), estimated=True)


class _MeteredNow(ImmediateAnswer):
    __slots__ = ("_inner", "_metering", "_request")

    def __init__(self, metering: Metering, request: ChatRequest, inner: ImmediateAnswer) -> None:
        self._metering = metering
        self._request = request
        self._inner = inner

    def now(self) -> Sequence[Event]:
        return self._metering.whole(self._request, self._inner.now())

    async def events(self) -> Sequence[Event]:
        try:
            events = await self._inner.events()
        except BaseException as error:
            self._metering.given_up(self._request, error)
            raise
        return self._metering.whole(self._request, events)


class _MeteredWhole(WholeAnswer):
    __slots__ = ("_inner", "_metering", "_request")

    def __init__(self, metering: Metering, request: ChatRequest, inner: WholeAnswer) -> None:
        self._metering = metering
        self._request = request
        self._inner = inner

    async def events(self) -> Sequence[Event]:
        try:
            events = await self._inner.events()
        except BaseException as error:
            self._metering.given_up(self._request, error)
            raise
        return self._metering.whole(self._request, events)


class _MeteredAnswer:
    __slots__ = ("_answer", "_metering", "_request", "_tally")

    def __init__(self, metering: Metering, request: ChatRequest, answer: AnswerStream) -> None:
        self._metering = metering
        self._request = request
        self._answer = answer
        self._tally: _Tally | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        try:
            events = await self._answer.__aenter__()
        except BaseException as error:
            self._metering.given_up(self._request, error)
            raise
        if type(events) is ReadyEvents:
            return ReadyEvents(self._metering.whole(self._request, events.rest()))
        self._tally = _Tally(self._metering, self._request)
        return self._tally.follow(events)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        if self._tally is not None:
            self._tally.finish()
        return await self._answer.__aexit__(kind, error, trace)


class _Tally:
    """The counts of one answer."""

    __slots__ = ("_cached", "_done", "_metering", "_name", "_request", "_usage", "_written")

    def __init__(self, metering: Metering, request: ChatRequest) -> None:
        self._metering = metering
        self._request = request
        self._name = metering.name
        self._cached = False
        self._usage: Usage | None = None
        self._written = 0
        self._done: Usage | None = None

    def see(self, event: Event) -> bool:
        """Note *event*; True for a usage, which is held back until all is known."""
        kind = type(event)
        if kind is Usage:
            self._usage = event  # type: ignore[assignment]
            return True
        if kind is Started:
            self._name = event.model or self._name  # type: ignore[union-attr]
            self._cached = event.cached  # type: ignore[union-attr]
        else:
            self._written += _written(event)
        return False

    async def follow(self, events: AsyncIterator[Event]) -> AsyncGenerator[Event, None]:
        async for event in events:
            if not self.see(event):
                yield event
        yield self.finish()

    def finish(self) -> Usage:
        """The settled usage; recorded the first time."""
        if self._done is None:
            metering = self._metering
            self._done = metering.settle(self._request, self._name, self._usage, self._written)
            if metering.record is not None:
                metering.record(self._name, self._done, self._cached)
        return self._done


def estimate_tokens(request: ChatRequest) -> int:
    """About how many tokens *request*'s prompt has: a token for every four bytes of its text, and some per message.

    Messages that only a class of the user's can read are counted by all that stands in them.
    """
    quick = _quickly(request)
    if quick is not None:
        return quick
    messages = request.messages
    if type(messages) is Messages:
        try:
            messages.values  # noqa: B018  (converted here for the first time, which may fail)
        except InvalidRequest:
            return tokens_of(_size(repr(messages.given))) + _A_MESSAGE * len(messages.given)
    written, images = 0, 0
    for message in request.messages:
        content = message.content
        if type(content) is str:
            written += len(content) if content.isascii() else len(content.encode("utf-8", "replace"))
        elif content is not None:
            text, pictures = _parts(message)
            written += text
            images += pictures
        if message.tool_calls:
            written += sum(_size(call.name) + _size(call.arguments) for call in message.tool_calls)
    written += _size_of_tools(request)
    return tokens_of(written) + _A_MESSAGE * len(request.messages) + _IMAGE_TOKENS * images


def _quickly(request: ChatRequest) -> int | None:
    """The same where the prompt is nothing but text, counted on the caller's own dicts; else None."""
    messages = request.messages
    if type(messages) is not Messages:
        return None
    written = messages.written
    if written is not None:
        if request.tools is not None:
            written += _size_of_tools(request)
        return tokens_of(written) + _A_MESSAGE * messages.length
    if request.tools is not None:
        return None
    given = messages.given
    try:
        texts = [message["content"] for message in given if "tool_calls" not in message]
        text = "".join(texts)
    except (TypeError, KeyError, IndexError):  # values, parts, or nothing said
        return None
    if not text.isascii() or len(texts) < len(given):
        return None
    return (len(text) + 3) // 4 + _A_MESSAGE * len(given)


def _size_of_tools(request: ChatRequest) -> int:
    return sum(
        _size(tool.name) + _size(tool.description or "") + len(repr(tool.parameters or ""))
        for tool in request.tools or ()
    )


def _parts(message: Message) -> tuple[int, int]:
    parts: Iterable[object] = message.content or ()
    images = sum(1 for part in parts if not hasattr(part, "text"))
    return sum(_size(part.text) for part in parts if isinstance(part, TextPart)), images


def tokens_of(written: int) -> int:
    """Tokens in so many bytes of text."""
    return (written + 3) // 4


def _written(event: Event) -> int:
    """The bytes of UTF-8 that *event* adds to the answer."""
    kind = type(event)
    if kind is TextDelta or kind is ReasoningDelta:
        text: str = event.text  # type: ignore[union-attr]
        return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    if kind is ToolCallDelta:
        return _size(event.arguments) + _size(event.name or "")  # type: ignore[union-attr]
    return 0


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _cost(usage: Usage, price: Price) -> float | None:
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    if prompt is not None and completion is not None:
        return (prompt * price[0] + completion * price[1]) / 1000
    total = usage.total
    return total * price[0] / 1000 if total is not None and price[0] == price[1] else usage.cost
