"""Chats inside a chat: a reply that is the outcome of other chats."""

import functools
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from modelport.agents.agent import Agent
from modelport.agents.chat import a_initiate_chats, initiate_chats
from modelport.agents.conversable.chatting import Chatting

__all__ = ("Nesting",)

_Queue = list[dict[str, Any]]


class Nesting(Chatting):
    """The part of an agent that thinks things over with others before it replies."""

    def register_nested_chats(
        self,
        chat_queue: _Queue,
        trigger: Any,
        reply_func_from_nested_chats: str | Callable[..., Any] = "summary_from_nested_chats",
        position: int = 2,
        use_async: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Reply to whom *trigger* matches with the summary of the last chat of *chat_queue*.

        A chat's ``message`` may be a function of ``(recipient, messages, sender, config)``; the first chat's default
        is the message that is replied to. *reply_func_from_nested_chats* is called as ``(chat_queue, recipient,
        messages, sender, config)``. With *use_async* the chats run at once, and each needs a ``chat_id``.

        Raises:
            ValueError: with *use_async*, a chat without ``chat_id``, or a reply function that is no coroutine function.
        """
        reply_from: Any = reply_func_from_nested_chats
        if use_async:
            for chat in chat_queue:
                if chat.get("chat_id") is None:
                    raise ValueError("chat_id is required for async nested chats")
        if reply_from == "summary_from_nested_chats":
            reply_from = self._a_summary_from_nested_chats if use_async else self._summary_from_nested_chats
        if not callable(reply_from) or (use_async and not iscoroutinefunction(reply_from)):
            raise ValueError(
                f"reply_func_from_nested_chats must be a callable{' and a coroutine' if use_async else ''}, "
                f"got {reply_from!r}"
            )
        function = _a_reply_function(reply_from, chat_queue) if use_async else _reply_function(reply_from, chat_queue)
        functools.update_wrapper(function, reply_from)
        ignored = kwargs.get("ignore_async_in_sync_chat") if use_async is None else not use_async
        self.register_reply(
            trigger,
            function,
            position,
            kwargs.get("config"),
            kwargs.get("reset_config"),
            ignore_async_in_sync_chat=bool(ignored),
        )

    @staticmethod
    def _get_chats_to_run(
        chat_queue: _Queue, recipient: Agent, messages: list[dict[str, Any]], sender: Agent, config: Any
    ) -> _Queue:
        """The chats that have something to begin with."""
        chats: _Queue = []
        for number, given in enumerate(chat_queue):
            chat = dict(given)
            if chat.get("sender") is None:
                chat["sender"] = recipient
            message = chat.get("message")
            if message is None and number == 0:
                message = messages[-1].get("content")
            if callable(message):
                message = message(recipient, messages, sender, config)
            if message:
                chats.append({**chat, "message": message})
        return chats

    @staticmethod
    def _summary_from_nested_chats(
        chat_queue: _Queue, recipient: Agent, messages: list[dict[str, Any]], sender: Agent, config: Any
    ) -> tuple[bool, Any]:
        chats = Nesting._get_chats_to_run(chat_queue, recipient, messages, sender, config)
        return True, initiate_chats(chats)[-1].summary if chats else None

    @staticmethod
    async def _a_summary_from_nested_chats(
        chat_queue: _Queue, recipient: Agent, messages: list[dict[str, Any]], sender: Agent, config: Any
    ) -> tuple[bool, Any]:
        chats = Nesting._get_chats_to_run(chat_queue, recipient, messages, sender, config)
        if not chats:
            return True, None
        results = await a_initiate_chats(chats)
        return True, results[chats[-1]["chat_id"]].summary


def _reply_function(reply_from: Callable[..., Any], chats: _Queue) -> Callable[..., Any]:
    def reply(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
        return reply_from(chats, recipient, messages, sender, config)

    return reply


def _a_reply_function(reply_from: Callable[..., Any], chats: _Queue) -> Callable[..., Any]:
    async def reply(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
        return await reply_from(chats, recipient, messages, sender, config)

    return reply
