"""Chats that go on after their process has died: found in their file, matched with agents by name, and continued."""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from inspect import isawaitable
from typing import Any

from modelport.agents.chat import ChatResult
from modelport.agents.keeping import UNSAVED, Saved, Unsaved, claim, is_held, release
from modelport.agents.restoring import standing
from modelport.agents.saved import SavedChat, load, load_all
from modelport.agents.saving import Saver, is_running, participants
from modelport.errors import AgentError
from modelport.storage.journal import open_journal
from modelport.sync import offload
from modelport.types.complaints import shown
from modelport.types.ids import mint_id

__all__ = ("a_open_saved", "a_resume", "open_saved", "resume")

_SAME: Any = object()  # "as it was saved"


def open_saved(save: Any, initiator: Any, recipient: Any, *, resume: bool = False) -> Saved | Unsaved:
    """What ``initiate_chat(save=…, resume=…)`` saves to: nothing, where *save* is None.

    With *resume*, the first chat of the two in the file that this process has not taken up yet: so a program that is
    run again finds its chats in the order in which it held them. Where there is none, it is a new chat.

    Raises:
        JournalError: the file cannot be used.
        AgentError: that chat is with other agents, or another process is holding it.
    """
    if save is None:
        return UNSAVED
    if isinstance(save, Saved):
        return save
    if not isinstance(save, str | os.PathLike) or not os.fspath(save):
        raise AgentError(f"save must be the path of a file, got {shown(save)}", param="save")
    agents = participants(initiator, recipient)
    journal = open_journal(save)
    names = initiator.name, recipient.name
    past = claim(each for each in load_all(save) if (each.initiator, each.recipient) == names) if resume else None
    chat = mint_id("chat_") if past is None else past.id
    if past is not None:
        try:
            _check_names(past, agents)
            _check_alone(past)
        except AgentError:
            release(chat)
            raise
        past = past if _has_begun(past) else None
    return Saved(Saver(journal, chat, agents, recipient.name), initiator, recipient, past)


async def a_open_saved(save: Any, initiator: Any, recipient: Any, *, resume: bool = False) -> Saved | Unsaved:
    """As :func:`open_saved`, awaited: files are opened and read elsewhere than on the loop."""
    if save is None or isinstance(save, Saved):
        return open_saved(save, initiator, recipient)
    return await offload(partial(open_saved, save, initiator, recipient, resume=resume))


def _has_begun(chat: SavedChat) -> bool:
    return any(move.turn is not None and not move.nested for move in chat.moves)


def resume(
    path: str | os.PathLike[str],
    agents: Iterable[Any] | Mapping[str, Any],
    *,
    chat: int | str = -1,
    message: str | dict[str, Any] | None = None,
    max_turns: int | None = None,
    silent: bool | None = None,
    summary_method: Any = _SAME,
    summary_args: dict[str, Any] | None = None,
    cache: Any = None,
) -> ChatResult:
    """Continue a chat in the journal at *path* from its last message; one that has ended is given as it ended.

    *agents* are made as they were for the chat (models, tools and functions are not in the file) and are matched by
    name; a group's manager brings the group's. *chat* picks one of several: by number, -1 being the last that began,
    or by id. Whoever owes a reply makes it; with *message* the one who began the chat says that instead, also in a
    chat that has ended. *max_turns* counts from the beginning, or from *message*; it, *silent*, *summary_method* and
    *summary_args* are as they were, where they are not given. A tool or code whose result was not saved is run again.

    Raises:
        JournalError: there is no such file or chat, or it is damaged.
        AgentError: agents are missing or too many, or another process is holding the chat.
        AgentNameConflict: two agents have the same name.
    """
    saved, arguments = _ready(path, agents, chat, message, max_turns)
    arguments |= _given(saved, silent, summary_method, summary_args)
    result: ChatResult = saved.initiator.initiate_chat(saved.recipient, cache=cache, save=saved, **arguments)
    return result


async def a_resume(
    path: str | os.PathLike[str],
    agents: Iterable[Any] | Mapping[str, Any],
    *,
    chat: int | str = -1,
    message: str | dict[str, Any] | None = None,
    max_turns: int | None = None,
    silent: bool | None = None,
    summary_method: Any = _SAME,
    summary_args: dict[str, Any] | None = None,
    cache: Any = None,
) -> ChatResult:
    """As :func:`resume`, awaited."""
    saved, arguments = await offload(_ready, path, agents, chat, message, max_turns)
    arguments |= _given(saved, silent, summary_method, summary_args)
    held = saved.initiator.a_initiate_chat(saved.recipient, cache=cache, save=saved, **arguments)
    result: ChatResult = await held if isawaitable(held) else held
    return result


def _ready(
    path: Any, agents: Any, chat: int | str, message: Any, max_turns: int | None
) -> tuple[Saved, dict[str, Any]]:
    past = load(path, chat)
    known = participants(*(agents.values() if isinstance(agents, Mapping) else agents))
    _check_names(past, known)
    _check_alone(past)
    if not _has_begun(past):
        raise AgentError(f"the chat in {path} ended before anything was said: begin it with initiate_chat()")
    initiator, recipient = known[past.initiator], known[past.recipient]
    saver = Saver(open_journal(path), past.id, participants(initiator, recipient), past.recipient)
    saved = Saved(saver, initiator, recipient, past, message)
    limit = past.facts.get("max_turns") if max_turns is None else max_turns
    stands = standing(past, is_group=hasattr(recipient, "groupchat"))
    saved.has_turns_left = max_turns is not None and stands.led < max_turns
    return saved, {"max_turns": limit}


def _given(saved: Saved, silent: bool | None, summary_method: Any, summary_args: Any) -> dict[str, Any]:
    assert saved.past is not None
    facts = saved.past.facts
    method = facts.get("summary_method", "last_msg") if summary_method is _SAME else summary_method
    if isinstance(method, dict) and not saved.ended:
        raise AgentError(
            f"the chat was to be summed up by the function {method.get('callable')}, which is not in the file: give "
            "it, or another, as summary_method",
            param="summary_method",
        )
    return {
        "silent": facts.get("silent", False) if silent is None else silent,
        "summary_method": None if isinstance(method, dict) else method,
        "summary_args": facts.get("summary_args") if summary_args is None else summary_args,
    }


def _check_names(chat: SavedChat, agents: Mapping[str, Any]) -> None:
    """The agents must be those of the chat."""
    missing = [name for name in chat.agents if name not in agents]
    partial = chat.facts.get("partial", False)  # the file names those who spoke only
    extra = [] if partial else [name for name in agents if name not in chat.agents]
    if missing or extra:
        wrong = [f"missing: {', '.join(missing)}"] if missing else []
        wrong += [f"not in it: {', '.join(extra)}"] if extra else []
        raise AgentError(
            f"the chat saved in {chat.path} is between {', '.join(chat.agents)}; {'; '.join(wrong)}", param="agents"
        )


def _check_alone(chat: SavedChat) -> None:
    """A chat that somebody is holding cannot be continued by another."""
    if is_held(chat.id):
        raise AgentError(f"the chat saved in {chat.path} is being held in this process just now")
    if is_running(chat.process):
        raise AgentError(
            f"the chat saved in {chat.path} is being held by process {chat.process[1]}: wait for it, or end it"
        )
