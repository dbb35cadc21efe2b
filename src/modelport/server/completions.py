"""OpenAI's legacy completions as a server gives them: of several prompts, one answer with the choices of each."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelport.dialects.openai_completions import DIALECT, CompletionsAsked
from modelport.errors import RequestTooLarge
from modelport.server.endpoints import Answering, answer, body_of
from modelport.server.http import Exchange
from modelport.server.serving import Served
from modelport.sync import Threads
from modelport.types import ChatRequest, Emulated, Event, Message, Started, Usage
from modelport.wrappers.choices import add_usage

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = ("DIALECT", "EachPrompt", "create")


class EachPrompt:
    """A served model that is asked each of *prompts*, one after the other; choices are numbered on, usage is summed."""

    accepts = None  # what is underneath judges

    def __init__(self, served: Served, prompts: tuple[str, ...]) -> None:
        self.name: str = served.name
        self.blocking: bool = served.blocking
        self.threads: Threads = served.threads
        self._served = served
        self._prompts = prompts

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        """The answers to all prompts; of the *request* each gets all but the messages."""
        async with aclosing(self._events(request)) as events:
            yield events

    async def _events(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        usage: Usage | None = None
        for number, prompt in enumerate(self._prompts):
            before = number * (request.n or 1)
            async with self._served.stream(replace(request, messages=(Message("user", prompt),))) as events:
                async for event in events:
                    if isinstance(event, Usage):
                        usage = event if usage is None else add_usage(usage, event)
                    elif isinstance(event, Started | Emulated):
                        if not number:
                            yield event
                    else:
                        yield replace(event, choice=event.choice + before)
        if usage is not None:
            yield usage


async def create(app: "App", exchange: Exchange) -> None:
    """A request in OpenAI's legacy completions, answered whole or as a stream."""
    asked = DIALECT.decode_request(await body_of(app, exchange))
    most = app.limits.messages
    if len(asked.prompts) > most:
        message = f"prompt has {len(asked.prompts)} items; this server takes at most {most}"
        raise RequestTooLarge(message, param="prompt")
    await answer(app, exchange, DIALECT, asked, of=_all_of(asked))


def _all_of(asked: CompletionsAsked) -> Callable[[Served], Answering] | None:
    if len(asked.prompts) == 1:
        return None
    return lambda served: EachPrompt(served, asked.prompts)
