"""A model that keeps every field of a request, so that whatever a server answers is the server's own doing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from modelport.types import ChatRequest, Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage

__all__ = ("Dutiful",)


class Dutiful:
    """Thinks, says something, and calls the tool that it must, in each of ``n`` choices."""

    name = "dutiful"
    accepts = tuple(field for field in ChatRequest.__struct_fields__ if field not in {"messages", "model"})

    async def embed(self, texts: Sequence[str], dimensions: int | None = None) -> list[list[float]]:
        return [[0.5] * (dimensions or 3)] * len(texts)

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        yield self._events(request)

    async def _events(self, request: ChatRequest) -> AsyncIterator[Event]:
        form = request.response_format
        text = "hello" if form is None or form.type == "text" else "{}"
        for choice in range(request.n or 1):
            yield ReasoningDelta("hm", choice)
            yield TextDelta(text, choice)
            called = self._called(request)
            if called is not None:
                yield ToolCallDelta(0, f"call_{choice}", called, "", choice)
                yield ToolCallDelta(0, arguments="{}", choice=choice)
            yield Finish("stop" if called is None else "tool_calls", choice)
        yield Usage(3, 2)

    def _called(self, request: ChatRequest) -> str | None:
        choice = request.tool_choice
        if choice is None or choice in {"none", "auto"} or not request.tools:
            return None
        return request.tools[0].name if isinstance(choice, str) else choice.name
