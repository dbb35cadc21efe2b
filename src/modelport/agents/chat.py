"""Chats in a row, or side by side, and what comes of one."""

import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from modelport.agents.carrying import carryover_text
from modelport.agents.checks import consolidate_chat_info
from modelport.agents.iostream import IOStream, colored
from modelport.agents.saving import save_result
from modelport.agents.transcript import print_transcript, write_html
from modelport.agents.turns import Turn
from modelport.errors import AgentError
from modelport.types.complaints import shown

__all__ = ("ChatResult", "a_initiate_chats", "initiate_chats")


@dataclass
class ChatResult:
    """What came of a chat.

    ``chat_history`` has the messages as the one who began it remembers them, ``cost`` is that of
    :func:`modelport.agents.gather_usage_summary`, ``human_input`` what persons said, and ``turns`` each message with
    its time, tokens and cost, those of chats inside the chat among them.
    """

    chat_id: int | None = None
    chat_history: list[dict[str, Any]] = field(default_factory=list)
    summary: Any = None
    cost: dict[str, dict[str, Any]] = field(default_factory=dict)
    human_input: list[str] = field(default_factory=list)
    turns: tuple[Turn, ...] = ()

    def print(self, *, longest: int | None = None, width: int | None = None) -> None:
        """Print the chat: who said what to whom, with time, tokens and cost of each turn, and the totals.

        Texts are cut to *longest* characters, lines broken at *width* columns; by default as the terminal is.
        """
        print_transcript(self.turns, summary=self.summary, cost=self.cost, longest=longest, width=width)

    def html(self, path: str | PathLike[str], *, title: str = "Chat") -> None:
        """Write the chat as a page for a browser: one file, which fetches nothing and runs no script.

        Raises:
            OSError: the file cannot be written; what was there before stays.
        """
        write_html(path, self.turns, title=title, summary=self.summary, cost=self.cost)

    def save(self, path: str | PathLike[str]) -> None:
        """Add the chat to the journal at *path*, from which :func:`modelport.resume` can go on with it.

        Raises:
            JournalError: the file cannot be used.
        """
        save_result(self, path)


def initiate_chats(chat_queue: list[dict[str, Any]]) -> list[ChatResult]:
    """Hold chats one after another; each is a dict of ``sender`` and the arguments of ``initiate_chat``.

    The summaries of those before are added to a chat's ``carryover``, but for those whose indexes are in its
    ``finished_chat_indexes_to_exclude_from_carryover``.

    Raises:
        AssertionError: a chat has no sender or no recipient, or a summary method that cannot work.
    """
    consolidate_chat_info(chat_queue)
    _warn_of_repeated_recipients(chat_queue)
    finished: list[ChatResult] = []
    for chat in chat_queue:
        _carry_over(chat, {index: each.summary for index, each in enumerate(finished)})
        finished.append(chat["sender"].initiate_chat(**chat))
    return finished


async def a_initiate_chats(chat_queue: list[dict[str, Any]]) -> dict[int, ChatResult]:
    """Hold chats side by side, each as soon as those in its ``prerequisites`` (ids) are done: results by ``chat_id``.

    The summaries of its prerequisites are added to a chat's ``carryover``. When one fails, the others are cancelled.

    Raises:
        ValueError: a chat has no ``chat_id``, or one that another has; a prerequisite is none of the ids.
        AgentError: chats wait for each other in a circle.
    """
    import asyncio

    consolidate_chat_info(chat_queue)
    _warn_of_repeated_recipients(chat_queue)
    chats = _by_id(chat_queue)
    running: dict[int, asyncio.Task[ChatResult]] = {}

    async def hold(number: int) -> ChatResult:
        chat = chats[number]
        before = chat.get("prerequisites") or ()
        done = {each: await asyncio.shield(running[each]) for each in before}
        _carry_over(chat, {each: result.summary for each, result in done.items()})
        result: ChatResult = await chat["sender"].a_initiate_chat(**chat)
        result.chat_id = number
        return result

    order = _order(chats)
    async with asyncio.TaskGroup() as group:
        for number in order:
            running[number] = group.create_task(hold(number))
    return {number: task.result() for number, task in running.items()}


def _warn_of_repeated_recipients(chats: Sequence[Mapping[str, Any]]) -> None:
    if len({id(chat["recipient"]) for chat in chats}) < len(chats):
        warnings.warn(
            "Repetitive recipients detected: The chat history will be cleared by default if a recipient appears more "
            "than once. To retain the chat history, please set 'clear_history=False' in the configuration of the "
            "repeating agent.",
            UserWarning,
            stacklevel=4,
        )


def _carry_over(chat: dict[str, Any], summaries: Mapping[int, Any]) -> None:
    """Add *summaries*, by chat, to what *chat* begins with, and announce it."""
    carried = chat.get("carryover") or []
    left_out = chat.get("finished_chat_indexes_to_exclude_from_carryover") or ()
    own = [carried] if isinstance(carried, str) else carried
    if not isinstance(own, list):
        own = [own]
    chat["carryover"] = own + [summary for index, summary in summaries.items() if index not in left_out]
    if not chat.get("silent", False):
        _announce(chat)


def _announce(chat: Mapping[str, Any]) -> None:
    if "message" not in chat:
        warnings.warn(
            "message is not provided in a chat_queue entry. input() will be called to get the initial message.",
            UserWarning,
            stacklevel=5,
        )
    stream = IOStream.get_default()
    line = "\n" + "*" * 80
    stream.print(colored(line, "blue"), flush=True, sep="")
    stream.print(colored("Starting a new chat....", "blue"), flush=True)
    if chat.get("verbose", False):
        carried = "\n".join(carryover_text(each) for each in chat["carryover"])
        stream.print(colored(f"Message:\n{_message_text(chat.get('message'))}", "blue"), flush=True)
        stream.print(colored(f"Carryover:\n{carried}", "blue"), flush=True)
    stream.print(colored(line, "blue"), flush=True, sep="")


def _message_text(message: Any) -> str:
    if callable(message):
        return f"Callable: {getattr(message, '__name__', message)}"
    return f"Dict: {message}" if isinstance(message, dict) else str(message)


def _by_id(chats: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for chat in chats:
        if "chat_id" not in chat:
            raise ValueError("Each chat must have a unique id for async multi-chat execution.")
        number = chat["chat_id"]
        if not isinstance(number, Hashable):
            raise ValueError(f"chat_id must be a whole number, got {shown(number)}.")
        if number in found:
            raise ValueError(
                f"Each chat must have a unique id for async multi-chat execution: {number!r} is there twice."
            )
        found[number] = chat
    for number, chat in found.items():
        if not isinstance(chat.get("prerequisites") or (), list | tuple | set):
            raise ValueError(f"prerequisites of chat {number!r} must be a list of ids, got {chat['prerequisites']!r}.")
        for before in chat.get("prerequisites") or ():
            if not isinstance(before, int):
                raise ValueError(f"Prerequisite chat id is not int: chat {number!r} waits for {before!r}.")
            if before not in found:
                raise ValueError(f"chat {number!r} waits for {before!r}, and there are only {sorted(found)}.")
    return found


def _order(chats: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """The ids, each after its prerequisites."""
    waiting = {number: set(chat.get("prerequisites") or ()) for number, chat in chats.items()}
    order: list[int] = []
    while waiting:
        ready = [number for number, before in waiting.items() if before <= set(order)]
        if not ready:
            raise AgentError(f"chats wait for each other in a circle: {sorted(waiting)}", param="prerequisites")
        order += ready
        for number in ready:
            del waiting[number]
    return order
