"""``n`` answers from a model that gives fewer, by asking it again."""

from collections.abc import AsyncGenerator

from msgspec.structs import replace

from modelport.model import Model
from modelport.types import ChatRequest, Emulated, Event, Started, Usage

__all__ = ("add_usage", "more_choices")


async def more_choices(model: Model, request: ChatRequest, *, honoured: bool) -> AsyncGenerator[Event, None]:
    """Events of at least ``request.n`` choices: *model* is asked once and, for what is missing then, again.

    Choices are renumbered in the order they come, usage is summed. *honoured* tells that the model takes ``n``.
    """
    wanted = request.n or 1
    got = 0
    usage: Usage | None = None
    while got < wanted:
        ask = wanted - got if honoured and wanted - got > 1 else None
        if got:
            yield Emulated(("n",))
        highest = 0
        async with model.stream(replace(request, n=ask)) as events:
            async for event in events:
                if isinstance(event, Usage):
                    usage = event if usage is None else add_usage(usage, event)
                elif isinstance(event, Started | Emulated):
                    if not got:
                        yield event
                else:
                    highest = max(highest, event.choice)
                    yield replace(event, choice=event.choice + got) if got else event
        got += highest + 1
    if usage is not None:
        yield usage


def add_usage(one: Usage, other: Usage) -> Usage:
    """The sum of two usages. What is unknown in either is unknown in the sum; an estimate makes it one."""
    return Usage(
        prompt_tokens=_add(one.prompt_tokens, other.prompt_tokens),
        completion_tokens=_add(one.completion_tokens, other.completion_tokens),
        total_tokens=None if one.total_tokens is other.total_tokens is None else _add(one.total, other.total),
        cached_tokens=_add(one.cached_tokens, other.cached_tokens),
        reasoning_tokens=_add(one.reasoning_tokens, other.reasoning_tokens),
        cost=None if one.cost is None or other.cost is None else one.cost + other.cost,
        estimated=one.estimated or other.estimated,
    )


def _add(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
