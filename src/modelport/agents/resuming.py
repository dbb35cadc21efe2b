"""Chats that go on after their process has died: matched with agents by name, restored, and continued.

A message that was acknowledged as written is never asked for again. What was under way when the process died is done
anew: the reply of whoever owed one, with its chats inside the chat, its code, and its tools.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from inspect import isawaitable
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from modelport.agents.chat import ChatResult
from modelport.agents.restoring import Standing, going_on, restore, said_in_group, standing
from modelport.agents.saved import SavedChat, load, load_all
from modelport.agents.saving import Saver, is_running, participants
from modelport.agents.turns import Turn, recording
from modelport.errors import AgentError, AgentNameConflict
from modelport.storage.journal import JournalError, open_journal
from modelport.sync import offload
from modelport.types.complaints import shown
from modelport.types.ids import mint_id

__all__ = ("Saved", "Unsaved", "a_open_saved", "a_resume", "open_saved", "resume")

_SAME: Any = object()  # "as it was saved"


class Unsaved:
    """A chat that is not being saved: where nothing is asked for, nothing is done."""

    ended: bool = False
    is_new: bool = True
    turns: tuple[Turn, ...] = ()

    def begin(self, **arguments: Any) -> None:
        """As :meth:`Saved.begin`."""

    def result(self) -> ChatResult:
        """As :meth:`Saved.result`: never asked for."""
        raise NotImplementedError

    def settle(self, max_turns: int | None, silent: bool | None) -> int:
        """As :meth:`Saved.settle`: never asked for."""
        raise NotImplementedError

    async def a_settle(self, max_turns: int | None, silent: bool | None) -> int:
        """As :meth:`Saved.a_settle`: never asked for."""
        raise NotImplementedError

    def end(self, result: ChatResult) -> None:
        """As :meth:`Saved.end`."""

    async def a_end(self, result: ChatResult) -> None:
        """As :meth:`Saved.a_end`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_UNSAVED = Unsaved()


class Saved:
    """A chat that is being saved: new, or one that goes on. What ``initiate_chat`` works with.

    As a context manager it records the chat's turns, and notes an exception that ends the chat.
    """

    def __init__(
        self, saver: Saver, initiator: Any, recipient: Any, past: SavedChat | None = None, message: Any = None
    ) -> None:
        self.initiator: Any = initiator
        self.recipient: Any = recipient
        self.past: SavedChat | None = past
        self._saver = saver
        self._message = message
        self._recording: Any = None
        self._agents = participants(initiator, recipient)
        self._is_group = hasattr(recipient, "groupchat")

    @property
    def is_new(self) -> bool:
        """Nothing of it was said yet."""
        return self.past is None

    @property
    def ended(self) -> bool:
        """It came to its end before, and nobody wants more of it."""
        return self.past is not None and self.past.finished and self._message is None and not self._has_turns_left

    _has_turns_left: bool = False

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said before."""
        return () if self.past is None else self.past.turns

    # --- while the chat is held ---

    def begin(self, **arguments: Any) -> None:
        """A new chat begins with *arguments*, its agents being prepared for it."""
        context = arguments.pop("context", {})
        message = arguments.get("message")
        if callable(message):
            arguments["message"] = None
        arguments["summary_args"] = {
            key: value for key, value in (arguments.get("summary_args") or {}).items() if key != "cache"
        }
        self._saver.begin(
            self.initiator,
            self.recipient,
            chat_id=context.get("chat_id"),
            carryover=context.get("carryover"),
            **arguments,
        )

    def result(self) -> ChatResult:
        """A chat that has ended, as it did; its agents remember it."""
        assert self.past is not None
        self._prepare(self.past.facts.get("max_turns"))
        restore(self.past, self._agents, None, is_group=self._is_group)
        _settled(self.past.id)
        return self.past.result(self._history())

    def settle(self, max_turns: int | None, silent: bool | None) -> int:
        """Bring a chat that goes on to where the initiator leads again; how many more turns it then may lead.

        Whoever owes a reply makes it.
        """
        owing, to, left = self._take_up(max_turns)
        if self._message is not None:
            request = None if max_turns is None else True
            self.initiator.send(self._message, self.recipient, request_reply=request, silent=silent)
        elif owing is not None:
            with self._going_on(owing):
                reply = owing.generate_reply(messages=owing.chat_messages[to], sender=to)
            if reply is not None and self._is_for(to):
                owing.send(reply, to, silent=silent)
        return left

    async def a_settle(self, max_turns: int | None, silent: bool | None) -> int:
        """As :meth:`settle`, awaited."""
        owing, to, left = self._take_up(max_turns)
        if self._message is not None:
            request = None if max_turns is None else True
            await self.initiator.a_send(self._message, self.recipient, request_reply=request, silent=silent)
        elif owing is not None:
            with self._going_on(owing):
                reply = await owing.a_generate_reply(messages=owing.chat_messages[to], sender=to)
            if reply is not None and self._is_for(to):
                await owing.a_send(reply, to, silent=silent)
        return left

    def end(self, result: ChatResult) -> None:
        """The chat is over, and came to *result*; waits until that is durable.

        Raises:
            JournalError: it could not be written.
        """
        self._saver.end(result)
        self._saver.journal.flush()

    async def a_end(self, result: ChatResult) -> None:
        """As :meth:`end`, awaited."""
        self._saver.end(result)
        await offload(self._saver.journal.flush)

    def __enter__(self) -> Self:
        _take(self._saver.chat)
        self._recording = recording(self._saver)
        self._recording.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._recording.__exit__(kind, error, traceback)
        if error is None:
            _settled(self._saver.chat)
            return
        _release(self._saver.chat)
        if not isinstance(error, JournalError):
            try:
                self._saver.broken(error)
            except JournalError as second:
                error.add_note(f"and the chat's journal failed: {second}")

    # --- going on ---

    def _prepare(self, max_turns: int | None) -> None:
        self.initiator._prepare_chat(self.recipient, True, reply_at_receive=max_turns is None)

    def _history(self) -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = self.initiator.chat_messages[self.recipient]
        return history

    def _take_up(self, max_turns: int | None) -> tuple[Any, Any, int]:
        """Restore the agents. Who owes a reply to whom, if anybody does, and how many turns are left to lead."""
        past = self.past
        assert past is not None
        self._prepare(max_turns)
        stands = standing(past, is_group=self._is_group)
        upto = None if past.finished else stands.last
        restore(past, self._agents, upto, is_group=self._is_group)
        after = past.moves[-1].number if upto is None else upto.number
        self._saver.resumed(after)
        self.past = past = _until(past, after)
        if self._message is not None:
            if upto is not None and self._is_group:
                self._pass_on(stands)
            return None, None, 0 if max_turns is None else max_turns - 1
        left = 0 if max_turns is None else max(max_turns - stands.led, 0)
        owing, to = self._owed(stands, max_turns)
        self._rounds = stands.rounds
        return owing, to, left

    _rounds: int = 0

    def _owed(self, stands: Standing, max_turns: int | None) -> tuple[Any, Any]:
        """Who owes a reply, and to whom."""
        assert self.past is not None
        turn = stands.turn
        if turn is None or self.past.finished:
            return None, None
        speaker, listener = self._agents[turn.sender], self._agents[turn.recipient]
        if listener is self.initiator and max_turns is not None:
            return None, None  # it leads
        return listener, speaker

    def _is_for(self, to: Any) -> bool:
        """Whether a reply goes to *to*: a group's is for who began the chat, whoever of the group spoke last."""
        return not self._is_group or to is self.initiator

    def _going_on(self, owing: Any) -> Any:
        return going_on(owing, self._rounds) if self._is_group and owing is self.recipient else nullcontext()

    def _pass_on(self, stands: Standing) -> None:
        """The last message of a group that was interrupted is passed on to the others, before somebody speaks."""
        turn = stands.turn
        assert turn is not None
        manager, speaker = self.recipient, self._agents[turn.sender]
        said_in_group(manager, speaker)
        message = manager.groupchat.messages[-1]
        for agent in manager.groupchat.agents:
            if agent is not speaker:
                manager._append_oai_message(dict(message), "assistant", agent, is_sending=True)
                agent._append_oai_message(dict(message), "user", manager, is_sending=False)
                relayed = manager._oai_messages[agent][-1]
                self._saver.record(
                    Turn(sender=manager.name, recipient=agent.name, message=relayed, time=turn.time, asks=False)
                )


def _until(chat: SavedChat, number: int) -> SavedChat:
    moves = tuple(move for move in chat.moves if move.number <= number)
    return SavedChat(**{name: getattr(chat, name) for name in chat.__struct_fields__} | {"moves": moves})


# --- which chat -------------------------------------------------------------------------------------------------------


def open_saved(save: Any, initiator: Any, recipient: Any, *, resume: bool = False) -> Saved | Unsaved:
    """What ``initiate_chat(save=…, resume=…)`` saves to: nothing, where *save* is None.

    With *resume*, the first chat of the two in the file that this process has not taken up yet: so a program that is
    run again finds its chats in the order in which it held them. Where there is none, it is a new chat.

    Raises:
        JournalError: the file cannot be used.
        AgentError: that chat is with other agents, or another process is holding it.
    """
    if save is None:
        return _UNSAVED
    if isinstance(save, Saved):
        return save
    if not isinstance(save, str | os.PathLike) or not os.fspath(save):
        raise AgentError(f"save must be the path of a file, got {shown(save)}", param="save")
    agents = participants(initiator, recipient)
    journal = open_journal(save)
    past = _next(journal.path, initiator.name, recipient.name) if resume else None
    chat = mint_id("chat_") if past is None else past.id
    if past is not None:
        _check_names(past, agents)
        _check_alone(past)
        past = past if _has_begun(past) else None
    return Saved(Saver(journal, chat, agents, recipient.name), initiator, recipient, past)


async def a_open_saved(save: Any, initiator: Any, recipient: Any, *, resume: bool = False) -> Saved | Unsaved:
    """As :func:`open_saved`, awaited: files are opened and read elsewhere than on the loop."""
    if save is None or isinstance(save, Saved):
        return open_saved(save, initiator, recipient)
    return await offload(partial(open_saved, save, initiator, recipient, resume=resume))


def _next(path: Path, initiator: str, recipient: str) -> SavedChat | None:
    chats = load_all(path)
    with _lock:
        for chat in chats:
            if (chat.initiator, chat.recipient) == (initiator, recipient) and chat.id not in _taken:
                _taken.add(chat.id)
                return chat
    return None


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
    saved._has_turns_left = max_turns is not None and stands.led < max_turns
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
    if chat.id in _running:
        raise AgentError(f"the chat saved in {chat.path} is being held in this process just now")
    if is_running(chat.process):
        raise AgentError(
            f"the chat saved in {chat.path} is being held by process {chat.process[1]}: wait for it, or end it"
        )


# --- what this process has taken up -----------------------------------------------------------------------------------

_taken: set[str] = set()  # chats that initiate_chat(resume=True) does not offer once more
_running: set[str] = set()
_lock = Lock()


def _take(chat: str) -> None:
    with _lock:
        if chat in _running:
            raise AgentNameConflict(f"chat {chat} is being held in this process just now")
        _taken.add(chat)
        _running.add(chat)


def _settled(chat: str) -> None:
    with _lock:
        _taken.add(chat)
        _running.discard(chat)


def _release(chat: str) -> None:
    with _lock:
        _taken.discard(chat)
        _running.discard(chat)
