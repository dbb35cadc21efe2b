"""One way through a group chat, two ways of going it: blocking, and on an event loop.

The way is written once, as coroutines that act only through ``Ways``. :func:`drive` goes it for blocking callers: there
nothing ever waits, so a coroutine ends in one step. Both ways call the agents' and the group's public methods, the
blocking ones or their ``a_`` twins, so that what a subclass overrides is what runs.
"""

from collections.abc import Callable, Coroutine
from inspect import isawaitable, iscoroutine
from typing import Any, Protocol, TypeVar

from modelport.agents.agent import Agent
from modelport.errors import InvalidGroupChat
from modelport.sync import offload

__all__ = ("AWAITING", "BLOCKING", "Ways", "drive")

T = TypeVar("T")
Message = dict[str, Any]


class Ways(Protocol):
    """How to do what takes time."""

    async def send(self, sender: Any, message: Message | str, recipient: Any, silent: bool) -> None:
        """*sender* tells *recipient*, who is not asked to reply."""
        ...

    async def reply(self, agent: Any, sender: Any) -> str | Message | None:
        """What *agent* says to *sender*."""
        ...

    async def select(self, group: Any, last_speaker: Any, selector: Any) -> Any:
        """Who speaks next in *group*."""
        ...

    async def auto_select(self, group: Any, last_speaker: Any, selector: Any, asked: tuple[Any, Any]) -> Agent:
        """Who speaks next, as the model says; *asked* is (messages, agents)."""
        ...

    async def chat(self, sender: Any, recipient: Any, **kwargs: Any) -> Any:
        """*sender* has a chat with *recipient*."""
        ...

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call what may wait for a person."""
        ...

    async def settle(self, value: Any, what: str) -> Any:
        """*value*, or what it gives when awaited."""
        ...


class _Blocking:
    async def send(self, sender: Any, message: Message | str, recipient: Any, silent: bool) -> None:
        sender.send(message, recipient, request_reply=False, silent=silent)

    async def reply(self, agent: Any, sender: Any) -> str | Message | None:
        said: str | Message | None = agent.generate_reply(sender=sender)
        return said

    async def select(self, group: Any, last_speaker: Any, selector: Any) -> Any:
        return group.select_speaker(last_speaker, selector)

    async def auto_select(self, group: Any, last_speaker: Any, selector: Any, asked: tuple[Any, Any]) -> Agent:
        chosen: Agent = group._auto_select_speaker(last_speaker, selector, *asked)
        return chosen

    async def chat(self, sender: Any, recipient: Any, **kwargs: Any) -> Any:
        return sender.initiate_chat(recipient, **kwargs)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    async def settle(self, value: Any, what: str) -> Any:
        if isawaitable(value):
            if iscoroutine(value):
                value.close()
            raise InvalidGroupChat(f"{what} is async, and this chat is not: start it with a_initiate_chat()")
        return value


class _Awaiting:
    async def send(self, sender: Any, message: Message | str, recipient: Any, silent: bool) -> None:
        await sender.a_send(message, recipient, request_reply=False, silent=silent)

    async def reply(self, agent: Any, sender: Any) -> str | Message | None:
        said: str | Message | None = await agent.a_generate_reply(sender=sender)
        return said

    async def select(self, group: Any, last_speaker: Any, selector: Any) -> Any:
        return await group.a_select_speaker(last_speaker, selector)

    async def auto_select(self, group: Any, last_speaker: Any, selector: Any, asked: tuple[Any, Any]) -> Agent:
        chosen: Agent = await group.a_auto_select_speaker(last_speaker, selector, *asked)
        return chosen

    async def chat(self, sender: Any, recipient: Any, **kwargs: Any) -> Any:
        return await sender.a_initiate_chat(recipient, **kwargs)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        return await offload(function, *args)

    async def settle(self, value: Any, what: str) -> Any:  # noqa: ARG002  (the blocking twin says what)
        return await value if isawaitable(value) else value


BLOCKING: Ways = _Blocking()
AWAITING: Ways = _Awaiting()


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of *coroutine*, which acts through ``BLOCKING`` alone and so never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("a group chat that was started without an event loop waited on one")
